"""Sessions, tasks and code snippets: three resources with the same verbs, made from one description each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from polymem.core import Core
from polymem.core.people import Scope
from polymem.core.work import WorkFilter
from polymem.core.work.worklog import Entries
from polymem.dialects import kit
from polymem.dialects.aimemory import mapping, wire
from polymem.dialects.aimemory.credentials import Call, Caller, require_reach
from polymem.dialects.aimemory.routes.shared import (
    Limit,
    Offset,
    ProjectFilter,
    documented,
    membership,
    named_project,
    paged,
    to_least,
)

EntryId = Annotated[str, Path(description="The UUID.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"])]


@dataclass(frozen=True, slots=True)
class Resource:
    """One of the three: what it is called, where it lives, what is sent and answered, and which verbs it has."""

    one: str
    paths: tuple[str, ...]
    body: type[wire.Body]
    answer: type[wire.Answer]
    verbs: Callable[[Core], Entries[Any]]


SNIPPET_PATHS = ("/api/snippets", "/api/code-snippets", "/api/code_snippets", "/api/codesnippets")
"""The addresses of snippets. The reference does not name them, so all that it could mean are served."""

SESSIONS = Resource("session", ("/api/sessions",), wire.NewSession, wire.Session, lambda core: core.worklog.sessions)
TASKS = Resource("task", ("/api/tasks",), wire.NewTask, wire.Task, lambda core: core.worklog.tasks)
SNIPPETS = Resource("snippet", SNIPPET_PATHS, wire.NewSnippet, wire.Snippet, lambda core: core.worklog.snippets)

router = kit.router()


async def _listed(
    call: Call, resource: Resource, project: str | None, limit: str | None, offset: str | None, filter: WorkFilter
) -> Response:
    inside = await membership(call, project)
    wanted = WorkFilter(
        project_ids=None if inside is None else inside.project_ids,
        statuses=filter.statuses,
        least_priority=filter.least_priority,
        language=filter.language,
    )
    size, start = mapping.to_page(limit, offset)
    page = await resource.verbs(call.core).find(call.scope, wanted, limit=size, offset=start)
    return paged(call, page.items, page.total, size, start, mapping.from_entry)


async def list_sessions(
    call: Caller, project: ProjectFilter = None, limit: Limit = None, offset: Offset = None
) -> Response:
    """Work sessions, newest first."""
    return await _listed(call, SESSIONS, project, limit, offset, WorkFilter())


async def list_tasks(
    call: Caller,
    project: ProjectFilter = None,
    status: Annotated[str | None, Query(description="Filter by status.", examples=["pending"])] = None,
    priority__gte: Annotated[str | None, Query(description="Minimum priority (1-10).")] = None,
    limit: Limit = None,
    offset: Offset = None,
) -> Response:
    """Tasks, newest first."""
    statuses = frozenset({status}) if status else None
    least = to_least("priority__gte", priority__gte)
    return await _listed(call, TASKS, project, limit, offset, WorkFilter(statuses=statuses, least_priority=least))


async def list_snippets(
    call: Caller,
    project: ProjectFilter = None,
    language: Annotated[str | None, Query(description="Filter by language (python, javascript, etc.).")] = None,
    limit: Limit = None,
    offset: Offset = None,
) -> Response:
    """Code snippets, newest first."""
    return await _listed(call, SNIPPETS, project, limit, offset, WorkFilter(language=language or None))


def _add(router: APIRouter, resource: Resource, lists: Callable[..., Any]) -> None:
    one, verbs = resource.one, resource.verbs
    sent = documented(resource.body)

    async def create(call: Caller) -> Response:
        scope = await call.writing()
        body = resource.body.read(await call.body())
        project = await named_project(call, scope, body["project"])
        entry = await verbs(call.core).add(scope, project.id, mapping.to_entry(body))
        return kit.JsonResponse(mapping.from_entry(entry), 201)

    async def get(call: Caller, id: EntryId) -> Response:
        return kit.JsonResponse(mapping.from_entry(await verbs(call.core).get(call.scope, id)))

    async def change(call: Call, id: str, *, partial: bool) -> Response:
        scope = await _reached(call, resource, id)
        body = resource.body.read(await call.body(), partial=partial)
        project = await named_project(call, scope, body["project"]) if "project" in body else None
        entry = await verbs(call.core).revise(
            scope, id, mapping.to_entry(body), project=None if project is None else project.id
        )
        return kit.JsonResponse(mapping.from_entry(entry))

    async def replace(call: Caller, id: EntryId) -> Response:
        return await change(call, id, partial=False)

    async def update(call: Caller, id: EntryId) -> Response:
        return await change(call, id, partial=True)

    async def delete(call: Caller, id: EntryId) -> Response:
        scope = await _reached(call, resource, id)
        await verbs(call.core).remove(scope, id)
        return Response(status_code=204)

    for number, path in enumerate(resource.paths):
        shown: dict[str, Any] = {"include_in_schema": number == 0, "tags": [path.rpartition("/")[2]]}
        single, answer = f"{path}/{{id}}/", resource.answer
        router.get(f"{path}/", summary=f"List {one}s", response_model=list[answer], **shown)(lists)  # type: ignore[valid-type]
        router.post(
            f"{path}/",
            summary=f"Create a {one}",
            status_code=201,
            response_model=answer,
            openapi_extra=sent,
            description="Keep it; it belongs to a project.",
            **shown,
        )(create)
        router.get(single, summary=f"Read a {one}", response_model=answer, description="One of them.", **shown)(get)
        for method, verb, act, told in (
            (router.put, "Replace", replace, "Change it; the required fields must be there, others may."),
            (router.patch, "Update", update, "Change the fields that are sent."),
        ):
            method(
                single,
                summary=f"{verb} a {one}",
                response_model=answer,
                openapi_extra=sent,
                description=told,
                **shown,
            )(act)
        router.delete(single, summary=f"Delete a {one}", status_code=204, description="Remove it for good.", **shown)(
            delete
        )


async def _reached(call: Call, resource: Resource, id: str) -> Scope:
    # What the caller cannot read is not there; what they can only read is refused.
    scope = await call.writing()
    entry = await resource.verbs(call.core).get(call.scope, id)
    require_reach(scope, entry.project_id)
    return scope


_add(router, SESSIONS, list_sessions)
_add(router, TASKS, list_tasks)
_add(router, SNIPPETS, list_snippets)
