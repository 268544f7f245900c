"""Recalls through time: as it was known at an instant, what changed since one, what holds now."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from polymem.core.filters import IdIn, Superseded
from polymem.core.instants import to_rfc3339
from polymem.core.model import Version
from polymem.dialects import kit
from polymem.dialects.memanto.calls import SESSIONS, AgentCall, AgentCaller, SessionRoute
from polymem.dialects.memanto.mapping import recall as mapping
from polymem.dialects.memanto.mapping.memories import from_change, from_memory
from polymem.dialects.memanto.mapping.values import Flat, enveloped, required, to_instant, to_limit
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.routes.memories import session_part
from polymem.dialects.memanto.routes.recall import listed
from polymem.dialects.memanto.wire import recall as wire
from polymem.dialects.memanto.wire.answers import RecallAnswer
from polymem.dialects.memanto.wire.values import joined

router = APIRouter(
    route_class=SessionRoute, prefix="/agents/{agent_id}/recall", tags=["Temporal Queries"], dependencies=SESSIONS
)

_MOST_RANKED_CHANGES = 1000
"""Of how many changes, newest first, the memories are ranked by a query."""


# --- as it was known ------------------------------------------------------------------------------


@router.get("/as-of", summary="As-of query", response_model=RecallAnswer)
async def as_of(agent_id: AgentId, call: AgentCaller, query: Annotated[wire.AsOfMembers, Query()]) -> Response:
    """The memories as they were known at an instant: their texts and states then, ranked by the query if there is one.

    What was superseded, changed or deleted later is there as it was.
    """
    return await _as_of(call, query)


@router.post("/as-of", summary="As-of query by body", response_model=RecallAnswer)
async def as_of_by_body(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.AsOfMembers, Query()],
    body: wire.AsOfMembers | None = None,
) -> Response:
    """The same, told by body."""
    return await _as_of(call, joined(query, body))


async def _as_of(call: AgentCall, members: wire.AsOfMembers) -> Response:
    at = to_instant(required(members.as_of, "as_of"), "as_of", end_of_day=True)
    now = call.core.clock.now()
    then = min(at, now)
    if mapping.is_everything(members.query):
        ended = members.status in ("all", "expired")
        filter = mapping.to_filter(members, then)
        page = await call.core.timeline.find_as_of(
            call.scope,
            at,
            filter if ended else (*filter, Superseded(False)),
            limit=to_limit(members.limit),
            offset=members.offset or 0,
            hidden=ended,
        )
        memories = mapping.from_listed(page.items, then)
    else:
        asked = mapping.to_recall(members, members.query or "", then, as_of=at)
        found = await call.core.recall(call.scope, asked)
        memories = mapping.from_hits(found.hits, then)
    extra = {
        "as_of": to_rfc3339(at),
        "as_of_date": members.as_of,
        "temporal_mode": "as_of",
        "note": f"Memories as they were known at {to_rfc3339(at)}",
    }
    return _told(call, members.query, memories, now, extra)


# --- what changed ---------------------------------------------------------------------------------


@router.get("/changed-since", summary="Changed since", response_model=RecallAnswer)
async def changed_since(
    agent_id: AgentId, call: AgentCaller, query: Annotated[wire.ChangedSinceMembers, Query()]
) -> Response:
    """Every change since an instant, newest first, with its kind in `change_type`: created, updated, superseded,
    forgotten, restored, validated, contradicted, expired. A memory that changed twice is there twice, as each change
    left it. With a query, each changed memory once, best first, with its last change."""
    return await _changed_since(call, query)


@router.post("/changed-since", summary="Changed since, by body", response_model=RecallAnswer)
async def changed_since_by_body(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.ChangedSinceMembers, Query()],
    body: wire.ChangedSinceMembers | None = None,
) -> Response:
    """The same, told by body."""
    return await _changed_since(call, joined(query, body))


async def _changed_since(call: AgentCall, members: wire.ChangedSinceMembers) -> Response:
    given = members.since if members.since is not None else members.changed_since
    since = to_instant(required(given, "since"), "since")
    now = call.core.clock.now()
    ranked = not mapping.is_everything(members.query)
    page = await call.core.timeline.changed_since(
        call.scope,
        since,
        filter=mapping.to_filter(members, now),
        limit=_MOST_RANKED_CHANGES if ranked else to_limit(members.limit),
        offset=0 if ranked else members.offset or 0,
    )
    if ranked:
        memories = await _ranked(call, members, page.items, now)
    else:
        memories = [_changed(version, now) for version in page.items]
    extra = {
        "since": to_rfc3339(since),
        "since_date": given,
        "temporal_mode": "changed_since",
        "total_available": len(memories) if ranked else page.total,
    }
    return _told(call, members.query, memories, now, extra)


async def _ranked(
    call: AgentCall, members: wire.ChangedSinceMembers, changes: tuple[Version, ...], now: datetime
) -> list[Flat]:
    last: dict[str, Version] = {}
    for version in changes:
        last.setdefault(version.memory.id, version)
    if not last:
        return []
    query = mapping.to_recall(members, members.query or "", now, superseded=True)
    found = await call.core.recall(call.scope, replace(query, filter=(*query.filter, IdIn(frozenset(last)))))
    return [
        _changed(last[hit.memory.id], now) | {"score": from_memory(hit.memory, now, score=hit.score)["score"]}
        for hit in found.hits
    ]


def _changed(version: Version, now: datetime) -> Flat:
    return {
        **from_memory(version.memory, now, score=1.0),
        "change_type": from_change(version.change),
        "changed_at": to_rfc3339(version.recorded_at),
        "changed_by": version.actor,
        "change_note": version.note,
    }


# --- what holds now -------------------------------------------------------------------------------


@router.get("/current", summary="Current only", response_model=RecallAnswer)
async def current(agent_id: AgentId, call: AgentCaller, query: Annotated[wire.CurrentMembers, Query()]) -> Response:
    """What holds now: neither superseded nor ended. Ranked by the query; newest first without one."""
    return await _current(call, query)


@router.post("/current", summary="Current only, by body", response_model=RecallAnswer)
async def current_by_body(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.CurrentMembers, Query()],
    body: wire.CurrentMembers | None = None,
) -> Response:
    """The same, told by body."""
    return await _current(call, joined(query, body))


async def _current(call: AgentCall, members: wire.CurrentMembers) -> Response:
    members = members.model_copy(update={"status": None})
    extra: Flat = {"temporal_mode": "current_only", "note": "Superseded and expired memories are left out"}
    if mapping.is_everything(members.query):
        return await listed(call, members, query=members.query, **extra)
    now = call.core.clock.now()
    found = await call.core.recall(call.scope, mapping.to_recall(members, members.query or "", now))
    return _told(call, members.query, mapping.from_hits(found.hits, now), now, extra)


def _told(call: AgentCall, query: str | None, memories: list[Flat], now: datetime, extra: Flat) -> Response:
    call.used(recalled=len(memories))
    flat = {**session_part(call), "query": query, "memories": memories, "count": len(memories), **extra}
    return kit.JsonResponse(enveloped(flat, now))
