"""Recall, and lists without a query."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from polymem.core.filters import Superseded
from polymem.core.model import Memory
from polymem.dialects import kit
from polymem.dialects.memanto.calls import SESSIONS, AgentCall, AgentCaller, SessionRoute
from polymem.dialects.memanto.mapping import recall as mapping
from polymem.dialects.memanto.mapping.values import enveloped, required, to_limit
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.routes.memories import session_part
from polymem.dialects.memanto.wire import recall as wire
from polymem.dialects.memanto.wire.answers import RecallAnswer
from polymem.dialects.memanto.wire.values import joined

router = APIRouter(
    route_class=SessionRoute, prefix="/agents/{agent_id}", tags=["Memory Operations"], dependencies=SESSIONS
)

MAX_ALL = 5000
"""Most memories that `recall/all` returns."""


@router.get("/recall", summary="Semantic search", response_model=RecallAnswer)
async def recall(agent_id: AgentId, call: AgentCaller, query: Annotated[wire.RecallMembers, Query()]) -> Response:
    """Find memories by meaning and by words, best first. What was superseded or has ended is left out."""
    return await _recalled(call, query)


@router.post("/recall", summary="Semantic search by body", response_model=RecallAnswer)
async def recall_by_body(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.RecallMembers, Query()],
    body: wire.RecallMembers | None = None,
) -> Response:
    """The same, told by body."""
    return await _recalled(call, joined(query, body))


async def _recalled(call: AgentCall, members: wire.RecallMembers) -> Response:
    text = required(members.query, "query")
    now = call.core.clock.now()
    if mapping.is_everything(text):
        return await listed(call, members, query=text)
    found = await call.core.recall(call.scope, mapping.to_recall(members, text, now))
    memories = mapping.from_hits(found.hits, now)
    call.used(recalled=len(memories))
    flat = {**session_part(call), "query": text, "memories": memories, "count": len(memories)}
    return kit.JsonResponse(enveloped(flat, now))


async def listed(
    call: AgentCall, members: wire.RecallMembers, *, query: str | None = None, most: int | None = None, **extra: object
) -> Response:
    """The newest memories for which the conditions hold, with how many there are; `most` is a cap of its own."""
    now = call.core.clock.now()
    ended = members.status in ("all", "expired")
    filter = mapping.to_filter(members, now)
    page = await call.core.memories.find(
        call.scope,
        filter if ended else (*filter, Superseded(False)),
        limit=to_limit(members.limit) if most is None else most,
        offset=members.offset or 0,
        hidden=ended,
    )
    memories = mapping.from_listed(page.items, now)
    call.used(recalled=len(memories))
    flat = {
        **session_part(call),
        "query": query,
        "memories": memories,
        "count": len(memories),
        "total_available": page.total,
        **extra,
    }
    return kit.JsonResponse(enveloped(flat, now))


@router.post("/recall/recent", summary="Newest memories", response_model=RecallAnswer)
async def recent(agent_id: AgentId, call: AgentCaller, body: wire.RecallMembers | None = None) -> Response:
    """Addition: the newest memories."""
    return await listed(call, body or wire.RecallMembers(), temporal_mode="recent")


@router.post("/recall/all", summary="All memories", response_model=RecallAnswer)
async def all_memories(agent_id: AgentId, call: AgentCaller, body: wire.RecallMembers | None = None) -> Response:
    """Addition: all memories, newest first, at most 5 000."""
    members = body or wire.RecallMembers()
    now = call.core.clock.now()
    ended = members.status in ("all", "expired")
    filter = mapping.to_filter(members, now)
    if not ended:
        filter = (*filter, Superseded(False))
    most = min(members.limit or MAX_ALL, MAX_ALL)
    items: list[Memory] = []
    total, offset = 0, members.offset or 0
    while len(items) < most:
        page = await call.core.memories.find(
            call.scope, filter, limit=min(1000, most - len(items)), offset=offset + len(items), hidden=ended
        )
        items, total = [*items, *page.items], page.total
        if offset + len(items) >= total or not page.items:
            break
    call.used(recalled=len(items))
    flat = {
        **session_part(call),
        "query": None,
        "memories": mapping.from_listed(items, now),
        "count": len(items),
        "total_available": total,
        "temporal_mode": "all",
    }
    return kit.JsonResponse(enveloped(flat, now))
