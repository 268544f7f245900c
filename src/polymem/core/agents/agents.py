"""Agents: projects with a kind, sessions and a little history.

A session is opened with a credential and is worth exactly what that credential is worth at each moment: a revoked key
ends what was opened with it. All that decides (the end, the expiry) is kept in the store, so that ending and extending
take effect at once and everywhere, whatever a token says.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from polymem.core.agents.ports import AgentProfile, AgentSession
from polymem.core.checks import check_name, check_page, checked_fields
from polymem.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from polymem.core.filters import InProjects
from polymem.core.memories import Memories
from polymem.core.model import Page
from polymem.core.people import Permission, Principal, Project, Scope
from polymem.core.people.access import require
from polymem.core.people.tenancy import Projects
from polymem.core.ports import Clock, Store

DEFAULT_LIFETIME = timedelta(hours=6)
"""How long a session lasts if nothing else is asked for."""

LONGEST_LIFETIME = timedelta(days=365)

RENEWED_BEFORE = timedelta(minutes=30)
"""A session that is used so shortly before its end goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent and what it has. `kinds` counts its memories by kind, where that was asked for."""

    project: Project
    pattern: str
    metadata: Mapping[str, Any]
    created_at: datetime
    memories: int = 0
    sessions: int = 0
    last_session_at: datetime | None = None
    kinds: Mapping[str, int] | None = None


class AgentOrder(StrEnum):
    """How a list of agents can be ordered."""

    CREATED = "created"
    NAME = "name"
    RECENT = "recent"


class Agents:
    """Makes, lists and ends agents and their sessions. An agent is named by its project's key, exactly."""

    def __init__(self, store: Store, clock: Clock, projects: Projects, memories: Memories) -> None:
        self._store = store
        self._clock = clock
        self._projects = projects
        self._memories = memories
        self._background: set[asyncio.Task[None]] = set()
        self._signing_secret: str | None = None

    # --- agents ------------------------------------------------------------------------------

    async def create(
        self,
        scope: Scope,
        name: str,
        *,
        pattern: str,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Agent:
        """Make an agent. One that was removed comes back with its memories.

        Raises Conflict (there is one of that name), InvalidInput, Forbidden.
        """
        require(scope, Permission.WRITE)
        kept = checked_fields({"metadata": metadata or {}})["metadata"]
        project = await self._store.project(scope, key=name)
        if project is not None and project.active:
            raise Conflict(f"Agent {name} exists already")
        if project is None:
            check_name("agent", name)
            project = await self._projects.create(scope, name, description=description or "")
        else:
            self._require_whole(scope)
            told = project.description if description is None else description
            again = replace(project, active=True, description=told, updated_at=self._clock.now())
            project = await self._store.put_project(scope, again)
        profile = AgentProfile(project_id=project.id, pattern=pattern, metadata=kept, created_at=self._clock.now())
        await self._store.agents.put_profile(scope, profile)
        return await self.get(scope, name, pattern=pattern)

    async def ensure(self, scope: Scope, name: str, *, pattern: str) -> Project:
        """The project of an agent, which is made if there is none. Raises InvalidInput, Forbidden."""
        try:
            return await self.project(scope, name)
        except NotFound:
            try:
                return (await self.create(scope, name, pattern=pattern)).project
            except Conflict:
                # Another caller made it in between.
                return await self.project(scope, name)

    async def project(self, scope: Scope, name: str) -> Project:
        """The project of an agent. Raises NotFound."""
        project = await self._store.project(scope, key=name)
        if project is None or not project.active:
            raise NotFound("Agent", name)
        return project

    async def get(self, scope: Scope, name: str, *, pattern: str) -> Agent:
        """One agent with its counts. `pattern` is that of a project nobody made as an agent. Raises NotFound."""
        require(scope, Permission.READ)
        project = await self.project(scope, name)
        inside = narrowed(scope, project)
        stats = await self._store.stats(inside, self._clock.now(), None)
        (agent,) = await self._agents(inside, [project], pattern, {project.key: stats.memories})
        return replace(agent, kinds=stats.by_kind)

    async def find(
        self,
        scope: Scope,
        *,
        pattern: str,
        order: AgentOrder = AgentOrder.CREATED,
        limit: int = 50,
        offset: int = 0,
    ) -> Page[Agent]:
        """A page of the agents, newest first by default."""
        require(scope, Permission.READ)
        check_page(limit, offset)
        projects = [project for project in await self._store.projects(scope) if project.active]
        stats = await self._store.stats(scope, self._clock.now(), None)
        agents = await self._agents(scope, projects, pattern, stats.by_project)
        match order:
            case AgentOrder.NAME:
                agents.sort(key=lambda agent: (agent.project.key.casefold(), agent.project.key))
            case AgentOrder.CREATED:
                agents.sort(key=lambda agent: (agent.created_at, agent.project.id), reverse=True)
            case AgentOrder.RECENT:
                agents.sort(
                    key=lambda agent: (agent.last_session_at or agent.created_at, agent.created_at), reverse=True
                )
        return Page(tuple(agents[offset : offset + limit]), len(agents), limit, offset)

    async def annotate(self, scope: Scope, name: str, metadata: Mapping[str, Any], *, pattern: str) -> Agent:
        """Set entries of an agent's metadata. Raises NotFound, InvalidInput."""
        require(scope, Permission.WRITE)
        agent = await self.get(scope, name, pattern=pattern)
        kept = checked_fields({"metadata": {**agent.metadata, **metadata}})["metadata"]
        profile = AgentProfile(
            project_id=agent.project.id, pattern=agent.pattern, metadata=kept, created_at=agent.created_at
        )
        await self._store.agents.put_profile(scope, profile)
        return replace(agent, metadata=kept)

    async def remove(self, scope: Scope, name: str, *, purge: bool = False) -> None:
        """End an agent and its sessions. Its memories are kept for when an agent of that name is made again, unless
        `purge` removes them for good. Raises NotFound, Forbidden."""
        require(scope, Permission.WRITE)
        project = await self.project(scope, name)
        self._require_whole(scope)
        now = self._clock.now()
        await self._store.agents.end_sessions(scope, project.id, None, now)
        if purge:
            await self._memories.purge_matching(scope, (InProjects(frozenset({project.id})),))
        await self._store.put_project(scope, replace(project, active=False, updated_at=now))

    async def _agents(
        self, scope: Scope, projects: Sequence[Project], pattern: str, memories: Mapping[str, int]
    ) -> list[Agent]:
        profiles = await self._store.agents.profiles(scope)
        activity = await self._store.agents.activity(scope)
        found = []
        for project in projects:
            profile, active = profiles.get(project.id), activity.get(project.id)
            found.append(
                Agent(
                    project=project,
                    pattern=pattern if profile is None else profile.pattern,
                    metadata={} if profile is None else profile.metadata,
                    created_at=project.created_at if profile is None else profile.created_at,
                    memories=memories.get(project.key, 0),
                    sessions=0 if active is None else active.sessions,
                    last_session_at=None if active is None else active.last_started_at,
                )
            )
        return found

    def _require_whole(self, scope: Scope) -> None:
        if scope.projects is not None:
            raise Forbidden("This credential is limited to its own agents and cannot make or remove any")

    # --- sessions ----------------------------------------------------------------------------

    async def open_session(
        self, scope: Scope, principal: Principal, project: Project, lifetime: timedelta = DEFAULT_LIFETIME
    ) -> AgentSession:
        """Begin a session with the caller's credential. Raises InvalidInput, Forbidden (a caller without one)."""
        self._check_lifetime(lifetime)
        credential = principal.key or principal.token
        if credential is None:
            raise Forbidden("A session needs a credential")
        now = self._clock.now()
        session = AgentSession(
            id=f"sess_{secrets.token_hex(6)}",
            organization_id=scope.organization_id,
            project_id=project.id,
            credential=(credential.prefix, credential.digest),
            started_at=now,
            expires_at=now + lifetime,
        )
        await self._store.agents.add_session(scope, session)
        return session

    async def session(self, organization_id: str, session_id: str) -> AgentSession | None:
        """A session, over or not; only for whoever has proved to hold its token."""
        return await self._store.agents.session(Scope(organization_id=organization_id), session_id)

    async def last_session(self, scope: Scope) -> AgentSession | None:
        """The session that was begun last with an agent the scope reaches, if it is not over."""
        require(scope, Permission.READ)
        activity = await self._store.agents.activity(scope)
        if not activity:
            return None
        project_id = max(activity, key=lambda one: activity[one].last_started_at)
        (session,) = await self._store.agents.sessions(scope, project_id, 1)
        return None if session.is_over(self._clock.now()) else session

    async def extend(self, session: AgentSession, by: timedelta) -> AgentSession:
        """Move the end of a session that is not over. Raises InvalidInput, NotFound."""
        self._check_lifetime(by)
        scope = Scope(organization_id=session.organization_id)
        expires_at = min(session.expires_at + by, self._clock.now() + LONGEST_LIFETIME)
        if not await self._store.agents.set_expiry(scope, session.id, expires_at):
            raise NotFound("Session", session.id)
        return replace(session, expires_at=expires_at)

    async def renewed(self, session: AgentSession) -> AgentSession | None:
        """The session with a new end where it is used shortly before its old one, else None.

        One that was asked to be short stays so.
        """
        remaining = session.expires_at - self._clock.now()
        is_short = session.expires_at - session.started_at <= 2 * RENEWED_BEFORE
        if remaining > RENEWED_BEFORE or is_short:
            return None
        return await self.extend(session, DEFAULT_LIFETIME - remaining)

    async def close_sessions(self, scope: Scope, project: Project, session_id: str | None = None) -> AgentSession:
        """End one session of an agent, or all of them; the last one as it is then. Raises NotFound: there never was
        one."""
        await self.settle()
        store = self._store.agents
        ids = None if session_id is None else [session_id]
        await store.end_sessions(scope, project.id, ids, self._clock.now())
        if session_id is not None and (named := await store.session(scope, session_id)) is not None:
            return named
        last = await store.sessions(scope, project.id, 1)
        if not last:
            raise NotFound("Session", project.key)
        return last[0]

    def count_use(self, session: AgentSession, *, stored: int = 0, recalled: int = 0) -> None:
        """Add to what a session has kept and found, without making the caller wait for it."""
        if stored or recalled:
            scope = Scope(organization_id=session.organization_id)
            self._later(self._store.agents.count_use(scope, session.id, stored, recalled))

    async def signing_secret(self) -> str:
        """What session tokens of this store are signed with: 256 random bits, made once and never shown."""
        if self._signing_secret is None:
            self._signing_secret = await self._store.agents.signing_secret(secrets.token_urlsafe(32))
        return self._signing_secret

    async def settle(self) -> None:
        """Waits for the counts that are still being written."""
        await asyncio.gather(*self._background, return_exceptions=True)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _check_lifetime(self, lifetime: timedelta) -> None:
        if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
            most = int(LONGEST_LIFETIME / timedelta(hours=1))
            raise InvalidInput(f"A session lasts more than 0 and at most {most} hours", field="duration_hours")


def narrowed(scope: Scope, project: Project) -> Scope:
    """The same rights in this project only."""
    return replace(scope, projects=frozenset({project.id}))
