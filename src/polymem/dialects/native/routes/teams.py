"""The members of projects, and invitations to them."""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from polymem.core.people import ProjectRole
from polymem.dialects import kit
from polymem.dialects.native import people
from polymem.dialects.native.credentials import Visitor
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.organizations import Paging, UserId
from polymem.dialects.native.wire import people as wire
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1/projects", tags=["projects"])

ProjectName = Annotated[
    Text, Path(description="The project's id, or its key if that has no slash.", examples=["travel"], min_length=1)
]


@router.get(
    "/{project}/members",
    response_model=wire.ProjectMemberPage,
    summary="List a project's members",
    responses=responses(404),
)
async def members(visit: Visitor, project: ProjectName, query: Paging) -> Response:
    """A page of the members, by when they were added; the owner is not one of them."""
    page = await visit.core.teams.members(
        visit.principal, project, organization=visit.organization, limit=query.limit, offset=query.offset
    )
    items = [people.from_project_member(member) for member in page.items]
    return kit.JsonResponse({"items": items, "total": page.total})


@router.post(
    "/{project}/members",
    status_code=201,
    response_model=wire.ProjectMember,
    summary="Add a member to a project",
    responses=responses(404, 409),
)
async def add(visit: Visitor, project: ProjectName, body: wire.NewProjectMember) -> Response:
    """Add a member of the organization to the project. For its admins."""
    member = await visit.core.teams.add(
        visit.principal, project, body.user_id, ProjectRole(body.role), organization=visit.organization
    )
    return kit.JsonResponse(people.from_project_member(member), 201)


@router.patch(
    "/{project}/members/{user_id}",
    response_model=wire.ProjectMember,
    summary="Change a member's role in a project",
    responses=responses(404, 409),
)
async def set_role(visit: Visitor, project: ProjectName, user_id: UserId, body: wire.ProjectRoleChange) -> Response:
    """Make a member admin, editor or viewer. For the project's admins."""
    await visit.core.teams.set_role(
        visit.principal, project, user_id, ProjectRole(body.role), organization=visit.organization
    )
    member = await visit.core.teams.member(visit.principal, project, user_id, organization=visit.organization)
    return kit.JsonResponse(people.from_project_member(member))


@router.delete(
    "/{project}/members/{user_id}",
    response_model=wire.Cascade,
    summary="Remove a member from a project",
    responses=responses(404, 409),
)
async def remove(visit: Visitor, project: ProjectName, user_id: UserId) -> Response:
    """Remove a member with their keys of the project, or leave it."""
    gone = await visit.core.teams.remove(visit.principal, project, user_id, organization=visit.organization)
    return kit.JsonResponse(people.from_cascade(gone))


@router.get(
    "/{project}/invitations",
    response_model=wire.InvitationPage,
    summary="List a project's invitations",
    responses=responses(404),
)
async def invitations(visit: Visitor, project: ProjectName, query: Annotated[wire.PageQuery, Query()]) -> Response:
    """The pending ones that give this project, newest first. For its admins."""
    views = await visit.core.invitations.of_project(visit.principal, project, organization=visit.organization)
    items = [people.from_invitation(view) for view in people.to_page(views, query)]
    return kit.JsonResponse({"items": items, "total": len(views)})


@router.post(
    "/{project}/invitations",
    status_code=201,
    response_model=wire.SentInvitation,
    summary="Invite to a project",
    responses=responses(404, 409, 413, 429),
)
async def invite(request: Request, visit: Visitor, project: ProjectName, body: wire.NewProjectInvitation) -> Response:
    """Invite an address to the project and, if it is not of the organization, to that as well. For its admins."""
    await kit.count_call(request, "invitation_create", visit.principal.actor)
    sent = await visit.core.invitations.invite_to_project(
        visit.principal, project, body.email, ProjectRole(body.role), organization=visit.organization
    )
    return kit.JsonResponse(people.from_sent(sent), 201, {"cache-control": "no-store"})
