"""Counts on any database: `core.ports_overview.OverviewStore`."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from polymem.core.filters import Filter, Instant
from polymem.core.people import Scope
from polymem.core.ports import EmbeddingModel
from polymem.core.ports_overview import Census, RecallCount, Spot, Tally
from polymem.storage import statements
from polymem.storage.backend import Backend, Params, Transaction
from polymem.storage.filters import to_predicate
from polymem.storage.people import project_keys, reaching
from polymem.storage.plane import to_spots
from polymem.storage.recall_counts import AskedRecall, RecallCounts
from polymem.storage.rows import MICROSECONDS_A_DAY, to_micros

# As in `statements`: `{where}` is a predicate over `memories m` that holds the organization and what the scope reaches.

_EPOCH = date(1970, 1, 1)

_CENSUS = """
SELECT m.project_id, m.kind, CASE WHEN m.forgotten_at IS NULL THEN 0 ELSE 1 END, count(*)
FROM memories m WHERE {where} AND (m.forgotten_at IS NOT NULL OR m.expires_at IS NULL OR m.expires_at > :at)
GROUP BY 1, 2, 3"""
"""What is visible or in the trash, counted. No column but those of the index `memories_project`."""

_BY_DAY = f"""
SELECT m.{{column}} / {MICROSECONDS_A_DAY}, count(*) FROM memories m
WHERE {{where}} AND m.{{column}} >= 0 GROUP BY 1"""
"""What matches, counted by the day of an instant. Days before 1970 have no place in a division that cuts off."""

_MOST_USED = """
SELECT m.id FROM memories m WHERE {where} AND m.access_count > 0
ORDER BY m.access_count DESC, m.last_accessed DESC, m.id LIMIT :limit"""
"""The ids of what was used most often."""

_TALLY = """
SELECT count(*), coalesce(sum(CASE WHEN m.expires_at <= :soon THEN 1 ELSE 0 END), 0),
    coalesce(sum(CASE WHEN m.access_count = 0 THEN 1 ELSE 0 END), 0), coalesce(sum(m.access_count), 0)
FROM memories m WHERE {where}"""
"""What matches, what of it expires soon, what was never used, and all uses."""

_COPIES = """
SELECT coalesce(sum(d.copies - 1), 0) FROM (
    SELECT count(*) AS copies FROM memories m WHERE {where} GROUP BY m.project_id, m.content_hash HAVING count(*) > 1
) d"""
"""How many of what matches have the text of another one of their project."""

_COPY_IDS = """
SELECT d.id FROM (
    SELECT m.id, row_number() OVER (PARTITION BY m.project_id, m.content_hash ORDER BY m.created_at, m.id) AS place
    FROM memories m WHERE {where}
) d WHERE d.place > 1 ORDER BY d.id LIMIT :limit"""
"""The ids of those."""

_RECALLS = """
SELECT c.day, sum(c.recalls), sum(c.found_nothing) FROM recall_counts c
WHERE c.organization_id = :organization_id AND c.day >= :since{reach} GROUP BY c.day"""
"""The recalls of each day, together."""

_SPOTS = """
SELECT m.id, m.kind, p.name, coalesce(m.title, substr(m.content, 1, 120)), v.data, v.count
FROM memories m
JOIN memory_vectors v ON v.organization_id = m.organization_id AND v.memory_id = m.id AND v.version = m.indexed_version
LEFT JOIN projects p ON p.organization_id = m.organization_id AND p.id = m.project_id
WHERE {where} AND v.model = :model AND v.dimensions = :dimensions
ORDER BY m.created_at DESC, m.id LIMIT :limit"""
"""The newest of what matches, with the vectors of one model."""


class SqlOverview:
    """Counts; see `core.ports_overview.OverviewStore`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._recall_counts = RecallCounts(backend)

    async def position(self, scope: Scope) -> int:
        params = {"organization_id": scope.organization_id}
        rows = await self._backend.read(scope.organization_id, lambda tx: tx.query(statements.LAST_SEQ, params))
        return int(rows[0][0]) if rows else 0

    async def census(self, scope: Scope, at: datetime) -> Census:
        return await self._backend.read(scope.organization_id, lambda tx: _census(tx, scope, at))

    async def by_day(self, scope: Scope, filter: Filter, instant: Instant) -> Mapping[date, int]:
        where = to_predicate(scope, filter)
        statement = _BY_DAY.format(where=where.sql, column=instant.value)
        rows = await self._backend.read(scope.organization_id, lambda tx: tx.query(statement, where.params))
        return {_EPOCH + timedelta(days=int(day)): int(count) for day, count in rows}

    async def most_used(self, scope: Scope, filter: Filter, limit: int) -> list[str]:
        where = to_predicate(scope, filter)
        params = {**where.params, "limit": limit}
        return await self._ids(scope, _MOST_USED.format(where=where.sql), params)

    async def count_recall(
        self, scope: Scope, project_id: str | None, ids: Sequence[str], found_nothing: bool, at: datetime
    ) -> None:
        await self._recall_counts.add(AskedRecall(scope, project_id, ids, found_nothing, at))

    async def recalls(self, scope: Scope, since: datetime) -> Mapping[date, RecallCount]:
        statement, reached = reaching(_RECALLS, scope, "c.asked_in")
        params = {**reached, "since": to_micros(since) // MICROSECONDS_A_DAY}
        rows = await self._backend.read(scope.organization_id, lambda tx: tx.query(statement, params))
        return {_EPOCH + timedelta(days=int(day)): RecallCount(int(asked), int(none)) for day, asked, none in rows}

    async def tally(self, scope: Scope, filter: Filter, soon: datetime) -> Tally:
        return await self._backend.read(scope.organization_id, lambda tx: _tally(tx, scope, filter, soon))

    async def copies(self, scope: Scope, filter: Filter, limit: int) -> list[str]:
        where = to_predicate(scope, filter)
        return await self._ids(scope, _COPY_IDS.format(where=where.sql), {**where.params, "limit": limit})

    async def _ids(self, scope: Scope, statement: str, params: Params) -> list[str]:
        rows = await self._backend.read(scope.organization_id, lambda tx: tx.query(statement, params))
        return [id for (id,) in rows]

    async def spots(self, scope: Scope, filter: Filter, model: EmbeddingModel, limit: int) -> list[Spot]:
        where = to_predicate(scope, filter)
        params = {**where.params, "model": model.name, "dimensions": model.dimensions, "limit": limit}
        rows = await self._backend.read(
            scope.organization_id, lambda tx: tx.query(_SPOTS.format(where=where.sql), params)
        )
        # Beside the thread that reads: others want the database meanwhile.
        return await asyncio.to_thread(to_spots, rows, model.dimensions)


def _census(tx: Transaction, scope: Scope, at: datetime) -> Census:
    where = to_predicate(scope, ())
    rows = tx.query(_CENSUS.format(where=where.sql), {**where.params, "at": to_micros(at)})
    keys = project_keys(tx, scope)
    by_kind: dict[str, int] = {}
    by_project: dict[str, int] = {}
    unassigned = forgotten = 0
    for project_id, kind, in_trash, count in rows:
        if in_trash:
            forgotten += count
            continue
        by_kind[kind] = by_kind.get(kind, 0) + count
        if project_id is None:
            unassigned += count
        else:
            by_project[keys[project_id]] = by_project.get(keys[project_id], 0) + count
    return Census(
        memories=sum(by_kind.values()),
        by_kind=dict(sorted(by_kind.items())),
        by_project=dict(sorted(by_project.items())),
        unassigned=unassigned,
        forgotten=forgotten,
    )


def _tally(tx: Transaction, scope: Scope, filter: Filter, soon: datetime) -> Tally:
    where = to_predicate(scope, filter)
    params = {**where.params, "soon": to_micros(soon)}
    ((memories, expiring, unused, uses),) = tx.query(_TALLY.format(where=where.sql), params)
    ((copies,),) = tx.query(_COPIES.format(where=where.sql), where.params)
    return Tally(memories=int(memories), expiring=int(expiring), unused=int(unused), uses=int(uses), copies=int(copies))
