"""Answers to questions, from memories."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from polymem.core.digest.digest import FALLBACK, Answer, AnswerQuery
from polymem.core.filters import Clause, KindIn, TagsAll
from polymem.dialects import kit
from polymem.dialects.memanto.calls import SESSIONS, AgentCaller, SessionRoute
from polymem.dialects.memanto.mapping.recall import from_hits
from polymem.dialects.memanto.mapping.values import Flat, enveloped, to_limit, to_query
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.routes.memories import session_part
from polymem.dialects.memanto.wire import recall as wire
from polymem.dialects.memanto.wire.answers import GroundedAnswer
from polymem.dialects.memanto.wire.values import joined

router = APIRouter(
    route_class=SessionRoute, prefix="/agents/{agent_id}", tags=["Memory Operations"], dependencies=SESSIONS
)

DEFAULT_LIMIT = 15


@router.post("/answer", summary="AI answer", response_model=GroundedAnswer)
async def answer(
    agent_id: AgentId,
    call: AgentCaller,
    query: Annotated[wire.AnswerMembers, Query()],
    body: wire.AnswerMembers | None = None,
) -> Response:
    """Answer a question from the agent's memories, and name those the answer comes from.

    Written by the server's chat model if it has one, else quoted (`mode` says which); refused when no memory fits.
    """
    members = joined(query, body)
    question = to_query(members.question if members.question is not None else members.query, "question")
    found = await call.core.digest.answer(
        call.scope,
        AnswerQuery(
            question=question,
            filter=_filter(members),
            limit=to_limit(members.limit, DEFAULT_LIMIT),
            min_score=members.threshold,
            header=members.header_prompt,
            footer=members.footer_prompt,
            temperature=members.temperature,
        ),
    )
    now = call.core.clock.now()
    call.used(recalled=len(found.sources))
    flat = {**session_part(call), "question": question, **_told(found), "sources": from_hits(found.sources, now)}
    return kit.JsonResponse(enveloped(flat, now))


def _filter(members: wire.AnswerMembers) -> tuple[Clause, ...]:
    clauses: list[Clause] = []
    if members.type:
        clauses.append(KindIn(frozenset(members.type)))
    if members.tags:
        clauses.append(TagsAll(frozenset(members.tags)))
    return tuple(clauses)


def _told(found: Answer) -> Flat:
    return {
        "answer": found.text,
        "mode": found.mode.value,
        "refused": found.refused,
        "model": found.model,
        "citations": list(found.citations),
        "notice": None if found.trouble is None else FALLBACK,
    }
