"""Organizations, projects, members, keys, invitations, notifications, accounts: as SelfMemory shows them."""

from collections.abc import Iterable, Sequence

from polymem.core.errors import Forbidden
from polymem.core.people import (
    ApiKey,
    InvitationView,
    Member,
    Notification,
    OrganizationRole,
    Permission,
    Project,
    ProjectMember,
    ProjectRole,
    ProjectSeat,
    Seat,
    User,
)
from polymem.core.people.invitations import Accepted, Sent
from polymem.core.people.keys import Keyring
from polymem.core.people.notices import Notices
from polymem.dialects.selfmemory.mapping.values import Json, from_instant, from_optional_instant

ASSIGNABLE = frozenset({"admin", "editor", "viewer"})
"""The roles a member of a project can have."""

BEYOND_OWN = "Cannot create API key with permissions you don't have"

_NOTICE_FIELDS = {"organization": "organizationName", "project": "projectName"}


# --- organizations --------------------------------------------------------------------------------


def from_seat(seat: Seat, owner: User | None, *, role: bool = True) -> Json:
    """An organization and, in lists, what the caller is to it."""
    created_at = from_instant(seat.organization.created_at)
    shown = {
        "_id": seat.organization.id,
        "name": seat.organization.name,
        "ownerId": None if owner is None else owner.id,
        "type": "custom",
        "createdAt": created_at,
        "updatedAt": created_at,
    }
    return shown | ({"role": seat.role.value} if role else {})


def from_members(organization_id: str, members: Sequence[Member], pending: Sequence[InvitationView]) -> Json:
    """The members of an organization, and who is invited to be one."""
    return {
        "organization_id": organization_id,
        "members": [_member(member) for member in members],
        "pending_invitations": [_pending(view) for view in pending],
        "total_members": len(members),
        "total_pending": len(pending),
    }


def _member(member: Member) -> Json:
    return {
        "userId": member.user.id,
        "email": member.user.email,
        "name": member.user.name,
        "role": member.membership.role.value,
        "joinedAt": from_instant(member.membership.joined_at),
        "invitedBy": member.membership.invited_by,
        "projectsCount": member.projects,
    }


def _pending(view: InvitationView) -> Json:
    invitation = view.invitation
    return {
        "invitationId": invitation.id,
        "email": invitation.email,
        "role": _role(view),
        "invitedBy": None if view.inviter is None else view.inviter.email,
        "invitedByUserId": invitation.invited_by,
        "invitationType": "organization" if invitation.project_id is None else "project",
        "projectName": None if view.project is None else view.project.name,
        "projectAssignments": _assignments(view),
        "projectsCount": len(invitation.assignments),
        "createdAt": from_instant(invitation.created_at),
        "expiresAt": from_instant(invitation.expires_at),
        "status": invitation.status.value,
    }


# --- projects -------------------------------------------------------------------------------------


def from_role(role: ProjectRole) -> Json:
    """What somebody of this role may do in a project."""
    writes = role is not ProjectRole.VIEWER
    invites = role in (ProjectRole.OWNER, ProjectRole.ADMIN)
    return {"canRead": True, "canWrite": writes, "canDelete": writes, "canInvite": invites}


def _shown_role(role: ProjectRole) -> str:
    # Owners show as admins.
    return (ProjectRole.ADMIN if role is ProjectRole.OWNER else role).value


def _project(project: Project) -> Json:
    return {
        "_id": project.id,
        "name": project.name,
        "organizationId": project.organization_id,
        "ownerId": project.owner_id,
        "createdAt": from_instant(project.created_at),
        "updatedAt": from_instant(project.updated_at),
    }


def from_project_in_list(seat: ProjectSeat) -> Json:
    """A project, and what the caller is to it."""
    return _project(seat.project) | {
        "isOwner": seat.is_owner,
        "isOrgOwner": seat.is_organization_owner,
        "role": _shown_role(seat.role),
        "userPermissions": from_role(seat.role),
    }


def from_project(seat: ProjectSeat, user_id: str | None) -> Json:
    """One project, and what the caller is to it."""
    current = {
        "userId": user_id,
        "role": _shown_role(seat.role),
        "isOwner": seat.is_owner,
        "permissions": from_role(seat.role),
    }
    return _project(seat.project) | {"isOwner": seat.is_owner, "currentUser": current}


def from_project_member(member: ProjectMember, owner_id: str | None) -> Json:
    """A member of a project."""
    return {
        "userId": member.user.id,
        "email": member.user.email,
        "name": member.user.name,
        "role": member.membership.role.value,
        "permissions": from_role(member.membership.role),
        "addedAt": from_instant(member.membership.added_at),
        "addedBy": member.membership.added_by,
        "isOwner": member.user.id == owner_id,
    }


# --- keys -----------------------------------------------------------------------------------------


def to_permissions(words: Iterable[str] | None) -> frozenset[Permission] | None:
    """The permissions asked for, None for all that one has. To delete is to write. Raises Forbidden for others."""
    known = {"read": Permission.READ, "write": Permission.WRITE, "delete": Permission.WRITE}
    wanted = list(words or ())
    if not wanted:
        return None
    if any(word not in known for word in wanted):
        raise Forbidden(BEYOND_OWN)
    return frozenset(known[word] for word in wanted)


def from_permissions(permissions: frozenset[Permission], asked: Sequence[str] | None = None) -> list[str]:
    """Permissions in their usual order; deleting is named only to who asked for it or for nothing in particular."""
    words = [permission.value for permission in (Permission.READ, Permission.WRITE) if permission in permissions]
    deletes = asked is not None and (not asked or "delete" in asked) and Permission.WRITE in permissions
    return [*words, "delete"] if deletes else words


def from_new_key(key: ApiKey, secret: str, asked: Sequence[str] | None) -> Json:
    """A key just made, with its secret."""
    return {
        "api_key": secret,
        "prefix": key.prefix,
        "key_prefix": key.prefix,
        "name": key.name,
        "permissions": from_permissions(key.permissions, asked or []),
        "api_key_id": key.id,
        "project_id": key.project_id,
        "organization_id": key.organization_id,
        "expires_at": from_optional_instant(key.expires_at),
        "message": "API key created successfully. Store it securely: it will not be shown again.",
    }


def from_keyring(ring: Keyring) -> Json:
    """The keys of a project, without their secrets."""
    keys = [_key(key, ring.creators.get(key.creator_id or "")) for key in ring.keys]
    return {"api_keys": keys, "total": len(keys)}


def _key(key: ApiKey, owner: User | None) -> Json:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "key_prefix": key.prefix,
        "owner_id": key.creator_id,
        "owner_email": None if owner is None else owner.email,
        "permissions": from_permissions(key.permissions),
        "is_active": True,
        "auto_generated": False,
        "created_at": from_instant(key.created_at),
        "last_used": from_optional_instant(key.last_used_at),
        "expires_at": from_optional_instant(key.expires_at),
    }


# --- invitations ----------------------------------------------------------------------------------


def _role(view: InvitationView) -> str:
    if view.invitation.project_id is not None and view.invitation.assignments:
        return view.invitation.assignments[0].role.value
    return view.invitation.role.value


def _assignments(view: InvitationView) -> list[Json]:
    return [
        {"projectId": one.project_id, "projectName": view.projects[one.project_id].name, "role": one.role.value}
        for one in view.invitation.assignments
        if one.project_id in view.projects
    ]


def _how(sent: Sent) -> Json:
    return {"email_sent": sent.mailed, "link": sent.link}


def from_organization_invitation(sent: Sent) -> Json:
    """An invitation to an organization, just made."""
    invitation = sent.view.invitation
    return {
        "invitation_id": invitation.id,
        "email": invitation.email,
        "organization_id": invitation.organization_id,
        "role": invitation.role.value,
        "project_assignments": _assignments(sent.view),
        "token": invitation.token,
        "expires_at": from_instant(invitation.expires_at),
        "message": "Invitation created successfully",
    } | _how(sent)


def from_project_invitation(sent: Sent) -> Json:
    """An invitation that was made for a project: to it or, for who is not of the organization yet, to that."""
    invitation = sent.view.invitation
    common = {
        "invitation_id": invitation.id,
        "email": invitation.email,
        "organization_id": invitation.organization_id,
        "token": invitation.token,
        "expires_at": from_instant(invitation.expires_at),
    } | _how(sent)
    if invitation.project_id is not None:
        return common | {
            "invitation_type": "project",
            "project_id": invitation.project_id,
            "role": _role(sent.view),
            "message": "Project invitation created successfully",
        }
    assigned = [
        {"project_id": one["projectId"], "project_name": one["projectName"], "role": one["role"]}
        for one in _assignments(sent.view)
    ]
    return common | {
        "invitation_type": "organization",
        "project_assignments": assigned,
        "message": "Organization invitation created with project assignment",
    }


def from_invitation(view: InvitationView) -> Json:
    """An invitation, as who is invited sees it."""
    invitation = view.invitation
    return {
        "invitation_id": invitation.id,
        "token": invitation.token,
        "email": invitation.email,
        "organization_id": invitation.organization_id,
        "organization_name": view.organization.name,
        "project_id": invitation.project_id,
        "project_name": None if view.project is None else view.project.name,
        "role": _role(view),
        "invited_by_email": None if view.inviter is None else view.inviter.email,
        "status": invitation.status.value,
        "expires_at": from_instant(invitation.expires_at),
        "created_at": from_instant(invitation.created_at),
    }


def from_accepted(accepted: Accepted) -> Json:
    """What accepting came to."""
    shown = from_invitation(accepted.view)
    named = ("organization_id", "organization_name", "project_id", "project_name", "role")
    return {
        "message": "Invitation accepted successfully",
        **{name: shown[name] for name in named},
        "projects_added": len(accepted.assignments),
    }


# --- notifications and accounts -------------------------------------------------------------------


def from_notices(notices: Notices) -> Json:
    """The newest notifications."""
    return {"notifications": [_notice(one) for one in notices.items], "unread_count": notices.unread}


def _notice(notification: Notification) -> Json:
    return {
        "id": notification.id,
        "type": notification.kind.value,
        "title": notification.title,
        "message": notification.message,
        "metadata": {_NOTICE_FIELDS.get(name, name): value for name, value in notification.data.items()},
        "read": notification.read_at is not None,
        "createdAt": from_instant(notification.created_at),
    }


def from_user(user: User) -> Json:
    """The caller's own account."""
    return {
        "user_id": user.id,
        "_id": user.id,
        "email": user.email,
        "name": user.name,
        "kratosId": user.id,
        "isActive": user.active,
        "createdAt": from_instant(user.created_at),
        "lastLogin": from_optional_instant(user.last_login_at),
    }


def is_last_admin(members: Iterable[Member], user_id: str) -> bool:
    """Whether the user is an organization's only admin beside its owner."""
    admins = [member.user.id for member in members if member.membership.role is OrganizationRole.ADMIN]
    return admins == [user_id]
