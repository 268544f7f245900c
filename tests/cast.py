"""An organization with somebody for every standing there is, and a stranger."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

from polymem.core import Core
from polymem.core.people import (
    Membership,
    OrganizationRole,
    Principal,
    PrincipalKind,
    Project,
    ProjectMembership,
    ProjectRole,
    Scope,
    User,
)
from polymem.core.people.access import Standing

OPERATOR = Principal(kind=PrincipalKind.OPERATOR, door="test")

_numbers = count(1)
_IN_ORGANIZATION = {
    Standing.ORGANIZATION_ADMIN: OrganizationRole.ADMIN,
}
_IN_PROJECT = {
    Standing.PROJECT_ADMIN: ProjectRole.ADMIN,
    Standing.PROJECT_EDITOR: ProjectRole.EDITOR,
    Standing.PROJECT_VIEWER: ProjectRole.VIEWER,
}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody by their standing, and the secrets of their account tokens; None is the stranger.

    `project` belongs to the one who is its owner; `extra` is a member of organization and project on whom things can
    be tried, `outsider` one of the organization only.
    """

    organization: str
    project: Project
    users: Mapping[Standing | None, User]
    secrets: Mapping[Standing | None, str]
    extra: User
    outsider: User

    async def principal(self, core: Core, standing: Standing | None) -> Principal:
        """Somebody of this standing, who has just come in."""
        return await core.access.principal_of(self.secrets[standing], door="test")


async def new_cast(core: Core) -> Cast:
    """A new organization with a project, and everybody in it."""
    number = next(_numbers)

    async def person(name: str) -> User:
        return await core.accounts.make(f"{name.replace(' ', '-')}-{number}@example.org", name, "a password")

    # All at once where that may be: those who wait together share one commit.
    standings = [*Standing, None]
    *found, extra, outsider = await asyncio.gather(
        *(person(standing.value if standing else "stranger") for standing in standings),
        person("extra"),
        person("outsider"),
    )
    users: dict[Standing | None, User] = dict(zip(standings, found, strict=True))
    owner = users[Standing.ORGANIZATION_OWNER]
    seat, _ = await asyncio.gather(
        core.organizations.found(OPERATOR, owner, f"Team {number}"),
        core.organizations.found(OPERATOR, users[None], f"Elsewhere {number}"),
    )
    scope = Scope(organization_id=seat.organization.id, user_id=owner.id)
    now = core.clock.now()
    roles = {user.id: OrganizationRole.MEMBER for user in (*found, extra, outsider)}
    roles |= {users[standing].id: role for standing, role in _IN_ORGANIZATION.items()}
    memberships = [
        Membership(organization_id=scope.organization_id, user_id=id, role=role, joined_at=now)
        for id, role in roles.items()
        if id not in (owner.id, users[None].id)
    ]
    await asyncio.gather(*(core.store.people.add_member(scope, membership) for membership in memberships))
    project = await core.projects.create(replace(scope, user_id=users[Standing.PROJECT_OWNER].id), "garden")
    places = [*((users[standing], role) for standing, role in _IN_PROJECT.items()), (extra, ProjectRole.ADMIN)]
    await asyncio.gather(
        *(
            core.store.people.add_project_member(
                scope,
                ProjectMembership(
                    organization_id=scope.organization_id,
                    project_id=project.id,
                    user_id=user.id,
                    role=role,
                    added_at=now,
                ),
            )
            for user, role in places
        )
    )
    made = await asyncio.gather(*(core.accounts.create_token(user, "test") for user in users.values()))
    secrets = {standing: secret for standing, (_, secret) in zip(users, made, strict=True)}
    return Cast(scope.organization_id, project, users, secrets, extra, outsider)
