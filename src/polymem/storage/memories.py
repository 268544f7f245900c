"""Reading memories. Functions of a transaction; `SqlStore` runs them."""

from collections.abc import Sequence
from datetime import datetime

from polymem.core.filters import Filter, IdIn, InProjects, Sort, active
from polymem.core.model import Change, Memory, Page, Version
from polymem.core.people import Scope
from polymem.core.ports import EmbeddingModel, Stats
from polymem.storage import statements
from polymem.storage.backend import Transaction
from polymem.storage.embeddings import to_model_params
from polymem.storage.filters import to_order, to_predicate
from polymem.storage.people import project_keys
from polymem.storage.rows import (
    content_hash,
    from_memory_row,
    from_micros,
    from_snapshot,
    is_storable,
    storable,
    to_micros,
)


def get_many(tx: Transaction, scope: Scope, ids: Sequence[str]) -> dict[str, Memory]:
    """The memories of `ids` that the scope reaches, by id."""
    where = to_predicate(scope, ())
    rows = tx.query(statements.MEMORIES.format(where=where.sql), {**where.params, "ids": storable(ids)})
    return {row[0]: from_memory_row(row) for row in rows}


def find(tx: Transaction, scope: Scope, filter_: Filter, sort: Sort, limit: int, offset: int) -> Page[Memory]:
    """A page of what matches, with the true total."""
    where = to_predicate(scope, filter_)
    items: tuple[Memory, ...] = ()
    if limit:
        statement = statements.PAGE.format(where=where.sql, order=to_order(sort))
        rows = tx.query(statement, {**where.params, "limit": limit, "offset": offset})
        items = tuple(from_memory_row(row) for row in rows)
    if items and len(items) < limit:
        # The last page tells the total by itself.
        return Page(items, offset + len(items), limit, offset)
    ((total,),) = tx.query(statements.COUNT.format(where=where.sql), where.params)
    return Page(items, total, limit, offset)


def tags(tx: Transaction, scope: Scope, filter_: Filter) -> dict[str, int]:
    """Every tag of what matches, and how many carry it."""
    where = to_predicate(scope, filter_)
    return dict(tx.query(statements.TAG_COUNTS.format(where=where.sql), where.params))


def batch_after(tx: Transaction, scope: Scope, filter_: Filter, after: str, limit: int) -> list[Memory]:
    """The first `limit` of what matches with an id above `after`."""
    where = to_predicate(scope, filter_)
    rows = tx.query(statements.BATCH.format(where=where.sql), {**where.params, "after": after, "limit": limit})
    return [from_memory_row(row) for row in rows]


def find_duplicate(tx: Transaction, scope: Scope, project_id: str | None, content: str, at: datetime) -> Memory | None:
    """The visible, not superseded memory of this project (or of none) whose content is exactly this.

    A superseded one does not count: it is what somebody has replaced, and returning it for a text that is told
    again would lose that text.
    """
    if not is_storable(content):
        return None
    projects = frozenset() if project_id is None else frozenset({project_id})
    where = to_predicate(scope, (InProjects(projects, unassigned=project_id is None), *active(at)))
    params = {**where.params, "hash": content_hash(content), "content": content}
    rows = tx.query(statements.DUPLICATE.format(where=where.sql), params)
    return from_memory_row(rows[0]) if rows else None


def history(tx: Transaction, scope: Scope, memory_id: str) -> list[Version]:
    """All versions, oldest first; empty when the scope reaches no such memory."""
    where = to_predicate(scope, (IdIn(frozenset({memory_id})),))
    if not tx.query(statements.MATCHING_IDS.format(where=where.sql), where.params):
        return []
    params = {"organization_id": scope.organization_id, "memory_id": memory_id}
    keys = project_keys(tx, Scope(organization_id=scope.organization_id))
    versions: list[Version] = []
    content = ""
    for number, change, recorded_at, actor, fields, text, note in tx.query(statements.VERSIONS, params):
        content = content if text is None else text
        memory = from_snapshot(
            fields,
            organization_id=scope.organization_id,
            memory_id=memory_id,
            version=number,
            content=content,
            keys=keys,
        )
        versions.append(
            Version(memory=memory, change=Change(change), recorded_at=from_micros(recorded_at), actor=actor, note=note)
        )
    return versions


def stats(tx: Transaction, scope: Scope, at: datetime, model: EmbeddingModel | None, size: int | None) -> Stats:
    """Counts of what the scope reaches. Those by kind, by project and unassigned are of visible memories."""
    where = to_predicate(scope, ())
    rows = tx.query(statements.CENSUS.format(where=where.sql), {**where.params, "at": to_micros(at)})
    keys = project_keys(tx, scope)
    states = {"active": 0, "expired": 0, "forgotten": 0}
    by_kind: dict[str, int] = {}
    by_delivery: dict[str, int] = {}
    by_project: dict[str, int] = {}
    superseded = unassigned = 0
    for project_id, kind, delivery, state, replaced, count in rows:
        states[state] += count
        if state != "active":
            continue
        superseded += count if replaced else 0
        by_kind[kind] = by_kind.get(kind, 0) + count
        by_delivery[delivery] = by_delivery.get(delivery, 0) + count
        if project_id is None:
            unassigned += count
        else:
            by_project[keys[project_id]] = by_project.get(keys[project_id], 0) + count
    return Stats(
        memories=states["active"],
        forgotten=states["forgotten"],
        expired=states["expired"],
        superseded=superseded,
        unassigned=unassigned,
        by_kind=dict(sorted(by_kind.items())),
        by_delivery=dict(sorted(by_delivery.items())),
        by_project=dict(sorted(by_project.items())),
        without_vector=_unembedded(tx, scope, at, model),
        bytes_on_disk=size,
    )


def _unembedded(tx: Transaction, scope: Scope, at: datetime, model: EmbeddingModel | None) -> int:
    if model is None:
        return 0
    where = to_predicate(scope, active(at))
    params = {**where.params, **to_model_params(model)}
    ((count,),) = tx.query(statements.COUNT_UNEMBEDDED.format(where=where.sql), params)
    return int(count)
