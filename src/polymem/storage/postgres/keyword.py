"""The keyword leg: the memories with the highest BM25, from the postings, of what scope and filter admit.

The same formula, terms and statistics as in `storage.search.keyword`, so both databases rank alike. All documents
that contain a term are scored before anything is cut; which of them are admitted the database is asked, best first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polymem.storage.backend import Transaction
from polymem.storage.filters import Predicate
from polymem.storage.postgres.following import State
from polymem.storage.postgres.postings import Found, Ids, lookup
from polymem.storage.search import Statistics
from polymem.storage.search.analysis import QueryTerms, analyse_query
from polymem.storage.search.keyword import counted_terms, idf, saturation

_DENSE_NUMBERS = 16_000_000
"""Up to this range of document numbers scores are summed in an array of that length."""

_SELECTIVE = 8
"""A filter that admits fewer than one in so many is asked for all it admits, and not again and again for the best."""

ADMITTED_DOCUMENTS = """
SELECT d.document, d.memory_id FROM search_documents d
JOIN memories m ON m.organization_id = d.organization_id AND m.id = d.memory_id
WHERE d.organization_id = :organization_id AND {where}"""

ADMITTED_OF_DOCUMENTS = f"{ADMITTED_DOCUMENTS} AND d.document = ANY (CAST(:documents AS bigint[]))"


@dataclass(frozen=True, slots=True)
class Scored:
    """The documents that contain any of a query's terms, best first (of equal ones the latest), and their scores."""

    documents: Ids
    scores: npt.NDArray[np.float32]
    statistics: Statistics


def score(tx: Transaction, organization_id: str, text: str | None, more: Iterable[int], state: State) -> Scored:
    """BM25 of all that contains a term of `text`; the statistics tell of the terms `more`, too."""
    query = QueryTerms((), ()) if text is None else analyse_query(text)
    ids = tuple(dict.fromkeys((*query.ids, *more)))
    found = lookup(tx, organization_id, ids) if ids else {}
    frequencies = {id_: len(found[id_].documents) if id_ in found else 0 for id_ in ids}
    statistics = Statistics(state.documents, state.words, frequencies)
    counted = [id_ for id_ in counted_terms(query, frequencies) if id_ in found]
    weighted = [(idf(state.documents, frequencies[id_]), found[id_]) for id_ in counted]
    if not weighted:
        return Scored(np.empty(0, np.int64), np.empty(0, np.float32), statistics)
    documents, scores = _summed(weighted, state.words / max(1, state.documents))
    order = np.lexsort((documents, scores))[::-1]
    return Scored(documents[order], scores[order], statistics)


def _summed(weighted: list[tuple[float, Found]], mean: float) -> tuple[Ids, npt.NDArray[np.float32]]:
    offered = [np.float32(weight) * saturation(term.counts, term.lengths, mean) for weight, term in weighted]
    low = min(int(term.documents.min()) for _, term in weighted)
    high = max(int(term.documents.max()) for _, term in weighted)
    if high - low >= _DENSE_NUMBERS:
        numbers, places = np.unique(np.concatenate([term.documents for _, term in weighted]), return_inverse=True)
        return numbers, np.bincount(places, np.concatenate(offered)).astype(np.float32)
    sums = np.zeros(high - low + 1, np.float32)
    for (_, term), values in zip(weighted, offered, strict=True):
        sums[term.documents - low] += values
    hit = np.flatnonzero(sums)
    return hit + low, sums[hit]


def best(tx: Transaction, where: Predicate, scored: Scored, depth: int, considered: int, documents: int) -> list[str]:
    """The ids of the `depth` best that are admitted, best first. `considered` of so many documents are."""
    if considered * _SELECTIVE < documents:
        admitted: dict[int, str] = dict(tx.query(ADMITTED_DOCUMENTS.format(where=where.sql), where.params))
        numbers = scored.documents[np.isin(scored.documents, np.fromiter(admitted, np.int64, len(admitted)))]
        return [admitted[number] for number in numbers[:depth].tolist()]
    found: list[str] = []
    start, step = 0, depth if considered == documents else 2 * depth
    while start < len(scored.documents) and len(found) < depth:
        some = scored.documents[start : start + step].tolist()
        params = {**where.params, "documents": some}
        admitted = dict(tx.query(ADMITTED_OF_DOCUMENTS.format(where=where.sql), params))
        found += [admitted[number] for number in some if number in admitted]
        start, step = start + step, 2 * step
    return found[:depth]


def rank(tx: Transaction, where: Predicate, scored: Scored, memory_id: str) -> int | None:
    """The place of a memory among all that is admitted, counted from 1; None if it contains no term."""
    admitted = {id_: number for number, id_ in tx.query(ADMITTED_DOCUMENTS.format(where=where.sql), where.params)}
    own = np.flatnonzero(scored.documents == admitted.get(memory_id, -1))
    if not len(own):
        return None
    better = scored.documents[scored.scores > scored.scores[own[0]]]
    return 1 + int(np.isin(better, np.fromiter(admitted.values(), np.int64, len(admitted))).sum())
