"""Sessions, tasks and code snippets, and the context document of a project."""

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from polymem.core.context import context as documents
from polymem.core.model import Page
from polymem.core.work import Snippet, Task, WorkFilter, WorkSession
from polymem.core.work.worklog import Entries
from polymem.dialects import kit
from polymem.dialects.native.credentials import Call, Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import work as wire
from polymem.dialects.native.wire.values import Body, Text

W = TypeVar("W", WorkSession, Task, Snippet)

MARKDOWN = "text/markdown"

sessions = kit.router(prefix="/v1/sessions", tags=["sessions"])
tasks = kit.router(prefix="/v1/tasks", tags=["tasks"])
snippets = kit.router(prefix="/v1/snippets", tags=["snippets"])
context = kit.router(prefix="/v1", tags=["context"])

EntryId = Annotated[Text, Path(description="Its id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"], min_length=1)]
_OWN = ("organization_id", "project_id")


def _from_entry(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name not in _OWN}


async def _made(call: Call, verbs: Entries[W], body: Body) -> Response:
    values = body.model_dump()
    entry = await verbs.add(call.scope, values.pop("project"), values)
    return kit.JsonResponse(_from_entry(entry), 201)


async def _listed(call: Call, verbs: Entries[W], query: wire.SessionQuery, **filter: Any) -> Response:
    inside = None
    if query.project is not None:
        project = await call.core.projects.find(call.scope, query.project)
        inside = frozenset() if project is None else frozenset({project.id})
    wanted = WorkFilter(project_ids=inside, changed_after=query.changed_after, **filter)
    page: Page[W] = await verbs.find(call.scope, wanted, limit=query.limit, offset=query.offset)
    items = [_from_entry(entry) for entry in page.items]
    return kit.JsonResponse({"items": items, "total": page.total, "limit": page.limit, "offset": page.offset})


async def _changed(call: Call, verbs: Entries[W], id: str, body: Body) -> Response:
    changes = body.model_dump(exclude_unset=True)
    project = changes.pop("project", None)
    return kit.JsonResponse(_from_entry(await verbs.revise(call.scope, id, changes, project=project)))


async def _removed(call: Call, verbs: Entries[W], id: str) -> Response:
    await verbs.remove(call.scope, id)
    return Response(status_code=204)


# --- sessions ------------------------------------------------------------------------------------


@sessions.get("", response_model=wire.SessionPage, summary="List sessions", responses=responses())
async def find_sessions(call: Caller, query: Annotated[wire.SessionQuery, Query()]) -> Response:
    """A page of the work sessions, newest first, with the true total."""
    return await _listed(call, call.core.worklog.sessions, query)


@sessions.post(
    "", status_code=201, response_model=wire.Session, summary="Record a session", responses=responses(404, 413)
)
async def add_session(call: Caller, body: wire.NewSession) -> Response:
    """Record a period of work on a project."""
    return await _made(call, call.core.worklog.sessions, body)


@sessions.get("/{id}", response_model=wire.Session, summary="Read a session", responses=responses(404))
async def get_session(call: Caller, id: EntryId) -> Response:
    """One work session."""
    return kit.JsonResponse(_from_entry(await call.core.worklog.sessions.get(call.scope, id)))


@sessions.patch("/{id}", response_model=wire.Session, summary="Change a session", responses=responses(404, 409, 413))
async def revise_session(call: Caller, id: EntryId, body: wire.SessionChanges) -> Response:
    """Change the fields that are sent."""
    return await _changed(call, call.core.worklog.sessions, id, body)


@sessions.delete("/{id}", status_code=204, summary="Remove a session", responses=responses(404))
async def remove_session(call: Caller, id: EntryId) -> Response:
    """Remove it for good."""
    return await _removed(call, call.core.worklog.sessions, id)


# --- tasks ---------------------------------------------------------------------------------------


@tasks.get("", response_model=wire.TaskPage, summary="List tasks", responses=responses())
async def find_tasks(call: Caller, query: Annotated[wire.TaskQuery, Query()]) -> Response:
    """A page of the tasks, newest first, with the true total."""
    statuses = None if query.statuses is None else frozenset(query.statuses)
    return await _listed(call, call.core.worklog.tasks, query, statuses=statuses, least_priority=query.priority_min)


@tasks.post("", status_code=201, response_model=wire.Task, summary="Add a task", responses=responses(404, 413))
async def add_task(call: Caller, body: wire.NewTask) -> Response:
    """Add something to be done to a project."""
    return await _made(call, call.core.worklog.tasks, body)


@tasks.get("/{id}", response_model=wire.Task, summary="Read a task", responses=responses(404))
async def get_task(call: Caller, id: EntryId) -> Response:
    """One task."""
    return kit.JsonResponse(_from_entry(await call.core.worklog.tasks.get(call.scope, id)))


@tasks.patch("/{id}", response_model=wire.Task, summary="Change a task", responses=responses(404, 409, 413))
async def revise_task(call: Caller, id: EntryId, body: wire.TaskChanges) -> Response:
    """Change the fields that are sent. completed_at follows the status."""
    return await _changed(call, call.core.worklog.tasks, id, body)


@tasks.delete("/{id}", status_code=204, summary="Remove a task", responses=responses(404))
async def remove_task(call: Caller, id: EntryId) -> Response:
    """Remove it for good."""
    return await _removed(call, call.core.worklog.tasks, id)


# --- snippets ------------------------------------------------------------------------------------


@snippets.get("", response_model=wire.SnippetPage, summary="List snippets", responses=responses())
async def find_snippets(call: Caller, query: Annotated[wire.SnippetQuery, Query()]) -> Response:
    """A page of the code snippets, newest first, with the true total."""
    return await _listed(call, call.core.worklog.snippets, query, language=query.language)


@snippets.post(
    "", status_code=201, response_model=wire.Snippet, summary="Keep a snippet", responses=responses(404, 413)
)
async def add_snippet(call: Caller, body: wire.NewSnippet) -> Response:
    """Keep a piece of a project's code, byte for byte."""
    return await _made(call, call.core.worklog.snippets, body)


@snippets.get("/{id}", response_model=wire.Snippet, summary="Read a snippet", responses=responses(404))
async def get_snippet(call: Caller, id: EntryId) -> Response:
    """One code snippet."""
    return kit.JsonResponse(_from_entry(await call.core.worklog.snippets.get(call.scope, id)))


@snippets.patch("/{id}", response_model=wire.Snippet, summary="Change a snippet", responses=responses(404, 409, 413))
async def revise_snippet(call: Caller, id: EntryId, body: wire.SnippetChanges) -> Response:
    """Change the fields that are sent."""
    return await _changed(call, call.core.worklog.snippets, id, body)


@snippets.delete("/{id}", status_code=204, summary="Remove a snippet", responses=responses(404))
async def remove_snippet(call: Caller, id: EntryId) -> Response:
    """Remove it for good."""
    return await _removed(call, call.core.worklog.snippets, id)


# --- context -------------------------------------------------------------------------------------


@context.get(
    "/projects/{project:path}/context",
    summary="A project's context document",
    response_class=Response,
    responses={
        200: {
            "description": "A Markdown document; as JSON when that is accepted rather.",
            "content": {
                MARKDOWN: {"schema": {"type": "string"}},
                "application/json": {"schema": wire.Context.model_json_schema()},
            },
        },
        304: {"description": "It is what the ETag in If-None-Match stands for."},
        **responses(404),
    },
)
async def read_context(
    call: Caller,
    request: Request,
    project: Annotated[Text, Path(description="The project's key or id.", examples=["travel"], min_length=1)],
    query: Annotated[wire.ContextQuery, Query()],
    if_none_match: Annotated[str | None, Header(description="The ETag you have.", examples=['"5f0c"'])] = None,
) -> Response:
    """What a model should know of a project at the start of a conversation: sessions, memories, open tasks.

    The most valuable is chosen when not all fits into `max_tokens`, and what was left out is said. The same state
    gives the same bytes. Text in it stays quoted, whatever it holds.
    """
    asked = documents.ContextQuery(
        project=project,
        max_tokens=query.max_tokens,
        query=query.query,
        since=query.since,
        snippets=query.snippets,
    )
    document = await call.core.context(call.scope, asked)
    as_json = kit.prefers_json(request.headers.get("accept", ""), MARKDOWN)
    headers = kit.validators(f"{document.digest}{'-json' if as_json else ''}")
    if kit.is_known(headers["etag"], if_none_match or ""):
        return Response(status_code=304, headers=headers)
    if not as_json:
        return Response(document.markdown, headers=headers, media_type=f"{MARKDOWN}; charset=utf-8")
    answer = {
        "markdown": document.markdown,
        "tokens": document.tokens,
        "as_of": document.as_of,
        "left_out": document.left_out,
    }
    return kit.JsonResponse(answer, headers=headers)


ROUTERS: tuple[APIRouter, ...] = (context, sessions, tasks, snippets)
"""In the order of the documentation. The first stands before the projects, whose keys may hold slashes."""
