"""Invitations as who is invited sees them, notifications, and the caller's own account."""

# ruff: noqa: N815 - the names on the wire

from typing import Any

from pydantic import Field

from polymem.dialects.selfmemory.wire.values import Answer, Done


class Invitation(Answer):
    """An invitation, as who is invited sees it."""

    invitation_id: str
    token: str
    email: str
    organization_id: str
    organization_name: str
    project_id: str | None
    project_name: str | None
    role: str
    invited_by_email: str | None
    status: str
    expires_at: str
    created_at: str


class InvitationAccepted(Done):
    """What accepting came to."""

    organization_id: str
    organization_name: str
    project_id: str | None
    project_name: str | None
    role: str
    projects_added: int


class Notification(Answer):
    """Something to know."""

    id: str
    type: str
    title: str
    message: str
    metadata: dict[str, Any]
    read: bool
    createdAt: str


class Notifications(Answer):
    """The last 50, newest first; `unread_count` counts all."""

    notifications: list[Notification]
    unread_count: int


class NotificationRead(Done):
    """It is marked as read."""

    notification_id: str


class NotificationsRead(Done):
    """They are marked as read."""

    count: int


class Account(Answer):
    """The caller's own account."""

    user_id: str
    id: str = Field(alias="_id")
    email: str
    name: str
    kratosId: str
    isActive: bool
    createdAt: str
    lastLogin: str | None


class AccountCascade(Answer):
    """What went with an account."""

    api_keys_deactivated: int
    organizations_removed: int
    projects_removed: int
    invitations_cancelled: int


class AccountDeleted(Done):
    """An account is ended."""

    user_id: str
    cascades: AccountCascade
    note: str
