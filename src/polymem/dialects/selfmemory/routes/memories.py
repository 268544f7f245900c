"""Memories: keep, list, read, change, find, delete."""

from dataclasses import replace
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from polymem.core.errors import Conflict, NotFound
from polymem.core.filters import Filter, Sort
from polymem.core.model import MAX_LIMIT, Memory, Page
from polymem.core.people import Scope
from polymem.core.recall import RecallQuery
from polymem.dialects import kit
from polymem.dialects.selfmemory import scopes
from polymem.dialects.selfmemory.credentials import Call, Caller, CredentialRoute, Operation
from polymem.dialects.selfmemory.mapping import memories as mapping
from polymem.dialects.selfmemory.wire import memories as wire
from polymem.dialects.selfmemory.wire.values import OptionalText

router = APIRouter(prefix="/api/memories", tags=["Memories"], route_class=CredentialRoute)

_ATTEMPTS = 5
"""How often a change is tried again when another caller changed the same memory in between."""


async def _any_id(memory_id: Annotated[str, Path(description="The memory's id.")]) -> str:
    # PostgreSQL cannot even be asked for a NUL; nothing was ever kept under such an id.
    if "\x00" in memory_id:
        raise NotFound("Memory", memory_id)
    return memory_id


MemoryId = Annotated[str, Depends(_any_id)]
ProjectId = Annotated[OptionalText, Query(description="The project, for accounts; a key has its own.")]
OrganizationId = Annotated[OptionalText, Query(description="The organization of the project.")]
UserId = Annotated[OptionalText, Query(description="Only memories of this user id.")]


@router.post("", response_model=wire.Created)
async def create(request: wire.NewMemory, call: Caller, project_id: ProjectId = None) -> Response:
    """Store new memories, all of them or none.

    With a chat model, the facts it finds in the messages; what it makes nothing of, and without one everything, is
    stored as it was sent. Nothing that is said is lost: a fact's `context` is what it was drawn from.
    """
    metadata = request.metadata or wire.Metadata()
    scope = await scopes.scope_of(call, scopes.CREATE, (project_id, metadata.project_id), (metadata.organization_id,))
    passages = mapping.to_passages(request)
    await call.count(Operation.CREATE_MEMORY)
    found = await call.core.facts(passages)
    drafts = mapping.to_drafts(request, found.kept, call.principal, uuid4().hex)
    added = await call.core.memories.add_many(scope, drafts)
    return kit.JsonResponse(mapping.from_added([one.memory for one in added], unheard=found.trouble is not None))


@router.get("", response_model=wire.MemoryList)
async def list_memories(query: Annotated[wire.ListQuery, Query()], call: Caller) -> Response:
    """The project's memories, newest first. A memory that another one has replaced is left out."""
    scope = await scopes.scope_of(call, scopes.LIST, (query.project_id,), (query.organization_id,))
    filter = (*mapping.CURRENT, *mapping.to_user_filter(query.user_id))
    return kit.JsonResponse(mapping.from_page(await _page(call, scope, filter, query.limit, query.offset)))


async def _page(call: Call, scope: Scope, filter: Filter, limit: int, offset: int) -> Page[Memory]:
    # The core gives at most so many at once.
    page = await call.core.memories.find(scope, filter, limit=min(limit, MAX_LIMIT), offset=offset)
    items = list(page.items)
    while len(items) < limit and len(page.items) == MAX_LIMIT:
        page = await call.core.memories.find(
            scope, filter, limit=min(limit - len(items), MAX_LIMIT), offset=offset + len(items)
        )
        items += page.items
    return replace(page, items=tuple(items))


@router.get("/stats", response_model=wire.Stats)
async def stats(call: Caller, project_id: ProjectId = None, organization_id: OrganizationId = None) -> Response:
    """Counts of the project's memories."""
    return kit.JsonResponse(await counted(call, project_id, organization_id))


async def counted(call: Call, project_id: str | None = None, organization_id: str | None = None) -> dict[str, int]:
    """What both addresses of the statistics answer."""
    scope = await scopes.scope_of(call, scopes.LIST, (project_id,), (organization_id,))
    memories = call.core.memories
    return {
        "total": await memories.count(scope, mapping.CURRENT),
        "this_week": await memories.count(scope, mapping.to_last_week(call.core.clock.now())),
        "tag_count": len(await memories.tags(scope, mapping.CURRENT)),
    }


@router.post("/search", response_model=wire.Hits, response_model_exclude_none=True)
async def search(request: wire.SearchRequest, call: Caller, project_id: ProjectId = None) -> Response:
    """The memories that match best, among those for which all filters hold."""
    return await found(call, request, project_id)


async def found(call: Call, request: wire.SearchRequest, project_id: str | None = None) -> Response:
    """What every kind of search answers."""
    filters = request.filters or wire.SearchFilters()
    projects = (project_id, request.project_id, filters.project_id)
    scope = await scopes.scope_of(call, scopes.SEARCH, projects, (filters.organization_id,))
    filter, limit = mapping.to_search_filter(request, call.core.clock.now()), mapping.to_limit(request)
    await call.count(Operation.SEARCH_MEMORIES)
    metadata = filters.include_metadata is not False
    if not request.query.strip():
        page = await call.core.memories.find(scope, filter, sort=Sort(), limit=limit)
        return kit.JsonResponse(mapping.from_listed(page.items, metadata=metadata))
    newest_first = filters.sort_by == "timestamp"
    query = RecallQuery(
        text=request.query,
        filter=filter,
        # What is newest among all that is relevant cannot be told from the best few.
        limit=MAX_LIMIT if newest_first else limit,
        min_score=filters.threshold,
        record_access=not newest_first,
    )
    recalled = await call.core.recall(scope, query)
    if newest_first:
        newest = sorted(recalled.hits, key=lambda hit: (hit.memory.created_at, hit.memory.id), reverse=True)
        recalled = replace(recalled, hits=tuple(newest[:limit]))
        await call.core.recall.record(scope, query, recalled)
    return kit.JsonResponse(mapping.from_hits(recalled.hits, metadata=metadata))


@router.get("/{memory_id}", response_model=wire.Memory)
async def get(memory_id: MemoryId, call: Caller, project_id: ProjectId = None) -> Response:
    """One memory."""
    scope = await scopes.scope_of_memory(call, scopes.LIST, memory_id, (project_id,))
    return kit.JsonResponse(mapping.from_memory(await call.core.memories.get(scope, memory_id)))


@router.put("/{memory_id}", response_model=wire.Memory)
async def update(
    memory_id: MemoryId, request: wire.MemoryChanges, call: Caller, project_id: ProjectId = None
) -> Response:
    """Change a memory's text, or entries of its metadata. Its history keeps what it was."""
    metadata = request.metadata or wire.Metadata()
    scope = await scopes.scope_of_memory(call, scopes.UPDATE, memory_id, (project_id, metadata.project_id))
    for attempt in range(_ATTEMPTS):
        # A deleted memory is not there to be changed.
        memory = await call.core.memories.get(scope, memory_id)
        changes = mapping.to_changes(request, memory)
        try:
            changed = await call.core.memories.revise(scope, memory_id, changes, expected_version=memory.version)
            break
        except Conflict:
            # The entries that stay were read before somebody else changed them.
            if attempt == _ATTEMPTS - 1:
                raise
    return kit.JsonResponse(mapping.from_memory(changed))


@router.delete("/{memory_id}", response_model=wire.Deleted)
async def delete(memory_id: MemoryId, call: Caller, project_id: ProjectId = None) -> Response:
    """Delete a memory. It can be restored through the native API until it is purged."""
    scope = await scopes.scope_of(call, scopes.DELETE, (project_id,))
    await call.core.memories.forget(scope, memory_id)
    return kit.JsonResponse({"message": "Memory deleted successfully"})


@router.delete("", response_model=wire.DeletedAll)
async def delete_all(
    call: Caller, project_id: ProjectId = None, user_id: UserId = None, organization_id: OrganizationId = None
) -> Response:
    """Delete all memories of the project, or those of a user id, for good."""
    scope = await scopes.scope_of(call, scopes.DELETE, (project_id,), (organization_id,))
    count = await call.core.memories.purge_matching(scope, mapping.to_user_filter(user_id))
    return kit.JsonResponse({"message": "All memories deleted successfully", "deleted_count": count})
