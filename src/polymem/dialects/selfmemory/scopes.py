"""Which project's memories a request is about, and whether the caller may do there what is asked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from polymem.core.errors import Forbidden, InvalidInput, NotFound
from polymem.core.people import Permission, Principal, Scope
from polymem.dialects.selfmemory.credentials import Call

PROJECT_REQUIRED = "project_id required for session authentication"
OTHER_PROJECT = "API key is not authorized for the requested project"
OTHER_ORGANIZATION = "API key is not authorized for the requested organization"
NO_ACCESS = "Access denied to project"

# Ids of this server, of the original (24 hex digits), and as its reference writes them (proj_abc).
_ID = re.compile(r"[0-9a-fA-F-]{36}|[0-9a-fA-F]{24}|[a-z]{2,12}_[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is to be done with memories: the right it takes, and what is said to who lacks it or sees no project."""

    permission: Permission
    no_right: str
    no_access: str


CREATE = Purpose(
    Permission.WRITE,
    "Permission denied - write access required to create memories",
    "Permission denied - write access required to create memories",
)
LIST = Purpose(Permission.READ, "Permission denied - read access required", NO_ACCESS)
SEARCH = Purpose(
    Permission.READ,
    "Permission denied - read access required to search memories",
    "Permission denied - read access required to search memories",
)
UPDATE = Purpose(Permission.WRITE, "Permission denied - write access required to update memories", NO_ACCESS)
DELETE = Purpose(Permission.WRITE, "Permission denied - write access required to delete memories", NO_ACCESS)


def check_id(id: str, field: str) -> str:
    """Raises InvalidInput for what cannot be an id."""
    if not _ID.fullmatch(id):
        raise InvalidInput(f"Invalid {field} format", field=field)
    return id


async def scope_of(
    call: Call, purpose: Purpose, projects: Iterable[str | None], organizations: Iterable[str | None] = ()
) -> Scope:
    """The scope of the one project a request is about: a key's own, or the one that is named.

    Raises InvalidInput (none or several named), Forbidden.
    """
    named = {name for name in projects if name}
    within = {name for name in organizations if name}
    if call.principal.project_id is not None:
        _refuse_others(call.principal, named, within)
        scope = await call.core.access.scope_for(call.principal)
    else:
        scope = await _scope_of_named(call, purpose, named, within)
    if purpose.permission not in scope.permissions:
        raise Forbidden(purpose.no_right)
    return scope


def _refuse_others(principal: Principal, named: set[str], within: set[str]) -> None:
    if named - {principal.project_id}:
        raise Forbidden(OTHER_PROJECT)
    if within - {principal.organization_id}:
        raise Forbidden(OTHER_ORGANIZATION)


async def _scope_of_named(call: Call, purpose: Purpose, named: set[str], within: set[str]) -> Scope:
    if not named:
        raise InvalidInput(PROJECT_REQUIRED, field="project_id")
    if len(named) > 1:
        raise InvalidInput("project_id names several projects", field="project_id")
    (project,) = named
    check_id(project, "project_id")
    organization = next(iter(within), None)
    try:
        scope = await call.core.access.scope_for(call.principal, project=project, organization=organization)
    except (NotFound, Forbidden, InvalidInput):
        # What is not there and what is not theirs are answered alike.
        raise Forbidden(purpose.no_access) from None
    if len(within) > 1:
        raise Forbidden(purpose.no_access)
    return scope


async def scope_of_memory(call: Call, purpose: Purpose, memory_id: str, projects: Iterable[str | None] = ()) -> Scope:
    """The scope in which to look for a memory. An account that names no project means any it reaches.

    Raises NotFound, InvalidInput, Forbidden.
    """
    named = [name for name in projects if name]
    if named or call.principal.project_id is not None:
        return await scope_of(call, purpose, named)
    for seat in await call.core.organizations.all(call.principal):
        scope = await call.core.access.scope_for(
            call.principal, organization=seat.organization.id, permission=purpose.permission
        )
        try:
            await call.core.memories.get(scope, memory_id)
        except NotFound:
            continue
        return scope
    raise NotFound("Memory", memory_id)
