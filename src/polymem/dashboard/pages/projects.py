"""The projects: what they are, who is in them, and making and removing them."""

from nicegui import ui

from polymem.core.model import Page
from polymem.core.people import Permission, ProjectMember, ProjectRole, ProjectSeat
from polymem.core.people.access import Action
from polymem.core.people.teams import Team
from polymem.dashboard.frame import choose
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
from polymem.dashboard.parts.wording import number, plural, short
from polymem.dashboard.visit import PROJECT_COOKIE, Visit

_ROWS = 20
_MEMBERS_SHOWN = 50
_ROLES = (ProjectRole.VIEWER, ProjectRole.EDITOR, ProjectRole.ADMIN)


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Projects", "Each holds memories of its own, and has people and keys of its own.")
    await _Projects(visit).draw()


class _Projects:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._organization = None if visit.organization is None else visit.organization.id

    async def draw(self) -> None:
        if await self._visit.may(Action.CREATE_PROJECT):
            with tag("div", "pm-actions pm-below"):
                button("Make a project", attempt(self._make), icon="create_new_folder", kind="main")
        self._body = tag("div", "pm-stack")
        self._pager = Pager(_ROWS, self._fill)
        await self._fill()

    async def _fill(self) -> None:
        visit = self._visit
        page: Page[Team] = await self._pager.read(self._read)
        census = await visit.core.overview.census(await visit.whole())
        self._body.clear()
        with self._body:
            if not page.items:
                about = "A memory that is kept with a project makes it."
                empty("folder_open", "There are no projects", about)
            for team in page.items:
                seat = team.seat
                with tag("section", "pm-card", aria_label=seat.project.name):
                    self._draw(seat, census.by_project.get(seat.project.key, 0))
                    if team.members.items:
                        self._draw_members(team)
                    with tag("div", "pm-actions"):
                        button("Look at it alone", lambda id=seat.project.id: choose(PROJECT_COOKIE, id))
                        if team.may(Action.INVITE_TO_PROJECT) and visit.principal.user is not None:
                            button("Invite", attempt(lambda seat=seat: self._invite(seat)), icon="person_add")
                        if team.may(Action.REVISE_PROJECT):
                            button("Edit", attempt(lambda seat=seat: self._edit(seat)), icon="edit")
                        if team.may(Action.DELETE_PROJECT):
                            button("Delete", attempt(lambda seat=seat: self._delete(seat)), kind="bad")

    async def _read(self, limit: int, offset: int) -> Page[Team]:
        return await self._visit.core.teams.page(
            await self._visit.again(), self._organization, limit=limit, offset=offset, members=_MEMBERS_SHOWN
        )

    def _draw(self, seat: ProjectSeat, memories: int) -> None:
        project = seat.project
        text(project.name, "pm-session-title", "h2")
        with tag("div", "pm-tags pm-below-small"):
            badge(project.key)
            badge(plural(memories, "memory", "memories"))
            badge(f"you: {seat.role.value}", "pm-badge-accent")
            for name in project.stack[:8]:
                badge(short(name, 40))
        if project.description:
            text(project.description, "pm-snippet")

    def _draw_members(self, team: Team) -> None:
        more = team.members.total - len(team.members.items)
        with tag("ul", "pm-plain pm-below-small"):
            for member in team.members.items:
                with tag("li", "pm-line-item"):
                    with tag("span"):
                        text(member.user.name, "pm-strong", "span")
                        text(f" {member.user.email} · {member.membership.role.value}", "pm-soft", "span")
                    if team.may(Action.REMOVE_PROJECT_MEMBERS):
                        made = button("Remove", attempt(lambda m=member: self._remove(team.seat, m)))
                        made.classes("pm-small").props["aria-label"] = f"Remove {member.user.name}"
            if more:
                text(f"and {number(more)} more", "pm-soft", "li")

    async def _remove(self, seat: ProjectSeat, member: ProjectMember) -> None:
        if await confirmed("Remove from the project?", f"{member.user.name} no longer sees it.", "Remove"):
            await self._visit.core.teams.remove(
                await self._visit.again(), seat.project.id, member.user.id, organization=self._organization
            )
            await self._fill()

    async def _delete(self, seat: ProjectSeat) -> None:
        about = (
            f"{seat.project.name} goes with all its memories, members, invitations and keys. Nothing brings it back."
        )
        if await confirmed("Delete this project?", about, "Delete"):
            gone = await self._visit.core.teams.delete(
                await self._visit.again(), seat.project.id, organization=self._organization
            )
            say(f"Deleted, with {number(gone.memories)} memories")
            choose(PROJECT_COOKIE, "")

    async def _make(self) -> None:
        visit = self._visit
        with Form("Make a project", "Make it") as form:
            name = ui.input("Name").props("outlined dense autofocus maxlength=200")
            about = ui.input("Description").props("outlined dense")

        async def save() -> None:
            await visit.core.teams.create(
                await visit.again(),
                (name.value or "").strip(),
                description=about.value or "",
                organization=self._organization,
            )
            choose(PROJECT_COOKIE, "")

        await form.shown(save)

    async def _edit(self, seat: ProjectSeat) -> None:
        visit, project = self._visit, seat.project
        with Form("Edit the project", "Save") as form:
            name = ui.input("Name", value=project.name).props("outlined dense autofocus maxlength=200")
            about = ui.textarea("Description", value=project.description).props("outlined dense autogrow")
            stack = ui.input("Stack, separated by commas", value=", ".join(project.stack)).props("outlined dense")

        async def save() -> None:
            principal = await visit.again()
            authority = await visit.core.access.authority(
                principal, organization=self._organization, project=project.id
            )
            authority.require(Action.REVISE_PROJECT)
            parts = tuple(one.strip() for one in (stack.value or "").split(",") if one.strip())
            await visit.core.projects.revise(
                await visit.whole(Permission.WRITE),
                project.id,
                name=(name.value or "").strip(),
                description=about.value or "",
                stack=parts,
            )
            say("Saved")
            await self._fill()

        await form.shown(save)

    async def _invite(self, seat: ProjectSeat) -> None:
        visit = self._visit
        title = f"Invite to {short(seat.project.name, 60)}"
        with Form(title, "Invite", no="Close") as form:
            email = ui.input("E-mail address").props("outlined dense autofocus type=email maxlength=320")
            role = ui.select(
                {one.value: one.value for one in _ROLES}, label="Role in the project", value=ProjectRole.EDITOR.value
            ).props("outlined dense options-dense behavior=menu")
            told = tag("div")

        async def send() -> None:
            sent = await visit.core.invitations.invite_to_project(
                await visit.again(),
                seat.project.id,
                (email.value or "").strip(),
                ProjectRole(role.value),
                organization=self._organization,
            )
            told.clear()
            with told:
                draw_link(sent)

        await form.shown(send, stays=True)
