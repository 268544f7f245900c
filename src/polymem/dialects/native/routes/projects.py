"""Projects."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from polymem.core.people.access import Action
from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller, Visitor
from polymem.dialects.native.errors import responses
from polymem.dialects.native.people import from_cascade, to_page
from polymem.dialects.native.wire import organization as wire
from polymem.dialects.native.wire.people import Cascade, PageQuery
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1/projects", tags=["projects"])

# A key may hold slashes, so the rest of the path is the key.
ProjectName = Annotated[Text, Path(description="The project's key or id.", examples=["travel"], min_length=1)]


@router.get("", response_model=wire.ProjectList, summary="List projects", responses=responses())
async def find(call: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    """The projects the credential reaches, oldest first."""
    projects = await call.core.projects.all(call.scope)
    items = [mapping.from_project(project) for project in to_page(projects, query)]
    return kit.JsonResponse({"items": items, "total": len(projects)})


@router.post("", status_code=201, response_model=wire.Project, summary="Make a project", responses=responses(409, 413))
async def create(visit: Visitor, body: wire.NewProject) -> Response:
    """Make a project, owned by the caller's account. Memories that name a new one make it too."""
    made = await visit.core.teams.create(
        visit.principal,
        body.name if body.name is not None else body.key,
        organization=visit.organization,
        key=body.key,
        description=body.description,
        stack=tuple(body.stack),
    )
    return kit.JsonResponse(mapping.from_project(made.project), 201)


@router.get("/{project:path}", response_model=wire.Project, summary="Read a project", responses=responses(404))
async def get(call: Caller, project: ProjectName) -> Response:
    """One project, by its key or its id."""
    return kit.JsonResponse(mapping.from_project(await call.core.projects.get(call.scope, project)))


@router.patch(
    "/{project:path}", response_model=wire.Project, summary="Change a project", responses=responses(404, 409, 413)
)
async def revise(visit: Visitor, project: ProjectName, body: wire.ProjectChanges) -> Response:
    """Change the fields that are sent."""
    authority = await visit.core.teams.authority(visit.principal, project, Action.REVISE_PROJECT, visit.organization)
    assert authority.project is not None
    changes = mapping.to_project_changes(body)
    revised = await visit.core.projects.revise(authority.scope, authority.project.id, **changes)
    return kit.JsonResponse(mapping.from_project(revised))


@router.delete("/{project:path}", response_model=Cascade, summary="Delete a project", responses=responses(404))
async def delete(visit: Visitor, project: ProjectName) -> Response:
    """Remove a project with all its memories, members, invitations and keys, for good. For its owner."""
    gone = await visit.core.teams.delete(visit.principal, project, organization=visit.organization)
    return kit.JsonResponse(from_cascade(gone))
