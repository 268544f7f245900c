"""Credentials: keys for agents, and tokens for one's own account. A secret is shown once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from nicegui import ui

from polymem.core.errors import Forbidden, InvalidInput
from polymem.core.people import AccountToken, ApiKey, Permission
from polymem.core.people.access import Action
from polymem.core.people.keys import Keyring
from polymem.dashboard.parts.elements import (
    attempt,
    badge,
    button,
    command,
    confirmed,
    empty,
    heading,
    say,
    tag,
    text,
)
from polymem.dashboard.parts.forms import Form
from polymem.dashboard.parts.table import Cell, draw_table
from polymem.dashboard.parts.wording import ago, when
from polymem.dashboard.visit import Visit

_EVERYTHING = ""
_MOST_DAYS = 36500


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Keys and tokens", "A key lets an agent into one project; a token is you, for programs of your own.")
    await _Keys(visit).draw()


class _Keys:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._organization = None if visit.organization is None else visit.organization.id

    async def draw(self) -> None:
        visit = self._visit
        self._owns = await visit.may(Action.CREATE_ORGANIZATION_KEY)
        with tag("div", "pm-actions pm-below"):
            if self._owns or visit.projects:
                button("Make a key", attempt(self._make_key), icon="vpn_key", kind="main")
            if visit.principal.user is not None:
                button("Make a token", attempt(self._make_token), icon="badge")
        self._shown = tag("div")
        self._body = tag("div")
        await self._fill()

    async def _keyring(self) -> Keyring:
        visit = self._visit
        principal = await visit.again()
        try:
            return await visit.core.keys.all(principal, organization=self._organization, own=True)
        except Forbidden:
            return Keyring((), {}, {})

    async def _fill(self) -> None:
        visit = self._visit
        now = visit.core.clock.now()
        ring = await self._keyring()
        principal = await visit.again()
        tokens = [] if principal.user is None else await visit.core.accounts.tokens(principal)
        keys = [key for key in ring.keys if key.revoked_at is None]
        valid = [token for token in tokens if token.revoked_at is None]
        self._body.clear()
        with self._body:
            if not keys and not valid:
                about = "An agent that presents a key reaches one project, and may do there what the key allows."
                empty("vpn_key", "There are no keys", about, ["polymem key create --project shop"])
            if keys:
                text("Keys", "pm-section", "h2")
                draw_table(
                    "Keys",
                    ["Name", "Project", "Allows", "Last used", "Ends", "Actions"],
                    [self._key_row(key, ring, now) for key in keys],
                )
            if valid:
                text("Your tokens", "pm-section", "h2")
                draw_table(
                    "Your tokens",
                    ["Name", "Made", "Last used", "Ends", "Actions"],
                    [self._token_row(token, now) for token in valid],
                )

    def _key_row(self, key: ApiKey, ring: Keyring, now: datetime) -> list[Cell]:
        creator = ring.creators.get(key.creator_id or "")

        def name() -> None:
            text(key.name, "pm-strong")
            by = "the operator" if creator is None else creator.name
            text(f"{key.prefix}… by {by}", "pm-soft pm-mono")

        async def revoke() -> None:
            if await confirmed("End this key?", f"Agents that present {key.name} are refused at once.", "End it"):
                visit = self._visit
                await visit.core.keys.revoke(await visit.again(), key.id, organization=self._organization)
                say("The key has ended")
                await self._fill()

        return [
            name,
            ring.projects.get(key.project_id or "", "all") if key.project_id else "all",
            lambda: _draw_permissions(key.permissions),
            ago(key.last_used_at, now),
            _end(key.expires_at, now),
            _end_button(key.name, revoke),
        ]

    def _token_row(self, token: AccountToken, now: datetime) -> list[Cell]:
        async def revoke() -> None:
            if await confirmed("End this token?", f"Programs that present {token.name} are refused at once.", "End it"):
                await self._visit.core.accounts.revoke_token(await self._visit.again(), token.id)
                say("The token has ended")
                await self._fill()

        return [
            token.name,
            when(token.created_at)[:10],
            ago(token.last_used_at, now),
            _end(token.expires_at, now),
            _end_button(token.name, revoke),
        ]

    async def _make_key(self) -> None:
        visit = self._visit
        places = {_EVERYTHING: "The whole organization"} if self._owns else {}
        places |= {project.id: project.name for project in visit.projects}
        with Form("Make a key", "Make it") as form:
            name = ui.input("Name").props("outlined dense autofocus maxlength=200")
            first = next(iter(places)) if visit.project is None else visit.project.id
            place = ui.select(places, label="For", value=first)
            place.props("outlined dense options-dense behavior=menu")
            writes = ui.checkbox("May write, not only read", value=True)
            days = ui.input("Days until it ends; empty for never").props("outlined dense inputmode=numeric")

        async def save() -> None:
            permissions = frozenset(Permission) if writes.value else frozenset({Permission.READ})
            key, secret = await visit.core.keys.create(
                await visit.again(),
                (name.value or "").strip(),
                project=str(place.value) or None,
                organization=self._organization,
                permissions=permissions,
                expires_in=_days(days.value or ""),
            )
            self._show(key.name, secret)
            await self._fill()

        await form.shown(save)

    async def _make_token(self) -> None:
        visit = self._visit
        with Form("Make a token", "Make it") as form:
            text("It does all that you may. Give agents keys instead.", "pm-soft", "p")
            name = ui.input("Name").props("outlined dense autofocus maxlength=200")
            days = ui.input("Days until it ends; empty for never").props("outlined dense inputmode=numeric")

        async def save() -> None:
            principal = await visit.again()
            if principal.user is None:
                raise Forbidden("Only accounts have tokens")
            token, secret = await visit.core.accounts.create_token(
                principal.user, (name.value or "").strip(), expires_in=_days(days.value or "")
            )
            self._show(token.name, secret)
            await self._fill()

        await form.shown(save)

    def _show(self, name: str, secret: str) -> None:
        self._shown.clear()
        with self._shown, tag("div", "pm-card pm-below", role="status"):
            text(f"This is {name}. It is shown now and never again.", "pm-strong", "p")
            command(secret)


def _draw_permissions(permissions: frozenset[Permission]) -> None:
    with tag("span", "pm-tags"):
        for permission in sorted(permissions):
            badge(permission.value)


def _end(instant: datetime | None, now: datetime) -> str:
    return "never" if instant is None else ago(instant, now)


def _end_button(name: str, act: Callable[[], Awaitable[None]]) -> Cell:
    def draw() -> None:
        made = button("End it", attempt(act), kind="bad").classes("pm-small")
        made.props["aria-label"] = f"End {name}"

    return draw


def _days(entered: str) -> timedelta | None:
    entered = entered.strip()
    if not entered:
        return None
    if not entered.isdecimal() or not 1 <= int(entered) <= _MOST_DAYS:
        raise InvalidInput(f"Days must be a whole number from 1 to {_MOST_DAYS}", field="expires_in_days")
    return timedelta(days=int(entered))
