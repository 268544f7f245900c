"""What the routes of several resources share: projects by reference, pages, bodies in the documentation."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from polymem.core.errors import NotFound
from polymem.core.filters import InProjects
from polymem.core.people import Project, Scope
from polymem.dialects import kit
from polymem.dialects.aimemory import fields, wire
from polymem.dialects.aimemory.credentials import Call, require_reach
from polymem.dialects.aimemory.errors import Invalid

Limit = Annotated[
    str | None,
    Query(description="Number of results per page: 50 if not given, at most 200.", examples=["20"]),
]
Offset = Annotated[str | None, Query(description="Number of results to skip.", examples=["40"])]
ProjectFilter = Annotated[str | None, Query(description="Filter by project: UUID or slug.", examples=["my-project"])]

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "What was sent is wrong: the fields with their sentences, or a detail."},
    401: {"model": wire.ErrorAnswer, "description": "Missing or invalid token."},
    403: {"model": wire.ErrorAnswer, "description": "No permission for this resource."},
    404: {"model": wire.ErrorAnswer, "description": "Resource not found."},
    "default": {"model": wire.ErrorAnswer, "description": "Any other failure."},
}


def documented(body: type[wire.Body]) -> dict[str, Any]:
    """What the documentation says of a route that reads this body itself."""
    schema = body.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def find_project(call: Call, reference: str) -> Project | None:
    """The project of this UUID or, failing that, of this slug, if the caller can read it."""
    return await call.core.projects.by_reference(call.scope, reference)


async def get_project(call: Call, reference: str) -> Project:
    """The same. Raises NotFound."""
    project = await find_project(call, reference)
    if project is None:
        raise NotFound("Project", reference)
    return project


async def named_project(call: Call, scope: Scope, reference: str) -> Project:
    """The project a body names. Raises Invalid when there is none, Forbidden where `scope` does not write."""
    project = await find_project(call, reference)
    if project is None:
        raise Invalid({"project": [_unknown(reference)]})
    require_reach(scope, project.id)
    return project


def _unknown(reference: str) -> str:
    try:
        UUID(reference)
    except ValueError:
        return f"Object with slug={reference} does not exist."
    return f'Invalid pk "{reference}" - object does not exist.'


async def membership(call: Call, reference: str | None) -> InProjects | None:
    """The condition that a project filter sets; a project that does not exist holds nothing."""
    if not reference:
        return None
    project = await find_project(call, reference)
    return InProjects(frozenset() if project is None else frozenset({project.id}))


def to_least(name: str, text: str | None) -> int | None:
    """The number of a filter. Raises Invalid."""
    if not text:
        return None
    try:
        return fields.whole()(text)
    except ValueError:
        raise Invalid({name: ["Enter a number."]}) from None


def paged(
    call: Call, items: Iterable[Any], total: int, limit: int, offset: int, to_json: Callable[[Any], Any]
) -> Response:
    """A bare array, with what there is beside it in headers: X-Total-Count, and Link to the next and previous page."""
    headers = {"X-Total-Count": str(total)}
    links = []
    if offset + limit < total:
        links.append(_link(call, limit, offset + limit, "next"))
    if offset > 0:
        links.append(_link(call, limit, max(0, offset - limit), "prev"))
    if links:
        headers["Link"] = ", ".join(links)
    return kit.JsonResponse([to_json(item) for item in items], headers=headers)


def _link(call: Call, limit: int, offset: int, relation: str) -> str:
    return f'<{call.request.url.include_query_params(limit=limit, offset=offset)}>; rel="{relation}"'
