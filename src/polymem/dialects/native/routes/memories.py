"""Keeping, reading, changing and forgetting memories."""

import re
from typing import Annotated

from fastapi import Header, Path, Query
from starlette.responses import Response

from polymem.core.errors import Conflict, InvalidInput
from polymem.core.filters import Filter
from polymem.core.model import Duplicates, Memory
from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Call, Caller
from polymem.dialects.native.errors import PreconditionFailed, responses
from polymem.dialects.native.wire import memories as wire
from polymem.dialects.native.wire.filters import ListQuery, PageQuery, Selection
from polymem.dialects.native.wire.values import A_NAME, AS_OF, Text, Until

router = kit.router(prefix="/v1", tags=["memories"])

MemoryId = Annotated[
    Text, Path(description="The memory's id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"], min_length=1)
]
AsOfParameter = Annotated[Until | None, Query(description=AS_OF, examples=["2026-01-31"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A key of your own for this request: for seven days, sending it again answers with the first "
        "outcome and keeps nothing twice.",
        examples=["5f0c7b1e-order-17"],
        json_schema_extra=A_NAME,
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        description="The ETag you have seen; 412 when it is not the newest any more.",
        examples=['"1"'],
        json_schema_extra={"pattern": r'^((W/)?"[0-9]{1,18}"|\*)$'},
    ),
]

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')


async def selected(call: Call, selection: Selection, superseded: bool | None = None) -> Filter:
    """The filter of a selection; projects that do not exist hold nothing."""
    found = [await call.core.projects.find(call.scope, name) for name in mapping.named_projects(selection)]
    project_ids = frozenset(project.id for project in found if project is not None)
    return mapping.to_filter(selection, project_ids, superseded)


def answer(memory: Memory, status: int = 200) -> Response:
    """A memory, with its version as the ETag."""
    return kit.JsonResponse(mapping.from_memory(memory), status, {"etag": f'"{memory.version}"'})


@router.post(
    "/memories",
    status_code=201,
    response_model=wire.Memory,
    summary="Keep a memory",
    responses={200: {"model": wire.Memory, "description": "It was there already."}, **responses(404, 409, 413)},
)
async def add(call: Caller, body: wire.NewMemory, idempotency_key: IdempotencyKey = None) -> Response:
    """Keep one memory. It is durable, and recall finds it, when the answer arrives."""
    if body.compare:
        if body.duplicates != "keep":
            raise InvalidInput("compare and duplicates exclude each other", field="compare")
        compared, _ = await call.core.memories.add_compared(
            call.scope, mapping.to_draft(body), idempotency_key=idempotency_key
        )
        return answer(compared.memory, 201 if compared.created else 200)
    added = await call.core.memories.add(
        call.scope,
        mapping.to_draft(body),
        duplicates=Duplicates(body.duplicates),
        idempotency_key=idempotency_key,
    )
    return answer(added.memory, 201 if added.created else 200)


@router.post(
    "/memories/batch",
    status_code=201,
    response_model=wire.BatchResult,
    summary="Keep many memories",
    responses=responses(404, 409, 413),
)
async def add_many(call: Caller, body: wire.Batch, idempotency_key: IdempotencyKey = None) -> Response:
    """Keep up to 10,000 memories in one transaction: all of them or, when one cannot be kept, none.

    `errors` of a refusal names every bad one with its index.
    """
    added = await call.core.memories.add_many(
        call.scope,
        [mapping.to_draft(item) for item in body.memories],
        duplicates=Duplicates(body.duplicates),
        idempotency_key=idempotency_key,
    )
    return kit.JsonResponse({"ids": [one.memory.id for one in added]}, 201)


@router.get("/memories", response_model=wire.MemoryPage, summary="List memories", responses=responses())
async def find(call: Caller, query: Annotated[ListQuery, Query()]) -> Response:
    """A page of the memories for which all given conditions hold, with the true total. Newest first by default."""
    filter = await selected(call, query, query.superseded)
    sort, limit, offset = mapping.to_sort(query), query.limit, query.offset
    if query.as_of is None:
        page = await call.core.memories.find(call.scope, filter, sort=sort, limit=limit, offset=offset)
    else:
        timeline = call.core.timeline
        page = await timeline.find_as_of(call.scope, query.as_of, filter, sort=sort, limit=limit, offset=offset)
    return kit.JsonResponse(mapping.from_page(page))


@router.get("/memories/{memory_id}", response_model=wire.Memory, summary="Read a memory", responses=responses(404))
async def get(call: Caller, memory_id: MemoryId, as_of: AsOfParameter = None) -> Response:
    """One memory, now or as it was known at an instant. Its version is the ETag."""
    if as_of is not None:
        return answer(await call.core.timeline.as_of(call.scope, memory_id, as_of))
    return answer(await call.core.memories.get(call.scope, memory_id))


@router.patch(
    "/memories/{memory_id}",
    response_model=wire.Memory,
    summary="Change a memory",
    responses=responses(404, 409, 412, 413),
)
async def revise(call: Caller, memory_id: MemoryId, body: wire.MemoryChanges, if_match: IfMatch = None) -> Response:
    """Change the fields that are sent; the memory gets a new version, unless nothing is different."""
    seen = _version_of(if_match)
    await call.core.memories.get(call.scope, memory_id)
    try:
        memory = await call.core.memories.revise(
            call.scope,
            memory_id,
            mapping.to_changes(body),
            expected_version=body.version if seen is None else seen,
            compare=body.compare or None,
        )
    except Conflict as error:
        if seen is None:
            raise
        raise PreconditionFailed(str(error)) from None
    return answer(memory)


def _version_of(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise InvalidInput('If-Match must be one ETag, like "3"', field="If-Match")
    return int(match[1])


@router.delete("/memories/{memory_id}", status_code=204, summary="Forget a memory", responses=responses(404, 409))
async def forget(
    call: Caller,
    memory_id: MemoryId,
    purge: Annotated[bool, Query(description="Remove it for good instead; nothing can restore it.")] = False,
) -> Response:
    """Hide a memory everywhere, at once. It can be restored until it is purged."""
    if purge:
        await call.core.memories.purge(call.scope, memory_id)
    else:
        await call.core.memories.forget(call.scope, memory_id)
    return Response(status_code=204)


@router.post(
    "/memories/{memory_id}/restore",
    response_model=wire.Memory,
    summary="Restore a memory",
    responses=responses(404, 409),
)
async def restore(call: Caller, memory_id: MemoryId) -> Response:
    """Take a memory out of the trash. One that is not there stays as it is."""
    return answer(await call.core.memories.restore(call.scope, memory_id))


@router.post("/memories/{memory_id}/purge", status_code=204, summary="Purge a memory", responses=responses(404, 409))
async def purge(call: Caller, memory_id: MemoryId) -> Response:
    """Remove a memory, its history and all that was derived from it, for good."""
    await call.core.memories.purge(call.scope, memory_id)
    return Response(status_code=204)


@router.get(
    "/memories/{memory_id}/history",
    response_model=wire.History,
    summary="A memory's history",
    responses=responses(404),
)
async def history(call: Caller, memory_id: MemoryId) -> Response:
    """Every version of a memory, oldest first, also of one in the trash."""
    versions = await call.core.memories.history(call.scope, memory_id)
    return kit.JsonResponse({"items": [mapping.from_version(version) for version in versions]})


@router.get("/trash", response_model=wire.MemoryPage, summary="List the trash", responses=responses())
async def trash(call: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    """A page of the memories that were forgotten and can be restored, newest first."""
    page = await call.core.memories.trash(call.scope, limit=query.limit, offset=query.offset)
    return kit.JsonResponse(mapping.from_page(page))
