"""Agents and sessions as MEMANTO tells them."""

from datetime import datetime, timedelta

from polymem.core.agents.agents import DEFAULT_LIFETIME, Agent
from polymem.core.agents.ports import AgentSession
from polymem.core.instants import to_rfc3339
from polymem.dialects.memanto.mapping.values import Flat, from_optional_instant, to_namespace
from polymem.dialects.memanto.wire.agents import ExtendMembers

DEFAULT_PATTERN = "support"
_HOUR = timedelta(hours=1)


def to_lifetime(hours: float | None) -> timedelta:
    """How long a session is to last, or how much longer."""
    return DEFAULT_LIFETIME if hours is None else timedelta(hours=hours)


def to_extension(members: ExtendMembers) -> timedelta:
    """How much longer a session is to last."""
    return to_lifetime(members.extend_hours if members.extend_hours is not None else members.additional_hours)


def from_agent(agent: Agent) -> Flat:
    """An agent."""
    flat: Flat = {
        "agent_id": agent.project.key,
        "namespace": to_namespace(agent.project.key),
        "pattern": agent.pattern,
        "description": agent.project.description or None,
        "created_at": to_rfc3339(agent.created_at),
        "last_session": from_optional_instant(agent.last_session_at),
        "last_active": from_optional_instant(agent.last_session_at),
        "memory_count": agent.memories,
        "session_count": agent.sessions,
        "status": "ready",
        "metadata": dict(agent.metadata),
    }
    if agent.kinds is not None:
        flat["memory_breakdown"] = dict(agent.kinds)
    return flat


def from_session(session: AgentSession, agent: str, pattern: str, now: datetime) -> Flat:
    """A session without its token."""
    status = "ended" if session.ended_at is not None else "expired" if session.is_over(now) else "active"
    return {
        "session_id": session.id,
        "agent_id": agent,
        "namespace": to_namespace(agent),
        "started_at": to_rfc3339(session.started_at),
        "created_at": to_rfc3339(session.started_at),
        "expires_at": to_rfc3339(session.expires_at),
        "time_remaining_seconds": max(0, int((session.expires_at - now).total_seconds())),
        "pattern": pattern,
        "status": status,
        "session_status": status,
        "metadata": None,
    }


def from_ended_session(session: AgentSession, agent: str) -> Flat:
    """What is told of a session that is over."""
    ended_at = session.ended_at or session.expires_at
    lasted = ended_at - session.started_at
    return {
        "session_id": session.id,
        "agent_id": agent,
        "started_at": to_rfc3339(session.started_at),
        "ended_at": to_rfc3339(ended_at),
        "duration_hours": round(lasted / _HOUR, 4),
        "session_duration_minutes": round(lasted / _HOUR * 60, 2),
        "memories_created": session.stored,
        "memories_stored": session.stored,
        "memories_recalled": session.recalled,
        "summary_memory_id": None,
        "session_status": "ended",
    }
