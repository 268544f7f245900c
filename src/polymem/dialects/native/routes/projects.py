"""Projects."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import organization as wire
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1/projects", tags=["projects"])

# A key may hold slashes, so the rest of the path is the key.
ProjectName = Annotated[Text, Path(description="The project's key or id.", examples=["travel"], min_length=1)]


@router.get("", response_model=wire.ProjectList, summary="List projects", responses=responses())
async def find(call: Caller) -> Response:
    """All projects the credential reaches, oldest first."""
    projects = await call.core.projects.all(call.scope)
    items = [mapping.from_project(project) for project in projects]
    return kit.JsonResponse({"items": items, "total": len(items)})


@router.post("", status_code=201, response_model=wire.Project, summary="Make a project", responses=responses(409, 413))
async def create(call: Caller, body: wire.NewProject) -> Response:
    """Make a project. Memories that name a new one make it too."""
    project = await call.core.projects.create(
        call.scope, body.key, name=body.name, description=body.description, stack=tuple(body.stack)
    )
    return kit.JsonResponse(mapping.from_project(project), 201)


@router.get("/{project:path}", response_model=wire.Project, summary="Read a project", responses=responses(404))
async def get(call: Caller, project: ProjectName) -> Response:
    """One project, by its key or its id."""
    return kit.JsonResponse(mapping.from_project(await call.core.projects.get(call.scope, project)))


@router.patch(
    "/{project:path}", response_model=wire.Project, summary="Change a project", responses=responses(404, 409, 413)
)
async def revise(call: Caller, project: ProjectName, body: wire.ProjectChanges) -> Response:
    """Change the fields that are sent."""
    revised = await call.core.projects.revise(call.scope, project, **mapping.to_project_changes(body))
    return kit.JsonResponse(mapping.from_project(revised))
