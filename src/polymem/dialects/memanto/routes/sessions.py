"""Sessions: activated with a key, and used with their token."""

import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from polymem.core.errors import NotFound
from polymem.core.people import Project
from polymem.dialects import kit
from polymem.dialects.memanto.calls import (
    KEYS,
    SESSIONS,
    Call,
    Caller,
    KeyRoute,
    OpenRoute,
    SessionRoute,
    presented_token,
    require_lasting,
    session_of,
)
from polymem.dialects.memanto.errors import InvalidSession, NoSession
from polymem.dialects.memanto.mapping import agents as mapping
from polymem.dialects.memanto.mapping.values import Flat, enveloped
from polymem.dialects.memanto.routes.agents import AgentId
from polymem.dialects.memanto.wire import agents as wire
from polymem.dialects.memanto.wire.answers import EndedSessionAnswer, SessionAnswer
from polymem.dialects.memanto.wire.values import joined

keys = APIRouter(route_class=KeyRoute, tags=["Sessions"], dependencies=KEYS)
open_to_both = APIRouter(route_class=OpenRoute, tags=["Sessions"], dependencies=SESSIONS)
router = APIRouter(route_class=SessionRoute, tags=["Sessions"], dependencies=SESSIONS)

_AN_AGENT_ID = re.compile(wire.AGENT_ID_PATTERN)
_NO_STORE = {"Cache-Control": "no-store"}


@keys.post("/agents/{agent_id}/activate", summary="Activate session", response_model=SessionAnswer)
async def activate(
    agent_id: AgentId,
    call: Caller,
    query: Annotated[wire.ActivateMembers, Query()],
    body: wire.ActivateMembers | None = None,
) -> Response:
    """Begin a session and get its token. An agent that is not there yet is made.

    Sessions that were begun before go on beside it.
    """
    members = joined(query, body)
    project = await _project(call, agent_id)
    session = await call.core.agents.open_session(
        call.scope, call.principal, project, mapping.to_lifetime(members.duration_hours)
    )
    agent = await call.core.agents.get(call.scope, project.key, pattern=mapping.DEFAULT_PATTERN)
    now = call.core.clock.now()
    flat = mapping.from_session(session, project.key, agent.pattern, now)
    flat["session_token"] = await call.token(session, project.key)
    return kit.JsonResponse(enveloped(flat, now), headers=_NO_STORE)


async def _project(call: Call, agent_id: str) -> Project:
    # The published Quick Start activates an agent that nobody has created.
    if call.scope.projects is not None or not _AN_AGENT_ID.fullmatch(agent_id):
        return await call.core.agents.project(call.scope, agent_id)
    return await call.core.agents.ensure(call.scope, agent_id, pattern=mapping.DEFAULT_PATTERN)


@open_to_both.post("/agents/{agent_id}/deactivate", summary="Deactivate session", response_model=EndedSessionAnswer)
async def deactivate(agent_id: AgentId, call: Caller, request: Request) -> Response:
    """End the session whose token is sent or, without one, all sessions of the agent; again and again if you like."""
    project = await call.core.agents.project(call.scope, agent_id)
    session_id = None
    if (token := presented_token(request)) is not None:
        try:
            session = await session_of(call.core, token)
        except InvalidSession:
            session = None
        if session is not None and session.project_id == project.id:
            session_id = session.id
    ended = await call.core.agents.close_sessions(call.scope, project, session_id)
    return kit.JsonResponse(enveloped(mapping.from_ended_session(ended, project.key), call.core.clock.now()))


@router.get("/session/current", summary="Check current session", response_model=SessionAnswer)
async def current(call: Caller) -> Response:
    """The session whose token is sent."""
    return kit.JsonResponse(enveloped(await _told(call), call.core.clock.now()))


@open_to_both.get("/status", summary="Status", response_model=SessionAnswer)
async def status(call: Caller, request: Request) -> Response:
    """Addition: the session whose token is sent or, without one, the one that was begun last, if it is not over; its
    own status is at the top."""
    if call.session is None and (token := presented_token(request)) is not None:
        session = await session_of(call.core, token)
        require_lasting(call.core, session)
        if session.organization_id != call.scope.organization_id:
            raise InvalidSession
        call = replace(call, session=session)
    elif call.session is None:
        last = await call.core.agents.last_session(call.scope)
        if last is None:
            raise NoSession
        call = replace(call, session=last)
    return kit.JsonResponse(enveloped(await _told(call), call.core.clock.now(), own_status=True))


@router.post("/session/extend", summary="Extend session", response_model=SessionAnswer)
async def extend(
    call: Caller, query: Annotated[wire.ExtendMembers, Query()], body: wire.ExtendMembers | None = None
) -> Response:
    """Let the session last longer. Its token goes on; the new one says the new end."""
    assert call.session is not None
    by = mapping.to_extension(joined(query, body))
    session = await call.core.agents.extend(call.session, by)
    project = await _agent_of(call, session.project_id)
    agent = await call.core.agents.get(call.scope, project.key, pattern=mapping.DEFAULT_PATTERN)
    now = call.core.clock.now()
    flat = mapping.from_session(session, project.key, agent.pattern, now)
    flat |= {
        "session_token": await call.token(session, project.key),
        "new_expires_at": flat["expires_at"],
        "hours_added": by.total_seconds() / 3600,
    }
    return kit.JsonResponse(enveloped(flat, now), headers=_NO_STORE)


async def _told(call: Call) -> Flat:
    assert call.session is not None
    project = await _agent_of(call, call.session.project_id)
    agent = await call.core.agents.get(call.scope, project.key, pattern=mapping.DEFAULT_PATTERN)
    return mapping.from_session(call.session, project.key, agent.pattern, call.core.clock.now())


async def _agent_of(call: Call, project_id: str) -> Project:
    project = await call.core.store.project(call.scope, id=project_id)
    if project is None or not project.active:
        raise NotFound("Agent", project_id)
    return project
