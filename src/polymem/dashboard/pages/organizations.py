"""The organizations one belongs to: as what, and making, renaming, leaving and deleting them."""

from collections.abc import Callable

from nicegui import ui

from polymem.core.errors import InvalidInput
from polymem.core.people import OrganizationRole, Seat
from polymem.core.people.access import ORGANIZATION_STANDINGS, Action, allows
from polymem.core.people.organizations import MAX_ORGANIZATION_NAME
from polymem.core.people.principals import account_of
from polymem.dashboard.frame import choose
from polymem.dashboard.parts.elements import attempt, badge, button, card, command, confirmed, empty, heading, tag, text
from polymem.dashboard.parts.forms import Form
from polymem.dashboard.parts.table import Cell, draw_table
from polymem.dashboard.parts.wording import when
from polymem.dashboard.visit import ORGANIZATION_COOKIE, Visit


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Organizations", "Each holds projects, memories and people of its own; nothing of one is seen in another.")
    await _Organizations(visit).draw()


class _Organizations:
    # Whatever changes draws the whole page anew: the menu beside it names them, too.

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._has_account = visit.principal.user is not None

    async def draw(self) -> None:
        visit = self._visit
        if self._has_account:
            with tag("div", "pm-actions pm-below"):
                button("Make an organization", attempt(self._make), icon="add", kind="main")
        seats = await visit.core.organizations.all(await visit.again())
        if not seats:
            about = "Make one, or let somebody invite you to theirs: invitations appear among the notifications."
            empty("apartment", "You belong to no organization yet", about)
            return
        rows = [self._row(seat) for seat in seats]
        with tag("div", "pm-stack"):
            draw_table("Organizations", ["Name", "You are", "Since", "Actions"], rows)
            if not self._has_account:
                with card("For people with accounts"):
                    text("They have organizations of their own; this one is the machine's.", "pm-soft", "p")
                    command("polymem user create ana --email ana@example.org --organization 'Field Notes'")

    def _row(self, seat: Seat) -> list[Cell]:
        chosen = self._visit.organization is not None and self._visit.organization.id == seat.organization.id

        def name() -> None:
            text(seat.organization.name, "pm-strong")
            text(seat.organization.slug, "pm-soft pm-mono")
            if chosen:
                badge("shown now", "pm-badge-accent")

        return [
            name,
            lambda: badge(seat.role.value, "pm-badge-accent" if seat.role is not OrganizationRole.MEMBER else ""),
            when(seat.joined_at)[:10],
            lambda: self._draw_actions(seat, chosen),
        ]

    def _draw_actions(self, seat: Seat, chosen: bool) -> None:
        standings = frozenset({ORGANIZATION_STANDINGS[seat.role]})
        with tag("div", "pm-actions"):
            if not chosen:
                _named("Show", seat, lambda: choose(ORGANIZATION_COOKIE, seat.organization.id))
            if allows(standings, Action.RENAME_ORGANIZATION):
                _named("Rename", seat, attempt(lambda: self._rename(seat)))
            if self._has_account and seat.role is not OrganizationRole.OWNER:
                _named("Leave", seat, attempt(lambda: self._leave(seat)), "bad")
            if self._has_account and allows(standings, Action.DELETE_ORGANIZATION):
                _named("Delete", seat, attempt(lambda: self._delete(seat)), "bad")

    async def _make(self) -> None:
        visit = self._visit
        with Form("Make an organization", "Make it") as form:
            name = _name_field()

        async def save() -> None:
            made = await visit.core.organizations.create(await visit.again(), (name.value or "").strip())
            choose(ORGANIZATION_COOKIE, made.organization.id)

        await form.shown(save)

    async def _rename(self, seat: Seat) -> None:
        visit = self._visit
        with Form(f"Rename {seat.organization.name}", "Rename it") as form:
            name = _name_field(seat.organization.name)
            text(f"Programs go on finding it as {seat.organization.slug}.", "pm-soft", "p")

        async def save() -> None:
            entered = (name.value or "").strip()
            await visit.core.organizations.rename(await visit.again(), seat.organization.id, entered)
            ui.navigate.reload()

        await form.shown(save)

    async def _leave(self, seat: Seat) -> None:
        about = (
            "You lose its projects, and the keys you made there end. Your projects go to its owner; memories stay. "
            "Only an invitation brings you back."
        )
        if await confirmed(f"Leave {seat.organization.name}?", about, "Leave"):
            principal = await self._visit.again()
            user = account_of(principal)
            await self._visit.core.organizations.remove(principal, seat.organization.id, user.id)
            ui.navigate.reload()

    async def _delete(self, seat: Seat) -> None:
        visit, wanted = self._visit, seat.organization.name
        with Form(f"Delete {wanted}?", "Delete it for good", kind="bad") as form:
            text("All its projects, memories, keys and members go with it. Nothing brings them back.", "pm-soft", "p")
            name = _name_field(label=f"Enter “{wanted}” to be sure")

        async def save() -> None:
            if (name.value or "").strip() != wanted:
                raise InvalidInput(f"This is not its name: {wanted}", field="name")
            await visit.core.organizations.delete(await visit.again(), seat.organization.id)
            ui.navigate.reload()

        await form.shown(save)


def _name_field(value: str = "", label: str = "Name") -> ui.input:
    return ui.input(label, value=value).props(f"outlined dense autofocus maxlength={MAX_ORGANIZATION_NAME}")


def _named(told: str, seat: Seat, act: Callable[..., object], kind: str = "") -> None:
    made = button(told, act, kind=kind).classes("pm-small")
    made.props["aria-label"] = f"{told}: {seat.organization.name}"
