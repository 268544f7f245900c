"""Row ↔ dataclass for people, as in `rows`."""

import json
from typing import Any

from polymem.core.people import (
    AccountToken,
    Assignment,
    AuditEntry,
    Invitation,
    InvitationStatus,
    Member,
    Membership,
    NoticeKind,
    Notification,
    Organization,
    OrganizationRole,
    ProjectMember,
    ProjectMembership,
    ProjectRole,
    Seat,
    TokenPurpose,
    User,
)
from polymem.core.people.credentials import digest
from polymem.core.people.ports import Reach
from polymem.storage.backend import Row
from polymem.storage.rows import (
    from_micros,
    from_optional_micros,
    from_project_row,
    to_json,
    to_micros,
    to_optional_micros,
)

_USER_COLUMNS = 7
_PROJECT_COLUMNS = 11


def email_key(email: str) -> str:
    """The address as it is compared: without regard to case."""
    return email.strip().casefold()


def to_user_params(user: User) -> dict[str, Any]:
    """The row of an account."""
    return {
        "id": user.id,
        "user_id": user.id,
        "email": user.email,
        "email_key": email_key(user.email),
        "name": user.name,
        "password_hash": user.password_hash,
        "active": int(user.active),
        "created_at": to_micros(user.created_at),
        "last_login_at": to_optional_micros(user.last_login_at),
    }


def from_user_row(row: Row) -> User:
    """An account from the columns of `people_statements`."""
    id_, email, name, password_hash, active, created_at, last_login_at = row
    return User(
        id=id_,
        email=email,
        name=name,
        password_hash=password_hash,
        active=bool(active),
        created_at=from_micros(created_at),
        last_login_at=from_optional_micros(last_login_at),
    )


def to_token_params(token: AccountToken) -> dict[str, Any]:
    """The row of an account's secret."""
    return {
        "user_id": token.user_id,
        "id": token.id,
        "purpose": token.purpose.value,
        "name": token.name,
        "prefix": token.prefix,
        "digest": token.digest,
        "created_at": to_micros(token.created_at),
        "expires_at": to_optional_micros(token.expires_at),
        "revoked_at": to_optional_micros(token.revoked_at),
        "last_used_at": to_optional_micros(token.last_used_at),
    }


def from_token_row(row: Row) -> AccountToken:
    """An account's secret from the columns in the order of `to_token_params`."""
    user_id, id_, purpose, name, prefix, digest_, created_at, expires_at, revoked_at, last_used_at = row
    return AccountToken(
        id=id_,
        user_id=user_id,
        purpose=TokenPurpose(purpose),
        name=name,
        prefix=prefix,
        digest=digest_,
        created_at=from_micros(created_at),
        expires_at=from_optional_micros(expires_at),
        revoked_at=from_optional_micros(revoked_at),
        last_used_at=from_optional_micros(last_used_at),
    )


def to_membership_params(membership: Membership) -> dict[str, Any]:
    """The row of a membership."""
    return {
        "organization_id": membership.organization_id,
        "user_id": membership.user_id,
        "role": membership.role.value,
        "joined_at": to_micros(membership.joined_at),
        "invited_by": membership.invited_by,
    }


def from_seat_row(row: Row) -> Seat:
    """An organization of a user's."""
    id_, slug, name, created_at, role, joined_at = row
    organization = Organization(id=id_, slug=slug, name=name, created_at=from_micros(created_at))
    return Seat(organization, OrganizationRole(role), from_micros(joined_at))


def from_member_row(row: Row) -> Member:
    """A member of an organization."""
    organization_id, user_id, role, joined_at, invited_by, projects = row[_USER_COLUMNS:]
    membership = Membership(
        organization_id=organization_id,
        user_id=user_id,
        role=OrganizationRole(role),
        joined_at=from_micros(joined_at),
        invited_by=invited_by,
    )
    return Member(from_user_row(row[:_USER_COLUMNS]), membership, projects)


def from_reach_row(row: Row) -> Reach:
    """How a user stands to a project."""
    organization_role, project_role = row[_PROJECT_COLUMNS:]
    return Reach(
        from_project_row(row[:_PROJECT_COLUMNS]),
        OrganizationRole(organization_role),
        None if project_role is None else ProjectRole(project_role),
    )


def to_project_membership_params(membership: ProjectMembership) -> dict[str, Any]:
    """The row of a membership of a project."""
    return {
        "organization_id": membership.organization_id,
        "project_id": membership.project_id,
        "user_id": membership.user_id,
        "role": membership.role.value,
        "added_at": to_micros(membership.added_at),
        "added_by": membership.added_by,
    }


def from_project_member_row(row: Row) -> ProjectMember:
    """A member of a project."""
    organization_id, project_id, user_id, role, added_at, added_by = row[_USER_COLUMNS:]
    membership = ProjectMembership(
        organization_id=organization_id,
        project_id=project_id,
        user_id=user_id,
        role=ProjectRole(role),
        added_at=from_micros(added_at),
        added_by=added_by,
    )
    return ProjectMember(from_user_row(row[:_USER_COLUMNS]), membership)


def to_assignments(assignments: tuple[Assignment, ...]) -> str:
    """The projects of an invitation as JSON."""
    return to_json([[assignment.project_id, assignment.role.value] for assignment in assignments])


def to_invitation_params(invitation: Invitation) -> dict[str, Any]:
    """The row of an invitation."""
    return {
        "organization_id": invitation.organization_id,
        "id": invitation.id,
        "project_id": invitation.project_id,
        "project": invitation.project_id or "",
        "email": invitation.email,
        "email_key": email_key(invitation.email),
        "role": invitation.role.value,
        "assignments": to_assignments(invitation.assignments),
        "token": invitation.token,
        "digest": digest(invitation.token),
        "invited_by": invitation.invited_by,
        "status": invitation.status.value,
        "created_at": to_micros(invitation.created_at),
        "expires_at": to_micros(invitation.expires_at),
    }


def from_invitation_row(row: Row) -> Invitation:
    """An invitation from the columns of `people_statements`."""
    (
        organization_id, id_, project_id, email, role, assignments, token, invited_by, status, created_at, expires_at,
    ) = row  # fmt: skip
    return Invitation(
        id=id_,
        organization_id=organization_id,
        project_id=project_id,
        email=email,
        role=OrganizationRole(role),
        assignments=tuple(Assignment(project, ProjectRole(name)) for project, name in json.loads(assignments)),
        token=token or "",
        invited_by=invited_by,
        status=InvitationStatus(status),
        created_at=from_micros(created_at),
        expires_at=from_micros(expires_at),
    )


def to_notification_params(notification: Notification) -> dict[str, Any]:
    """The row of a notification."""
    return {
        "user_id": notification.user_id,
        "id": notification.id,
        "kind": notification.kind.value,
        "title": notification.title,
        "message": notification.message,
        "data": to_json(dict(notification.data)),
        "about": notification.data.get("about"),
        "created_at": to_micros(notification.created_at),
        "read_at": to_optional_micros(notification.read_at),
    }


def from_notification_row(row: Row) -> Notification:
    """A notification from the columns of `people_statements`."""
    user_id, id_, kind, title, message, data, created_at, read_at = row
    return Notification(
        id=id_,
        user_id=user_id,
        kind=NoticeKind(kind),
        title=title,
        message=message,
        data=json.loads(data),
        created_at=from_micros(created_at),
        read_at=from_optional_micros(read_at),
    )


def to_audit_params(entry: AuditEntry) -> dict[str, Any]:
    """The row of an entry of the trail."""
    return {
        "organization_id": entry.organization_id,
        "id": entry.id,
        "at": to_micros(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "door": entry.door,
        "detail": to_json(dict(entry.detail)),
    }


def from_audit_row(row: Row) -> AuditEntry:
    """An entry of the trail from the columns in the order of `to_audit_params`."""
    organization_id, id_, at, actor, action, object_kind, object_id, door, detail = row
    return AuditEntry(
        id=id_,
        organization_id=organization_id,
        at=from_micros(at),
        actor=actor,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        door=door,
        detail=json.loads(detail),
    )
