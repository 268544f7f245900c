"""The inverted index in rows: BM25 from each organization's own document frequencies, as the index in memory has it.

PostgreSQL's own full-text ranking knows no document frequencies, and reading every matching row to score it takes a
hundred milliseconds where a term is common. So postings are kept as an inverted index keeps them: for a term and a
segment of up to `SEGMENT` documents, one row of (document, count, length) triples of eight bytes, which numpy scores
by the million. Segments are made and merged like those of a log-structured merge tree (O'Neil et al. 1996; Lucene):
new documents first stand unsorted, `UNSORTED` of them become a segment, and `SMALL_SEGMENTS` of those one of
up to `SEGMENT`. A text that changes or goes is taken out of its rows at once, so frequencies are exact and nothing of
a purged memory stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from polymem.storage.backend import Transaction
from polymem.storage.search.analysis import HEADER
from polymem.storage.search.postings import segment_of

UNSORTED = 256
"""Documents that stand unsorted before they become a segment: about a millisecond of every search."""

SEGMENT = 4096
"""Documents of a segment that is merged no more; merging so many takes some tenths of a second."""

SMALL_SEGMENTS = 16
"""So many segments of less than half that size become one."""

POSTING = np.dtype([("offset", "<u4"), ("count", "<u2"), ("length", "<u2")])
"""One document that contains the term: its number less the segment's first, how often, and its words."""

_MOST = np.iinfo(np.uint16).max

Ids = npt.NDArray[np.int64]

ADD_SEGMENT = """
INSERT INTO search_segments (organization_id, first, last, documents)
VALUES (:organization_id, :first, :last, :documents)"""

ADD_POSTINGS = """
INSERT INTO search_postings (organization_id, term, first, data)
SELECT :organization_id, u.term, :first, u.data
FROM unnest(CAST(:terms AS bigint[]), CAST(:data AS bytea[])) AS u (term, data)"""

SEGMENTS = """
SELECT first, last, documents FROM search_segments WHERE organization_id = :organization_id ORDER BY first"""

POSTINGS_OF_SEGMENTS = """
SELECT term, first, data FROM search_postings
WHERE organization_id = :organization_id AND first = ANY (CAST(:firsts AS bigint[])) ORDER BY term, first"""

DROP_SEGMENTS = """
DELETE FROM search_segments WHERE organization_id = :organization_id AND first = ANY (CAST(:firsts AS bigint[]))"""

DROP_POSTINGS_OF_SEGMENTS = """
DELETE FROM search_postings WHERE organization_id = :organization_id AND first = ANY (CAST(:firsts AS bigint[]))"""

DROP_ALL_POSTINGS = "DELETE FROM search_postings WHERE organization_id = :organization_id"

POSTINGS_OF_TERMS = """
SELECT term, data FROM search_postings
WHERE organization_id = :organization_id AND first = :first AND term = ANY (CAST(:terms AS bigint[]))"""

CHANGE_POSTINGS = """
UPDATE search_postings p SET data = u.data
FROM unnest(CAST(:terms AS bigint[]), CAST(:data AS bytea[])) AS u (term, data)
WHERE p.organization_id = :organization_id AND p.first = :first AND p.term = u.term"""

DROP_POSTINGS = """
DELETE FROM search_postings
WHERE organization_id = :organization_id AND first = :first AND term = ANY (CAST(:terms AS bigint[]))"""

UNSORTED_DOCUMENTS = """
SELECT document, terms FROM search_documents
WHERE organization_id = :organization_id AND document > :after ORDER BY document"""

POSTINGS = """
SELECT term, first, data FROM search_postings
WHERE organization_id = :organization_id AND term = ANY (CAST(:terms AS bigint[]))"""


@dataclass(frozen=True, slots=True)
class Segment:
    """The documents from number `first` to `last`."""

    first: int
    last: int
    documents: int


@dataclass(frozen=True, slots=True)
class Found:
    """The documents that contain a term (no two equal), how often, and how many words each has."""

    documents: Ids
    counts: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.float32]


def segments(tx: Transaction, organization_id: str) -> list[Segment]:
    """All segments, in the order of their documents."""
    return [Segment(*row) for row in tx.query(SEGMENTS, {"organization_id": organization_id})]


def length_of(entry: bytes) -> int:
    """How many words the text of an entry has."""
    return int(HEADER.unpack_from(entry)[2])


def terms_of(entry: bytes) -> Ids:
    """The terms of an entry as the database holds them: 64 bits with a sign."""
    size = (len(entry) - HEADER.size) // (8 + entry[1])
    return np.frombuffer(entry, "<i8", size, HEADER.size)


# --- reading -----------------------------------------------------------------------------------


def lookup(tx: Transaction, organization_id: str, ids: Sequence[int]) -> dict[int, Found]:
    """By term those of `ids` (without a sign) that any document contains."""
    signed = np.array(ids, np.uint64).view(np.int64)
    rows: dict[int, list[npt.NDArray[Any]]] = {}
    documents: dict[int, list[Ids]] = {}
    for term, first, data in tx.query(POSTINGS, {"organization_id": organization_id, "terms": signed.tolist()}):
        postings = np.frombuffer(data, POSTING)
        rows.setdefault(term, []).append(postings)
        documents.setdefault(term, []).append(postings["offset"].astype(np.int64) + first)
    for term, numbers, postings in _unsorted(tx, organization_id, signed):
        rows.setdefault(term, []).append(postings)
        documents.setdefault(term, []).append(numbers)
    found = {}
    for id_, term in zip(ids, signed.tolist(), strict=True):
        if term in rows:
            postings = np.concatenate(rows[term])
            numbers = np.concatenate(documents[term])
            found[id_] = Found(numbers, postings["count"].astype(np.float32), postings["length"].astype(np.float32))
    return found


def _unsorted(tx: Transaction, organization_id: str, wanted: Ids) -> Iterable[tuple[int, Ids, npt.NDArray[Any]]]:
    known = segments(tx, organization_id)
    after = known[-1].last if known else 0
    waiting = tx.query(UNSORTED_DOCUMENTS, {"organization_id": organization_id, "after": after})
    if not waiting:
        return
    numbers = np.array([document for document, _ in waiting], np.int64)
    sorted_, lengths = _sorted([entry for _, entry in waiting])
    terms = sorted_.ids.view(np.int64)
    for term in np.flatnonzero(np.isin(terms, wanted)).tolist():
        part = slice(sorted_.starts[term], sorted_.starts[term + 1])
        rows = sorted_.rows[part]
        postings = np.zeros(len(rows), POSTING)
        postings["count"] = np.minimum(sorted_.counts[part].astype(np.int64), _MOST)
        postings["length"] = lengths[rows]
        yield int(terms[term]), numbers[rows], postings


def _sorted(entries: Sequence[bytes]) -> tuple[Any, npt.NDArray[np.int64]]:
    lengths = np.array([min(length_of(entry), _MOST) for entry in entries], np.int64)
    return segment_of(0, entries), lengths


# --- writing -----------------------------------------------------------------------------------


def sort_documents(tx: Transaction, organization_id: str) -> None:
    """Makes a segment of the unsorted documents if they are many, and merges small segments if those are."""
    known = segments(tx, organization_id)
    after = known[-1].last if known else 0
    waiting = tx.query(UNSORTED_DOCUMENTS, {"organization_id": organization_id, "after": after})
    for start in range(0, len(waiting), SEGMENT):
        some = waiting[start : start + SEGMENT]
        if len(some) < UNSORTED:
            break
        known.append(_add_segment(tx, organization_id, some))
    small: list[Segment] = []
    for segment in reversed(known):
        if segment.documents >= SEGMENT // 2:
            break
        small.insert(0, segment)
    if len(small) >= SMALL_SEGMENTS or (len(small) > 1 and sum(segment.documents for segment in small) >= SEGMENT):
        _merge(tx, organization_id, small)


def _add_segment(tx: Transaction, organization_id: str, waiting: Sequence[tuple[Any, ...]]) -> Segment:
    segment = Segment(waiting[0][0], waiting[-1][0], len(waiting))
    of = {"organization_id": organization_id, "first": segment.first}
    tx.execute(ADD_SEGMENT, {**of, "last": segment.last, "documents": segment.documents})
    postings = to_postings(segment.first, waiting)
    tx.execute(ADD_POSTINGS, {**of, "terms": list(postings), "data": list(postings.values())})
    return segment


def to_postings(first: int, documents: Sequence[tuple[Any, ...]]) -> dict[int, bytes]:
    """By term the postings of a segment that begins at number `first`, from its documents: (number, entry) each."""
    numbers = np.array([document for document, _ in documents], np.int64)
    sorted_, lengths = _sorted([entry for _, entry in documents])
    postings = np.zeros(len(sorted_.rows), POSTING)
    postings["offset"] = (numbers - first)[sorted_.rows]
    postings["count"] = np.minimum(sorted_.counts.astype(np.int64), _MOST)
    postings["length"] = lengths[sorted_.rows]
    places = zip(sorted_.ids.view(np.int64).tolist(), sorted_.starts[:-1], sorted_.starts[1:], strict=True)
    return {term: postings[start:end].tobytes() for term, start, end in places}


def _merge(tx: Transaction, organization_id: str, parts: Sequence[Segment]) -> None:
    # Neighbours become one; the documents' numbers count from the first of all.
    of = {"organization_id": organization_id, "firsts": [part.first for part in parts]}
    first = parts[0].first
    merged: dict[int, list[bytes]] = {}
    for term, of_segment, data in tx.query(POSTINGS_OF_SEGMENTS, of):
        postings = np.frombuffer(data, POSTING).copy()
        postings["offset"] += of_segment - first
        merged.setdefault(term, []).append(postings.tobytes())
    tx.execute(DROP_POSTINGS_OF_SEGMENTS, of)
    tx.execute(DROP_SEGMENTS, of)
    segment = {"first": first, "last": parts[-1].last, "documents": sum(part.documents for part in parts)}
    tx.execute(ADD_SEGMENT, {"organization_id": organization_id, **segment})
    rows = {"terms": list(merged), "data": [b"".join(data) for data in merged.values()]}
    tx.execute(ADD_POSTINGS, {"organization_id": organization_id, "first": first, **rows})


def remove_all(tx: Transaction, organization_id: str) -> None:
    """Drops all postings of an organization that is about to go; all else goes with its row."""
    tx.execute(DROP_ALL_POSTINGS, {"organization_id": organization_id})


def remove(tx: Transaction, organization_id: str, gone: Mapping[int, bytes]) -> None:
    """Takes documents out of the postings, given by number with their entries. Unsorted ones are in none."""
    for segment in segments(tx, organization_id):
        inside = {number: entry for number, entry in gone.items() if segment.first <= number <= segment.last}
        if not inside:
            continue
        terms = np.unique(np.concatenate([terms_of(entry) for entry in inside.values()])).tolist()
        offsets = np.array(sorted(inside), np.int64) - segment.first
        of = {"organization_id": organization_id, "first": segment.first}
        changed: dict[int, bytes] = {}
        empty: list[int] = []
        for term, data in tx.query(POSTINGS_OF_TERMS, {**of, "terms": terms}):
            postings = np.frombuffer(data, POSTING)
            kept = postings[~np.isin(postings["offset"], offsets)]
            if len(kept):
                changed[term] = kept.tobytes()
            else:
                empty.append(term)
        if changed:
            tx.execute(CHANGE_POSTINGS, {**of, "terms": list(changed), "data": list(changed.values())})
        if empty:
            tx.execute(DROP_POSTINGS, {**of, "terms": empty})
