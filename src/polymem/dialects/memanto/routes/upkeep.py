"""What today's clients have beyond the reference: extraction, daily summaries, conflicts, expiry policies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from polymem.core.conflicts.ports import Conflict, Reason, Resolution
from polymem.core.digest.compression import Passage
from polymem.core.digest.digest import FALLBACK, SummaryQuery
from polymem.core.errors import InvalidInput, NotFound
from polymem.core.filters import Between, Expired, Filter, Instant, KindIn, Superseded
from polymem.core.instants import to_rfc3339
from polymem.core.model import Draft, Memory
from polymem.dialects import kit
from polymem.dialects.memanto.calls import SESSIONS, AgentCall, AgentCaller, SessionRoute
from polymem.dialects.memanto.mapping import agents as agents_mapping
from polymem.dialects.memanto.mapping.memories import DEFAULT_PROVENANCE, title_of
from polymem.dialects.memanto.mapping.values import Flat, enveloped, required, to_instant
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.routes.memories import session_part
from polymem.dialects.memanto.wire import context as context_wire
from polymem.dialects.memanto.wire import policy as wire
from polymem.dialects.memanto.wire.memories import ResolveBody
from polymem.dialects.memanto.wire.values import joined

router = APIRouter(route_class=SessionRoute, prefix="/agents/{agent_id}", tags=["Additions"], dependencies=SESSIONS)

POLICY = "expiry_policy"
PRESETS: dict[str, dict[str, Any]] = {
    "keep-all": {"ttl_days": {}, "purge_after_days": None},
    "balanced": {"ttl_days": {"observation": 90, "context": 90, "event": 365, "error": 180}, "purge_after_days": 365},
    "short": {"ttl_days": {"observation": 14, "context": 14, "event": 90, "error": 30}, "purge_after_days": 30},
}
_TYPES = {
    Reason.NEGATION: "contradiction",
    Reason.CHANGED_VALUE: "update",
    Reason.DUPLICATE: "duplicate",
    Reason.PARAPHRASE: "duplicate",
}
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_MOST = 1000


# --- conversations --------------------------------------------------------------------------------


@router.post("/remember/extract", summary="Extract memories")
async def extract(agent_id: AgentId, call: AgentCaller, body: context_wire.ExtractBody) -> Response:
    """Addition: keep what is worth remembering of a conversation.

    A chat model reads it if the server has one, else rules do; `mode` says which. With `dry_run` nothing is kept.
    """
    passages = [Passage(message.content, message.role) for message in body.messages]
    extraction = await call.core.extractions(passages, body.max_memories or 20)
    candidates = [{"content": one.content, "type": one.kind, "confidence": one.confidence} for one in extraction.found]
    flat: Flat = {
        **session_part(call),
        "candidates": candidates,
        "count": len(candidates),
        "dry_run": bool(body.dry_run),
        "mode": extraction.mode.value,
        "model": extraction.model,
        "notice": None if extraction.trouble is None else FALLBACK,
    }
    if not body.dry_run:
        drafts = [
            Draft(
                content=one.content,
                kind=one.kind,
                project=call.agent,
                confidence=one.confidence,
                provenance=DEFAULT_PROVENANCE if one.confidence >= 0.8 else "inferred",
            )
            for one in extraction.found
        ]
        added = await call.core.memories.add_many(call.scope, drafts)
        call.used(stored=len(added))
        flat |= {
            "total_submitted": len(drafts),
            "successful": len(added),
            "failed": 0,
            "results": [{"id": one.memory.id, "status": "queued", "type": one.memory.kind} for one in added],
        }
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


@router.post("/daily-summary", summary="Daily summary")
async def daily_summary(agent_id: AgentId, call: AgentCaller, body: wire.DayMembers | None = None) -> Response:
    """Addition: summarise what was kept on a day. Nothing is kept of it."""
    since, until = _day(call, None if body is None else body.date)
    summary = await call.core.digest.summarize(
        call.scope, SummaryQuery(filter=(Between(Instant.CREATED, since, until),), limit=100)
    )
    flat = {
        **session_part(call),
        "date": since.date().isoformat(),
        "summary": summary.text,
        "summarized_count": len(summary.memories),
        "original_memory_ids": [memory.id for memory in summary.memories],
        "mode": summary.mode.value,
        "notice": None if summary.trouble is None else FALLBACK,
    }
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


def _day(call: AgentCall, date: str | None) -> tuple[datetime, datetime]:
    start = call.core.clock.now() if date is None else to_instant(date, "date")
    since = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return since, since + _DAY - _TICK


# --- conflicts ------------------------------------------------------------------------------------


@router.get("/conflicts", summary="List conflicts")
async def conflicts(agent_id: AgentId, call: AgentCaller, query: Annotated[wire.ConflictsQuery, Query()]) -> Response:
    """Addition: the open conflicts between the agent's memories, newest first."""
    return await _listed(call, query.date)


@router.post("/conflicts/generate", summary="Find conflicts")
async def generate(agent_id: AgentId, call: AgentCaller, body: wire.DayMembers | None = None) -> Response:
    """Addition: compare the memories of a day, or the newest 1 000, with older ones, and list the conflicts.

    `remember` and a change compare by themselves; what came in a batch or through other doors is compared here.
    """
    date = None if body is None else body.date
    filter: Filter = () if date is None else (Between(Instant.CREATED, *_day(call, date)),)
    return await _listed(call, date, compared=await call.core.conflicts.look_for(call.scope, filter))


async def _listed(call: AgentCall, date: str | None, **extra: int) -> Response:
    found = await _open(call, date)
    items = [_told(index, conflict) for index, conflict in enumerate(found)]
    flat = {**session_part(call), "date": date, "conflicts": items, "count": len(items), **extra}
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


async def _open(call: AgentCall, date: str | None) -> list[Conflict]:
    page = await call.core.conflicts.find(call.scope, open=True, limit=_MOST)
    if date is None:
        return list(page.items)
    since, until = _day(call, date)
    return [
        conflict
        for conflict in page.items
        if since <= conflict.created_at <= until or since <= conflict.new.created_at <= until
    ]


def _told(index: int, conflict: Conflict) -> Flat:
    return {
        "index": index,
        "conflict_id": conflict.id,
        "type": _TYPES[conflict.reason],
        "title": title_of(conflict.new),
        "description": conflict.detail,
        "similarity": round(conflict.similarity, 4),
        "old_memory_id": conflict.old.id,
        "old_content": conflict.old.content,
        "new_memory_id": conflict.new.id,
        "new_content": conflict.new.content,
        "created_at": to_rfc3339(conflict.created_at),
    }


@router.post("/conflicts/resolve", summary="Resolve conflict")
async def resolve(agent_id: AgentId, call: AgentCaller, body: ResolveBody) -> Response:
    """Addition: settle a conflict of the list, by its place in it or by its id."""
    conflict = await _meant(call, body)
    old, new = conflict.old, conflict.new
    core, scope = call.core, call.scope
    content = required(body.manual_content, "manual_content", "body") if body.action == "manual" else None
    match body.action:
        case "keep_old" | "keep_new" | "keep_both":
            await core.conflicts.resolve(scope, conflict.id, Resolution(body.action))
        case "manual":
            await core.conflicts.resolve(scope, conflict.id, Resolution.MERGE, content=content)
            if body.manual_type is not None:
                await core.memories.revise(scope, new.id, {"kind": body.manual_type})
        case _:
            # The decision first: once a memory is gone there is no conflict left to be settled.
            await core.conflicts.resolve(scope, conflict.id, Resolution.KEEP_BOTH)
            await _put_away(call, body.action, old, new)
    flat = {
        **session_part(call),
        "conflict_id": conflict.id,
        "action": body.action,
        "status": "resolved",
        "old_memory_id": old.id,
        "new_memory_id": new.id,
    }
    return kit.JsonResponse(enveloped(flat, core.clock.now(), own_status=True))


async def _meant(call: AgentCall, body: ResolveBody) -> Conflict:
    if body.conflict_id is not None:
        return await call.core.conflicts.get(call.scope, body.conflict_id)
    if body.conflict_index is None:
        raise InvalidInput("conflict_index or conflict_id is required", field="conflict_index")
    found = await _open(call, body.date)
    if body.conflict_index >= len(found):
        raise NotFound("Conflict", str(body.conflict_index))
    return found[body.conflict_index]


async def _put_away(call: AgentCall, action: str, old: Memory, new: Memory) -> None:
    verb, _, which = action.partition("_")
    meant = {"old": [old], "new": [new], "both": [old, new]}[which]
    for memory in meant:
        if verb == "remove":
            await call.core.memories.forget(call.scope, memory.id)
        else:
            await call.core.judgements.expire(call.scope, memory.id, note="conflict")


# --- expiry ---------------------------------------------------------------------------------------


@router.get("/policy", summary="Get policy")
async def policy(agent_id: AgentId, call: AgentCaller) -> Response:
    """Addition: how long the agent's memories last."""
    return _policy(call, await _kept(call))


@router.put("/policy", summary="Set policy")
async def set_policy(agent_id: AgentId, call: AgentCaller, body: wire.PolicyBody) -> Response:
    """Addition: say how long the agent's memories last. It is applied when `policy/apply` is called."""
    if any(not 0 <= days <= 36_500 for days in body.ttl_days.values()):
        raise InvalidInput("ttl_days must be from 0 to 36500", field="ttl_days")
    return _policy(call, await _keep(call, body.model_dump()))


@router.get("/policy/presets", summary="List presets")
async def presets(agent_id: AgentId, call: AgentCaller) -> Response:
    """Addition: the policies that have a name."""
    flat = {**session_part(call), "presets": [{"name": name, **preset} for name, preset in PRESETS.items()]}
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


@router.get("/policy/presets/{name}", summary="Get preset")
async def preset(
    agent_id: AgentId, call: AgentCaller, name: Annotated[str, Path(description="Its name.", examples=["balanced"])]
) -> Response:
    """Addition: a policy that has a name."""
    return kit.JsonResponse(enveloped({"name": name, **_preset(name)}, call.core.clock.now()))


@router.post("/policy/preset", summary="Use preset")
async def use_preset(agent_id: AgentId, call: AgentCaller, body: wire.PresetBody) -> Response:
    """Addition: make one of them the agent's policy."""
    return _policy(call, await _keep(call, _preset(body.name)))


@router.post("/policy/apply", summary="Apply policy")
async def apply(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.DryRunMembers, Query()],
    body: wire.DryRunMembers | None = None,
) -> Response:
    """Addition: end the memories that are older than their type lasts. They can be restored."""
    now = call.core.clock.now()
    dry_run = joined(query, body).dry_run is True
    due: list[Memory] = []
    for kind, days in (await _kept(call))["ttl_days"].items():
        older: Filter = (KindIn(frozenset({kind})), Between(Instant.CREATED, until=now - timedelta(days=days)))
        async for batch in call.core.memories.scan(call.scope, (*older, Superseded(False))):
            due += batch
    if not dry_run:
        for memory in due:
            await call.core.judgements.expire(call.scope, memory.id, note="policy")
    return _done(call, "expired", due, dry_run=dry_run)


@router.post("/policy/purge", summary="Purge by policy")
async def purge(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.DryRunMembers, Query()],
    body: wire.DryRunMembers | None = None,
) -> Response:
    """Addition: remove for good what ended longer ago than the policy keeps it. Without such a term nothing is."""
    now = call.core.clock.now()
    dry_run = joined(query, body).dry_run is True
    days = (await _kept(call))["purge_after_days"]
    due: list[Memory] = []
    if days is not None:
        ended: Filter = (Expired(True, now), Between(Instant.EXPIRES, until=now - timedelta(days=days)))
        async for batch in call.core.memories.scan(call.scope, ended, hidden=True):
            due += batch
    if not dry_run:
        for memory in due:
            await call.core.memories.purge(call.scope, memory.id)
    return _done(call, "purged", due, dry_run=dry_run)


def _done(call: AgentCall, verb: str, memories: Sequence[Memory], *, dry_run: bool) -> Response:
    flat = {
        **session_part(call),
        "dry_run": dry_run,
        "count": len(memories),
        f"{verb}_count": 0 if dry_run else len(memories),
        "memory_ids": [memory.id for memory in memories],
    }
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


def _preset(name: str) -> dict[str, Any]:
    if name not in PRESETS:
        raise NotFound("Preset", name)
    return PRESETS[name]


async def _kept(call: AgentCall) -> dict[str, Any]:
    agent = await call.core.agents.get(call.scope, call.agent, pattern=agents_mapping.DEFAULT_PATTERN)
    kept: dict[str, Any] = agent.metadata.get(POLICY) or PRESETS["keep-all"]
    return kept


async def _keep(call: AgentCall, kept: dict[str, Any]) -> dict[str, Any]:
    await call.core.agents.annotate(call.scope, call.agent, {POLICY: kept}, pattern=agents_mapping.DEFAULT_PATTERN)
    return kept


def _policy(call: AgentCall, kept: dict[str, Any]) -> Response:
    return kit.JsonResponse(enveloped({**session_part(call), **kept, "policy": kept}, call.core.clock.now()))
