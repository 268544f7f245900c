"""Invitations, as those who are invited see them."""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.people.invitations import Accepted
from polymem.dialects import kit
from polymem.dialects.native import people
from polymem.dialects.native.credentials import DOOR, Visit, Visitor
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.auth import logged_in
from polymem.dialects.native.wire import people as wire
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1/invitations", tags=["invitations"])

Token = Annotated[
    Text, Path(description="What opens the invitation.", examples=["3kTz9QpXo1mR7s0bq2YcVdEfGhIjKlMn"], min_length=1)
]


@router.get("", response_model=wire.InvitationPage, summary="List one's invitations", responses=responses())
async def pending(visit: Visitor, query: Annotated[wire.PageQuery, Query()]) -> Response:
    """The pending invitations to the caller's own address, newest first."""
    views = await visit.core.invitations.pending(visit.principal)
    items = [people.from_invitation(view) for view in people.to_page(views, query)]
    return kit.JsonResponse({"items": items, "total": len(views)})


@router.get("/{token}", response_model=wire.Invitation, summary="Read an invitation", responses=responses(404, 410))
async def get(request: Request, token: Token) -> Response:
    """A pending invitation, for whoever has its token; no other credential is needed."""
    core: Core = request.app.state.core
    view = await core.invitations.open(token)
    return kit.JsonResponse(people.from_invitation(view), headers={"cache-control": "no-store"})


@router.post(
    "/{token}/accept",
    response_model=wire.Accepted,
    summary="Accept an invitation",
    responses=responses(404, 409, 410, 429),
)
async def accept(request: Request, visit: Visitor, token: Token) -> Response:
    """Become a member as the invitation says, once. For the account of the address it was sent to."""
    await kit.count_call(request, "invitation_accept", visit.principal.actor)
    return kit.JsonResponse(await _accepted(visit, await visit.core.invitations.accept(visit.principal, token)))


@router.post(
    "/{token}/register",
    status_code=201,
    response_model=wire.Session,
    summary="Make an account by an invitation",
    responses=responses(404, 409, 410, 413, 429),
)
async def register(request: Request, token: Token, body: wire.InvitedRegistration) -> Response:
    """Make an account for the invited address, accept the invitation with it, and log in."""
    kit.refuse_foreign_pages(request)
    core: Core = request.app.state.core
    await kit.count_call(request, "login", "nowhere" if request.client is None else request.client.host)
    user, _ = await core.invitations.register(token, body.name, body.password, door=DOOR)
    return await logged_in(request, user, 201)


async def _accepted(visit: Visit, accepted: Accepted) -> people.Json:
    seat = await visit.core.organizations.get(visit.principal, accepted.view.organization.id)
    given = people.from_given(accepted.view, accepted.assignments)
    return {"organization": people.from_seat(seat), "projects": given}
