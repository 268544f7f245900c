"""mememory's endpoints."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from polymem.core.checks import checked
from polymem.core.delivery import pinned_document
from polymem.core.errors import Forbidden, InvalidInput, NotFound, PolymemError, Unavailable
from polymem.core.filters import Filter, InProjects, Sort, SortKey, active, predicate
from polymem.core.model import MAX_LIMIT, Delivery, Draft, Memory
from polymem.dialects import kit
from polymem.dialects.mememory import mapping, wire
from polymem.dialects.mememory.credentials import Call, Caller

NEWEST_FIRST = Sort(SortKey.UPDATED)
PINNED_LIMIT = 100
"""Most memories of one scope that are pinned or delivered at a start."""

IMPORT_PATH = "/api/memories/import"
MAX_IMPORT_BYTES = 256 * 1024 * 1024
"""Largest import: an export of 10,000 long memories fits, and it has to be held as a whole."""

_IMPORT_BATCH = 500
_FILTERS = frozenset(wire.Selection.model_fields)

router = kit.router(prefix="/api")

MemoryId = Annotated[
    str, Path(description="The memory's id.", examples=["a1b2c3d4-e5f6-7890-abcd-ef1234567890"], min_length=1)
]


async def _project_id(call: Call, name: str | None) -> str | None:
    project = await call.core.projects.find(call.scope, name) if name and "\x00" not in name else None
    return None if project is None else project.id


async def _there(call: Call, memories: Sequence[Memory]) -> set[str]:
    # Which of the memories that these are linked with can be seen.
    linked = mapping.links(memories)
    if not linked:
        return set()
    visible = predicate(active(call.core.clock.now()))
    found = await call.core.store.get_many(call.scope, linked)
    return {memory.id for memory in found.values() if visible(memory)}


async def _shown(call: Call, memories: Sequence[Memory]) -> list[mapping.Json]:
    there = await _there(call, memories)
    return [mapping.from_memory(memory, there) for memory in memories]


async def _found(call: Call, filter: Filter, limit: int) -> list[Memory]:
    found: list[Memory] = []
    while len(found) < limit:
        size = min(MAX_LIMIT, limit - len(found))
        page = await call.core.memories.find(call.scope, filter, sort=NEWEST_FIRST, limit=size, offset=len(found))
        found += page.items
        if len(page.items) < size:
            break
    return found


@router.get("/stats", response_model=wire.Stats, summary="Count memories")
async def stats(call: Caller) -> Response:
    """Counts of what is there by scope, project and type."""
    named: Counter[str] = Counter()
    async for batch in call.core.memories.scan(call.scope, mapping.NAMES_A_PROJECT):
        named.update(project for memory in batch if (project := mapping.named_project(memory)) is not None)
    return kit.JsonResponse(mapping.from_stats(await call.core.stats(call.scope), named))


@router.get("/memories", response_model=list[wire.Memory], summary="List memories")
async def find(call: Caller, query: Annotated[wire.ListParameters, Query()]) -> Response:
    """The memories for which all conditions hold, last changed first. Expired ones are gone."""
    filter = mapping.to_filter(query, await _project_id(call, query.project))
    return kit.JsonResponse(await _shown(call, await _found(call, filter, mapping.to_limit(query.limit))))


@router.post("/memories", status_code=201, response_model=wire.Created, summary="Keep a memory")
async def create(call: Caller, body: wire.MemoryInput) -> Response:
    """Keep a memory, and say which ones it resembles: near-duplicates and contradictions."""
    draft = mapping.to_draft(body, call.core.clock.now())
    _refuse_global(call, body)
    try:
        added, similar = await call.core.memories.add_compared(call.scope, draft)
    except NotFound:
        if body.supersedes is not None and not _is_uuid(body.supersedes):
            raise InvalidInput(f'invalid supersedes "{body.supersedes}": not an id', field="supersedes") from None
        raise
    memories = [added.memory, *(one.memory for one in similar)]
    memory, *resembled = await _shown(call, memories)
    return kit.JsonResponse(mapping.from_created(memory, list(zip(resembled, similar, strict=True))), 201)


def _refuse_global(call: Call, given: wire.MemoryInput) -> None:
    # Of a key that is limited to projects, only silence about the scope may be taken for its project.
    if call.scope.projects is not None and given.scope == "global":
        raise Forbidden("This key is limited to its own project and cannot keep global memories")


@router.delete("/memories", response_model=wire.Deleted, summary="Delete memories")
async def delete_many(call: Caller, request: Request, query: Annotated[wire.Selection, Query()]) -> Response:
    """Delete up to 1000 of the memories for which all conditions hold, last changed first. WITHOUT A CONDITION ALL ARE
    MEANT. They go to the trash, from which polymem's own API brings them back; the audit trail says who did it.
    """
    if unknown := set(request.query_params) - _FILTERS:
        # A typing error in a condition's name must not delete everything.
        raise InvalidInput(f"unknown filter {sorted(unknown)[0]}", field=sorted(unknown)[0])
    filter = mapping.to_filter(query, await _project_id(call, query.project))
    deleted = await call.core.memories.forget_matching(call.scope, filter, sort=NEWEST_FIRST, limit=wire.DELETE_LIMIT)
    if deleted:
        given = {name: value for name, value in query.model_dump().items() if value}
        await call.core.audit.record(
            call.principal, call.scope, "memories.forgotten", "memories", "filtered" if given else "all",
            count=deleted, filter=given,
        )  # fmt: skip
    return kit.JsonResponse({"deleted": deleted})


@router.post("/memories/search", response_model=list[wire.Result], summary="Search")
async def search(call: Caller, body: wire.SearchInput) -> Response:
    """The memories nearest in meaning, best first: a project's own and the global ones, if a project is named."""
    query = mapping.to_query(body, await _project_id(call, body.project))
    recalled = await call.core.recall(call.scope, query)
    there = await _there(call, [hit.memory for hit in recalled.hits])
    return kit.JsonResponse([mapping.from_hit(hit, there) for hit in recalled.hits])


@router.post("/memories/export", response_model=list[wire.Memory], summary="Export memories")
async def export(call: Caller) -> Response:
    """All memories, last changed first, at most 10,000, as a file. polymem's own API exports without a limit."""
    memories = await _found(call, (), wire.EXPORT_LIMIT)
    headers = {"content-disposition": "attachment; filename=memories.json"}
    return kit.JsonResponse(await _shown(call, memories), headers=headers)


_ARRAY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/MemoryInput"}}}
        },
    }
}


@router.post("/memories/import", response_model=wire.Imported, summary="Import memories", openapi_extra=_ARRAY)
async def import_(call: Caller, request: Request) -> Response:
    """Keep the memories of an export. Each gets a new id and the present time; `supersedes` is not kept, a ttl is. Bad
    items are passed over."""
    drafts = []
    for item in await _items(request):
        try:
            given = wire.MemoryInput.model_validate(item)
            _refuse_global(call, given)
            drafts.append(checked(replace(mapping.to_draft(given, call.core.clock.now()), supersedes=None)))
        except (ValidationError, InvalidInput, Forbidden):
            continue
    imported = 0
    for start in range(0, len(drafts), _IMPORT_BATCH):
        imported += await _kept(call, drafts[start : start + _IMPORT_BATCH])
    return kit.JsonResponse({"imported": imported})


async def _items(request: Request) -> list[Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_IMPORT_BYTES:
            raise kit.BodyTooLarge(f"The body is larger than {MAX_IMPORT_BYTES} bytes")
    value = kit.parse_json(bytes(body))
    if not isinstance(value, list):
        raise InvalidInput("invalid JSON: the body must be an array")
    return value


async def _kept(call: Call, drafts: list[Draft]) -> int:
    try:
        return len(await call.core.memories.add_many(call.scope, drafts))
    except Unavailable:
        raise
    except PolymemError:
        if len(drafts) == 1:
            return 0
        # One that cannot be kept must not sink the others.
        return sum([await _kept(call, [draft]) for draft in drafts])


@router.get("/pinned/preview", response_model=wire.Pinned, summary="Addition: what is pinned")
async def pinned(
    call: Caller,
    project: Annotated[str | None, Query(description="Project name; left out, only what is global.")] = None,
) -> Response:
    """The text that accompanies every prompt, and how much it is."""
    inside = InProjects(frozenset({await _project_id(call, project)} - {None}))  # type: ignore[arg-type]
    everywhere = await _found(call, mapping.to_delivery(Delivery.PINNED, mapping.GLOBAL), PINNED_LIMIT)
    of_project = await _found(call, mapping.to_delivery(Delivery.PINNED, inside), PINNED_LIMIT)
    document = pinned_document(everywhere, of_project, project or None)
    return kit.JsonResponse(mapping.from_pinned(document, len(everywhere), len(of_project)))


@router.get("/memories/{memory_id}", response_model=wire.Memory, summary="Read a memory")
async def get(call: Caller, memory_id: MemoryId) -> Response:
    """One memory, however old."""
    (shown,) = await _shown(call, [await _get(call, memory_id)])
    return kit.JsonResponse(shown)


@router.put("/memories/{memory_id}", response_model=wire.Memory, summary="Change a memory's text")
async def update(call: Caller, memory_id: MemoryId, body: wire.ContentInput) -> Response:
    """Replace the text, which is embedded anew. All else stays; the history keeps what it was.

    It is compared with other memories as a new one is; what it contradicts now is an open conflict.
    """
    await _get(call, memory_id)
    memory = await call.core.memories.revise(call.scope, memory_id, {"content": body.content}, compare=True)
    (shown,) = await _shown(call, [memory])
    return kit.JsonResponse(shown)


@router.delete("/memories/{memory_id}", response_model=wire.Ok, summary="Delete a memory")
async def delete(call: Caller, memory_id: MemoryId) -> Response:
    """Delete a memory. What it superseded is found again. It can be restored by polymem's own API."""
    try:
        await call.core.memories.forget(call.scope, (await _get(call, memory_id)).id)
    except NotFound:
        # What is not there is gone, as asked; but no memory can ever have had such an id.
        if not _is_uuid(memory_id):
            raise
    return kit.JsonResponse({"ok": True})


async def _get(call: Call, memory_id: str) -> Memory:
    if "\x00" in memory_id:
        raise NotFound("Memory", memory_id)
    return await call.core.memories.get(call.scope, memory_id)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
