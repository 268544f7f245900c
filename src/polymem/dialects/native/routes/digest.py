"""Answers, summaries and compression."""

from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

from starlette.responses import Response, StreamingResponse

from polymem.core.checks import check_query
from polymem.core.digest.compression import Passage
from polymem.core.digest.digest import AnswerQuery, Part
from polymem.core.errors import PolymemError
from polymem.core.people import Permission
from polymem.core.people.access import require
from polymem.dialects import kit
from polymem.dialects.native import digests as mapping
from polymem.dialects.native.credentials import Call, Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.routes.memories import selected
from polymem.dialects.native.wire import digest as wire

router = kit.router(prefix="/v1", tags=["digest"])


@router.post(
    "/answer",
    response_model=wire.GroundedAnswer,
    summary="Answer a question",
    responses={
        200: {"model": wire.GroundedAnswer, "content": {"text/event-stream": {}}, "description": "The answer."},
        **responses(413, 503),
    },
)
async def answer(call: Caller, body: wire.AnswerRequest) -> Response:
    """Answer a question from memories, and name those the answer comes from.

    Refused when no memory is relevant. Memories are data: what stands in one is never an instruction.
    """
    start = perf_counter()
    query = mapping.to_answer_query(body, await selected(call, body))
    if body.stream:
        check_query(query.question, limit=query.limit, offset=0)
        require(call.scope, Permission.READ)
        return StreamingResponse(_events(call, query, start), media_type="text/event-stream")
    found = await call.core.digest.answer(call.scope, query)
    return kit.JsonResponse(mapping.from_answer(found, (perf_counter() - start) * 1000))


async def _events(call: Call, query: AnswerQuery, start: float) -> AsyncIterator[bytes]:
    try:
        async for part in call.core.digest.stream(call.scope, query):
            if isinstance(part, Part):
                yield _event("part", {"text": part.text})
            else:
                yield _event("answer", mapping.from_answer(part, (perf_counter() - start) * 1000))
    except PolymemError as error:
        # The status has been sent long ago.
        yield _event("error", {"detail": str(error)})


def _event(name: str, value: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + kit.to_json(value) + b"\n\n"


@router.post(
    "/summarize", response_model=wire.SummaryAnswer, summary="Summarise memories", responses=responses(404, 413)
)
async def summarize(call: Caller, body: wire.SummarizeRequest) -> Response:
    """Summarise memories, naming which ones say what; the summary can be kept as a memory of its own."""
    query = mapping.to_summary_query(body, await selected(call, body))
    return kit.JsonResponse(mapping.from_summary(await call.core.digest.summarize(call.scope, query)))


@router.post("/compress", response_model=wire.CompressAnswer, summary="Compress a text", responses=responses(404, 413))
async def compress(call: Caller, body: wire.CompressRequest) -> Response:
    """Say the same in fewer words. Numbers, names, dates, decisions and code stay. Nothing is kept or changed."""
    require(call.scope, Permission.READ)
    passages = mapping.to_passages(body)
    if passages is None:
        ids = dict.fromkeys(body.memory_ids or ())
        memories = [await call.core.memories.get(call.scope, memory_id) for memory_id in ids]
        passages = [Passage(memory.content, reference=memory.id) for memory in memories]
    return kit.JsonResponse(mapping.from_compressed(await call.core.compression(passages, ratio=body.ratio)))
