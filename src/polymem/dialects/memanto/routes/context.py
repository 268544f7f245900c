"""Summaries of an agent's memories, and compression of conversations."""

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from polymem.core.digest.compression import DEFAULT_RATIO, Compressed, Passage
from polymem.core.digest.digest import FALLBACK, SUMMARY_TOKENS, DigestMode, Summary, SummaryQuery
from polymem.core.errors import NotFound
from polymem.core.filters import Between, Filter, Instant, KindIn, Superseded
from polymem.core.instants import to_rfc3339
from polymem.core.model import Draft, Memory
from polymem.dialects import kit
from polymem.dialects.kit import InvalidRequest, Problem
from polymem.dialects.memanto.calls import (
    SESSIONS,
    AgentCall,
    Call,
    Caller,
    OpenRoute,
    presented_token,
    require_lasting,
    session_of,
)
from polymem.dialects.memanto.mapping.values import Flat, enveloped, from_namespace
from polymem.dialects.memanto.routes.memories import session_part
from polymem.dialects.memanto.wire import context as wire
from polymem.dialects.memanto.wire.answers import CompressAnswer, SummaryAnswer

router = APIRouter(route_class=OpenRoute, prefix="/context", tags=["Context Operations"], dependencies=SESSIONS)

KIND = "context"
DEFAULT_TITLE = "Context Summary"
DEFAULT_MEMORIES = 50
DEFAULT_DAYS = 7
DEFAULT_KEPT = 10
PREVIEW_CHARACTERS = 200
_MOST_COMPRESSED = 100


@router.post("/summarize", summary="Summarize scope", response_model=SummaryAnswer)
async def summarize(call: Caller, body: wire.SummarizeBody, request: Request) -> Response:
    """Summarise an agent's newest memories, and keep the summary as a memory of it.

    Written by the server's chat model if it has one, else of the memories' own sentences; `mode` says which.
    """
    agent = await _agent(call, body, request)
    filter: Filter = (KindIn(frozenset(body.memory_types)),) if body.memory_types else ()
    query = SummaryQuery(
        filter=filter,
        limit=body.max_memories or DEFAULT_MEMORIES,
        max_tokens=body.max_tokens or SUMMARY_TOKENS,
        keep=_draft(agent, body.summary_title, body.actor_id),
        linked=body.link_to_originals is not False,
    )
    return _summarized(agent, await call.core.digest.summarize(agent.scope, query))


@router.post("/summarize/custom", summary="Summarize by IDs", response_model=SummaryAnswer)
async def summarize_custom(call: Caller, body: wire.SummarizeCustomBody, request: Request) -> Response:
    """Summarise these memories, and keep the summary as a memory of their agent."""
    agent = await _agent(call, body, request, namespace=body.namespace, memory_id=body.memory_ids[0])
    query = SummaryQuery(
        ids=tuple(body.memory_ids),
        max_tokens=body.max_tokens or SUMMARY_TOKENS,
        keep=_draft(agent, body.summary_title, body.actor_id),
        linked=body.link_to_originals is not False,
    )
    return _summarized(agent, await call.core.digest.summarize(agent.scope, query))


@router.post("/compress", summary="Compress conversation", response_model=CompressAnswer)
async def compress(call: Caller, body: wire.CompressBody, request: Request) -> Response:
    """Say the same in fewer words: of a conversation that is sent, or of stored memories.

    Numbers, names, dates, decisions and code stay. Of stored memories the outcome is kept as a memory; they stay, too.
    """
    ratio = body.target_ratio or DEFAULT_RATIO
    messages = next((one for one in (body.messages, body.conversation, body.text) if one is not None), None)
    now = call.core.clock.now()
    if messages is not None:
        passages = [Passage(message.content, message.role) for message in messages if message.content.strip()]
        if not passages:
            return kit.JsonResponse(enveloped(_nothing("The conversation is empty"), now))
        compressed = await call.core.compression(passages, ratio=ratio)
        flat = {**_told(compressed), "compressed_count": len(passages), "original_memory_ids": []}
        return kit.JsonResponse(enveloped({**flat, "summary_id": None}, now))
    agent = await _agent(call, body, request)
    memories = await _older(agent, body)
    if not memories:
        return kit.JsonResponse(enveloped({**session_part(agent), **_nothing("No memories to compress")}, now))
    passages = [Passage(memory.content, reference=memory.id) for memory in memories]
    compressed = await call.core.compression(passages, ratio=ratio)
    ids = [memory.id for memory in memories]
    draft = _draft(agent, "Compressed memories", body.actor_id)
    kept = await call.core.memories.add(
        agent.scope,
        replace(
            draft,
            content=compressed.text,
            tags=(*draft.tags, "summary", "ai-generated", "compressed"),
            metadata={**draft.metadata, "summarizes": ids, "mode": compressed.mode.value},
        ),
    )
    flat = {
        **session_part(agent),
        **_told(compressed),
        "summary_id": kept.memory.id,
        "compression_date": to_rfc3339(now),
        "compressed_count": len(ids),
        "original_memory_ids": ids,
    }
    return kit.JsonResponse(enveloped(flat, now))


async def _older(call: AgentCall, body: wire.CompressBody) -> list[Memory]:
    # What was kept in those days, but the newest, oldest first.
    days = timedelta(days=body.days_to_compress or DEFAULT_DAYS)
    spared = DEFAULT_KEPT if body.keep_recent_count is None else body.keep_recent_count
    since = call.core.clock.now() - days
    page = await call.core.memories.find(
        call.scope,
        (Between(Instant.CREATED, since), Superseded(False)),
        limit=_MOST_COMPRESSED,
        offset=spared,
    )
    return list(reversed(page.items))


async def _agent(
    call: Call,
    body: wire.ScopeMembers,
    request: Request,
    *,
    namespace: str | None = None,
    memory_id: str | None = None,
) -> AgentCall:
    """The agent that is meant: named by id, scope or namespace, by the session that is sent, or by a memory."""
    name = body.agent_id or body.scope_id
    if body.scope_type == "session" and body.scope_id is not None and body.agent_id is None:
        session = await call.core.agents.session(call.scope.organization_id, body.scope_id)
        project = None if session is None else await call.core.store.project(call.scope, id=session.project_id)
        if project is None:
            raise NotFound("Session", body.scope_id)
        return await call.within(project.key)
    if name is None and namespace is not None:
        name = from_namespace(namespace)
    if name is not None:
        return await call.within(name)
    if (token := presented_token(request)) is not None:
        session = await session_of(call.core, token)
        require_lasting(call.core, session)
        project = await call.core.store.project(call.scope, id=session.project_id)
        if project is not None:
            return await call.within(project.key)
    if memory_id is not None:
        memory = await call.core.memories.get(call.scope, memory_id)
        if memory.project is not None:
            return await call.within(memory.project)
    raise InvalidRequest((Problem("body", "agent_id", "missing", "agent_id, or scope_type and scope_id, is required"),))


def _draft(call: AgentCall, title: str | None, actor: str | None) -> Draft:
    metadata = {} if actor is None else {"actor_id": actor}
    return Draft(
        content="-",
        kind=KIND,
        project=call.agent,
        title=title or DEFAULT_TITLE,
        provenance="inferred",
        metadata=metadata,
    )


def _summarized(call: AgentCall, summary: Summary) -> Response:
    now = call.core.clock.now()
    preview = summary.text[:PREVIEW_CHARACTERS]
    flat: Flat = {
        "summary_id": None if summary.kept is None else summary.kept.id,
        **session_part(call),
        "status": "queued" if summary.kept is not None else "empty",
        "summarized_count": len(summary.memories),
        "original_memory_ids": [memory.id for memory in summary.memories],
        "summary": summary.text,
        "summary_preview": preview if preview == summary.text else preview + "...",
        "mode": summary.mode.value,
        "model": summary.model,
        "citations": list(summary.citations),
        "notice": None if summary.trouble is None else FALLBACK,
        "reason": None if summary.memories else "No memories to summarize",
    }
    return kit.JsonResponse(enveloped(flat, now))


def _told(compressed: Compressed) -> Flat:
    return {
        "compressed": True,
        "reason": None,
        "compressed_text": compressed.text,
        "summary": compressed.text,
        "summary_preview": compressed.text[:PREVIEW_CHARACTERS],
        "original_tokens": compressed.original_tokens,
        "compressed_tokens": compressed.tokens,
        "ratio": round(compressed.ratio, 4),
        "mode": compressed.mode.value,
        "model": compressed.model,
        "notice": None if compressed.trouble is None else FALLBACK,
    }


def _nothing(reason: str) -> Flat:
    return {
        "compressed": False,
        "reason": reason,
        "compressed_text": None,
        "summary": None,
        "summary_preview": None,
        "original_tokens": 0,
        "compressed_tokens": 0,
        "ratio": 1.0,
        "mode": DigestMode.EXTRACTIVE.value,
        "summary_id": None,
        "compressed_count": 0,
        "original_memory_ids": [],
    }
