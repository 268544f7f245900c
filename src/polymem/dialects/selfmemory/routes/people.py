"""Invitations as who is invited sees them, notifications, and the caller's own account."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.errors import NotFound
from polymem.dialects import kit
from polymem.dialects.selfmemory.credentials import Caller, CredentialRoute, Operation
from polymem.dialects.selfmemory.mapping import tenancy as mapping
from polymem.dialects.selfmemory.scopes import check_id
from polymem.dialects.selfmemory.wire import people as wire

router = APIRouter(prefix="/api", route_class=CredentialRoute)
open_router = kit.router(prefix="/api/invitations", tags=["Invitations"])


@router.get("/invitations/pending", tags=["Invitations"], response_model=list[wire.Invitation])
async def pending(call: Caller) -> Response:
    """The pending invitations to one's own address, newest first."""
    found = await call.core.invitations.pending(call.principal)
    return kit.JsonResponse([mapping.from_invitation(view) for view in found])


@router.post("/invitations/{token}/accept", tags=["Invitations"], response_model=wire.InvitationAccepted)
async def accept(token: str, call: Caller) -> Response:
    """Accept an invitation, once."""
    await call.count(Operation.ACCEPT)
    return kit.JsonResponse(mapping.from_accepted(await call.core.invitations.accept(call.principal, _openable(token))))


@open_router.get("/{token}", response_model=wire.Invitation)
async def invitation(token: str, request: Request) -> Response:
    """An invitation, for whoever has its token."""
    core: Core = request.app.state.core
    return kit.JsonResponse(mapping.from_invitation(await core.invitations.open(_openable(token))))


def _openable(token: str) -> str:
    # PostgreSQL cannot even be asked for a NUL.
    if "\x00" in token:
        raise NotFound("Invitation", token)
    return token


@router.get("/notifications", tags=["Notifications"], response_model=wire.Notifications)
async def notifications(call: Caller) -> Response:
    """The last 50 notifications, newest first, and how many of all are unread."""
    return kit.JsonResponse(mapping.from_notices(await call.core.notices.newest(call.principal)))


@router.put("/notifications/read-all", tags=["Notifications"], response_model=wire.NotificationsRead)
async def read_all(call: Caller) -> Response:
    """Mark all as read."""
    count = await call.core.notices.read_all(call.principal)
    return kit.JsonResponse({"message": "All notifications marked as read", "count": count})


@router.put("/notifications/{notification_id}/read", tags=["Notifications"], response_model=wire.NotificationRead)
async def read(notification_id: str, call: Caller) -> Response:
    """Mark one as read."""
    await call.core.notices.read(call.principal, check_id(notification_id, "notification_id"))
    return kit.JsonResponse({"message": "Notification marked as read", "notification_id": notification_id})


@router.get("/users/me", tags=["User Account"], response_model=wire.Account)
async def me(call: Caller) -> Response:
    """One's own account; of a key, that of who made it."""
    if call.principal.user is None:
        raise NotFound("User", call.principal.actor)
    return kit.JsonResponse(mapping.from_user(call.principal.user))


@router.delete("/users/me", tags=["User Account"], response_model=wire.AccountDeleted)
async def delete_me(call: Caller) -> Response:
    """End one's account. Memories stay with their projects."""
    cascade = await call.core.accounts.delete(call.principal)
    assert call.principal.user is not None
    body = {
        "message": "User account deleted successfully",
        "user_id": call.principal.user.id,
        "cascades": {
            "api_keys_deactivated": cascade.keys,
            "organizations_removed": cascade.members,
            "projects_removed": cascade.project_members,
            "invitations_cancelled": cascade.invitations,
        },
        "note": "Memories stay with the projects they belong to.",
    }
    return kit.JsonResponse(body)
