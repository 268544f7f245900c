"""Former states and changes. Functions of a transaction; `SqlTime` runs them.

A memory that nobody changed since an instant stands in its row as it stood then, so only what changed is put together
from versions; the rest of a list is found by the statements of the present.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from polymem.core.filters import Filter, IdIn, Not, Sort, predicate
from polymem.core.model import Change, Memory, Page, Version
from polymem.core.people import Scope
from polymem.storage import statements, time_statements
from polymem.storage.backend import Row, Transaction
from polymem.storage.filters import Predicate, to_order, to_predicate
from polymem.storage.people import project_keys
from polymem.storage.rows import (
    from_memory_row,
    from_micros,
    from_optional_micros,
    from_snapshot,
    storable,
    to_micros,
)

BATCH = 1000
"""Former states read at a time."""

STATE_WIDTH = 6
"""How many columns `from_state_row` takes."""


def get_many(tx: Transaction, scope: Scope, ids: Sequence[str], at: datetime) -> dict[str, Memory]:
    """Those of `ids` that were known at `at` and that the scope reaches now and reached then, by id."""
    return {memory.id: memory for memory in _states(tx, scope, ids, at)}


def find(
    tx: Transaction, scope: Scope, filter_: Filter, sort: Sort, limit: int, offset: int, at: datetime
) -> Page[Memory]:
    """A page of what matched at `at`, with the true total."""
    best = limit + offset
    changed = changed_since(tx, scope.organization_id, at)
    where = _unchanged(scope, filter_, changed)
    ((total,),) = tx.query(statements.COUNT.format(where=where.sql), where.params)
    found: list[Memory] = []
    if limit:
        page = statements.PAGE.format(where=where.sql, order=to_order(sort))
        found = [from_memory_row(row) for row in tx.query(page, {**where.params, "limit": best, "offset": 0})]
    matches = predicate(filter_)
    for ids in batches([id_ for id_, version in changed.items() if version]):
        former = [memory for memory in _states(tx, scope, ids, at) if matches(memory)]
        total += len(former)
        found = _ordered([*found, *former], sort)[:best]
    return Page(tuple(found[offset:best]), total, limit, offset)


def matching_ids(
    tx: Transaction, scope: Scope, narrow: Filter, filter_: Filter, at: datetime, changed: Collection[str]
) -> set[str]:
    """The ids of what matched `filter_` at `at`: of `changed`, and of all others that match `narrow` too."""
    where = _unchanged(scope, (*narrow, *filter_), changed)
    ids = {row[0] for row in tx.query(statements.MATCHING_IDS.format(where=where.sql), where.params)}
    matches = predicate(filter_)
    for some in batches(list(changed)):
        ids |= {memory.id for memory in _states(tx, scope, some, at) if matches(memory)}
    return ids


def changed_since(tx: Transaction, organization_id: str, at: datetime) -> dict[str, int]:
    """The organization's memories that changed after `at`, with the version each had then: 0 where it was unknown."""
    params = {"organization_id": organization_id, "at": to_micros(at)}
    return dict(tx.query(time_statements.TURNED, params))


def reached_ids(tx: Transaction, scope: Scope, ids: Collection[str]) -> set[str]:
    """Those of `ids` that the scope reaches now."""
    where = to_predicate(scope, (IdIn(frozenset(ids)),))
    return {row[0] for row in tx.query(statements.MATCHING_IDS.format(where=where.sql), where.params)}


def _unchanged(scope: Scope, filter_: Filter, changed: Collection[str]) -> Predicate:
    # What did not change is told by the ids of what did: an index holds those, and asking every row costs seconds.
    others: Filter = (Not(IdIn(frozenset(changed))),) if changed else ()
    return to_predicate(scope, (*filter_, *others))


def changes(
    tx: Transaction,
    scope: Scope,
    since: datetime,
    until: datetime,
    filter_: Filter,
    kinds: Collection[Change] | None,
    limit: int,
    offset: int,
    descending: bool,
) -> Page[Version]:
    """A page of what changed in [since, until], with the true total."""
    where = to_predicate(scope, filter_)
    params: dict[str, Any] = {**where.params, "since": to_micros(since), "until": to_micros(until)}
    parts = {"where": where.sql, "kinds": "", "expired": ""}
    if kinds is not None:
        if not kinds:
            return Page((), 0, limit, offset)
        params["kinds"] = sorted({kind.value for kind in kinds})
        parts["kinds"] = " AND v.change IN (:kinds...)"
        parts["expired"] = "" if Change.EXPIRED in kinds else " AND 1 = 0"
    statement = time_statements.CHANGES.format(direction="DESC" if descending else "ASC", **parts)
    rows = tx.query(statement, {**params, "limit": limit, "offset": offset})
    keys = project_keys(tx, Scope(organization_id=scope.organization_id)) if rows else {}
    items = tuple(_version(scope, row, keys) for row in rows)
    if items and len(items) < limit:
        return Page(items, offset + len(items), limit, offset)
    ((total,),) = tx.query(time_statements.COUNT_CHANGES.format(**parts), params)
    return Page(items, total, limit, offset)


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """`ids` in parts of which the states are read at a time."""
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def from_state_row(organization_id: str, row: Row, keys: Mapping[str, str]) -> Memory:
    """A former state. Uses are counted apart from the versions: they are those of now."""
    memory_id, version, fields, content, access_count, last_accessed = row
    memory = from_snapshot(
        fields, organization_id=organization_id, memory_id=memory_id, version=version, content=content, keys=keys
    )
    return replace(memory, access_count=access_count, last_accessed=from_optional_micros(last_accessed))


def _version(scope: Scope, row: Row, keys: Mapping[str, str]) -> Version:
    change, at, actor, note = row[STATE_WIDTH:]
    memory = from_state_row(scope.organization_id, row[:STATE_WIDTH], keys)
    return Version(memory=memory, change=Change(change), recorded_at=from_micros(at), actor=actor, note=note)


def _states(tx: Transaction, scope: Scope, ids: Sequence[str], at: datetime) -> Iterator[Memory]:
    where = to_predicate(scope, ())
    params = {**where.params, "ids": storable(ids), "at": to_micros(at)}
    rows = tx.query(time_statements.STATES.format(where=where.sql), params)
    keys = project_keys(tx, Scope(organization_id=scope.organization_id)) if rows else {}
    for row in rows:
        memory = from_state_row(scope.organization_id, row, keys)
        # Reached now, by the statement; and then, when it may have been in another project.
        if scope.projects is None or memory.project_id in scope.projects:
            yield memory


def _ordered(memories: list[Memory], sort: Sort) -> list[Memory]:
    # As `to_order` says: what lacks the value last, ties by id in the direction of the sort.
    def value(memory: Memory) -> Any:
        return getattr(memory, sort.key.value)

    having = [memory for memory in memories if value(memory) is not None]
    lacking = [memory for memory in memories if value(memory) is None]
    having.sort(key=lambda memory: (value(memory), memory.id), reverse=sort.descending)
    lacking.sort(key=lambda memory: memory.id, reverse=sort.descending)
    return having + lacking
