"""What is found out about memories later: that they hold, that something speaks against them, what replaces them."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from polymem.core.model import Memory
from polymem.dialects import kit
from polymem.dialects.kit import InvalidRequest, Problem
from polymem.dialects.memanto.calls import SESSIONS, AgentCall, AgentCaller, SessionRoute
from polymem.dialects.memanto.mapping import memories as mapping
from polymem.dialects.memanto.mapping.values import Flat, enveloped, from_optional_instant
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.routes.memories import MemoryId, session_part
from polymem.dialects.memanto.wire import memories as wire
from polymem.dialects.memanto.wire.answers import MemoryAnswer, SupersedeAnswer
from polymem.dialects.memanto.wire.values import joined

router = APIRouter(
    route_class=SessionRoute, prefix="/agents/{agent_id}", tags=["Memory Management"], dependencies=SESSIONS
)


@router.post("/validate/{memory_id}", summary="Validate memory", response_model=MemoryAnswer)
async def validate(
    agent_id: AgentId,
    memory_id: MemoryId,
    call: AgentCaller,
    query: Annotated[wire.JudgeMembers, Query()],
    body: wire.JudgeMembers | None = None,
) -> Response:
    """Record that a memory was found to hold. Each time counts, and answers what spoke against it so far."""
    memory = await call.core.judgements.validate(call.scope, memory_id, note=joined(query, body).reason)
    flat = {
        **_judged(call, memory),
        "status": "validated",
        "validated": True,
        "validation_count": memory.validations,
        "validated_at": from_optional_instant(memory.validated_at),
    }
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


@router.post("/contradict/{memory_id}", summary="Mark contradiction", response_model=MemoryAnswer)
async def contradict(
    agent_id: AgentId,
    memory_id: MemoryId,
    call: AgentCaller,
    query: Annotated[wire.ContradictMembers, Query()],
    body: wire.ContradictMembers | None = None,
) -> Response:
    """Record that something speaks against a memory. That stands until it is validated."""
    members = joined(query, body)
    other_id = members.contradicting_memory_id
    if other_id is not None:
        await call.core.memories.get(call.scope, other_id)
    said = [members.reason, members.content, other_id and f"contradicted by memory {other_id}"]
    note = "\n".join(part for part in said if part) or None
    memory = await call.core.judgements.contradict(call.scope, memory_id, note=note)
    flat = {
        **_judged(call, memory),
        "status": "contradicted",
        "contradiction_detected": True,
        "contradiction_count": memory.contradictions,
        "message": f"Memory {memory.id} is marked as contradicted",
    }
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


@router.post("/supersede/{memory_id}", summary="Replace outdated memory", response_model=SupersedeAnswer)
async def supersede(
    agent_id: AgentId,
    memory_id: MemoryId,
    call: AgentCaller,
    query: Annotated[wire.SupersedeMembers, Query()],
    body: wire.SupersedeMembers | None = None,
) -> Response:
    """Let a memory that is there, or a new text, replace this one. Recall finds the new one; as-of still the old."""
    members = joined(query, body)
    if members.new_memory_id is not None:
        new = await call.core.chains.supersede(call.scope, memory_id, members.new_memory_id)
    elif members.new_content is not None:
        old = await call.core.memories.get(call.scope, memory_id)
        draft = mapping.to_replacement(old, members.new_content, members.reason)
        new = (await call.core.memories.supersede(call.scope, memory_id, draft)).memory
        call.used(stored=1)
    else:
        problem = Problem("body", "new_content", "missing", "new_content or new_memory_id is required")
        raise InvalidRequest((problem,))
    now = call.core.clock.now()
    flat = {
        "old_memory_id": memory_id,
        "new_memory_id": new.id,
        "memory_id": new.id,
        **session_part(call),
        "status": "superseded",
        "message": f"Memory {memory_id} is superseded by {new.id}",
        "memory": mapping.from_memory(new, now),
    }
    return kit.JsonResponse(enveloped(flat, now))


def _judged(call: AgentCall, memory: Memory) -> Flat:
    told = mapping.from_memory(memory, call.core.clock.now())
    kept = ("confidence", "provenance", "computed_confidence", "trust_score", "trust_level")
    return {"memory_id": memory.id, **session_part(call), **{name: told[name] for name in kept}}
