"""Projects as places where people work together: who owns them, who is in them, and as what."""

from collections.abc import Callable
from dataclasses import dataclass

from polymem.core.checks import check_name, check_page
from polymem.core.errors import InvalidInput, NotFound, Rule, RuleBroken
from polymem.core.model import Page
from polymem.core.people import (
    Cascade,
    Principal,
    Project,
    ProjectMember,
    ProjectMembership,
    ProjectRole,
    ProjectSeat,
)
from polymem.core.people.access import PROJECT_STANDINGS, Action, Authority, Standing, allows, standings_of
from polymem.core.people.audit import Audit
from polymem.core.people.notices import Noticeboard
from polymem.core.people.principals import Access
from polymem.core.people.tenancy import slugify
from polymem.core.ports import Clock, Store

ASSIGNABLE = (ProjectRole.ADMIN, ProjectRole.EDITOR, ProjectRole.VIEWER)
"""The roles a member of a project can have."""

_STRONGEST_FIRST = (
    (Standing.ORGANIZATION_OWNER, ProjectRole.OWNER),
    (Standing.PROJECT_OWNER, ProjectRole.OWNER),
    (Standing.PROJECT_ADMIN, ProjectRole.ADMIN),
    (Standing.PROJECT_EDITOR, ProjectRole.EDITOR),
    (Standing.PROJECT_VIEWER, ProjectRole.VIEWER),
)


@dataclass(frozen=True, slots=True)
class Team:
    """A project, what the caller is to it, and the first of its members."""

    seat: ProjectSeat
    members: Page[ProjectMember]

    def may(self, action: Action) -> bool:
        """Whether the table lets who has this seat do it to the project."""
        return allows(frozenset({PROJECT_STANDINGS[self.seat.role]}), action)


class Teams:
    """What a principal can do with projects and their members. `project` is an id, or a key of the organization.

    `organization` is an id or a slug; None is the caller's own. A project of another organization answers NotFound,
    as what is not there does; one of the caller's own organization that is not theirs answers Forbidden.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[], str],
        access: Access,
        audit: Audit,
        notices: Noticeboard,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._access = access
        self._audit = audit
        self._notices = notices

    async def create(
        self,
        principal: Principal,
        name: str,
        *,
        organization: str | None = None,
        key: str | None = None,
        description: str = "",
        stack: tuple[str, ...] = (),
    ) -> ProjectSeat:
        """A new project, owned by the caller. `key`, unique in the organization, is the name if left out.

        Raises NotFound (organization), Forbidden, InvalidInput, RuleBroken (NAME_TAKEN).
        """
        authority = await self._access.authority(principal, organization=organization)
        authority.require(Action.CREATE_PROJECT)
        name = check_name("name", name).strip()
        key = name if key is None else check_name("project", key)
        now = self._clock.now()
        wanted = Project(
            id=self._new_id(),
            organization_id=authority.scope.organization_id,
            key=key,
            slug=slugify(key),
            name=name,
            description=description,
            stack=stack,
            owner_id=authority.scope.user_id,
            created_at=now,
            updated_at=now,
        )
        kept = await self._store.put_project(authority.scope, wanted)
        if kept.id != wanted.id:
            raise RuleBroken(Rule.NAME_TAKEN, "Project name already exists in this organization")
        await self._audit.record(principal, authority.scope, "project.created", "project", kept.id, name=name)
        return await self.get(principal, kept.id)

    async def all(self, principal: Principal, organization: str | None = None) -> list[ProjectSeat]:
        """Every project the caller can see: those of organizations they own first, then their own, then those they
        are a member of; newest first. With `organization`, only its projects."""
        if principal.user is None or principal.project_id is not None:
            authority = await self._access.authority(principal, organization=organization)
            projects = reversed(await self._store.projects(authority.scope))
            if principal.project_id is not None:
                return [await self.get(principal, one.id) for one in projects if one.id == principal.project_id]
            authority.require(Action.SEE_PROJECT)
            return [_seat(project, authority.standings, principal) for project in projects]
        of = principal.organization_id
        if organization is not None:
            of = (await self._access.authority(principal, organization=organization)).scope.organization_id
        seats = []
        for reach in await self._store.people.reaches(principal.user.id, of):
            standings = standings_of(reach, principal.user.id)
            if allows(standings, Action.SEE_PROJECT):
                seats.append(_seat(reach.project, standings, principal))
        return sorted(seats, key=lambda seat: (not seat.is_organization_owner, not seat.is_owner))

    async def page(
        self, principal: Principal, organization: str | None = None, *, limit: int, offset: int, members: int
    ) -> Page[Team]:
        """A page of `all`, with up to so many `members` of each. Raises NotFound (organization)."""
        check_page(limit, offset)
        authority = await self._access.authority(principal, organization=organization)
        seats = await self.all(principal, authority.scope.organization_id)
        shown = seats[offset : offset + limit]
        ids = [seat.project.id for seat in shown]
        found = await self._store.people.first_project_members(authority.scope, ids, members)
        return Page(tuple(Team(seat, found[seat.project.id]) for seat in shown), len(seats), limit, offset)

    async def get(self, principal: Principal, project: str, *, organization: str | None = None) -> ProjectSeat:
        """One project, and what the caller is to it. Raises NotFound, Forbidden."""
        authority = await self.authority(principal, project, Action.SEE_PROJECT, organization)
        assert authority.project is not None
        return _seat(authority.project, authority.standings, principal)

    async def delete(self, principal: Principal, project: str, *, organization: str | None = None) -> Cascade:
        """Remove a project with members, invitations, keys and all its memories, for good.

        What its memories superseded elsewhere is current again. Raises NotFound, Forbidden.
        """
        authority = await self.authority(principal, project, Action.DELETE_PROJECT, organization)
        assert authority.project is not None
        gone = authority.project
        cascade = await self._store.people.delete_project(authority.scope, gone.id, self._clock.now())
        if cascade is None:
            raise NotFound("Project", project)
        await self._audit.record(
            principal, authority.scope, "project.deleted", "project", gone.id, name=gone.name, memories=cascade.memories
        )
        return cascade

    # --- members -----------------------------------------------------------------------------

    async def members(
        self,
        principal: Principal,
        project: str,
        *,
        organization: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page[ProjectMember]:
        """A page of the members, by when they were added. The owner is not one of them."""
        check_page(limit, offset)
        authority = await self.authority(principal, project, Action.SEE_PROJECT, organization)
        return await self._store.people.project_members(authority.scope, _id(authority), limit, offset)

    async def member(
        self, principal: Principal, project: str, user_id: str, *, organization: str | None = None
    ) -> ProjectMember:
        """One member. Raises NotFound (kind "Member")."""
        return await self._member(await self.authority(principal, project, Action.SEE_PROJECT, organization), user_id)

    async def add(
        self,
        principal: Principal,
        project: str,
        user_id: str,
        role: ProjectRole,
        *,
        organization: str | None = None,
    ) -> ProjectMember:
        """Make a member of the organization a member of the project.

        Raises NotFound (project; kind "User"), Forbidden, InvalidInput, RuleBroken (NOT_A_MEMBER, ALREADY_MEMBER).
        """
        authority = await self.authority(principal, project, Action.MANAGE_PROJECT_MEMBERS, organization)
        check_assignable(role)
        if await self._store.people.member(authority.scope, user_id) is None:
            # Whether an id is somebody's elsewhere is not for the caller to learn.
            raise RuleBroken(Rule.NOT_A_MEMBER, "User must be a member of the organization first")
        membership = ProjectMembership(
            organization_id=authority.scope.organization_id,
            project_id=_id(authority),
            user_id=user_id,
            role=role,
            added_at=self._clock.now(),
            added_by=authority.scope.user_id,
        )
        assert authority.project is not None
        if authority.project.owner_id == user_id or not await self._store.people.add_project_member(
            authority.scope, membership
        ):
            raise RuleBroken(Rule.ALREADY_MEMBER, "User already has access to this project")
        await self._audit.record(
            principal, authority.scope, "project_member.added", "user", user_id, project=_id(authority), role=role
        )
        return await self._member(authority, user_id)

    async def set_role(
        self,
        principal: Principal,
        project: str,
        user_id: str,
        role: ProjectRole,
        *,
        organization: str | None = None,
    ) -> tuple[ProjectRole, ProjectRole]:
        """Change a member's role; the old one and the new one.

        Raises NotFound (kind "Member"), Forbidden, InvalidInput, RuleBroken (LAST_ADMIN).
        """
        authority = await self.authority(principal, project, Action.MANAGE_PROJECT_MEMBERS, organization)
        check_assignable(role)
        old = (await self._member(authority, user_id)).membership.role
        if old is role:
            return old, role
        if old is ProjectRole.ADMIN:
            admins = await self._store.people.project_admins(authority.scope, _id(authority))
            if admins == [user_id]:
                raise RuleBroken(Rule.LAST_ADMIN, "Cannot demote the last admin. Promote another member first.")
        if not await self._store.people.set_project_role(authority.scope, _id(authority), user_id, role):
            raise NotFound("Member", user_id)
        assert authority.project is not None
        await self._audit.record(
            principal,
            authority.scope,
            "project_member.role_changed",
            "user",
            user_id,
            project=_id(authority),
            old_role=old,
            new_role=role,
        )
        await self._notices.role_changed(user_id, authority.project.name, old, role)
        return old, role

    async def remove(
        self, principal: Principal, project: str, user_id: str, *, organization: str | None = None
    ) -> Cascade:
        """Remove a member with their keys of the project, or leave it. Raises NotFound (kind "Member"), Forbidden."""
        authority = await self.authority(principal, project, Action.SEE_PROJECT, organization)
        leaves = not principal.is_delegate and principal.user is not None and principal.user.id == user_id
        if not leaves:
            authority.require(Action.REMOVE_PROJECT_MEMBERS)
        cascade = await self._store.people.remove_project_member(
            authority.scope, _id(authority), user_id, self._clock.now()
        )
        if cascade is None:
            raise NotFound("Member", user_id)
        assert authority.project is not None
        await self._audit.record(
            principal, authority.scope, "project_member.removed", "user", user_id, project=_id(authority), left=leaves
        )
        if not leaves:
            await self._notices.removed(user_id, authority.project.name)
        return cascade

    # --- parts -------------------------------------------------------------------------------

    async def authority(
        self, principal: Principal, project: str, action: Action, organization: str | None = None
    ) -> Authority:
        """What the caller is to the project, which lets them do this. Raises NotFound, Forbidden."""
        authority = await self._access.authority(principal, organization=organization, project=project)
        authority.require(Action.SEE_PROJECT)
        authority.require(action)
        return authority

    async def _member(self, authority: Authority, user_id: str) -> ProjectMember:
        member = await self._store.people.project_member(authority.scope, _id(authority), user_id)
        if member is None:
            raise NotFound("Member", user_id)
        return member


def check_assignable(role: ProjectRole) -> ProjectRole:
    """Raises InvalidInput for what is no member's role."""
    if role not in ASSIGNABLE:
        raise InvalidInput("role must be admin, editor or viewer", field="role")
    return role


def _id(authority: Authority) -> str:
    assert authority.project is not None
    return authority.project.id


def _seat(project: Project, standings: frozenset[Standing], principal: Principal) -> ProjectSeat:
    role = next((role for standing, role in _STRONGEST_FIRST if standing in standings), ProjectRole.VIEWER)
    return ProjectSeat(
        project=project,
        role=role,
        is_owner=principal.user is not None and project.owner_id == principal.user.id,
        is_organization_owner=Standing.ORGANIZATION_OWNER in standings,
    )
