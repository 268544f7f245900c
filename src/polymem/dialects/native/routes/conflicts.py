"""Conflicts between memories, and what replaces what."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from polymem.core.conflicts.ports import Resolution
from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.memories import MemoryId, selected
from polymem.dialects.native.wire import conflicts as wire
from polymem.dialects.native.wire.memories import Memory
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1", tags=["conflicts"])

ConflictId = Annotated[
    Text, Path(description="The conflict's id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b55"], min_length=1)
]
_STATUS = {"open": True, "resolved": False, "all": None}


@router.get("/conflicts", response_model=wire.ConflictPage, summary="List conflicts", responses=responses())
async def find(call: Caller, query: Annotated[wire.ConflictQuery, Query()]) -> Response:
    """A page of the conflicts that were found when memories were kept or changed, newest first."""
    page = await call.core.conflicts.find(
        call.scope, open=_STATUS[query.status], limit=query.limit, offset=query.offset
    )
    items = [mapping.from_conflict(conflict) for conflict in page.items]
    return kit.JsonResponse({"items": items, "total": page.total, "limit": page.limit, "offset": page.offset})


@router.post("/conflicts/detect", response_model=wire.Detected, summary="Look for conflicts", responses=responses())
async def detect(call: Caller, body: wire.DetectRequest) -> Response:
    """Compare the newest 1,000 memories that match with older ones: those that came in a batch, by an import or through
    a door that does not compare. What is found is an open conflict; what was settled is not asked about again."""
    compared = await call.core.conflicts.look_for(call.scope, await selected(call, body))
    page = await call.core.conflicts.find(call.scope, open=True, limit=1)
    return kit.JsonResponse({"compared": compared, "open": page.total})


@router.get(
    "/conflicts/{conflict_id}", response_model=wire.Conflict, summary="Read a conflict", responses=responses(404)
)
async def get(call: Caller, conflict_id: ConflictId) -> Response:
    """One conflict, open or settled."""
    return kit.JsonResponse(mapping.from_conflict(await call.core.conflicts.get(call.scope, conflict_id)))


@router.post(
    "/conflicts/{conflict_id}/resolve",
    response_model=wire.Conflict,
    summary="Settle a conflict",
    responses=responses(404, 409, 413),
)
async def resolve(call: Caller, conflict_id: ConflictId, body: wire.ResolveRequest) -> Response:
    """Decide which memory holds. Nothing is lost: what was forgotten can be restored, what was superseded stays
    readable and can be made current again."""
    settled = await call.core.conflicts.resolve(
        call.scope, conflict_id, Resolution(body.resolution), content=body.content
    )
    return kit.JsonResponse(mapping.from_conflict(settled))


@router.get(
    "/memories/{memory_id}/chain",
    response_model=wire.Chain,
    summary="What replaced what",
    responses=responses(404),
)
async def chain(call: Caller, memory_id: MemoryId) -> Response:
    """All memories of the chain this one stands in, oldest first; the last one is current."""
    memories = await call.core.chains.chain(call.scope, memory_id)
    return kit.JsonResponse({"items": [mapping.from_memory(memory) for memory in memories]})


@router.post(
    "/memories/{memory_id}/unsupersede",
    response_model=Memory,
    summary="Make a superseded memory current again",
    responses=responses(404, 409),
)
async def unsupersede(call: Caller, memory_id: MemoryId) -> Response:
    """Recall finds the memory again; the one that replaced it stays beside it. One that is current stays as it is."""
    memory = await call.core.chains.unsupersede(call.scope, memory_id)
    return kit.JsonResponse(mapping.from_memory(memory), 200, {"etag": f'"{memory.version}"'})
