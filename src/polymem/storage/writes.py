"""Applying writes: all or none, inside one transaction that `SqlStore` runs.

What needs no database (rows, terms, vectors) is made beforehand by `prepare`, so that no lock is held meanwhile.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from polymem.core.errors import Conflict, Forbidden, NotFound
from polymem.core.model import Change, Memory
from polymem.core.people import Scope
from polymem.core.ports import Derived, Idempotency, Insert, Purge, Update, Write
from polymem.core.text import indexed_text
from polymem.storage import statements
from polymem.storage.backend import Transaction
from polymem.storage.conflicts import put_findings, replace_open
from polymem.storage.embeddings import to_vector_params
from polymem.storage.filters import to_predicate
from polymem.storage.requests import earlier_outcome, keep_outcome
from polymem.storage.rows import (
    from_memory_row,
    metadata_entries,
    storable,
    to_memory_params,
    to_micros,
    to_optional_micros,
    to_snapshot,
)
from polymem.storage.search import analyse


@dataclass(frozen=True, slots=True)
class DrawnUp:
    """The rows of a new memory that do not depend on its vectors: its columns, its snapshot, its keyword entry."""

    memory: Memory
    params: dict[str, Any]
    snapshot: str
    terms: bytes


@dataclass(slots=True)
class Prepared:
    """A write with its rows. `snapshot`, `terms` and `vectors` are those of a new memory; an update's follow from the
    old text."""

    write: Write
    params: dict[str, Any]
    snapshot: str = ""
    terms: bytes = b""
    vectors: dict[str, Any] | None = None
    seq: int = 0


def draw_up(memory: Memory) -> DrawnUp:
    """All that can be made of a new memory without the database and its vectors."""
    return DrawnUp(memory, to_memory_params(memory), to_snapshot(memory), analyse(indexed_text(memory)).encode())


def prepare(scope: Scope, writes: Sequence[Write]) -> list[Prepared]:
    """All that can be made of `writes` without the database. Raises NotFound for another organization's memory."""
    return [_prepared(scope, write) for write in writes]


def _prepared(scope: Scope, write: Write) -> Prepared:
    if isinstance(write, Purge):
        return Prepared(write, {})
    memory = write.memory
    if memory.organization_id != scope.organization_id:
        raise NotFound("Organization", memory.organization_id)
    if isinstance(write, Update):
        return Prepared(write, to_memory_params(memory))
    if memory.version != 1:
        raise ValueError("A memory begins with version 1")
    rows = write.drawn_up
    if not isinstance(rows, DrawnUp) or rows.memory is not memory:
        rows = draw_up(memory)
    vectors = to_vector_params(memory.organization_id, memory.id, 1, write.derived)
    return Prepared(write, rows.params, rows.snapshot, rows.terms, vectors)


def apply(
    tx: Transaction, scope: Scope, writes: Sequence[Prepared], idempotency: Idempotency | None, at: datetime | None
) -> list[str]:
    """The memory id each write concerned, in order. Raises Conflict, NotFound, Forbidden."""
    _number(tx, scope, writes)
    if idempotency is not None:
        # Only now: the organization's row is locked, so a twin request has either finished or not begun.
        outcome = earlier_outcome(tx, scope, idempotency)
        if outcome is not None:
            return outcome
    ids: list[str] = []
    for kind, run in groupby(writes, key=lambda prepared: type(prepared.write)):
        if kind is Insert:
            ids += _insert(tx, scope, list(run), at)
        elif kind is Update:
            ids += [_update(tx, scope, prepared, at) for prepared in run]
        else:
            ids += _purge(tx, scope, list(run))
    if idempotency is not None:
        keep_outcome(tx, scope, idempotency, ids, at or _recorded(writes))
    return ids


def _number(tx: Transaction, scope: Scope, writes: Sequence[Prepared]) -> None:
    params = {"organization_id": scope.organization_id, "steps": len(writes)}
    advanced = tx.query(statements.ADVANCE, params)
    if not advanced:
        raise NotFound("Organization", scope.organization_id)
    for seq, prepared in enumerate(writes, start=advanced[0][0] - len(writes) + 1):
        prepared.seq = seq


def _recorded(writes: Sequence[Prepared]) -> datetime | None:
    moments = [prepared.write.memory.updated_at for prepared in writes if not isinstance(prepared.write, Purge)]
    return max(moments, default=None)


# --- inserting ---------------------------------------------------------------------------------


def _insert(tx: Transaction, scope: Scope, run: list[Prepared], at: datetime | None) -> list[str]:
    ids, fresh = _without_duplicates(tx, scope, run)
    if not fresh:
        return ids
    _require_new_ids(tx, scope, [memory.id for memory, _ in fresh])
    _require_projects(tx, scope, (memory.project_id for memory, _ in fresh))
    common = {"arrival": 0, "indexed_version": 1}
    tx.execute_many(
        statements.INSERT_MEMORY,
        [{**common, **prepared.params, "seq": prepared.seq, "arrival": prepared.seq} for _, prepared in fresh],
    )
    tx.execute_many(
        statements.INSERT_VERSION,
        [_version(scope, memory, Change.CREATED, at, memory.content, prepared.snapshot) for memory, prepared in fresh],
    )
    tx.execute_many(statements.PUT_TERMS, [_terms(memory, 1, prepared.terms) for memory, prepared in fresh])
    if vectors := [prepared.vectors for _, prepared in fresh if prepared.vectors is not None]:
        tx.execute_many(statements.PUT_VECTORS, vectors)
    for memory, prepared in fresh:
        if isinstance(prepared.write, Insert) and prepared.write.derived.findings:
            put_findings(tx, memory, prepared.write.derived.findings, at or memory.updated_at)
    put_tags(tx, (memory for memory, _ in fresh))
    put_entries(tx, (memory for memory, _ in fresh))
    return ids


def _without_duplicates(
    tx: Transaction, scope: Scope, run: list[Prepared]
) -> tuple[list[str], list[tuple[Memory, Prepared]]]:
    # The outcome of every insert, and those that are really to be written.
    hashes = {prepared.params["content_hash"] for prepared in run if _unless_duplicate(prepared.write)}
    current: dict[tuple[str | None, str], list[tuple[int | None, str]]] = {}
    if hashes:
        params = {"organization_id": scope.organization_id, "hashes": sorted(hashes)}
        for project_id, content, memory_id, expires_at in tx.query(statements.SAME_CONTENT, params):
            current.setdefault((project_id, content), []).append((expires_at, memory_id))
    ids: list[str] = []
    fresh: list[tuple[Memory, Prepared]] = []
    for prepared in run:
        assert isinstance(prepared.write, Insert)
        memory = prepared.write.memory
        same = current.setdefault((memory.project_id, memory.content), []) if hashes else []
        if prepared.write.unless_duplicate:
            now = to_micros(memory.updated_at)
            twin = next((id_ for expires_at, id_ in same if expires_at is None or expires_at > now), None)
            if twin is not None:
                ids.append(twin)
                continue
        if memory.forgotten_at is None and memory.superseded_by is None:
            same.append((prepared.params["expires_at"], memory.id))
        ids.append(memory.id)
        fresh.append((memory, prepared))
    return ids, fresh


def _unless_duplicate(write: Write) -> bool:
    return isinstance(write, Insert) and write.unless_duplicate


def _require_new_ids(tx: Transaction, scope: Scope, ids: list[str]) -> None:
    seen: set[str] = set()
    for memory_id in ids:
        if memory_id in seen:
            raise Conflict(f"The memory id {memory_id} occurs twice")
        seen.add(memory_id)
    taken = tx.query(statements.TAKEN_IDS, {"organization_id": scope.organization_id, "ids": ids})
    if taken:
        raise Conflict(f"A memory with the id {taken[0][0]} exists already")


def _require_projects(tx: Transaction, scope: Scope, project_ids: Iterable[str | None]) -> None:
    wanted = dict.fromkeys(project_ids)
    if scope.projects is not None and None in wanted:
        raise Forbidden("This credential is limited to its own projects")
    named = [project_id for project_id in wanted if project_id is not None]
    if not named:
        return
    params = {"organization_id": scope.organization_id, "ids": storable(named)}
    known = {row[0] for row in tx.query(statements.KNOWN_PROJECTS, params)}
    for project_id in named:
        if project_id not in known or (scope.projects is not None and project_id not in scope.projects):
            raise NotFound("Project", project_id)


# --- updating ----------------------------------------------------------------------------------


def _update(tx: Transaction, scope: Scope, prepared: Prepared, at: datetime | None) -> str:
    assert isinstance(prepared.write, Update)
    memory, derived = prepared.write.memory, prepared.write.derived
    old, indexed_version = _state(tx, scope, memory.id)
    if old.version != memory.version - 1:
        raise Conflict(f"Memory {memory.id} was changed meanwhile: it is at version {old.version}")
    if memory.project_id != old.project_id:
        _require_projects(tx, scope, [memory.project_id])
    text = indexed_text(memory)
    text_changed = text != indexed_text(old)
    if text_changed or derived is not None:
        indexed_version = memory.version
        tx.execute(statements.PUT_TERMS, _terms(memory, memory.version, analyse(text).encode()))
        vectors = to_vector_params(memory.organization_id, memory.id, memory.version, derived or Derived())
        if vectors is not None:
            tx.execute(statements.PUT_VECTORS, vectors)
    params = {
        **prepared.params,
        "seq": prepared.seq,
        "indexed_version": indexed_version,
        "expected": memory.version - 1,
    }
    if tx.execute(statements.UPDATE_MEMORY, params) != 1:
        raise Conflict(f"Memory {memory.id} was changed meanwhile")
    content = memory.content if memory.content != old.content else None
    entry = _version(scope, memory, prepared.write.change, at, content, to_snapshot(memory))
    entry["note"] = prepared.write.note
    tx.execute(statements.INSERT_NEXT_VERSION, entry)
    if prepared.write.findings is not None:
        replace_open(tx, memory, prepared.write.findings, at or memory.updated_at)
    of_memory = {"organization_id": memory.organization_id, "memory_id": memory.id}
    if memory.tags != old.tags:
        tx.execute(statements.DELETE_TAGS, of_memory)
        put_tags(tx, [memory])
    if memory.metadata != old.metadata:
        tx.execute(statements.DELETE_ENTRIES, of_memory)
        put_entries(tx, [memory])
    return memory.id


def _state(tx: Transaction, scope: Scope, memory_id: str) -> tuple[Memory, int]:
    where = to_predicate(scope, ())
    rows = tx.query(statements.STATE.format(where=where.sql), {**where.params, "id": memory_id})
    if not rows:
        raise NotFound("Memory", memory_id)
    return from_memory_row(rows[0][:-1]), rows[0][-1]


# --- purging -----------------------------------------------------------------------------------


def _purge(tx: Transaction, scope: Scope, run: list[Prepared]) -> list[str]:
    wanted = {prepared.write.memory_id: prepared.seq for prepared in run if isinstance(prepared.write, Purge)}
    where = to_predicate(scope, ())
    params = {**where.params, "ids": storable(list(wanted))}
    gone = {row[0] for row in tx.query(statements.DELETE_MEMORIES.format(where=where.sql), params)}
    for memory_id in wanted:
        if memory_id not in gone:
            raise NotFound("Memory", memory_id)
    tx.execute_many(
        statements.PUT_TOMBSTONE,
        [
            {"organization_id": scope.organization_id, "memory_id": memory_id, "seq": seq}
            for memory_id, seq in wanted.items()
        ],
    )
    return [prepared.write.memory_id for prepared in run if isinstance(prepared.write, Purge)]


# --- rows that hang on a memory ----------------------------------------------------------------


def put_tags(tx: Transaction, memories: Iterable[Memory]) -> None:
    """The tag rows of memories that have none yet."""
    rows = [
        {"organization_id": memory.organization_id, "memory_id": memory.id, "tag": tag}
        for memory in memories
        for tag in dict.fromkeys(memory.tags)
    ]
    if rows:
        tx.execute_many(statements.INSERT_TAG, rows)


def put_entries(tx: Transaction, memories: Iterable[Memory]) -> None:
    """The metadata entries of memories that have none yet."""
    rows = [
        {"organization_id": memory.organization_id, "memory_id": memory.id, "entry": entry}
        for memory in memories
        if memory.metadata
        for entry in metadata_entries(memory.metadata)
    ]
    if rows:
        tx.execute_many(statements.INSERT_ENTRY, rows)


def _version(
    scope: Scope, memory: Memory, change: Change, at: datetime | None, content: str | None, snapshot: str
) -> dict[str, Any]:
    return {
        "organization_id": memory.organization_id,
        "memory_id": memory.id,
        "version": memory.version,
        "change": change.value,
        "recorded_at": to_micros(at or memory.updated_at),
        "actor": scope.actor,
        "fields": snapshot,
        "content": content,
        "note": None,
        # In the trash nothing expires: that is told of what could be seen.
        "expires_at": to_optional_micros(memory.expires_at) if memory.forgotten_at is None else None,
    }


def _terms(memory: Memory, version: int, terms: bytes) -> dict[str, Any]:
    return {
        "organization_id": memory.organization_id,
        "memory_id": memory.id,
        "version": version,
        "terms": terms,
    }
