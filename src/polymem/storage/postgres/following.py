"""Keeping the rows search works on up to date, in the transaction of the change itself.

What changed is found by the organization's change numbers, as the index in memory finds it, so every way a memory can
change is covered by one piece of code, and a table that was lost or is made anew fills by the same steps.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from polymem.core.people import Scope
from polymem.core.text import indexed_text
from polymem.storage.backend import Transaction
from polymem.storage.candidates import SLICE, removed_ids
from polymem.storage.memories import get_many
from polymem.storage.postgres.postings import length_of, remove, sort_documents
from polymem.storage.search import analyse, is_current

STATE = """
SELECT o.last_seq, s.position, s.documents, s.words FROM organizations o
LEFT JOIN search_state s ON s.organization_id = o.id WHERE o.id = :organization_id"""

LOCK = "SELECT 1 FROM organizations WHERE id = :organization_id FOR UPDATE"

BEGIN_STATE = """
INSERT INTO search_state (organization_id, position, documents, words) VALUES (:organization_id, 0, 0, 0)
ON CONFLICT DO NOTHING"""

PUT_STATE = """
UPDATE search_state SET position = :position, documents = documents + :documents, words = words + :words
WHERE organization_id = :organization_id"""

CHANGED = """
SELECT m.id, m.seq, m.indexed_version, m.forgotten_at IS NOT NULL, t.terms, d.document, d.version, d.terms
FROM memories m
LEFT JOIN memory_terms t
    ON t.organization_id = m.organization_id AND t.memory_id = m.id AND t.version = m.indexed_version
LEFT JOIN search_documents d ON d.organization_id = m.organization_id AND d.memory_id = m.id
WHERE m.organization_id = :organization_id AND m.seq > :position ORDER BY m.seq LIMIT :limit"""

REMOVED_DOCUMENTS = """
SELECT memory_id, document, terms FROM search_documents d
WHERE organization_id = :organization_id AND memory_id IN (:ids...) AND NOT EXISTS (
    SELECT 1 FROM memories m WHERE m.organization_id = d.organization_id AND m.id = d.memory_id)"""

DROP_DOCUMENTS = "DELETE FROM search_documents WHERE organization_id = :organization_id AND memory_id IN (:ids...)"

ADD_DOCUMENTS = """
INSERT INTO search_documents (organization_id, memory_id, document, version, terms)
SELECT :organization_id, u.memory_id, u.document, u.version, u.terms
FROM unnest(CAST(:ids AS text[]), CAST(:documents AS bigint[]), CAST(:versions AS integer[]), CAST(:terms AS bytea[]))
    AS u (memory_id, document, version, terms)"""

DROP_VECTORS = """
DELETE FROM search_vectors v USING memories m
WHERE v.organization_id = :organization_id AND v.memory_id IN (:ids...)
AND m.organization_id = v.organization_id AND m.id = v.memory_id
AND (m.forgotten_at IS NOT NULL OR v.version <> m.indexed_version)"""

NEW_VECTORS = """
SELECT v.memory_id, v.version, v.model, v.dimensions, v.count, v.data FROM memory_vectors v
JOIN memories m ON m.organization_id = v.organization_id AND m.id = v.memory_id AND m.indexed_version = v.version
WHERE v.organization_id = :organization_id AND v.memory_id IN (:ids...) AND m.forgotten_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM search_vectors s WHERE s.organization_id = v.organization_id AND s.memory_id = v.memory_id
    AND s.model = v.model AND s.dimensions = v.dimensions)"""

ADD_VECTOR = """
INSERT INTO search_vectors (organization_id, memory_id, model, dimensions, place, version, embedding)
VALUES (:organization_id, :memory_id, :model, :dimensions, :place, :version, CAST(:embedding AS halfvec))"""


class State(NamedTuple):
    """Up to which change number an organization's rows are complete, out of how many; its texts, and their words."""

    last_seq: int
    position: int
    documents: int
    words: int

    @property
    def missing(self) -> int:
        """How many changes are not taken in."""
        return self.last_seq - self.position


class _Change(NamedTuple):
    memory_id: str
    seq: int
    version: int
    forgotten: bool
    terms: bytes | None
    document: int | None
    former_version: int | None
    former_terms: bytes | None


def state(tx: Transaction, organization_id: str) -> State:
    """How far the rows follow; of an organization that is not there, nothing is missing."""
    rows = tx.query(STATE, {"organization_id": organization_id})
    if not rows:
        return State(0, 0, 0, 0)
    last_seq, position, documents, words = rows[0]
    return State(last_seq, position or 0, documents or 0, words or 0)


def follow(tx: Transaction, organization_id: str) -> bool:
    """Takes in the next changes, `SLICE` at most; whether there are more.

    Within a transaction that has taken a change number already, so that nobody else follows at the same time.
    """
    found = state(tx, organization_id)
    if not found.missing:
        return False
    of = {"organization_id": organization_id}
    if not found.position:
        tx.execute(BEGIN_STATE, of)
    rows = tx.query(CHANGED, {**of, "position": found.position, "limit": SLICE})
    changes = [_Change(*row) for row in rows]
    reached = changes[-1].seq if len(changes) == SLICE else found.last_seq
    # Every number belongs to a memory that still stands, or to some that are gone.
    purged = []
    if len(changes) < reached - found.position:
        purged = removed_ids(tx, organization_id, found.position, reached)
    documents, words = _take_texts(tx, organization_id, changes, purged)
    _take_vectors(tx, organization_id, changes)
    if documents > 0:
        sort_documents(tx, organization_id)
    tx.execute(PUT_STATE, {**of, "position": reached, "documents": documents, "words": words})
    return reached < found.last_seq


def catch_up(tx: Transaction, organization_id: str) -> bool:
    """The same in a transaction of its own."""
    tx.query(LOCK, {"organization_id": organization_id})
    return follow(tx, organization_id)


def _take_texts(
    tx: Transaction, organization_id: str, changes: Sequence[_Change], purged: Sequence[str]
) -> tuple[int, int]:
    # By how much the texts became more, and their words.
    entries = _entries(tx, organization_id, changes)
    gone: dict[str, tuple[int, bytes]] = {}
    fresh: list[tuple[_Change, bytes]] = []
    for change in changes:
        entry = entries.get(change.memory_id)
        if change.document is not None and change.former_terms is not None:
            if entry == change.former_terms and change.former_version == change.version:
                continue
            gone[change.memory_id] = (change.document, change.former_terms)
        if entry is not None:
            fresh.append((change, entry))
    of = {"organization_id": organization_id}
    if purged:
        for memory_id, document, terms in tx.query(REMOVED_DOCUMENTS, {**of, "ids": list(purged)}):
            gone[memory_id] = (document, terms)
    if gone:
        remove(tx, organization_id, dict(gone.values()))
        tx.execute(DROP_DOCUMENTS, {**of, "ids": list(gone)})
    if fresh:
        columns = {
            "ids": [change.memory_id for change, _ in fresh],
            "documents": [change.seq for change, _ in fresh],
            "versions": [change.version for change, _ in fresh],
            "terms": [entry for _, entry in fresh],
        }
        tx.execute(ADD_DOCUMENTS, {**of, **columns})
    words = sum(length_of(entry) for _, entry in fresh) - sum(length_of(entry) for _, entry in gone.values())
    return len(fresh) - len(gone), words


def _entries(tx: Transaction, organization_id: str, changes: Sequence[_Change]) -> dict[str, bytes]:
    # Of what is not forgotten. Entries made by an older analysis are made anew.
    visible = [change for change in changes if not change.forgotten]
    stale = [change.memory_id for change in visible if change.terms is None or not is_current(change.terms)]
    memories = get_many(tx, Scope(organization_id=organization_id), stale) if stale else {}
    entries = {change.memory_id: bytes(change.terms) for change in visible if change.terms is not None}
    entries.update((id_, analyse(indexed_text(memory)).encode()) for id_, memory in memories.items())
    return entries


def _take_vectors(tx: Transaction, organization_id: str, changes: Sequence[_Change]) -> None:
    if not changes:
        return
    of = {"organization_id": organization_id}
    known = [change.memory_id for change in changes if change.document is not None]
    if known:
        tx.execute(DROP_VECTORS, {**of, "ids": known})
    ids = [change.memory_id for change in changes if not change.forgotten]
    rows: list[dict[str, Any]] = []
    for memory_id, version, model, dimensions, count, data in tx.query(NEW_VECTORS, {**of, "ids": ids}):
        if len(data) != 2 * dimensions * count:
            continue
        common = {**of, "memory_id": memory_id, "version": version, "model": model, "dimensions": dimensions}
        for place, vector in enumerate(np.frombuffer(data, "<f2").reshape(count, dimensions)):
            rows.append({**common, "place": place, "embedding": to_text(vector)})
    if rows:
        tx.execute_many(ADD_VECTOR, rows)


def to_text(vector: np.typing.NDArray[Any]) -> str:
    """A vector as the extension reads it."""
    return f"[{','.join(map(repr, vector.astype(np.float32).tolist()))}]"
