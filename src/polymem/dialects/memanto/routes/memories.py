"""Keeping, changing and exporting memories."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse

from polymem.core.checks import checked
from polymem.core.errors import InvalidInput
from polymem.core.filters import Filter, Superseded
from polymem.core.model import Draft
from polymem.core.people import Permission
from polymem.core.people.access import require
from polymem.dialects import kit
from polymem.dialects.memanto.calls import SESSIONS, AgentCall, AgentCaller, SessionRoute
from polymem.dialects.memanto.mapping import memories as mapping
from polymem.dialects.memanto.mapping.recall import to_filter
from polymem.dialects.memanto.mapping.values import Flat, enveloped, to_namespace
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.wire import memories as wire
from polymem.dialects.memanto.wire.answers import BatchAnswer, MemoryAnswer, RememberAnswer
from polymem.dialects.memanto.wire.recall import ExportQuery
from polymem.dialects.memanto.wire.values import joined

router = APIRouter(
    route_class=SessionRoute, prefix="/agents/{agent_id}", tags=["Memory Operations"], dependencies=SESSIONS
)

MemoryId = Annotated[str, Path(description="The memory's id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"])]


def session_part(call: AgentCall) -> Flat:
    """What every answer about an agent's memories begins with."""
    return {"agent_id": call.agent, "session_id": call.session_id, "namespace": to_namespace(call.agent)}


@router.post("/remember", status_code=201, summary="Store memory", response_model=RememberAnswer)
async def remember(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.RememberMembers, Query()],
    body: wire.RememberBody | None = None,
) -> Response:
    """Keep one memory, told by query or by body. It is durable, and recall finds it, when the answer arrives.

    `conflicts` names memories that it repeats or contradicts.
    """
    members = query if body is None else joined(wire.RememberBody(**query.model_dump(exclude_unset=True)), body)
    now = call.core.clock.now()
    draft = mapping.to_draft(members, call.agent, now)
    added, similar = await call.core.memories.add_compared(call.scope, draft)
    call.used(stored=1)
    flat = {
        "memory_id": added.memory.id,
        **session_part(call),
        "status": "queued",
        "type": added.memory.kind,
        "memory_type": added.memory.kind,
        "title": mapping.title_of(added.memory),
        "provenance": added.memory.provenance,
        "confidence": added.memory.confidence,
        "created_at": mapping.from_memory(added.memory, now)["created_at"],
        "conflicts": mapping.from_similar(similar),
    }
    return kit.JsonResponse(enveloped(flat, now), 201)


@router.post("/batch-remember", status_code=201, summary="Store many memories", response_model=BatchAnswer)
async def remember_many(agent_id: AgentId, call: AgentCaller, body: wire.BatchBody) -> Response:
    """Keep up to 100 memories. `results` has their order and says of each whether it was kept.

    Those that can be kept are kept in one transaction; 200 instead of 201 when there is none.
    """
    now = call.core.clock.now()
    read = [_read(item, call.agent, call) for item in body.memories]
    drafts = [draft for draft in read if isinstance(draft, Draft)]
    added = await call.core.memories.add_many(call.scope, drafts)
    call.used(stored=len(added))
    kept = iter(added)
    results = [
        _result(next(kept).memory.id, draft.kind) if isinstance(draft, Draft) else _failure(draft) for draft in read
    ]
    flat = {
        **session_part(call),
        "total_submitted": len(read),
        "successful": len(added),
        "failed": len(read) - len(added),
        "results": results,
    }
    return kit.JsonResponse(enveloped(flat, now), 201 if added else 200)


def _read(item: Any, agent: str, call: AgentCall) -> Draft | str:
    # The memory an item of a batch asks for, or why it cannot be kept.
    try:
        if isinstance(item, str):
            item = {"content": item}
        members = wire.RememberBody.model_validate(item)
        return checked(mapping.to_draft(members, agent, call.core.clock.now()))
    except ValidationError as error:
        problems = (kit.to_problem({**one, "loc": ("body", *one["loc"])}) for one in error.errors())
        return "; ".join(problem.detail for problem in problems)
    except InvalidInput as error:
        return str(error)


def _result(memory_id: str, kind: str) -> Flat:
    return {
        "id": memory_id,
        "memory_id": memory_id,
        "status": "queued",
        "action": "store",
        "reason": None,
        "error": None,
        "type": kind,
    }


def _failure(reason: str) -> Flat:
    return {
        "id": None,
        "memory_id": None,
        "status": "failed",
        "action": "store",
        "reason": reason,
        "error": reason,
        "type": None,
    }


@router.get("/memories/{memory_id}", summary="Get memory", response_model=MemoryAnswer)
async def get(agent_id: AgentId, memory_id: MemoryId, call: AgentCaller) -> Response:
    """Addition: one memory."""
    memory = await call.core.memories.get(call.scope, memory_id, hidden=True)
    now = call.core.clock.now()
    return kit.JsonResponse(enveloped({**session_part(call), **mapping.from_memory(memory, now)}, now))


@router.patch("/memories/{memory_id}", summary="Change memory", response_model=MemoryAnswer)
async def change(agent_id: AgentId, memory_id: MemoryId, call: AgentCaller, body: wire.ChangeBody) -> Response:
    """Addition: change a memory. What it was stays in the past."""
    memory = await call.core.memories.get(call.scope, memory_id)
    changes = mapping.to_changes(body, memory)
    memory = await call.core.memories.revise(call.scope, memory_id, changes, compare=True)
    now = call.core.clock.now()
    flat = {
        **session_part(call),
        "memory_id": memory.id,
        "status": "updated",
        "action": "update",
        "updated_fields": mapping.from_changes(changes),
        "memory": mapping.from_memory(memory, now),
    }
    return kit.JsonResponse(enveloped(flat, now, own_status=True))


@router.delete("/memories/{memory_id}", summary="Delete memory", response_model=MemoryAnswer)
async def delete(agent_id: AgentId, memory_id: MemoryId, call: AgentCaller) -> Response:
    """Addition: delete a memory. It can be restored until it is purged through the native API."""
    await call.core.memories.forget(call.scope, memory_id)
    return _said(call, memory_id, "deleted")


@router.post("/memories/{memory_id}/expire", summary="Expire memory", response_model=MemoryAnswer)
async def expire(
    agent_id: AgentId, memory_id: MemoryId, call: AgentCaller, body: wire.JudgeMembers | None = None
) -> Response:
    """Addition: end a memory now."""
    await call.core.judgements.expire(call.scope, memory_id, note=None if body is None else body.reason)
    return _said(call, memory_id, "expired")


@router.post("/memories/{memory_id}/restore", summary="Restore memory", response_model=MemoryAnswer)
async def restore(agent_id: AgentId, memory_id: MemoryId, call: AgentCaller) -> Response:
    """Addition: bring back a memory that was deleted, or whose time was over."""
    memory = await call.core.memories.restore(call.scope, memory_id)
    await call.core.judgements.unexpire(call.scope, memory.id)
    return _said(call, memory_id, "active")


def _said(call: AgentCall, memory_id: str, status: str) -> Response:
    flat = {**session_part(call), "memory_id": memory_id, "status": status}
    return kit.JsonResponse(enveloped(flat, call.core.clock.now(), own_status=True))


# --- export ---------------------------------------------------------------------------------------


@router.get("/export", summary="Export memories")
async def export(agent_id: AgentId, call: AgentCaller, query: Annotated[ExportQuery, Query()]) -> Response:
    """All memories of the agent, oldest first."""
    require(call.scope, Permission.READ)
    now = call.core.clock.now()
    filter = to_filter(query, now)
    if not query.include_inactive and query.status is None:
        filter = (*filter, Superseded(False))
    hidden = query.include_inactive or query.status in ("all", "expired")
    if query.format == "jsonl":
        lines = _lines(call, filter, hidden, query.limit)
        return StreamingResponse(lines, media_type="application/x-ndjson")
    memories = [item async for item in _items(call, filter, hidden, query.limit)]
    flat = {**session_part(call), "format": "json", "memories": memories, "count": len(memories)}
    return kit.JsonResponse(enveloped(flat, now))


async def _items(call: AgentCall, filter: Filter, hidden: bool, most: int | None) -> AsyncIterator[Flat]:
    told = 0
    async for batch in call.core.memories.scan(call.scope, filter, hidden=hidden):
        for memory in batch:
            # What is in the trash is not part of it, ended or not.
            if memory.forgotten_at is not None:
                continue
            if told == most:
                return
            told += 1
            yield mapping.from_memory(memory, call.core.clock.now())


async def _lines(call: AgentCall, filter: Filter, hidden: bool, most: int | None) -> AsyncIterator[bytes]:
    async for item in _items(call, filter, hidden, most):
        yield kit.to_json(item) + b"\n"
