"""The caller: who it is, its account, its tokens, its notifications."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from polymem.core.people import PrincipalKind
from polymem.core.people.principals import account_of
from polymem.dialects import kit
from polymem.dialects.native import mapping, people
from polymem.dialects.native.credentials import Visitor, forget_session
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import people as wire
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1", tags=["me"])

Id = Annotated[Text, Path(description="Its id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"], min_length=1)]


@router.get("/me", response_model=wire.Me, summary="Who calls", responses=responses())
async def me(visit: Visitor) -> Response:
    """Who calls, and which organizations the credential reaches."""
    principal = visit.principal
    shows = principal.user is not None and principal.kind is PrincipalKind.USER
    seats = await visit.core.organizations.all(principal)
    answer = {
        "kind": principal.kind.value,
        "user": people.from_account(account_of(principal)) if shows else None,
        "key": None if principal.key is None else principal.key.id,
        "organizations": [people.from_seat(seat) for seat in seats],
    }
    return kit.JsonResponse(answer)


@router.patch("/me", response_model=wire.Account, summary="Change the account", responses=responses(413))
async def rename(visit: Visitor, body: wire.AccountChanges) -> Response:
    """Change what the account is called."""
    return kit.JsonResponse(people.from_account(await visit.core.accounts.rename(visit.principal, body.name)))


@router.delete("/me", response_model=wire.Cascade, summary="End the account", responses=responses(409))
async def delete(visit: Visitor) -> Response:
    """End the account with its tokens, keys, memberships and invitations; memories stay where they are.

    Not while it owns an organization or is the only admin of a project.
    """
    response = kit.JsonResponse(people.from_cascade(await visit.core.accounts.delete(visit.principal)))
    forget_session(response)
    return response


# --- tokens ------------------------------------------------------------------------------------


@router.get("/me/tokens", response_model=wire.TokenList, summary="List account tokens", responses=responses())
async def tokens(visit: Visitor, query: Annotated[wire.PageQuery, Query()]) -> Response:
    """The tokens that stand for the whole account, oldest first; never their secrets."""
    found = await visit.core.accounts.tokens(visit.principal)
    items = [people.from_token(token) for token in people.to_page(found, query)]
    return kit.JsonResponse({"items": items, "total": len(found)})


@router.post(
    "/me/tokens",
    status_code=201,
    response_model=wire.CreatedToken,
    summary="Make an account token",
    responses=responses(413),
)
async def create_token(visit: Visitor, body: wire.NewToken) -> Response:
    """Make a token for programs that act for the whole account. Its secret is in this answer and nowhere else."""
    token, secret = await visit.core.accounts.create_token(
        account_of(visit.principal, itself=True), body.name, expires_in=mapping.to_lifetime(body.expires_in_days)
    )
    return kit.JsonResponse(people.from_token(token) | {"secret": secret}, 201, {"cache-control": "no-store"})


@router.delete("/me/tokens/{token_id}", status_code=204, summary="Revoke an account token", responses=responses(404))
async def revoke_token(visit: Visitor, token_id: Id) -> Response:
    """End a token. It is refused from the next request on."""
    await visit.core.accounts.revoke_token(visit.principal, token_id)
    return Response(status_code=204)


# --- applications ------------------------------------------------------------------------------


@router.get("/me/grants", response_model=wire.GrantPage, summary="List applications let in", responses=responses())
async def grants(visit: Visitor, query: Annotated[wire.PageQuery, Query()]) -> Response:
    """The applications that may use what the account reaches, and how far; newest first."""
    found = await visit.core.grants.all(visit.principal)
    items = [people.from_grant(grant) for grant in people.to_page(found, query)]
    return kit.JsonResponse({"items": items, "total": len(found)})


@router.delete("/me/grants/{grant_id}", status_code=204, summary="Shut an application out", responses=responses(404))
async def revoke_grant(visit: Visitor, grant_id: Id) -> Response:
    """Take back what an application was granted. Its tokens are refused from the next request on."""
    await visit.core.grants.revoke(visit.principal, grant_id)
    return Response(status_code=204)


# --- notifications -----------------------------------------------------------------------------


@router.get("/notifications", response_model=wire.NotificationList, summary="List notifications", responses=responses())
async def notifications(visit: Visitor) -> Response:
    """The last 50, newest first, and how many of all are unread."""
    newest = await visit.core.notices.newest(visit.principal)
    items = [people.from_notification(one) for one in newest.items]
    return kit.JsonResponse({"items": items, "unread": newest.unread})


@router.post(
    "/notifications/read-all", response_model=wire.ReadAll, summary="Read all notifications", responses=responses()
)
async def read_all(visit: Visitor) -> Response:
    """Mark all as read."""
    return kit.JsonResponse({"read": await visit.core.notices.read_all(visit.principal)})


@router.post(
    "/notifications/{notification_id}/read",
    status_code=204,
    summary="Read a notification",
    responses=responses(404),
)
async def read(visit: Visitor, notification_id: Id) -> Response:
    """Mark one as read."""
    await visit.core.notices.read(visit.principal, notification_id)
    return Response(status_code=204)
