"""One search: the scope's and filter's mask, the two legs, their union, the second stage, and every signal of each
candidate."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from polymem.core.people import Scope
from polymem.core.ports import Candidate, CandidateQuery, Candidates, EmbeddingModel
from polymem.storage.search.analysis import analyse_query
from polymem.storage.search.columns import NO_CODE, Floats, Rows
from polymem.storage.search.dense import DenseScores, FetchVectors
from polymem.storage.search.keyword import KeywordScores
from polymem.storage.search.masks import Admitted, admit, split_filter
from polymem.storage.search.picking import distinct
from polymem.storage.search.second_stage import (
    FetchTokens,
    TokenQuery,
    first_stage,
    token_query,
    token_signals,
)
from polymem.storage.search.snapshot import EPOCH, Snapshot
from polymem.storage.search.speakers import NamedSpeakers

_WITH_NEIGHBOURS = 8
"""Of so many best rows of the dense leg the neighbours become candidates too …"""

_NEIGHBOUR_DISTANCE = 2
"""… up to so many places away: what stands beside a good match is often the answer."""


def find(
    snapshot: Snapshot,
    model: EmbeddingModel | None,
    scope: Scope,
    query: CandidateQuery,
    allowed_ids: Collection[str] | None,
    fetch: FetchVectors | None,
    fetch_tokens: FetchTokens | None,
) -> Candidates:
    """The union of both legs' best (see `OrganizationIndex.search`)."""
    own, rest = split_filter(query.filter)
    if rest and allowed_ids is None:
        raise ValueError("allowed_ids must be given for a filter that the index cannot evaluate alone.")
    admitted = admit(snapshot, scope, own, allowed_ids)
    if not admitted.count:
        return Candidates([], 0)

    dense = _dense(snapshot, model, query, admitted, fetch)
    keyword = KeywordScores(snapshot, analyse_query(query.text), admitted) if query.text is not None else None
    dense_best = dense.best(query.depth) if dense else _NO_ROWS
    keyword_best = keyword.best(query.depth) if keyword else _NO_ROWS
    found = [dense_best, keyword_best]
    if snapshot.conversations:
        if dense:
            found.append(dense.neighbours(dense_best[:_WITH_NEIGHBOURS], _NEIGHBOUR_DISTANCE))
        if keyword:
            found.append(keyword.best_in_context(query.depth, keyword_best))
    included = snapshot.rows.get(query.include, -1) if query.include is not None else -1
    if 0 <= included < snapshot.size and admitted.mask[included]:
        found.append(np.array([included]))
    else:
        included = -1
    rows = distinct(np.concatenate(found))

    dense_ranks = _ranks(dense_best)
    keyword_ranks = _ranks(keyword_best)
    if included >= 0:
        if dense and included not in dense_ranks:
            dense_ranks[included] = dense.rank(included)
        if keyword and included not in keyword_ranks:
            keyword_ranks[included] = keyword.rank(included)
    signals = _signals(rows, dense, keyword)
    tokens = _tokens(snapshot, model, query, fetch_tokens)
    if tokens is not None and fetch_tokens is not None:
        signals = _second_stage(snapshot, signals, query.depth, included, admitted, tokens, fetch_tokens)
    items = _candidates(snapshot, query, signals, dense_ranks, keyword_ranks)
    seen = dense.visible if dense else 0
    return Candidates(items, admitted.count, 0 if query.vector is None else admitted.count - seen)


_NO_ROWS: Rows = np.empty(0, np.intp)


def _dense(
    snapshot: Snapshot,
    model: EmbeddingModel | None,
    query: CandidateQuery,
    admitted: Admitted,
    fetch: FetchVectors | None,
) -> DenseScores | None:
    if query.vector is None or model is None or query.model != model:
        return None
    vector = np.frombuffer(query.vector, "<f4")
    if len(vector) != model.dimensions:
        raise ValueError(f"The query's vector has {len(vector)} dimensions instead of {model.dimensions}.")
    return DenseScores(snapshot, vector, admitted, query.depth, fetch)


def _ranks(best: Rows) -> dict[int, int | None]:
    return {row: rank for rank, row in enumerate(best.tolist(), start=1)}


class _Signals(NamedTuple):
    """What was measured of each of `rows`; NaN for what a row lacks."""

    rows: Rows
    cosine: Floats
    context_cosine: Floats
    keyword: Floats
    context_keyword: Floats
    coverage: Floats
    names: Floats
    first_rank: Rows | None = None
    tokens: Floats | None = None
    context_tokens: Floats | None = None


def _signals(rows: Rows, dense: DenseScores | None, keyword: KeywordScores | None) -> _Signals:
    nothing, zeros = np.full(len(rows), np.nan, np.float32), np.zeros(len(rows), np.float32)
    by_meaning = dense.signals(rows) if dense else (nothing, nothing)
    by_words = (*keyword.signals(rows), keyword.named(rows)) if keyword else (zeros, zeros, zeros, zeros)
    return _Signals(rows, *by_meaning, *by_words)


def _tokens(
    snapshot: Snapshot, model: EmbeddingModel | None, query: CandidateQuery, fetch: FetchTokens | None
) -> TokenQuery | None:
    if not query.words or fetch is None or model is None or model.tokens is None or query.model != model:
        return None
    return token_query(query.tokens, query.words, model.tokens, snapshot)


def _second_stage(
    snapshot: Snapshot,
    signals: _Signals,
    depth: int,
    included: int,
    admitted: Admitted,
    tokens: TokenQuery,
    fetch: FetchTokens,
) -> _Signals:
    """The signals of the `depth` best by the first stage (and of the included one), with those of their tokens."""
    first = first_stage(signals.context_cosine, signals.context_keyword)
    order = np.lexsort((snapshot.columns.arrival[signals.rows], first))[::-1]
    ranks = np.empty(len(order), np.intp)
    ranks[order] = np.arange(1, len(order) + 1)
    chosen = np.flatnonzero((ranks <= depth) | (signals.rows == included))
    rows = signals.rows[chosen]
    own, context = token_signals(snapshot, rows, admitted.within, tokens, fetch)
    return _Signals(
        rows,
        signals.cosine[chosen],
        signals.context_cosine[chosen],
        signals.keyword[chosen],
        signals.context_keyword[chosen],
        signals.coverage[chosen],
        signals.names[chosen],
        ranks[chosen],
        own,
        context,
    )


def _candidates(
    snapshot: Snapshot,
    query: CandidateQuery,
    signals: _Signals,
    dense_ranks: dict[int, int | None],
    keyword_ranks: dict[int, int | None],
) -> list[Candidate]:
    columns, names, rows = snapshot.columns, snapshot.names, signals.rows
    created = [EPOCH + since for since in columns.created_at[rows].view("m8[us]").tolist()]
    updated = created
    if not np.array_equal(columns.created_at[rows], columns.updated_at[rows]):
        updated = [EPOCH + since for since in columns.updated_at[rows].view("m8[us]").tolist()]
    named = NamedSpeakers(query.text or "", names.speakers.names)
    in_conversation = (columns.previous[rows] >= 0) | (columns.following[rows] >= 0)
    listed = rows.tolist()
    nothing: list[Any] = [None] * len(rows)
    # By position and column by column: a third of the time of naming all fields for each.
    return list(
        map(
            Candidate,
            [snapshot.memory_ids[row] for row in listed],
            [None if code == NO_CODE else names.projects.names[code] for code in columns.project[rows].tolist()],
            [names.kinds.names[code] for code in columns.kind[rows].tolist()],
            columns.importance[rows].tolist(),
            columns.weight[rows].tolist(),
            created,
            updated,
            # The stand-in for a missing instant reads as "not a time", which becomes None.
            [None if since is None else EPOCH + since for since in columns.occurred_at[rows].view("m8[us]").tolist()],
            _or_none(signals.cosine),
            _or_none(signals.context_cosine),
            signals.keyword.tolist(),
            signals.context_keyword.tolist(),
            signals.coverage.tolist(),
            [dense_ranks.get(row) for row in listed],
            [keyword_ranks.get(row) for row in listed],
            columns.words[rows].tolist(),
            columns.is_question[rows].tolist(),
            in_conversation.tolist(),
            [code != NO_CODE and named[code] for code in columns.speaker[rows].tolist()],
            nothing if signals.first_rank is None else signals.first_rank.tolist(),
            nothing if signals.tokens is None else _or_none(signals.tokens),
            nothing if signals.context_tokens is None else _or_none(signals.context_tokens),
            signals.names.tolist(),
        )
    )


def _or_none(values: npt.NDArray[np.float32]) -> list[float | None]:
    listed: list[float | None] = values.tolist()
    for place in np.flatnonzero(np.isnan(values)).tolist():
        listed[place] = None
    return listed
