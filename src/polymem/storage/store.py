"""`SqlStore`: keeps memories in any database that has a `Backend`. It is `core.ports.Store` in portable SQL.

Each method runs one function of a transaction: reading in `memories`, writing in `writes`, organizations, projects
and keys in `people`, vectors in `embeddings` and `backlog`, search in `candidates`, verification in `verify`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from polymem.core.filters import Filter, Sort
from polymem.core.model import Memory, Page, Version
from polymem.core.people import ApiKey, Organization, Project, Scope
from polymem.core.ports import (
    CandidateQuery,
    Candidates,
    Claim,
    EmbeddingModel,
    Idempotency,
    Purge,
    Stats,
    Verification,
    Write,
)
from polymem.storage import embeddings as vectors
from polymem.storage import memories, people, requests, statements, verify
from polymem.storage.agents import SqlAgents
from polymem.storage.backend import EVERY_ORGANIZATION, NO_ORGANIZATION, Backend, Search, Tenant, Transaction
from polymem.storage.backlog import SqlBacklog
from polymem.storage.candidates import CandidateSearch
from polymem.storage.conflicts import SqlConflicts
from polymem.storage.filters import to_predicate
from polymem.storage.grants import SqlGrants
from polymem.storage.overview import SqlOverview
from polymem.storage.past_search import PastSearch
from polymem.storage.people_store import SqlPeople
from polymem.storage.rows import storable, to_micros
from polymem.storage.search import IndexCache, IndexedRow, StateCache, row_cache, token_cache
from polymem.storage.time import SqlTime
from polymem.storage.work import SqlWork
from polymem.storage.writes import apply, draw_up, prepare

T = TypeVar("T")

_PREPARED_INLINE = 16 * 1024
"""Characters of text whose rows are made at once; more are made on another thread, so that others get their turn."""

_STEP = 16
"""Memories drawn up in one go, about a millisecond: less than a thread that wants the interpreter waits for it."""


class SqlStore:
    """The store. Made by `storage.open_store`; raises what `core.ports.Store` says, and Unavailable."""

    def __init__(
        self,
        backend: Backend,
        cache: IndexCache,
        tokens: StateCache[bytes] | None = None,
        rows: StateCache[IndexedRow] | None = None,
    ) -> None:
        """Token vectors are kept in `tokens`, and in `rows` what a search by the database's own indexes reads of
        memories; without these both are read for every question."""
        self._backend = backend
        self._cache = cache
        self._tokens = tokens or token_cache(0)
        self._rows = rows or row_cache(0)
        index = CandidateSearch(backend, cache, self._tokens)
        self._search: Search = backend.search(self._tokens, self._rows) or index
        self._past = PastSearch(backend, cache, index, self._search)
        self.backlog = SqlBacklog(backend, self._search)
        self.work = SqlWork(backend)
        self.conflicts = SqlConflicts(backend)
        self.people = SqlPeople(backend, self._search)
        self.agents = SqlAgents(backend)
        self.grants = SqlGrants(backend)
        self.time = SqlTime(backend)
        self.overview = SqlOverview(backend)

    async def _read(self, tenant: Tenant, work: Callable[..., T], *args: object, **kwargs: object) -> T:
        return await self._backend.read(tenant, lambda tx: work(tx, *args, **kwargs))

    async def _read_recent(self, tenant: Tenant, work: Callable[..., T], *args: object, **kwargs: object) -> T:
        return await self._backend.read_recent(tenant, lambda tx: work(tx, *args, **kwargs))

    async def _write(self, tenant: Tenant, work: Callable[..., T], *args: object, **kwargs: object) -> T:
        return await self._backend.write(tenant, lambda tx: work(tx, *args, **kwargs))

    # --- memories ----------------------------------------------------------------------------

    async def draw_up(self, memories: Sequence[Memory]) -> list[object]:
        drawn_up: list[object] = []
        for start in range(0, len(memories), _STEP):
            step = memories[start : start + _STEP]
            if start or sum(len(memory.content) for memory in step) > _PREPARED_INLINE:
                drawn_up += await asyncio.to_thread(lambda step: [draw_up(memory) for memory in step], step)
            else:
                drawn_up += [draw_up(memory) for memory in step]
        return drawn_up

    async def apply(
        self,
        scope: Scope,
        writes: Sequence[Write],
        *,
        idempotency: Idempotency | None = None,
        at: datetime | None = None,
    ) -> list[str]:
        if not writes:
            return []
        size = sum(0 if isinstance(write, Purge) else len(write.memory.content) for write in writes)
        inline = size <= _PREPARED_INLINE
        prepared = prepare(scope, writes) if inline else await asyncio.to_thread(prepare, scope, writes)

        def change(tx: Transaction) -> list[str]:
            ids = apply(tx, scope, prepared, idempotency, at)
            self._search.follow(tx, scope.organization_id)
            return ids

        return await self._backend.write(scope.organization_id, change)

    async def replay(self, scope: Scope, idempotency: Idempotency) -> list[str] | None:
        return await self._read(scope.organization_id, requests.earlier_outcome, scope, idempotency)

    async def drop_requests(self, scope: Scope, before: datetime) -> int:
        return await self._write(scope.organization_id, requests.drop_outcomes, scope, before)

    async def get_many(self, scope: Scope, ids: Sequence[str]) -> dict[str, Memory]:
        return await self._read_recent(scope.organization_id, memories.get_many, scope, ids) if ids else {}

    async def find(self, scope: Scope, filter: Filter, sort: Sort, limit: int, offset: int) -> Page[Memory]:
        return await self._read_recent(scope.organization_id, memories.find, scope, filter, sort, limit, offset)

    async def tags(self, scope: Scope, filter: Filter) -> dict[str, int]:
        return await self._read_recent(scope.organization_id, memories.tags, scope, filter)

    async def scan(self, scope: Scope, filter: Filter, batch: int = 500) -> AsyncIterator[list[Memory]]:
        after = ""
        while found := await self._read_recent(
            scope.organization_id, memories.batch_after, scope, filter, after, batch
        ):
            yield found
            if len(found) < batch:
                return
            after = found[-1].id

    async def find_duplicate(self, scope: Scope, project_id: str | None, content: str, at: datetime) -> Memory | None:
        return await self._read(scope.organization_id, memories.find_duplicate, scope, project_id, content, at)

    async def history(self, scope: Scope, memory_id: str) -> list[Version]:
        return await self._read_recent(scope.organization_id, memories.history, scope, memory_id)

    async def candidates(self, scope: Scope, query: CandidateQuery) -> Candidates:
        search = self._search if query.known_at is None else self._past
        return await search.find(scope, query)

    async def touch(self, scope: Scope, ids: Sequence[str], at: datetime) -> None:
        if ids:
            where = to_predicate(scope, ())
            params = {**where.params, "ids": storable(ids), "uses": 1, "at": to_micros(at)}
            await self._backend.write(
                scope.organization_id, lambda tx: tx.execute(statements.TOUCH.format(where=where.sql), params)
            )

    # --- projects, organizations, keys -------------------------------------------------------

    async def projects(self, scope: Scope) -> list[Project]:
        return await self._read(scope.organization_id, people.projects, scope)

    async def project(
        self, scope: Scope, *, key: str | None = None, id: str | None = None, slug: str | None = None
    ) -> Project | None:
        return await self._read(scope.organization_id, people.get_project, scope, key=key, id_=id, slug=slug)

    async def put_project(self, scope: Scope, project: Project) -> Project:
        return await self._write(scope.organization_id, people.put_project, scope, project)

    async def put_organization(self, organization: Organization) -> Organization:
        return await self._write(EVERY_ORGANIZATION, people.put_organization, organization)

    async def organization(self, *, slug: str | None = None, id: str | None = None) -> Organization | None:
        return await self._read(EVERY_ORGANIZATION, people.get_organization, slug=slug, id_=id)

    async def organizations(self) -> list[Organization]:
        return await self._read(EVERY_ORGANIZATION, people.organizations)

    async def add_key(self, scope: Scope, key: ApiKey) -> None:
        await self._write(scope.organization_id, people.add_key, scope, key)

    async def keys(self, scope: Scope) -> list[ApiKey]:
        return await self._read(scope.organization_id, people.keys, scope)

    async def keys_by_prefix(self, prefix: str) -> list[ApiKey]:
        return await self._read(EVERY_ORGANIZATION, people.keys_by_prefix, prefix)

    async def touch_key(self, scope: Scope, key_id: str, at: datetime) -> None:
        await self._write(scope.organization_id, people.touch_key, scope, key_id, at)

    async def revoke_key(self, scope: Scope, key_id: str, at: datetime) -> bool:
        return await self._write(scope.organization_id, people.revoke_key, scope, key_id, at)

    # --- maintenance -------------------------------------------------------------------------

    async def stats(self, scope: Scope, at: datetime, model: EmbeddingModel | None) -> Stats:
        return await self._read_recent(
            scope.organization_id, memories.stats, scope, at, model, await self._backend.size()
        )

    async def count_pending(self, model: EmbeddingModel) -> int:
        return await self._read(EVERY_ORGANIZATION, vectors.count_pending, model)

    async def drop_embeddings(self, keep: EmbeddingModel) -> int:
        return await self._write(EVERY_ORGANIZATION, vectors.drop_embeddings, keep)

    async def verify(self, *, repair: bool, model: EmbeddingModel | None) -> Verification:
        found = await verify.verify(self._backend, self._search, repair=repair, model=model)
        if found.repaired:
            # Whatever was broken may have been taken in by an index.
            self._cache.drop()
            self._past.drop()
            self._tokens.drop()
            self._rows.drop()
        return found

    async def backup(self, target: Path) -> None:
        await self._backend.backup(target)

    async def warm(self, scope: Scope, model: EmbeddingModel | None) -> None:
        await self._search.load(scope.organization_id, model)

    async def ping(self) -> None:
        await self._backend.read(NO_ORGANIZATION, lambda tx: tx.query(statements.ALIVE, {}))

    async def claim(self, job: str) -> Claim | None:
        return await self._backend.claim(job)

    async def close(self) -> None:
        await self._backend.close()
        await asyncio.to_thread(self._cache.close)
        self._past.drop()
