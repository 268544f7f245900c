"""The people of the organization: members and their roles, and who is invited."""

from nicegui import ui

from polymem.core.model import Page
from polymem.core.people import (
    Assignment,
    InvitationView,
    Member,
    OrganizationRole,
    ProjectRole,
)
from polymem.core.people.access import Action
from polymem.core.people.invitations import Sent
from polymem.dashboard.parts.elements import (
    attempt,
    badge,
    button,
    confirmed,
    empty,
    heading,
    say,
    tag,
    text,
)
from polymem.dashboard.parts.forms import Form
from polymem.dashboard.parts.invited import draw_link
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.table import Cell, draw_table
from polymem.dashboard.parts.wording import ago, plural, when
from polymem.dashboard.visit import Visit

_ROWS = 25
_NO_PROJECT = ""


async def build(visit: Visit) -> None:
    """Draw the page."""
    name = "this organization" if visit.organization is None else visit.organization.name
    heading("People", f"Who belongs to {name}, and as what.")
    await _People(visit).draw()


class _People:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._organization = None if visit.organization is None else visit.organization.id

    async def draw(self) -> None:
        visit = self._visit
        with tag("div", "pm-actions pm-below"):
            if await visit.may(Action.INVITE_TO_ORGANIZATION):
                button("Invite somebody", attempt(self._invite), icon="person_add", kind="main")
        self._link = tag("div")
        self._members = tag("div")
        self._pager = Pager(_ROWS, self._fill)
        self._invited = tag("div")
        await self._fill()
        await self._fill_invited()

    async def _fill(self) -> None:
        visit = self._visit
        page: Page[Member] = await self._pager.read(self._read)
        authority = await visit.authority()
        changes, removes = authority.may(Action.CHANGE_ROLES), authority.may(Action.REMOVE_MEMBERS)
        transfers = authority.may(Action.TRANSFER_ORGANIZATION)
        self._members.clear()
        with self._members:
            if not page.items:
                about = "On a machine of one's own nobody needs an account. `polymem user create` makes one for others."
                empty("group", "Nobody has an account here", about, ["polymem user create ana --email ana@example.org"])
                return
            rows: list[list[Cell]] = []
            for member in page.items:
                owner = member.membership.role is OrganizationRole.OWNER
                rows.append(
                    [
                        self._name_cell(member),
                        self._role_cell(member, changes and not owner),
                        plural(member.projects, "project"),
                        when(member.membership.joined_at)[:10],
                        self._actions_cell(member, removes and not owner, transfers and not owner),
                    ]
                )
            draw_table("Members", ["Name", "Role", "In", "Since", "Actions"], rows)

    async def _read(self, limit: int, offset: int) -> Page[Member]:
        return await self._visit.core.organizations.members(
            await self._visit.again(), self._organization, limit=limit, offset=offset
        )

    def _name_cell(self, member: Member) -> Cell:
        def draw() -> None:
            text(member.user.name, "pm-strong")
            text(member.user.email, "pm-soft")

        return draw

    def _role_cell(self, member: Member, changes: bool) -> Cell:
        role = member.membership.role

        async def change(chosen: OrganizationRole) -> None:
            await self._visit.core.organizations.set_role(
                await self._visit.again(), self._organization, member.user.id, chosen
            )
            say(f"{member.user.name} is {chosen.value} now")
            await self._fill()

        def draw() -> None:
            if not changes:
                badge(role.value, "pm-badge-accent" if role is not OrganizationRole.MEMBER else "")
                return
            made = ui.select(
                {one.value: one.value for one in (OrganizationRole.ADMIN, OrganizationRole.MEMBER)},
                value=role.value,
                on_change=attempt(lambda event: change(OrganizationRole(event.value))),
            ).props("outlined dense options-dense behavior=menu")
            made.props["aria-label"] = f"Role of {member.user.name}"

        return draw

    def _actions_cell(self, member: Member, removes: bool, transfers: bool) -> Cell:
        def draw() -> None:
            with tag("div", "pm-actions"):
                if transfers and member.membership.role is OrganizationRole.ADMIN:
                    button("Make owner", attempt(lambda: self._transfer(member))).classes("pm-small")
                if removes:
                    button("Remove", attempt(lambda: self._remove(member)), kind="bad").classes("pm-small")

        return draw

    async def _transfer(self, member: Member) -> None:
        about = f"{member.user.name} owns the organization then, and you stay as an admin."
        if await confirmed("Hand over ownership?", about, "Hand over"):
            await self._visit.core.organizations.transfer(await self._visit.again(), self._organization, member.user.id)
            say(f"{member.user.name} owns the organization now")
            await self._fill()

    async def _remove(self, member: Member) -> None:
        about = f"{member.user.name} loses every project of it, and the keys made here end. Memories stay."
        if await confirmed("Remove this member?", about, "Remove"):
            await self._visit.core.organizations.remove(await self._visit.again(), self._organization, member.user.id)
            say(f"{member.user.name} was removed")
            await self._fill()

    # --- invitations -------------------------------------------------------------------------

    async def _fill_invited(self) -> None:
        visit = self._visit
        invited = await visit.core.invitations.of_organization(await visit.again(), self._organization)
        cancels = await visit.may(Action.INVITE_TO_ORGANIZATION)
        self._invited.clear()
        if not invited:
            return
        now = visit.core.clock.now()
        with self._invited:
            text("Invited", "pm-section", "h2")
            draw_table(
                "Invitations",
                ["Address", "As", "Projects", "Ends", "Actions"],
                [
                    [
                        view.invitation.email,
                        view.invitation.role.value,
                        ", ".join(project.name for project in view.projects.values()) or "none",
                        ago(view.invitation.expires_at, now),
                        self._cancel_cell(view, cancels),
                    ]
                    for view in invited
                ],
            )

    def _cancel_cell(self, view: InvitationView, cancels: bool) -> Cell:
        async def cancel() -> None:
            visit = self._visit
            await visit.core.invitations.cancel(
                await visit.again(), view.invitation.id, organization=self._organization
            )
            say("The invitation opens nothing any more")
            await self._fill_invited()

        def draw() -> None:
            if cancels:
                button("Cancel", attempt(cancel), kind="bad").classes("pm-small")

        return draw

    async def _invite(self) -> None:
        visit = self._visit
        with Form("Invite somebody", "Invite") as form:
            email = ui.input("E-mail address").props("outlined dense autofocus type=email maxlength=320")
            role = ui.select(
                {one.value: one.value for one in (OrganizationRole.MEMBER, OrganizationRole.ADMIN)},
                label="Role in the organization",
                value=OrganizationRole.MEMBER.value,
            ).props("outlined dense options-dense behavior=menu")
            project = ui.select(
                {_NO_PROJECT: "No project yet"} | {one.id: one.name for one in visit.projects},
                label="Project to see",
                value=_NO_PROJECT if visit.project is None else visit.project.id,
            ).props("outlined dense options-dense behavior=menu")
            within = ui.select(
                {one.value: one.value for one in (ProjectRole.VIEWER, ProjectRole.EDITOR, ProjectRole.ADMIN)},
                label="Role in the project",
                value=ProjectRole.EDITOR.value,
            ).props("outlined dense options-dense behavior=menu")

        async def send() -> None:
            given = (Assignment(str(project.value), ProjectRole(within.value)),) if project.value else ()
            sent = await visit.core.invitations.invite(
                await visit.again(),
                (email.value or "").strip(),
                organization=self._organization,
                role=OrganizationRole(role.value),
                assignments=given,
            )
            self._tell(sent)
            await self._fill_invited()

        await form.shown(send)

    def _tell(self, sent: Sent) -> None:
        self._link.clear()
        with self._link, tag("div", "pm-card pm-below", role="status"):
            text(f"{sent.view.invitation.email} is invited.", "pm-strong", "p")
            draw_link(sent)
