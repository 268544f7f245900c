"""Sessions, tasks and snippets in the database: `core.ports_work.WorkStore` in portable SQL."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from polymem.core.errors import NotFound
from polymem.core.model import Page
from polymem.core.people import Scope
from polymem.core.work import Snippet, Task, Work, WorkFilter
from polymem.core.work.ports import W
from polymem.storage import people, work_statements
from polymem.storage.backend import Backend, Transaction
from polymem.storage.rows import from_micros, is_storable, storable, to_micros
from polymem.storage.work_rows import TABLES, from_work_row, to_work_params

_EVERYTHING = WorkFilter()
_FIXED = frozenset({"organization_id", "id", "created_at"})
"""The columns that never change."""


class SqlWork:
    """The worklog's part of the store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def add(self, scope: Scope, entry: Work) -> bool:
        return await self._backend.write(scope.organization_id, lambda tx: _add(tx, scope, entry))

    async def replace(self, scope: Scope, entry: Work) -> bool:
        return await self._backend.write(scope.organization_id, lambda tx: _replace(tx, scope, entry))

    async def get(self, scope: Scope, kind: type[W], id: str) -> W | None:
        return await self._backend.read(scope.organization_id, lambda tx: _get(tx, scope, kind, id))

    async def find(self, scope: Scope, kind: type[W], filter: WorkFilter, limit: int, offset: int) -> Page[W]:
        return await self._backend.read(scope.organization_id, lambda tx: _find(tx, scope, kind, filter, limit, offset))

    async def scan(self, scope: Scope, kind: type[W], filter: WorkFilter, batch: int = 500) -> AsyncIterator[list[W]]:
        after = ""
        while found := await self._batch(scope, kind, filter, after, batch):
            yield found
            if len(found) < batch:
                return
            after = found[-1].id

    async def _batch(self, scope: Scope, kind: type[W], filter: WorkFilter, after: str, limit: int) -> list[W]:
        return await self._backend.read(scope.organization_id, lambda tx: _batch(tx, scope, kind, filter, after, limit))

    async def last_change(self, scope: Scope, project_id: str) -> datetime | None:
        return await self._backend.read(scope.organization_id, lambda tx: _last_change(tx, scope, project_id))

    async def remove(self, scope: Scope, kind: type[W], id: str) -> bool:
        return await self._backend.write(scope.organization_id, lambda tx: _remove(tx, scope, kind, id))


def _add(tx: Transaction, scope: Scope, entry: Work) -> bool:
    _require_project(tx, scope, entry)
    table = TABLES[type(entry)]
    statement = work_statements.INSERT.format(
        table=table.name, columns=", ".join(table.columns), values=", ".join(f":{name}" for name in table.columns)
    )
    return tx.execute(statement, to_work_params(entry)) == 1


def _replace(tx: Transaction, scope: Scope, entry: Work) -> bool:
    _require_project(tx, scope, entry)
    table = TABLES[type(entry)]
    where, params = _predicate(scope, type(entry), _EVERYTHING)
    statement = work_statements.UPDATE.format(
        table=table.name,
        assignments=", ".join(f"{name} = :{name}" for name in table.columns if name not in _FIXED),
        where=where,
    )
    return tx.execute(statement, {**to_work_params(entry), **params, "expected": entry.version - 1}) == 1


def _require_project(tx: Transaction, scope: Scope, entry: Work) -> None:
    if entry.organization_id != scope.organization_id or people.get_project(tx, scope, id_=entry.project_id) is None:
        raise NotFound("Project", entry.project_id)


def _get(tx: Transaction, scope: Scope, kind: type[W], id: str) -> W | None:
    if not is_storable(id):
        return None
    statement, params = _reading(work_statements.ONE, scope, kind, _EVERYTHING)
    found = tx.query(statement, {**params, "id": id})
    return from_work_row(kind, found[0]) if found else None


def _find(tx: Transaction, scope: Scope, kind: type[W], filter: WorkFilter, limit: int, offset: int) -> Page[W]:
    items: tuple[W, ...] = ()
    if limit:
        statement, params = _reading(work_statements.FIND, scope, kind, filter)
        rows = tx.query(statement, {**params, "limit": limit, "offset": offset})
        items = tuple(from_work_row(kind, row) for row in rows)
    if items and len(items) < limit:
        # The last page tells the total by itself.
        return Page(items, offset + len(items), limit, offset)
    where, params = _predicate(scope, kind, filter)
    ((total,),) = tx.query(work_statements.COUNT.format(table=TABLES[kind].name, where=where), params)
    return Page(items, total, limit, offset)


def _batch(tx: Transaction, scope: Scope, kind: type[W], filter: WorkFilter, after: str, limit: int) -> list[W]:
    statement, params = _reading(work_statements.BATCH, scope, kind, filter)
    rows = tx.query(statement, {**params, "after": after, "limit": limit})
    return [from_work_row(kind, row) for row in rows]


def _last_change(tx: Transaction, scope: Scope, project_id: str) -> datetime | None:
    found = []
    for kind, table in TABLES.items():
        where, params = _predicate(scope, kind, WorkFilter(project_ids=frozenset({project_id})))
        ((micros,),) = tx.query(work_statements.LAST_CHANGE.format(table=table.name, where=where), params)
        found += [] if micros is None else [micros]
    return from_micros(max(found)) if found else None


def _remove(tx: Transaction, scope: Scope, kind: type[Work], id: str) -> bool:
    if not is_storable(id):
        return False
    where, params = _predicate(scope, kind, _EVERYTHING)
    statement = work_statements.DELETE.format(table=TABLES[kind].name, where=where)
    return tx.execute(statement, {**params, "id": id}) == 1


def _reading(statement: str, scope: Scope, kind: type[Work], filter: WorkFilter) -> tuple[str, dict[str, Any]]:
    table = TABLES[kind]
    where, params = _predicate(scope, kind, filter)
    columns = ", ".join(f"w.{name}" for name in table.columns)
    return statement.format(table=table.name, columns=columns, where=where), params


def _predicate(scope: Scope, kind: type[Work], filter: WorkFilter) -> tuple[str, dict[str, Any]]:
    conditions = ["w.organization_id = :organization_id"]
    params: dict[str, Any] = {"organization_id": scope.organization_id}

    def hold(condition: str, **values: Any) -> None:
        conditions.append(condition)
        params.update(values)

    for name, ids in (("reach", scope.projects), ("wanted", filter.project_ids)):
        if ids is not None:
            hold(f"w.project_id IN (:{name}...)", **{name: sorted(storable(ids))})
    if filter.changed_after is not None:
        hold("w.updated_at > :changed_after", changed_after=to_micros(filter.changed_after))
    if kind is Task and filter.statuses is not None:
        hold("w.status IN (:statuses...)", statuses=sorted(storable(filter.statuses)))
    if kind is Task and filter.least_priority is not None:
        hold("w.priority >= :least_priority", least_priority=max(0, min(filter.least_priority, 11)))
    if kind is Snippet and filter.language is not None:
        if is_storable(filter.language):
            hold("lower(w.language) = lower(:language)", language=filter.language)
        else:
            hold("1 = 0")
    return " AND ".join(conditions), params
