"""The keyword leg: BM25 of each memory, and the same with its neighbours in the conversation as context.

The weight of a term t is idf = ln(1 + (N - df + 0.5) / (df + 0.5)) over the organization's live memories, its
saturation in a memory c / (c + k1 (1 - b + b length / mean length)), with k1 = 1.2 and b = 0.4 (Robertson and
Zaragoza 2009; b chosen on LoCoMo, where it beat 0.75 by half a point). The sum over the query's terms is divided
by the sum of their weights, so that it is 0..1 whatever the query: 1 could only be reached by a memory that
repeats every term endlessly.

In context, each term counts as much as the best of what the memory itself offers and what a near neighbour
offers, damped by distance: the question before an answer supplies the topic the answer leaves out.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from polymem.storage.search.analysis import QueryTerms
from polymem.storage.search.columns import Bools, Floats, Rows
from polymem.storage.search.masks import Admitted
from polymem.storage.search.picking import top
from polymem.storage.search.snapshot import Snapshot

K1 = 1.2
B = 0.4

BEFORE = (0.5, 0.3, 0.15)
"""What a term in the memory 1, 2, 3 places earlier in the conversation counts."""

AFTER = (0.25, 0.1)
"""The same for 1, 2 places later."""

MOST_TERMS = 128
"""Only so many of a query's terms are looked up, the rarest: a pasted page is no question."""

_OFFERS = 4_000_000
"""Numbers in the table of what each row offers of each term (16 MB), if there are so many rows and terms."""

_WEIGHTS = np.array((1.0, *BEFORE, *AFTER), np.float32)[:, None]


class _Term(NamedTuple):
    """A term of the query: its weight, and the rows (no two equal) that contain it, how saturated."""

    idf: float
    rows: Rows
    saturation: Floats


class KeywordScores:
    """The scores of one query over what a scope and filter admit."""

    def __init__(self, snapshot: Snapshot, query: QueryTerms, admitted: Admitted) -> None:
        self._snapshot = snapshot
        self._admitted = admitted
        self._terms, self._total, self._names = _weighted(snapshot, query, admitted.within)
        places = snapshot.columns.capacity + 1
        self._own = np.zeros(places, np.float32)
        for term in self._terms:
            self._own[term.rows] += term.idf * term.saturation
        self._context = np.full(places, np.nan, np.float32)
        self._coverage = np.zeros(places, np.float32)
        at_once = max(1, _OFFERS // places)
        self._groups = [self._terms[start : start + at_once] for start in range(0, len(self._terms), at_once)]
        self._offers: npt.NDArray[np.float32] | None = None

    def best(self, depth: int) -> Rows:
        """The `depth` rows with the highest score of their own, best first; no row without any."""
        arrival, rows = self._snapshot.columns.arrival, self._admitted.rows
        if rows is not None:
            return top(self._own[rows], rows, depth, arrival, above=0.0)
        mask = self._admitted.mask
        return top(self._own[: len(mask)] * mask, None, depth, arrival, above=0.0)

    def best_in_context(self, depth: int, best: Rows) -> Rows:
        """The `depth` rows with the highest score in context, best first. `best` are those without context:
        nothing below the last of them can be among the best."""
        least = self._own[best[-1]] if len(best) == depth else np.float32(0)
        rows, bounds = self._bounded(least)
        if len(rows) > 4 * depth:
            # What the best by their bounds really reach, no row whose bound is lower can beat.
            promising = np.argpartition(bounds, len(rows) - 2 * depth)[len(rows) - 2 * depth :]
            self._score(rows[promising])
            reached = self._context[rows[promising]]
            rows = rows[bounds >= np.partition(reached, len(reached) - depth)[len(reached) - depth]]
        self._score(rows)
        return top(self._context[rows], rows, depth, self._snapshot.columns.arrival, above=0.0)

    def rank(self, row: int) -> int | None:
        """The place of a row by its own score, counted from 1; None without any."""
        own = self._own[row]
        return 1 + int(np.count_nonzero(self._own[self._admitted.numbers()] > own)) if own > 0 else None

    def named(self, rows: Rows) -> Floats:
        """The share of the query's names that each row contains as they are written, 0..1."""
        shares = np.zeros(len(self._own), np.float32)
        for with_name in self._names:
            shares[with_name] += 1 / len(self._names)
        return shares[rows]

    def signals(self, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """Own score, score in context and coverage of the query's terms, each 0..1."""
        self._score(rows)
        total = np.float32(self._total or 1.0)
        return self._own[rows] / total, self._context[rows] / total, self._coverage[rows] / total

    def _bounded(self, least: np.float32) -> tuple[Rows, Floats]:
        """The rows that may reach the score `least` in context, and a bound none can exceed.

        The best of several offers is at most their sum, and sums over terms are known already.
        """
        columns, own, rows = self._snapshot.columns, self._own, self._admitted.rows
        sides = ((columns.previous, BEFORE), (columns.following, AFTER))
        if rows is not None:
            bounds = own[rows]
            for links, weights in sides:
                near = rows
                for weight in weights:
                    near = links[near]
                    bounds += weight * own[near]
        else:
            bounds = own.copy()
            for links, weights in sides:
                offered = own
                for weight in weights:
                    offered = offered.take(links)
                    bounds += weight * offered
            bounds = bounds[: len(self._admitted.mask)] * self._admitted.mask
        # Sums in another order may differ in the last digits, so the bar is a little lower.
        able = np.flatnonzero((bounds >= least * np.float32(0.9999)) & (bounds > 0))
        return (able if rows is None else rows[able]), bounds[able] * np.float32(1.0001)

    def _score(self, rows: Rows) -> None:
        """Compute context and coverage of those rows that lack them."""
        rows = rows[np.isnan(self._context[rows])]
        if not len(rows):
            return
        around = self._around(rows)
        weights = _WEIGHTS[: len(around)]
        context, coverage = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
        for group in self._groups:
            seen = self._offered(group).take(around, axis=1)
            best = (seen * weights).max(axis=1)
            # Term by term: a product of matrices may round one row differently from the next.
            for term, own, reached in zip(group, seen[:, 0], best, strict=True):
                coverage += np.float32(term.idf) * (own > 0)
                context += term.idf * reached
        self._context[rows] = context
        self._coverage[rows] = coverage

    def _offered(self, group: list[_Term]) -> Floats:
        """The saturation of each of these terms in every row, 0 where a row lacks it."""
        if self._offers is None or len(self._groups) > 1:
            self._offers = np.zeros((len(group), len(self._own)), np.float32)
            for offered, term in zip(self._offers, group, strict=True):
                offered[term.rows] = term.saturation
        return self._offers

    def _around(self, rows: Rows) -> npt.NDArray[np.intp]:
        """Each row (first line) with its neighbours, in the order of the weights."""
        if not self._snapshot.conversations:
            return rows[None, :]
        columns = self._snapshot.columns
        around = [rows]
        for links, weights in ((columns.previous, BEFORE), (columns.following, AFTER)):
            near = rows
            for _ in weights:
                near = links[near]
                around.append(near)
        return np.stack(around)


def _weighted(snapshot: Snapshot, query: QueryTerms, within: Bools) -> tuple[list[_Term], float, list[Rows]]:
    """The query's terms that some memory contains, the summed weight of all that count, and the rows of each name."""
    statistics = snapshot.statistics
    every_row_lives = snapshot.live == snapshot.size
    all_admitted = int(np.count_nonzero(within)) == snapshot.live
    found: dict[int, tuple[int, Rows, Floats]] = {}
    for id_, (rows, counts) in zip(query.ids, snapshot.postings.lookup(query.ids, snapshot.size), strict=True):
        if statistics is not None:
            frequency = statistics.frequencies.get(id_, 0)
        else:
            frequency = len(rows) if every_row_lives else int(np.count_nonzero(snapshot.alive[rows]))
        if not (every_row_lives and all_admitted):
            admitted = within[rows]
            rows, counts = rows[admitted], counts[admitted]
        found[id_] = (frequency, rows, counts)
    documents, words = snapshot.live, snapshot.total_length
    if statistics is not None:
        documents, words = statistics.documents, statistics.words
    mean_length = words / max(1, documents)
    terms, total = [], 0.0
    for id_ in counted_terms(query, {id_: frequency for id_, (frequency, _, _) in found.items()}):
        frequency, rows, counts = found[id_]
        weight = idf(documents, frequency)
        total += weight
        if len(rows):
            lengths = snapshot.columns.length[rows].astype(np.float32)
            terms.append(_Term(weight, rows, saturation(counts, lengths, mean_length)))
    return terms, total, [found[id_][1] for id_ in query.names if id_ in found]


def idf(documents: int, frequency: int) -> float:
    """The weight of a term that `frequency` of so many documents contain."""
    return math.log1p((documents - frequency + 0.5) / (frequency + 0.5))


def saturation(counts: Floats, lengths: Floats, mean_length: float) -> Floats:
    """How much a term counts, 0..1, in texts of so many words that contain it so often. Changes `lengths`."""
    lengths *= K1 * B / (mean_length or 1.0)
    lengths += K1 * (1 - B)
    lengths += counts
    saturated: Floats = counts / lengths
    return saturated


def counted_terms(query: QueryTerms, frequencies: dict[int, int]) -> list[int]:
    """The terms that count: of the forms of one written name only those known, or one if none is."""
    known = {group for id_, group in zip(query.ids, query.groups, strict=True) if frequencies[id_]}
    counted = []
    for id_, group in zip(query.ids, query.groups, strict=True):
        if group < 0 or frequencies[id_]:
            counted.append(id_)
        elif group not in known:
            known.add(group)
            counted.append(id_)
    if len(counted) > MOST_TERMS:
        counted.sort(key=lambda id_: (not frequencies[id_], frequencies[id_], id_))
        counted = sorted(counted[:MOST_TERMS])
    return counted
