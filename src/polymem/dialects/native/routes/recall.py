"""Finding memories, and why one was not found."""

from time import perf_counter

from starlette.responses import Response

from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.memories import selected
from polymem.dialects.native.wire import recall as wire

router = kit.router(prefix="/v1/recall", tags=["recall"])


@router.post("", response_model=wire.RecallAnswer, summary="Find memories", responses=responses(413, 503))
async def recall(call: Caller, body: wire.RecallRequest) -> Response:
    """Find the memories that answer a query, best first, by meaning and by words."""
    start = perf_counter()
    query = mapping.to_recall_query(body, await selected(call, body))
    recalled = await call.core.recall(call.scope, query)
    took_ms = (perf_counter() - start) * 1000
    return kit.JsonResponse(mapping.from_recalled(recalled, explain=body.explain, took_ms=took_ms))


@router.post(
    "/why-not", response_model=wire.WhyNot, summary="Why a memory is not found", responses=responses(404, 413, 503)
)
async def why_not(call: Caller, body: wire.WhyNotRequest) -> Response:
    """Which stage of this recall loses the memory, in a sentence, and the smallest change that brings it back."""
    query = mapping.to_recall_query(body, await selected(call, body))
    return kit.JsonResponse(mapping.from_why_not(await call.core.recall.why_not(call.scope, query, body.memory_id)))
