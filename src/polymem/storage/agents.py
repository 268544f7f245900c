"""Agents and their sessions in the database: `core.ports_agents.AgentStore` in portable SQL."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from polymem.core.agents.ports import Activity, AgentProfile, AgentSession
from polymem.core.people import Scope
from polymem.storage.backend import EVERY_ORGANIZATION, Backend, Row, Transaction
from polymem.storage.rows import (
    from_micros,
    from_optional_micros,
    is_storable,
    storable,
    to_json,
    to_micros,
    to_optional_micros,
)

_SESSION = (
    "id", "organization_id", "project_id", "credential_prefix", "credential_digest", "started_at", "expires_at",
    "ended_at", "stored", "recalled",
)  # fmt: skip
_COLUMNS = ", ".join(_SESSION)

PROFILES = "SELECT project_id, pattern, metadata, created_at FROM agents WHERE {where}"
"""The profiles of the projects in reach."""

PUT_PROFILE = """
INSERT INTO agents (organization_id, project_id, pattern, metadata, created_at)
VALUES (:organization_id, :project_id, :pattern, :metadata, :created_at)
ON CONFLICT (organization_id, project_id) DO UPDATE
SET pattern = excluded.pattern, metadata = excluded.metadata, created_at = excluded.created_at"""
"""A new profile, or a new state of it."""

ACTIVITY = "SELECT project_id, count(*), max(started_at) FROM agent_sessions WHERE {where} GROUP BY project_id"
"""How many sessions the projects in reach have had, and when the last one began."""

ADD_SESSION = f"INSERT INTO agent_sessions ({_COLUMNS}) VALUES ({', '.join(f':{name}' for name in _SESSION)})"
"""A new session; `organization_id` is among the columns."""

SESSION = f"SELECT {_COLUMNS} FROM agent_sessions WHERE {{where}} AND id = :id"
"""The session of an id."""

SESSIONS = f"""
SELECT {_COLUMNS} FROM agent_sessions WHERE {{where}} AND project_id = :project_id
ORDER BY started_at DESC, id DESC LIMIT :limit"""
"""A project's newest sessions."""

SET_EXPIRY = "UPDATE agent_sessions SET expires_at = :expires_at WHERE {where} AND id = :id AND ended_at IS NULL"
"""Moves the end of a session that was not ended."""

END_SESSIONS = """
UPDATE agent_sessions SET ended_at = :at
WHERE {where} AND project_id = :project_id{ids} AND ended_at IS NULL AND expires_at > :at"""
"""Ends what is not over."""

COUNT_USE = """
UPDATE agent_sessions SET stored = stored + :stored, recalled = recalled + :recalled WHERE {where} AND id = :id"""
"""Adds to what a session has kept and found."""

ADD_SECRET = "INSERT INTO server_secrets (name, secret) VALUES (:name, :secret) ON CONFLICT (name) DO NOTHING"
"""A secret of the whole server, unless it has one of that name."""

SECRET = "SELECT secret FROM server_secrets WHERE name = :name"
"""The server's secret of a name."""

_SIGNING = "agent-sessions"


class SqlAgents:
    """The agents' part of the store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def profiles(self, scope: Scope) -> dict[str, AgentProfile]:
        where, params = _reach(scope)
        rows = await self._backend.read(
            scope.organization_id, lambda tx: tx.query(PROFILES.format(where=where), params)
        )
        return {row[0]: _profile(row) for row in rows}

    async def put_profile(self, scope: Scope, profile: AgentProfile) -> None:
        params = {
            "organization_id": scope.organization_id,
            "project_id": profile.project_id,
            "pattern": profile.pattern,
            "metadata": to_json(profile.metadata),
            "created_at": to_micros(profile.created_at),
        }
        await self._backend.write(scope.organization_id, lambda tx: tx.execute(PUT_PROFILE, params))

    async def activity(self, scope: Scope) -> dict[str, Activity]:
        where, params = _reach(scope)
        rows = await self._backend.read(
            scope.organization_id, lambda tx: tx.query(ACTIVITY.format(where=where), params)
        )
        return {project_id: Activity(count, from_micros(last)) for project_id, count, last in rows}

    async def add_session(self, scope: Scope, session: AgentSession) -> None:
        params = _session_params(session) | {"organization_id": scope.organization_id}
        await self._backend.write(scope.organization_id, lambda tx: tx.execute(ADD_SESSION, params))

    async def session(self, scope: Scope, session_id: str) -> AgentSession | None:
        if not is_storable(session_id):
            return None
        where, params = _reach(scope)
        rows = await self._backend.read(
            scope.organization_id, lambda tx: tx.query(SESSION.format(where=where), {**params, "id": session_id})
        )
        return _session(rows[0]) if rows else None

    async def sessions(self, scope: Scope, project_id: str, limit: int) -> list[AgentSession]:
        where, params = _reach(scope)
        params |= {"project_id": project_id, "limit": limit}
        rows = await self._backend.read(
            scope.organization_id, lambda tx: tx.query(SESSIONS.format(where=where), params)
        )
        return [_session(row) for row in rows]

    async def set_expiry(self, scope: Scope, session_id: str, expires_at: datetime) -> bool:
        where, params = _reach(scope)
        params |= {"id": session_id, "expires_at": to_micros(expires_at)}
        return await self._backend.write(
            scope.organization_id, lambda tx: tx.execute(SET_EXPIRY.format(where=where), params) == 1
        )

    async def end_sessions(self, scope: Scope, project_id: str, ids: Sequence[str] | None, at: datetime) -> int:
        where, params = _reach(scope)
        params |= {"project_id": project_id, "at": to_micros(at)}
        if ids is not None:
            params["ids"] = sorted(storable(ids))
        statement = END_SESSIONS.format(where=where, ids="" if ids is None else " AND id IN (:ids...)")
        return await self._backend.write(scope.organization_id, lambda tx: tx.execute(statement, params))

    async def count_use(self, scope: Scope, session_id: str, stored: int, recalled: int) -> None:
        where, params = _reach(scope)
        params |= {"id": session_id, "stored": stored, "recalled": recalled}
        await self._backend.write(scope.organization_id, lambda tx: tx.execute(COUNT_USE.format(where=where), params))

    async def signing_secret(self, candidate: str) -> str:
        kept = await self._backend.read(EVERY_ORGANIZATION, _signing_secret)
        if kept is not None:
            return kept
        return await self._backend.write(EVERY_ORGANIZATION, lambda tx: _make_signing_secret(tx, candidate))


def _signing_secret(tx: Transaction) -> str | None:
    rows = tx.query(SECRET, {"name": _SIGNING})
    return str(rows[0][0]) if rows else None


def _make_signing_secret(tx: Transaction, candidate: str) -> str:
    tx.execute(ADD_SECRET, {"name": _SIGNING, "secret": candidate})
    return _signing_secret(tx) or candidate


def _reach(scope: Scope) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {"organization_id": scope.organization_id}
    if scope.projects is None:
        return "organization_id = :organization_id", params
    params["reach"] = sorted(storable(scope.projects))
    return "organization_id = :organization_id AND project_id IN (:reach...)", params


def _profile(row: Row) -> AgentProfile:
    project_id, pattern, metadata, created_at = row
    return AgentProfile(
        project_id=project_id, pattern=pattern, metadata=json.loads(metadata), created_at=from_micros(created_at)
    )


def _session_params(session: AgentSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "organization_id": session.organization_id,
        "project_id": session.project_id,
        "credential_prefix": session.credential[0],
        "credential_digest": session.credential[1],
        "started_at": to_micros(session.started_at),
        "expires_at": to_micros(session.expires_at),
        "ended_at": to_optional_micros(session.ended_at),
        "stored": session.stored,
        "recalled": session.recalled,
    }


def _session(row: Row) -> AgentSession:
    id_, organization_id, project_id, prefix, digest, started_at, expires_at, ended_at, stored, recalled = row
    return AgentSession(
        id=id_,
        organization_id=organization_id,
        project_id=project_id,
        credential=(prefix, digest),
        started_at=from_micros(started_at),
        expires_at=from_micros(expires_at),
        ended_at=from_optional_micros(ended_at),
        stored=stored,
        recalled=recalled,
    )
