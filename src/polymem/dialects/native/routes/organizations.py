"""Organizations: their members, invitations, and audit trail."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from polymem.core.people import Assignment, OrganizationRole, ProjectRole
from polymem.dialects import kit
from polymem.dialects.native import people
from polymem.dialects.native.credentials import Visitor
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import people as wire
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1", tags=["organizations"])

OrganizationName = Annotated[
    Text, Path(description="Id or slug of the organization.", examples=["ana-friends"], min_length=1)
]
UserId = Annotated[
    Text, Path(description="Id of the user.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"], min_length=1)
]
Paging = Annotated[wire.PageQuery, Query()]


@router.get("/organizations", response_model=wire.OrganizationPage, summary="List organizations", responses=responses())
async def find(visit: Visitor, query: Paging) -> Response:
    """Every organization the caller belongs to: owned ones first."""
    seats = await visit.core.organizations.all(visit.principal)
    items = [people.from_seat(seat) for seat in people.to_page(seats, query)]
    return kit.JsonResponse({"items": items, "total": len(seats)})


@router.post(
    "/organizations",
    status_code=201,
    response_model=wire.Organization,
    summary="Make an organization",
    responses=responses(409, 413),
)
async def create(request: Request, visit: Visitor, body: wire.NewOrganization) -> Response:
    """Make an organization, owned by the caller's account."""
    await kit.count_call(request, "organization_create", visit.principal.actor)
    return kit.JsonResponse(people.from_seat(await visit.core.organizations.create(visit.principal, body.name)), 201)


@router.get(
    "/organizations/{organization}",
    response_model=wire.Organization,
    summary="Read an organization",
    responses=responses(404),
)
async def get(visit: Visitor, organization: OrganizationName) -> Response:
    """One organization, and what the caller is to it."""
    return kit.JsonResponse(people.from_seat(await visit.core.organizations.get(visit.principal, organization)))


@router.patch(
    "/organizations/{organization}",
    response_model=wire.Organization,
    summary="Rename an organization",
    responses=responses(404, 409, 413),
)
async def rename(visit: Visitor, organization: OrganizationName, body: wire.OrganizationChanges) -> Response:
    """Call it something else; its slug stays. For admins."""
    seat = await visit.core.organizations.rename(visit.principal, organization, body.name)
    return kit.JsonResponse(people.from_seat(seat))


@router.delete(
    "/organizations/{organization}",
    response_model=wire.Cascade,
    summary="Delete an organization",
    responses=responses(404),
)
async def delete(visit: Visitor, organization: OrganizationName) -> Response:
    """Remove an organization with all its projects, memories, keys and members, for good. For its owner."""
    gone = await visit.core.organizations.delete(visit.principal, organization)
    return kit.JsonResponse(people.from_cascade(gone))


@router.post(
    "/organizations/{organization}/transfer",
    response_model=wire.Organization,
    summary="Transfer an organization",
    responses=responses(404, 409),
)
async def transfer(visit: Visitor, organization: OrganizationName, body: wire.Transfer) -> Response:
    """Make an admin the owner; the owner becomes an admin. For its owner."""
    await visit.core.organizations.transfer(visit.principal, organization, body.user_id)
    return kit.JsonResponse(people.from_seat(await visit.core.organizations.get(visit.principal, organization)))


# --- members -----------------------------------------------------------------------------------


@router.get(
    "/organizations/{organization}/members",
    response_model=wire.MemberPage,
    summary="List members",
    responses=responses(404),
)
async def members(visit: Visitor, organization: OrganizationName, query: Paging) -> Response:
    """A page of the members, by when they joined."""
    page = await visit.core.organizations.members(visit.principal, organization, limit=query.limit, offset=query.offset)
    return kit.JsonResponse({"items": [people.from_member(member) for member in page.items], "total": page.total})


@router.patch(
    "/organizations/{organization}/members/{user_id}",
    response_model=wire.Member,
    summary="Change a member's role",
    responses=responses(404, 409),
)
async def set_role(visit: Visitor, organization: OrganizationName, user_id: UserId, body: wire.RoleChange) -> Response:
    """Make a member admin or member. For admins."""
    await visit.core.organizations.set_role(visit.principal, organization, user_id, OrganizationRole(body.role))
    member = await visit.core.organizations.member(visit.principal, organization, user_id)
    return kit.JsonResponse(people.from_member(member))


@router.delete(
    "/organizations/{organization}/members/{user_id}",
    response_model=wire.Cascade,
    summary="Remove a member",
    responses=responses(404, 409),
)
async def remove(visit: Visitor, organization: OrganizationName, user_id: UserId) -> Response:
    """Remove a member with project memberships and keys, or leave. Their projects go to the owner."""
    gone = await visit.core.organizations.remove(visit.principal, organization, user_id)
    return kit.JsonResponse(people.from_cascade(gone))


# --- invitations -------------------------------------------------------------------------------


@router.get(
    "/organizations/{organization}/invitations",
    response_model=wire.InvitationPage,
    summary="List an organization's invitations",
    responses=responses(404),
)
async def invitations(visit: Visitor, organization: OrganizationName, query: Paging) -> Response:
    """The pending ones, newest first, those to its projects included."""
    views = await visit.core.invitations.of_organization(visit.principal, organization)
    items = [people.from_invitation(view) for view in people.to_page(views, query)]
    return kit.JsonResponse({"items": items, "total": len(views)})


@router.post(
    "/organizations/{organization}/invitations",
    status_code=201,
    response_model=wire.SentInvitation,
    summary="Invite to an organization",
    responses=responses(404, 409, 413, 429),
)
async def invite(
    request: Request, visit: Visitor, organization: OrganizationName, body: wire.NewInvitation
) -> Response:
    """Invite an address to the organization and to projects of it. A pending one to it is replaced. For admins."""
    await kit.count_call(request, "invitation_create", visit.principal.actor)
    assignments = []
    for one in body.projects:
        seat = await visit.core.teams.get(visit.principal, one.project, organization=organization)
        assignments.append(Assignment(seat.project.id, ProjectRole(one.role)))
    sent = await visit.core.invitations.invite(
        visit.principal,
        body.email,
        organization=organization,
        role=OrganizationRole(body.role),
        assignments=assignments,
    )
    return kit.JsonResponse(people.from_sent(sent), 201, {"cache-control": "no-store"})


@router.delete(
    "/organizations/{organization}/invitations/{invitation_id}",
    status_code=204,
    summary="Cancel an invitation",
    responses=responses(404, 409),
)
async def cancel(
    visit: Visitor,
    organization: OrganizationName,
    invitation_id: Annotated[
        Text, Path(description="Its id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"], min_length=1)
    ],
) -> Response:
    """End a pending invitation. For admins."""
    await visit.core.invitations.cancel(visit.principal, invitation_id, organization=organization)
    return Response(status_code=204)


# --- audit -------------------------------------------------------------------------------------


class _AuditQuery(wire.PageQuery):
    limit: int = Field(50, ge=1, le=1000, description="How many at most.", examples=[50])


@router.get("/audit", response_model=wire.AuditPage, summary="Read the audit trail", responses=responses(404))
async def audit(visit: Visitor, query: Annotated[_AuditQuery, Query()]) -> Response:
    """Who did what to which object, when, and through which door; newest first. For admins."""
    page = await visit.core.audit.page(
        visit.principal, organization=visit.organization, limit=query.limit, offset=query.offset
    )
    items = [people.from_audit_entry(entry) for entry in page.items]
    return kit.JsonResponse({"items": items, "total": page.total, "limit": page.limit, "offset": page.offset})
