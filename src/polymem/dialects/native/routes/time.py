"""What changed, and what was found out about memories."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from polymem.core.errors import InvalidInput
from polymem.core.history.trust import trust as trust_of
from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.memories import AsOfParameter, MemoryId, answer, selected
from polymem.dialects.native.wire import memories as memory_wire
from polymem.dialects.native.wire import time as wire

router = kit.router(prefix="/v1", tags=["time"])


@router.get("/changes", response_model=wire.ChangePage, summary="What changed", responses=responses())
async def changes(call: Caller, query: Annotated[wire.ChangesQuery, Query()]) -> Response:
    """A page of every change recorded in a span of time, with its kind, newest first by default.

    Changes of what is in the trash are among them; what was purged is gone with its changes. A memory that expired by
    itself is listed at that instant, without an actor.
    """
    page = await call.core.timeline.changed_since(
        call.scope,
        query.since,
        query.until,
        await selected(call, query),
        kinds=mapping.to_change_kinds(query.changes),
        limit=query.limit,
        offset=query.offset,
        descending=query.order == "desc",
    )
    return kit.JsonResponse(mapping.from_change_page(page))


@router.post(
    "/memories/{memory_id}/validate",
    response_model=memory_wire.Memory,
    summary="Validate a memory",
    responses=responses(404, 409, 413),
)
async def validate(call: Caller, memory_id: MemoryId, body: wire.Finding | None = None) -> Response:
    """Record that a memory was found to hold; that answers the contradictions there were so far."""
    note = None if body is None else body.note
    return answer(await call.core.judgements.validate(call.scope, memory_id, note=note))


@router.post(
    "/memories/{memory_id}/contradict",
    response_model=memory_wire.Memory,
    summary="Contradict a memory",
    responses=responses(404, 409, 413),
)
async def contradict(call: Caller, memory_id: MemoryId, body: wire.Finding | None = None) -> Response:
    """Record that something speaks against a memory; that stands until it is validated."""
    note = None if body is None else body.note
    return answer(await call.core.judgements.contradict(call.scope, memory_id, note=note))


@router.post(
    "/memories/{memory_id}/supersede",
    status_code=201,
    response_model=memory_wire.Memory,
    summary="Replace a memory",
    responses={
        200: {"model": memory_wire.Memory, "description": "A memory that was there replaces it."},
        **responses(404, 409, 413),
    },
)
async def supersede(call: Caller, memory_id: MemoryId, body: wire.Replacement) -> Response:
    """Replace a memory by a new one or by one that exists; the answer is the one that replaces it.

    Recall leaves the old one out from then on; its history, and the past, keep it.
    """
    sent = body.model_fields_set
    if "memory_id" in sent:
        if sent != {"memory_id"}:
            raise InvalidInput("Send memory_id alone, or the fields of a new memory", field="memory_id")
        return answer(await call.core.chains.supersede(call.scope, memory_id, body.memory_id))
    if "content" not in sent:
        raise InvalidInput("content is required, unless memory_id names a memory", field="content")
    old = await call.core.memories.get(call.scope, memory_id)
    added = await call.core.memories.supersede(call.scope, memory_id, mapping.to_replacement(body, old))
    return answer(added.memory, 201)


@router.get(
    "/memories/{memory_id}/trust",
    response_model=wire.Trust,
    summary="How far a memory can be trusted",
    responses=responses(404),
)
async def trust(call: Caller, memory_id: MemoryId, as_of: AsOfParameter = None) -> Response:
    """A score from the memory's confidence, where it comes from, what was found out about it, and its age."""
    at = call.core.clock.now() if as_of is None else as_of
    memory = await call.core.timeline.as_of(call.scope, memory_id, at)
    return kit.JsonResponse(mapping.from_trust(memory, trust_of(memory, at)))
