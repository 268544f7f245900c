"""Projects, and the context document of one."""

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import Response

from polymem.core.context.context import DEFAULT_TOKENS, ContextQuery
from polymem.core.errors import Conflict, InvalidInput, Rule, RuleBroken
from polymem.core.exchange.transfer import from_rfc3339, to_rfc3339
from polymem.core.people import Project
from polymem.core.people.tenancy import slugify
from polymem.dialects import kit
from polymem.dialects.aimemory import fields, mapping, wire
from polymem.dialects.aimemory.credentials import Call, Caller, require_reach
from polymem.dialects.aimemory.errors import Invalid
from polymem.dialects.aimemory.routes.shared import Limit, Offset, documented, get_project, paged

router = kit.router(prefix="/api/projects", tags=["projects"])

Reference = Annotated[str, Path(description="The project's UUID or slug.", examples=["my-project"])]

MARKDOWN = "text/markdown"
_TAKEN = "Project with this slug already exists."
_MOST_NUMBERS = 1000
_YES = frozenset({"1", "true", "yes", "on", "t", "y"})


@router.get("/", response_model=list[wire.Project], summary="List projects")
async def find(
    call: Caller,
    search: Annotated[str | None, Query(description="Search by project name.")] = None,
    limit: Limit = None,
    offset: Offset = None,
) -> Response:
    """Projects, newest first."""
    size, start = mapping.to_page(limit, offset)
    wanted = (search or "").casefold()
    projects = [one for one in reversed(await call.core.projects.all(call.scope)) if wanted in one.name.casefold()]
    return paged(call, projects[start : start + size], len(projects), size, start, mapping.from_project)


@router.post(
    "/",
    status_code=201,
    response_model=wire.Project,
    summary="Create a project",
    openapi_extra=documented(wire.NewProject),
)
async def create(call: Caller) -> Response:
    """A project. Its slug is made from the name, with a number where it is taken; one that is sent must be free."""
    await call.writing()
    body = wire.NewProject.read(await call.body())
    slug = body.get("slug")
    holder = await call.core.projects.by_reference(call.scope, slug) if slug else None
    # A key that is the same, which another door or a former slug has left, is no obstacle.
    if holder is not None and slug in (holder.slug, holder.id):
        raise Invalid({"slug": [_TAKEN]})
    made = await _made(call, slug or slugify(body["name"]), body)
    changes: dict[str, Any] = {} if not slug or made.slug == slug else {"slug": slug}
    changes |= {} if body.get("is_active", True) else {"active": False}
    if changes:
        made = await _revised(call, made, changes)
    return kit.JsonResponse(mapping.from_project(made), 201)


async def _made(call: Call, slug: str, body: dict[str, Any]) -> Project:
    # The key, by which other doors name the project, is the slug too, as far as no other project has it.
    for number in range(1, _MOST_NUMBERS):
        try:
            seat = await call.core.teams.create(
                call.principal,
                body["name"],
                organization=call.tenant,
                key=slug if number == 1 else f"{slug}-{number}",
                description=body.get("description", ""),
                stack=mapping.to_stack(body.get("stack", "")),
            )
        except RuleBroken as error:
            if error.rule is not Rule.NAME_TAKEN:
                raise
        else:
            return seat.project
    raise Invalid({"slug": [_TAKEN]})


@router.get("/{id}/", response_model=wire.Project, summary="Read a project")
async def get(call: Caller, id: Reference) -> Response:
    """One project."""
    return kit.JsonResponse(mapping.from_project(await get_project(call, id)))


@router.put(
    "/{id}/", response_model=wire.Project, summary="Replace a project", openapi_extra=documented(wire.NewProject)
)
async def replace(call: Caller, id: Reference) -> Response:
    """Change a project; the required fields must be there, others may."""
    return await _change(call, id, partial=False)


@router.patch(
    "/{id}/", response_model=wire.Project, summary="Change a project", openapi_extra=documented(wire.NewProject)
)
async def update(call: Caller, id: Reference) -> Response:
    """Change the fields that are sent."""
    return await _change(call, id, partial=True)


async def _change(call: Call, id: str, *, partial: bool) -> Response:
    scope = await call.writing()
    project = await get_project(call, id)
    require_reach(scope, project.id)
    body = wire.NewProject.read(await call.body(), partial=partial)
    revised = await _revised(call, project, mapping.to_project_changes(body))
    return kit.JsonResponse(mapping.from_project(revised))


async def _revised(call: Call, project: Project, changes: dict[str, Any]) -> Project:
    if all(getattr(project, name) == value for name, value in changes.items()):
        return project
    try:
        return await call.core.projects.revise(await call.writing(), project.id, **changes)
    except Conflict:
        raise Invalid({"slug": [_TAKEN]}) from None


@router.delete("/{id}/", status_code=204, summary="Delete a project")
async def delete(call: Caller, id: Reference) -> Response:
    """Remove a project with its memories, sessions, tasks and snippets, for good."""
    await call.writing()
    project = await get_project(call, id)
    await call.core.teams.delete(call.principal, project.id, organization=call.tenant)
    return Response(status_code=204)


# --- the context document ------------------------------------------------------------------------


@router.get(
    "/{id}/context/",
    summary="Generate a context document",
    response_class=Response,
    responses={
        200: {
            "description": "A Markdown document; as JSON when that is accepted rather.",
            "content": {
                MARKDOWN: {"schema": {"type": "string"}},
                "application/json": {"schema": wire.ContextAnswer.model_json_schema()},
            },
        },
        304: {"description": "It is what the ETag in If-None-Match stands for."},
    },
)
async def context(
    call: Caller,
    id: Reference,
    include_snippets: Annotated[str | None, Query(description="`true` adds the code snippets.")] = None,
    include_code: Annotated[str | None, Query(description="The same.")] = None,
    max_tokens: Annotated[
        str | None, Query(description=f"Addition: how long it may be; {DEFAULT_TOKENS} tokens.")
    ] = None,
    query: Annotated[str | None, Query(description="Addition: what it should be about first of all.")] = None,
    since: Annotated[str | None, Query(description="Addition: only what changed after this instant.")] = None,
    format: Annotated[str | None, Query(description="Addition: `json` or `markdown`, whatever Accept says.")] = None,
) -> Response:
    """Everything to know about a project, for the start of an AI conversation: sessions, memories, open tasks.

    The same state gives the same bytes and the same ETag.
    """
    project, sent = await get_project(call, id), call.request.headers
    asked = ContextQuery(
        project=project.id,
        max_tokens=_tokens(max_tokens),
        query=(query or "").strip() or None,
        since=_instant(since),
        snippets=any((flag or "").lower() in _YES for flag in (include_snippets, include_code)),
    )
    try:
        document = await call.core.context(call.scope, asked)
    except InvalidInput as error:
        raise Invalid({error.field or "detail": [str(error)]}) from None
    as_json = format.lower() == "json" if format else kit.prefers_json(sent.get("accept", ""), MARKDOWN)
    headers = kit.validators(f"{document.digest}{'-json' if as_json else ''}") | {
        "X-Context-Tokens": str(document.tokens),
        "X-Context-As-Of": to_rfc3339(document.as_of),
    }
    if kit.is_known(headers["etag"], sent.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if as_json:
        return kit.JsonResponse(mapping.from_document(document), headers=headers)
    return Response(document.markdown, headers=headers, media_type=f"{MARKDOWN}; charset=utf-8")


def _tokens(text: str | None) -> int:
    if not text:
        return DEFAULT_TOKENS
    try:
        return int(fields.whole()(text) or 0)
    except ValueError:
        raise Invalid({"max_tokens": ["A valid integer is required."]}) from None


def _instant(text: str | None) -> Any:
    if not text:
        return None
    try:
        # A plus sign in an address is a space.
        return from_rfc3339(text.replace(" ", "+") if "T" in text else text, "since")
    except InvalidInput as error:
        raise Invalid({"since": [str(error)]}) from None
