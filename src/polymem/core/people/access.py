"""Who may do what: `TABLE` is the one permission table, and every door asks it.

`principals.Access` finds out what a caller is to an organization or a project; here is what that lets them do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from polymem.core.errors import Forbidden, InsufficientScope
from polymem.core.people import OrganizationRole, Permission, Principal, Project, ProjectRole, Scope
from polymem.core.people.ports import Reach

# --- the permission table ------------------------------------------------------------------------


class Standing(StrEnum):
    """What somebody can be to an organization or a project of it. One can be several at once."""

    ORGANIZATION_OWNER = "organization owner"
    ORGANIZATION_ADMIN = "organization admin"
    ORGANIZATION_MEMBER = "organization member"
    PROJECT_OWNER = "project owner"
    PROJECT_ADMIN = "project admin"
    PROJECT_EDITOR = "project editor"
    PROJECT_VIEWER = "project viewer"


class Action(StrEnum):
    """What can be done to an organization or a project."""

    SEE_ORGANIZATION = "organization.see"
    RENAME_ORGANIZATION = "organization.rename"
    INVITE_TO_ORGANIZATION = "organization.invite"
    CHANGE_ROLES = "organization.change_roles"
    REMOVE_MEMBERS = "organization.remove_members"
    TRANSFER_ORGANIZATION = "organization.transfer"
    DELETE_ORGANIZATION = "organization.delete"
    READ_AUDIT = "organization.audit"
    CREATE_PROJECT = "organization.create_project"
    SEE_ORGANIZATION_KEYS = "organization.see_keys"
    CREATE_ORGANIZATION_KEY = "organization.create_key"
    REVOKE_ORGANIZATION_KEYS = "organization.revoke_keys"

    SEE_PROJECT = "project.see"
    REVISE_PROJECT = "project.revise"
    MANAGE_PROJECT_MEMBERS = "project.manage_members"
    REMOVE_PROJECT_MEMBERS = "project.remove_members"
    INVITE_TO_PROJECT = "project.invite"
    DELETE_PROJECT = "project.delete"
    READ_MEMORIES = "memories.read"
    WRITE_MEMORIES = "memories.write"
    CREATE_KEY = "project.create_key"
    REVOKE_KEYS = "project.revoke_keys"


class ByKey(Enum):
    """Which keys, and other credentials that programs have on somebody's behalf, may do something."""

    NONE = "none"
    """People are administered by people."""
    WHOLE = "whole"
    """Those that are not limited to one project: they manage projects, the others only live in theirs."""
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Row:
    """Who may do something. Credentials of limited permissions need `permission` for it, if it is not None; those of
    programs may do it only as `by_key` says. `refusal` is said to all others."""

    allowed: frozenset[Standing]
    permission: Permission | None
    by_key: ByKey
    refusal: str


_O, _A, _M = Standing.ORGANIZATION_OWNER, Standing.ORGANIZATION_ADMIN, Standing.ORGANIZATION_MEMBER
_PO, _PA, _PE, _PV = (
    Standing.PROJECT_OWNER,
    Standing.PROJECT_ADMIN,
    Standing.PROJECT_EDITOR,
    Standing.PROJECT_VIEWER,
)
_READ, _WRITE = Permission.READ, Permission.WRITE
_NONE, _WHOLE, _ANY = ByKey


def _row(allowed: set[Standing], permission: Permission | None, by_key: ByKey, refusal: str) -> Row:
    return Row(frozenset(allowed), permission, by_key, refusal)


TABLE: Mapping[Action, Row] = {
    Action.SEE_ORGANIZATION: _row({_O, _A, _M}, _READ, _ANY, "Access denied - not a member of this organization"),
    Action.RENAME_ORGANIZATION: _row({_O, _A}, _WRITE, _NONE, "Only organization admins can rename the organization"),
    Action.INVITE_TO_ORGANIZATION: _row({_O, _A}, _WRITE, _NONE, "Only organization admins can invite users"),
    Action.CHANGE_ROLES: _row({_O, _A}, _WRITE, _NONE, "Only organization admins can update member roles"),
    Action.REMOVE_MEMBERS: _row({_O, _A}, _WRITE, _NONE, "Only organization admins can remove other members"),
    Action.TRANSFER_ORGANIZATION: _row({_O}, _WRITE, _NONE, "Only the organization owner can transfer ownership"),
    Action.DELETE_ORGANIZATION: _row({_O}, _WRITE, _NONE, "Only the organization owner can delete the organization"),
    Action.READ_AUDIT: _row({_O, _A}, _READ, _NONE, "Only organization admins can read the audit trail"),
    Action.CREATE_PROJECT: _row({_O, _A}, _WRITE, _ANY, "Only organization owners and admins can create projects"),
    Action.SEE_ORGANIZATION_KEYS: _row({_O}, _READ, _ANY, "Only the organization owner can see all keys"),
    Action.CREATE_ORGANIZATION_KEY: _row({_O}, None, _ANY, "Only the organization owner can make keys for all of it"),
    Action.REVOKE_ORGANIZATION_KEYS: _row({_O}, _WRITE, _ANY, "Only the organization owner can end keys for all of it"),
    Action.SEE_PROJECT: _row({_O, _PO, _PA, _PE, _PV}, _READ, _ANY, "Access denied - not a member of this project"),
    Action.REVISE_PROJECT: _row({_O, _PO, _PA}, _WRITE, _ANY, "Only project admins can perform this action"),
    Action.MANAGE_PROJECT_MEMBERS: _row({_O, _PO, _PA}, _WRITE, _NONE, "Only project admins can perform this action"),
    Action.REMOVE_PROJECT_MEMBERS: _row({_O, _PO, _PA}, _WRITE, _NONE, "Only project admins can remove other members"),
    Action.INVITE_TO_PROJECT: _row({_O, _PO, _PA}, _WRITE, _NONE, "Only project admins can perform this action"),
    Action.DELETE_PROJECT: _row({_O, _PO}, _WRITE, _WHOLE, "Only the project owner can delete the project"),
    Action.READ_MEMORIES: _row({_O, _PO, _PA, _PE, _PV}, _READ, _ANY, "Permission denied - read access required"),
    Action.WRITE_MEMORIES: _row({_O, _PO, _PA, _PE}, _WRITE, _ANY, "Permission denied - write access required"),
    Action.CREATE_KEY: _row({_O, _PO, _PA, _PE, _PV}, None, _ANY, "You do not have access to this project"),
    Action.REVOKE_KEYS: _row(
        {_O, _PO, _PA}, _WRITE, _ANY, "You can only delete your own API keys (or admin can delete any key)"
    ),
}
"""Who may do what. Membership of an organization alone gives no project; its owner has every project in it."""

PROJECT_STANDINGS = {ProjectRole.ADMIN: _PA, ProjectRole.EDITOR: _PE, ProjectRole.VIEWER: _PV, ProjectRole.OWNER: _PO}
ORGANIZATION_STANDINGS = {OrganizationRole.OWNER: _O, OrganizationRole.ADMIN: _A, OrganizationRole.MEMBER: _M}


def allows(standings: frozenset[Standing], action: Action) -> bool:
    """Whether the table lets somebody of these standings do it."""
    return not standings.isdisjoint(TABLE[action].allowed)


def permissions_of(standings: frozenset[Standing]) -> frozenset[Permission]:
    """What somebody of these standings may do to a project's memories."""
    asked = {Permission.READ: Action.READ_MEMORIES, Permission.WRITE: Action.WRITE_MEMORIES}
    return frozenset(permission for permission, action in asked.items() if allows(standings, action))


def standings_of(reach: Reach, user_id: str) -> frozenset[Standing]:
    """What a user is to a project and its organization."""
    found = {ORGANIZATION_STANDINGS[reach.organization_role]}
    if reach.project_role is not None:
        found.add(PROJECT_STANDINGS[reach.project_role])
    if reach.project.owner_id == user_id:
        found.add(_PO)
    return frozenset(found)


def require(scope: Scope, permission: Permission) -> None:
    """Raises Forbidden unless the scope carries `permission`."""
    if permission not in scope.permissions:
        raise Forbidden(f"This credential does not allow to {permission.value}")


def refuse_too_small_grant(principal: Principal, standings: frozenset[Standing], row: Row) -> None:
    """Raises InsufficientScope when all that is missing is a permission that an application was not granted."""
    lacks = row.permission is not None and row.permission not in principal.permissions
    if lacks and principal.grant is not None and standings & row.allowed and row.by_key is not ByKey.NONE:
        assert row.permission is not None
        raise InsufficientScope(row.permission.value)


# --- what somebody is -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """What a principal is to an organization, or to a project of it, at this moment.

    `scope` is that of the whole organization: it serves verbs that have asked `require` before.
    """

    principal: Principal
    scope: Scope
    standings: frozenset[Standing]
    project: Project | None = None

    def may(self, action: Action) -> bool:
        """Whether the table, and the limits of the credential, let the principal do it."""
        row = TABLE[action]
        return (
            not self.standings.isdisjoint(row.allowed)
            and (row.permission is None or row.permission in self.principal.permissions)
            and (not self.principal.is_delegate or self._may_delegate(row.by_key))
        )

    def _may_delegate(self, by_key: ByKey) -> bool:
        return by_key is ByKey.ANY or (by_key is ByKey.WHOLE and self.principal.project_id is None)

    def require(self, action: Action) -> None:
        """Raises Forbidden unless the principal may do it, InsufficientScope where only a grant is too small."""
        if not self.may(action):
            refuse_too_small_grant(self.principal, self.standings, TABLE[action])
            raise Forbidden(TABLE[action].refusal, action=action.value)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the principal may do to the memories of the project."""
        return permissions_of(self.standings) & self.principal.permissions
