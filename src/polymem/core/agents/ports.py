"""Agents, the sessions they work in, and what the core needs of a store to keep both.

An agent is a project that answers to a name of its own and to sessions: whoever holds an agent's session token works
in that project, with the rights of the credential the session was opened with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from polymem.core.people import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProfile:
    """What is kept of an agent beside its project. `pattern` is what kind of agent it is, in the door's words."""

    project_id: str
    pattern: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSession:
    """A time in which somebody works as an agent.

    `credential` is the prefix and the digest of the secret it was opened with: the session is worth what that is worth
    at each moment. It is over at `expires_at`, or at `ended_at` if that is set. `stored` and `recalled` count the
    memories kept and found in it.
    """

    id: str
    organization_id: str
    project_id: str
    credential: tuple[str, str] = field(repr=False)
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    stored: int = 0
    recalled: int = 0

    def is_over(self, at: datetime) -> bool:
        """Whether it was ended, or has expired, at `at`."""
        return self.ended_at is not None or self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Activity:
    """How many sessions an agent has had, and when the last one began."""

    sessions: int
    last_started_at: datetime


class AgentStore(Protocol):
    """Keeps agents and sessions. Both go with their project."""

    async def profiles(self, scope: Scope) -> dict[str, AgentProfile]:
        """The profiles of the projects the scope reaches, by project id. Not every project has one."""
        ...

    async def put_profile(self, scope: Scope, profile: AgentProfile) -> None:
        """Insert it, or replace the one of the same project."""
        ...

    async def activity(self, scope: Scope) -> dict[str, Activity]:
        """What happened in the projects the scope reaches, by project id; those without a session are left out."""
        ...

    async def add_session(self, scope: Scope, session: AgentSession) -> None:
        """Keep a new session."""
        ...

    async def session(self, scope: Scope, session_id: str) -> AgentSession | None:
        """The session of an id, over or not."""
        ...

    async def sessions(self, scope: Scope, project_id: str, limit: int) -> list[AgentSession]:
        """The project's sessions, newest first."""
        ...

    async def set_expiry(self, scope: Scope, session_id: str, expires_at: datetime) -> bool:
        """Move the end of a session that was not ended; False when there is none."""
        ...

    async def end_sessions(self, scope: Scope, project_id: str, ids: Sequence[str] | None, at: datetime) -> int:
        """End those of these `ids`, or all of the project, that are not over at `at`; how many."""
        ...

    async def count_use(self, scope: Scope, session_id: str, stored: int, recalled: int) -> None:
        """Add to what a session has kept and found."""
        ...

    async def signing_secret(self, candidate: str) -> str:
        """The one secret this store's session tokens are signed with: `candidate`, if there was none before."""
        ...
