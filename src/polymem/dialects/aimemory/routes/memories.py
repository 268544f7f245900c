"""Memories: lists, search, one by one, and the trash."""

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import Response

from polymem.core.model import Memory
from polymem.core.people import Scope
from polymem.core.recall import RecallQuery
from polymem.dialects import kit
from polymem.dialects.aimemory import fields, mapping, wire
from polymem.dialects.aimemory.credentials import Call, Caller, require_reach
from polymem.dialects.aimemory.errors import Invalid
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

router = kit.router(prefix="/api", tags=["memories"])

MemoryId = Annotated[str, Path(description="The memory's UUID.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"])]
SearchText = Annotated[str | None, Query(description="Search query.", examples=["which database"])]

SEARCH_PATHS = ("/memories/search/", "/memories/semantic_search/", "/memories/semantic-search/", "/search/")
"""The addresses of semantic search. The reference does not name it, so all that it could mean are served."""


@router.get("/memories/", response_model=list[wire.Memory], summary="List memories")
async def find(
    call: Caller,
    project: ProjectFilter = None,
    memory_type: Annotated[str | None, Query(description="Filter by type.", examples=["decision"])] = None,
    search: Annotated[str | None, Query(description="Full-text search in content.")] = None,
    importance__gte: Annotated[str | None, Query(description="Minimum importance level (1-10).")] = None,
    tags: Annotated[str | None, Query(description="Addition: tags separated by commas, all of which it has.")] = None,
    limit: Limit = None,
    offset: Offset = None,
) -> Response:
    """Memories, newest first."""
    filter = mapping.to_filter(
        await membership(call, project), memory_type, search, to_least("importance__gte", importance__gte), tags
    )
    size, start = mapping.to_page(limit, offset)
    page = await call.core.memories.find(call.scope, filter, limit=size, offset=start)
    return paged(call, page.items, page.total, size, start, mapping.from_memory)


@router.post(
    "/memories/",
    status_code=201,
    response_model=wire.Memory,
    summary="Store a memory",
    openapi_extra=documented(wire.NewMemory),
)
async def create(call: Caller) -> Response:
    """Keep a memory. It is durable, and found, when the answer arrives."""
    scope = await call.writing()
    body = wire.NewMemory.read(await call.body())
    project = await named_project(call, scope, body["project"])
    added = await call.core.memories.add(scope, mapping.to_draft(body, project))
    return kit.JsonResponse(mapping.from_memory(added.memory), 201)


# --- search --------------------------------------------------------------------------------------


async def search_by_address(
    call: Caller, q: SearchText = None, project: ProjectFilter = None, limit: Limit = None
) -> Response:
    """Memories related to the query in meaning or words, the best first; each counts as used."""
    if not (q or "").strip():
        raise Invalid({"q": [fields.REQUIRED]})
    return await _search(call, q or "", project, limit)


async def search_by_body(call: Caller) -> Response:
    """Addition: the same with the parameters in a JSON body."""
    sent = await call.body()
    if isinstance(sent, dict) and "q" not in sent and "query" in sent:
        sent = sent | {"q": sent["query"]}
    body = wire.Search.read(sent)
    limit = body.get("limit")
    return await _search(call, body["q"], body.get("project"), None if limit is None else str(limit))


async def _search(call: Call, text: str, project: str | None, limit: str | None) -> Response:
    size, _ = mapping.to_page(limit, None, mapping.SEARCH_LIMIT)
    filter = mapping.to_filter(await membership(call, project))
    query = RecallQuery(text=text, filter=filter, limit=size, record_access=False)
    recalled = await call.core.recall(call.scope, query)
    await call.core.recall.record(call.scope, query, recalled)
    return kit.JsonResponse([mapping.from_hit(hit) for hit in recalled.hits])


for number, path in enumerate(SEARCH_PATHS):
    # Before the routes with an id, which would take "search" for one.
    shown: dict[str, Any] = {"include_in_schema": number == 0, "response_model": list[wire.Found]}
    router.get(path, summary="Search memories by meaning", **shown)(search_by_address)
    router.post(path, summary="Search with a body", openapi_extra=documented(wire.Search), **shown)(search_by_body)


# --- the trash -----------------------------------------------------------------------------------


@router.get("/memories/trash/", response_model=list[wire.Memory], summary="List deleted memories")
async def trash(call: Caller, project: ProjectFilter = None, limit: Limit = None, offset: Offset = None) -> Response:
    """Addition: the memories that were deleted and can be restored, newest first."""
    size, start = mapping.to_page(limit, offset)
    filter = mapping.to_filter(await membership(call, project))
    page = await call.core.memories.trash(call.scope, filter, limit=size, offset=start)
    return paged(call, page.items, page.total, size, start, mapping.from_memory)


@router.post("/memories/{id}/restore/", response_model=wire.Memory, summary="Restore a deleted memory")
async def restore(call: Caller, id: MemoryId) -> Response:
    """Addition: take a memory out of the trash. One that is not there stays as it is."""
    scope = await call.writing()
    memory = await call.core.memories.get(call.scope, id, hidden=True)
    require_reach(scope, memory.project_id)
    return kit.JsonResponse(mapping.from_memory(await call.core.memories.restore(scope, id)))


# --- one by one ----------------------------------------------------------------------------------


@router.get("/memories/{id}/", response_model=wire.Memory, summary="Read a memory")
async def get(call: Caller, id: MemoryId) -> Response:
    """One memory. Reading it counts as a use."""
    await call.core.memories.get(call.scope, id)
    await call.core.memories.count_use(call.scope, [id])
    return kit.JsonResponse(mapping.from_memory(await call.core.memories.get(call.scope, id)))


@router.put(
    "/memories/{id}/", response_model=wire.Memory, summary="Replace a memory", openapi_extra=documented(wire.NewMemory)
)
async def replace(call: Caller, id: MemoryId) -> Response:
    """Change a memory; the required fields must be there, others may."""
    return await _change(call, id, partial=False)


@router.patch(
    "/memories/{id}/", response_model=wire.Memory, summary="Update a memory", openapi_extra=documented(wire.NewMemory)
)
async def update(call: Caller, id: MemoryId) -> Response:
    """Change the fields that are sent. The memory's history keeps what it was."""
    return await _change(call, id, partial=True)


async def _change(call: Call, id: str, *, partial: bool) -> Response:
    scope, memory = await _reached(call, id)
    body = wire.NewMemory.read(await call.body(), partial=partial)
    changes: dict[str, Any] = mapping.to_changes(body)
    if "project" in body:
        changes["project"] = (await named_project(call, scope, body["project"])).key
    return kit.JsonResponse(mapping.from_memory(await call.core.memories.revise(scope, memory.id, changes)))


@router.delete("/memories/{id}/", status_code=204, summary="Delete a memory")
async def delete(call: Caller, id: MemoryId) -> Response:
    """Hide a memory everywhere, at once. It can be restored."""
    scope, memory = await _reached(call, id)
    await call.core.memories.forget(scope, memory.id)
    return Response(status_code=204)


async def _reached(call: Call, id: str) -> tuple[Scope, Memory]:
    # What the caller cannot read is not there; what they can only read is refused.
    scope = await call.writing()
    memory = await call.core.memories.get(call.scope, id)
    require_reach(scope, memory.project_id)
    return scope, memory
