"""The mapping of people: from the native API's JSON to the core's values and back. Pure functions, as in `mapping`."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from polymem.core.people import (
    AccountToken,
    Assignment,
    AuditEntry,
    Cascade,
    InvitationView,
    Member,
    Notification,
    ProjectMember,
    Seat,
    User,
)
from polymem.core.people.applications import Grant
from polymem.core.people.invitations import Sent
from polymem.dialects.native.wire.people import PageQuery

Json = dict[str, Any]

T = TypeVar("T")


def to_page(items: Sequence[T], query: PageQuery) -> Sequence[T]:
    """The part of a list that was asked for."""
    return items[query.offset : query.offset + query.limit]


def from_user(user: User) -> Json:
    """An account, for others."""
    return {"id": user.id, "name": user.name, "email": user.email}


def from_account(user: User) -> Json:
    """An account, for its holder."""
    return from_user(user) | {"created_at": user.created_at, "last_login_at": user.last_login_at}


def from_token(token: AccountToken) -> Json:
    """An account token."""
    names = ("id", "name", "prefix", "created_at", "expires_at", "last_used_at")
    return {name: getattr(token, name) for name in names}


def from_grant(grant: Grant) -> Json:
    """What an application was granted."""
    names = ("id", "application_id", "organization_id", "project_id", "resource", "created_at", "last_used_at")
    granted = sorted(permission.value for permission in grant.permissions)
    return {name: getattr(grant, name) for name in names} | {
        "application": grant.application_name,
        "permissions": granted,
    }


def from_cascade(cascade: Cascade) -> Json:
    """How much went with what was removed."""
    return {field.name: getattr(cascade, field.name) for field in fields(Cascade)}


def from_seat(seat: Seat) -> Json:
    """An organization, and what the caller is to it."""
    return {
        "id": seat.organization.id,
        "slug": seat.organization.slug,
        "name": seat.organization.name,
        "role": seat.role.value,
        "created_at": seat.organization.created_at,
        "joined_at": seat.joined_at,
    }


def from_member(member: Member) -> Json:
    """A member of an organization."""
    return {
        "user": from_user(member.user),
        "role": member.membership.role.value,
        "joined_at": member.membership.joined_at,
        "invited_by": member.membership.invited_by,
        "projects": member.projects,
    }


def from_project_member(member: ProjectMember) -> Json:
    """A member of a project."""
    return {
        "user": from_user(member.user),
        "role": member.membership.role.value,
        "added_at": member.membership.added_at,
        "added_by": member.membership.added_by,
    }


def from_given(view: InvitationView, assignments: Sequence[Assignment]) -> list[Json]:
    """The projects that an invitation gives and that still exist."""
    return [
        {"id": one.project_id, "name": view.projects[one.project_id].name, "role": one.role.value}
        for one in assignments
        if one.project_id in view.projects
    ]


def from_invitation(view: InvitationView) -> Json:
    """An invitation."""
    invitation = view.invitation
    return {
        "id": invitation.id,
        "kind": "organization" if invitation.project_id is None else "project",
        "email": invitation.email,
        "organization_id": invitation.organization_id,
        "organization": view.organization.name,
        "role": invitation.role.value,
        "projects": from_given(view, invitation.assignments),
        "invited_by": None if view.inviter is None else view.inviter.email,
        "status": invitation.status.value,
        "token": invitation.token or None,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }


def from_sent(sent: Sent) -> Json:
    """An invitation just made."""
    return from_invitation(sent.view) | {"link": sent.link, "mailed": sent.mailed}


def from_notification(notification: Notification) -> Json:
    """A notification."""
    return {
        "id": notification.id,
        "kind": notification.kind.value,
        "title": notification.title,
        "message": notification.message,
        "data": dict(notification.data),
        "created_at": notification.created_at,
        "read_at": notification.read_at,
    }


def from_audit_entry(entry: AuditEntry) -> Json:
    """An entry of the trail."""
    names = ("id", "at", "actor", "action", "object_kind", "object_id", "door")
    return {name: getattr(entry, name) for name in names} | {"detail": dict(entry.detail)}
