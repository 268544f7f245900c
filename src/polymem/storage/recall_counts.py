"""Counting recalls and the uses that come of them: `core.ports_overview.OverviewStore.count_recall`.

All recalls of a project on one day want the same row, each until its transaction is durable. Were each counted in a
transaction of its own, a busy organization would have every connection of the process wait for that row, and reads for
a connection. So there is one such transaction at a time for an organization, and whatever comes meanwhile goes into
the next one together.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakValueDictionary

from polymem.core.people import Scope
from polymem.storage import statements
from polymem.storage.backend import Backend, Transaction
from polymem.storage.filters import to_predicate
from polymem.storage.people import reaching
from polymem.storage.rows import MICROSECONDS_A_DAY, is_storable, to_micros

_MOST = 200
"""Recalls counted in one transaction: its locks do not last long, however many wait."""

_ADD = """
ON CONFLICT (organization_id, day, asked_in) DO UPDATE
SET recalls = recall_counts.recalls + excluded.recalls,
    found_nothing = recall_counts.found_nothing + excluded.found_nothing"""

_COUNT = f"""
INSERT INTO recall_counts (organization_id, day, asked_in, project_id, recalls, found_nothing)
VALUES (:organization_id, :day, '', NULL, :recalls, :found_nothing){_ADD}"""
"""Counts recalls of no single project."""

_COUNT_IN_PROJECT = f"""
INSERT INTO recall_counts (organization_id, day, asked_in, project_id, recalls, found_nothing)
SELECT p.organization_id, :day, p.id, p.id, :recalls, :found_nothing FROM projects p
WHERE p.organization_id = :organization_id AND p.id = :project_id{{reach}}{_ADD}"""
"""Counts recalls of a project, if it is there."""


@dataclass(frozen=True, slots=True)
class AskedRecall:
    """A recall that is to be counted: what may be reached, the project it was asked in, what it found, and when."""

    scope: Scope
    project_id: str | None
    ids: Sequence[str]
    found_nothing: bool
    at: datetime


@dataclass(slots=True)
class _Batch:
    recalls: list[AskedRecall] = field(default_factory=list)
    counted: asyncio.Task[None] | None = None


class RecallCounts:
    """Counts recalls, those of an organization one transaction after another."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._next: dict[str, _Batch] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def add(self, recall: AskedRecall) -> None:
        """Returns once it is counted. Raises Unavailable, and Conflict when a project of the same batch went away."""
        organization_id = recall.scope.organization_id
        batch = self._next.get(organization_id)
        if batch is None or len(batch.recalls) >= _MOST:
            batch = self._next[organization_id] = _Batch()
        batch.recalls.append(recall)
        if batch.counted is None:
            batch.counted = asyncio.create_task(self._count(organization_id, batch))
        # Whoever goes away does not take the count from the others.
        await asyncio.shield(batch.counted)

    async def _count(self, organization_id: str, batch: _Batch) -> None:
        turn = self._turns.setdefault(organization_id, asyncio.Lock())
        async with turn:
            if self._next.get(organization_id) is batch:
                del self._next[organization_id]
            await self._backend.write(organization_id, lambda tx: _write(tx, organization_id, batch.recalls))


def _write(tx: Transaction, organization_id: str, recalls: Sequence[AskedRecall]) -> None:
    # Everywhere in the same order, the row that everybody wants last, so that of two processes neither waits for what
    # the other has while it holds what the other wants.
    _count_uses(tx, recalls)
    asked: Counter[tuple[int, str | None, frozenset[str] | None]] = Counter()
    found_nothing: Counter[tuple[int, str | None, frozenset[str] | None]] = Counter()
    for recall in recalls:
        # Of no project anybody may count; for a project the statement says what may be reached.
        projects = None if recall.project_id is None else recall.scope.projects
        key = (to_micros(recall.at) // MICROSECONDS_A_DAY, recall.project_id, projects)
        asked[key] += 1
        found_nothing[key] += recall.found_nothing
    for key in sorted(asked, key=lambda key: (key[0], key[1] or "")):
        day, project_id, projects = key
        params = {"day": day, "recalls": asked[key], "found_nothing": found_nothing[key]}
        if project_id is None:
            tx.execute(_COUNT, {**params, "organization_id": organization_id})
        elif is_storable(project_id):
            scope = Scope(organization_id=organization_id, projects=projects)
            statement, reached = reaching(_COUNT_IN_PROJECT, scope, "p.id")
            tx.execute(statement, {**params, **reached, "project_id": project_id})


def _count_uses(tx: Transaction, recalls: Sequence[AskedRecall]) -> None:
    uses: dict[tuple[str, frozenset[str] | None], tuple[Scope, int, datetime]] = {}
    for recall in recalls:
        for memory_id in recall.ids:
            if is_storable(memory_id):
                key = (memory_id, recall.scope.projects)
                _, count, last = uses.get(key, (recall.scope, 0, recall.at))
                uses[key] = (recall.scope, count + 1, max(last, recall.at))
    by_statement: list[tuple[str, list[dict[str, object]]]] = []
    for (memory_id, _), (scope, count, last) in sorted(uses.items(), key=lambda item: item[0][0]):
        where = to_predicate(scope, ())
        statement = statements.TOUCH.format(where=where.sql)
        if not by_statement or by_statement[-1][0] != statement:
            by_statement.append((statement, []))
        by_statement[-1][1].append({**where.params, "ids": [memory_id], "uses": count, "at": to_micros(last)})
    for statement, rows in by_statement:
        tx.execute_many(statement, rows)
