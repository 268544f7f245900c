"""Conflicts between memories in the database: `core.ports_conflicts.ConflictStore` in portable SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from polymem.core.conflicts.ports import Conflict, Finding, Reason, Resolution
from polymem.core.filters import Filter, Superseded, active
from polymem.core.model import Memory, Page
from polymem.core.people import Scope
from polymem.storage.backend import Backend, Row, Transaction
from polymem.storage.filters import to_predicate
from polymem.storage.memories import get_many
from polymem.storage.rows import from_micros, from_optional_micros, is_storable, to_micros

_COLUMNS = (
    "id", "old_id", "new_id", "reason", "detail", "similarity", "judge", "created_at", "resolution", "resolved_at",
    "resolved_by",
)  # fmt: skip
_CONFLICT = f"SELECT {', '.join(f'c.{name}' for name in _COLUMNS)} FROM conflicts c"
_ADMITTED = """c.organization_id = :organization_id{state}
AND EXISTS (SELECT 1 FROM memories m WHERE {where} AND m.id = c.old_id)
AND EXISTS (SELECT 1 FROM memories m WHERE {where} AND m.id = c.new_id)"""
_STATES = {True: " AND c.status = 'open'", False: " AND c.status = 'resolved'", None: ""}

PAGE = f"{_CONFLICT} WHERE {_ADMITTED} ORDER BY c.created_at DESC, c.id DESC LIMIT :limit OFFSET :offset"
"""A page of the conflicts whose memories `{where}` both admits."""

COUNT = f"SELECT count(*) FROM conflicts c WHERE {_ADMITTED}"
"""How many there are."""

ONE = f"{_CONFLICT} WHERE {_ADMITTED} AND c.id = :id"
"""The conflict of an id."""

OF = f"""
{_CONFLICT} WHERE {_ADMITTED} AND (c.old_id = :memory_id OR c.new_id = :memory_id)
ORDER BY c.created_at DESC, c.id DESC"""
"""The conflicts of a memory."""

INSERT = """
INSERT INTO conflicts (organization_id, id, old_id, new_id, reason, detail, similarity, judge, status, created_at)
SELECT m.organization_id, :id, m.id, :new_id, :reason, :detail, :similarity, :judge, 'open', :created_at
FROM memories m WHERE m.organization_id = :organization_id AND m.id = :old_id
AND EXISTS (SELECT 1 FROM memories n WHERE n.organization_id = :organization_id AND n.id = :new_id)
AND NOT EXISTS (SELECT 1 FROM conflicts c
 WHERE c.organization_id = :organization_id AND c.new_id = :old_id AND c.old_id = :new_id)
ON CONFLICT DO NOTHING"""
"""A new conflict, unless one of its memories was purged meanwhile, or there is one of these two already."""

OPPOSED = """
SELECT old_id, new_id FROM conflicts
WHERE organization_id = :organization_id AND status = 'open' AND (new_id = :memory_id OR old_id = :memory_id)"""
"""The open conflicts of a memory."""

DELETE_OPEN = """
DELETE FROM conflicts
WHERE organization_id = :organization_id AND status = 'open' AND (new_id = :memory_id OR old_id = :memory_id)"""
"""Removes them."""

RESOLVE = f"""
UPDATE conflicts AS c SET status = 'resolved', resolution = :resolution, resolved_at = :resolved_at,
resolved_by = :resolved_by WHERE {_ADMITTED} AND c.id = :id"""
"""Records what was decided about an open conflict."""


class SqlConflicts:
    """The conflicts' part of the store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def find(self, scope: Scope, *, open: bool | None, at: datetime, limit: int, offset: int) -> Page[Conflict]:
        return await self._backend.read(scope.organization_id, lambda tx: _find(tx, scope, open, at, limit, offset))

    async def put(self, scope: Scope, memory: Memory, findings: Sequence[Finding], at: datetime) -> None:
        await self._backend.write(scope.organization_id, lambda tx: put_findings(tx, memory, findings, at))

    async def opposed(self, scope: Scope, memory_id: str) -> frozenset[str]:
        params = {"organization_id": scope.organization_id, "memory_id": memory_id}
        rows = await self._backend.read(scope.organization_id, lambda tx: tx.query(OPPOSED, params))
        return frozenset(other for row in rows for other in row) - {memory_id}

    async def of(self, scope: Scope, memory_id: str) -> list[Conflict]:
        if not is_storable(memory_id):
            return []
        statement, params = _reading(OF, scope, (), open=None)
        params["memory_id"] = memory_id

        def read(tx: Transaction) -> list[Conflict]:
            return list(_with_memories(tx, scope, tx.query(statement, params)))

        return await self._backend.read(scope.organization_id, read)

    async def get(self, scope: Scope, conflict_id: str) -> Conflict | None:
        return await self._backend.read(scope.organization_id, lambda tx: _get(tx, scope, conflict_id))

    async def resolve(self, scope: Scope, conflict_id: str, resolution: Resolution, at: datetime) -> bool:
        if not is_storable(conflict_id):
            return False
        statement, params = _reading(RESOLVE, scope, (), open=True)
        params |= {
            "id": conflict_id,
            "resolution": resolution.value,
            "resolved_at": to_micros(at),
            "resolved_by": scope.actor,
        }
        return await self._backend.write(scope.organization_id, lambda tx: tx.execute(statement, params) == 1)


def replace_open(tx: Transaction, memory: Memory, findings: Iterable[Finding], at: datetime) -> None:
    """Lets what was found about a memory whose text has changed take the place of its open conflicts."""
    tx.execute(DELETE_OPEN, {"organization_id": memory.organization_id, "memory_id": memory.id})
    put_findings(tx, memory, findings, at)


def put_findings(tx: Transaction, memory: Memory, findings: Iterable[Finding], at: datetime) -> None:
    """Keeps what was found about a memory."""
    for finding in findings:
        params = {
            "organization_id": memory.organization_id,
            "id": finding.id,
            "old_id": finding.old_id,
            "new_id": memory.id,
            "reason": finding.reason.value,
            "detail": finding.detail,
            "similarity": finding.similarity,
            "judge": finding.judge,
            "created_at": to_micros(at),
        }
        tx.execute(INSERT, params)


def _reading(statement: str, scope: Scope, filter_: Filter, *, open: bool | None) -> tuple[str, dict[str, Any]]:
    where = to_predicate(scope, filter_)
    return statement.format(where=where.sql, state=_STATES[open]), dict(where.params)


def _find(tx: Transaction, scope: Scope, open: bool | None, at: datetime, limit: int, offset: int) -> Page[Conflict]:
    filter_: Filter = (*active(at), Superseded(False)) if open else ()
    statement, params = _reading(PAGE, scope, filter_, open=open)
    rows = tx.query(statement, {**params, "limit": limit, "offset": offset})
    counting, params = _reading(COUNT, scope, filter_, open=open)
    ((total,),) = tx.query(counting, params)
    return Page(_with_memories(tx, scope, rows), total, limit, offset)


def _get(tx: Transaction, scope: Scope, conflict_id: str) -> Conflict | None:
    if not is_storable(conflict_id):
        return None
    statement, params = _reading(ONE, scope, (), open=None)
    found = _with_memories(tx, scope, tx.query(statement, {**params, "id": conflict_id}))
    return found[0] if found else None


def _with_memories(tx: Transaction, scope: Scope, rows: list[Row]) -> tuple[Conflict, ...]:
    memories = get_many(tx, scope, list({memory_id for row in rows for memory_id in row[1:3]})) if rows else {}
    return tuple(_from_row(row, memories) for row in rows)


def _from_row(row: Row, memories: dict[str, Memory]) -> Conflict:
    id_, old_id, new_id, reason, detail, similarity, judge, created_at, resolution, resolved_at, resolved_by = row
    return Conflict(
        id=id_,
        old=memories[old_id],
        new=memories[new_id],
        reason=Reason(reason),
        detail=detail,
        similarity=similarity,
        judge=judge,
        created_at=from_micros(created_at),
        resolution=None if resolution is None else Resolution(resolution),
        resolved_at=from_optional_micros(resolved_at),
        resolved_by=resolved_by,
    )
