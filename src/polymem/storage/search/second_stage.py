"""The second stage: from all candidates the best by the first, compared once more token by token.

The first stage is the plain sum of similarity of meaning and match of words, both in context. Cutting at 100 by it
loses nothing measurable of what the second stage would find (docs/recall.md).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from polymem.core.ports import TokenSpace
from polymem.storage.search.analysis import analyse_query
from polymem.storage.search.columns import Bools, Floats, Rows
from polymem.storage.search.late_interaction import AFTER, BEFORE, best_matches, in_context, own_match, rarity
from polymem.storage.search.snapshot import Snapshot

FetchTokens = Callable[[Mapping[str, int]], Mapping[str, bytes]]
"""Reads the packed tokens of memories (id → the `seq` of the state meant). Those without any may be left out."""


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """A query's token vectors with the weight of each; the weights sum to 1."""

    rows: Floats
    weights: Floats


def token_query(tokens: bytes, words: Sequence[str], space: TokenSpace, snapshot: Snapshot) -> TokenQuery | None:
    """The query's tokens, weighted by the rarity of their words in the organization. None where there are none.

    Raises ValueError when the bytes are not one row of the space's dimensions for each word.
    """
    rows = np.frombuffer(tokens, "<f4")
    if len(rows) != len(words) * space.dimensions:
        raise ValueError(f"{len(rows)} numbers are not {len(words)} tokens of {space.dimensions} dimensions.")
    if not words:
        return None
    terms = {word: analyse_query(word).ids for word in dict.fromkeys(words)}
    ids = list(dict.fromkeys(id_ for of_word in terms.values() for id_ in of_word))
    memories, frequencies = snapshot.live, dict[int, int]()
    if snapshot.statistics is None:
        found = snapshot.postings.lookup(ids, snapshot.size)
        frequencies = {id_: len(places) for id_, (places, _) in zip(ids, found, strict=True)}
    else:
        memories = snapshot.statistics.documents
        frequencies = {id_: snapshot.statistics.frequencies.get(id_, 0) for id_ in ids}
    weights = to_weights(words, {word: [frequencies[id_] for id_ in terms[word]] for word in terms}, memories)
    return TokenQuery(rows.reshape(len(words), space.dimensions), weights)


def to_weights(words: Sequence[str], frequencies: Mapping[str, Sequence[int]], memories: int) -> Floats:
    """The weight of each token, whose word `words` names: the rarity of the word, shared by its tokens.

    `frequencies` says how many memories contain each term of a word; the rarest counts, and a word of no term is as
    common as can be.
    """
    tokens = Counter(words)
    weights = np.array(
        [rarity(min(frequencies[word], default=memories), memories) / tokens[word] for word in words], np.float32
    )
    normalised: Floats = weights / weights.sum()
    return normalised


def first_stage(meaning: Floats, words: Floats) -> Floats:
    """The sum of both legs in context; a leg that says nothing of a memory counts 0."""
    summed: Floats = np.nan_to_num(meaning, nan=0.0) + words
    return summed


def token_signals(
    snapshot: Snapshot, rows: Rows, within: Bools, query: TokenQuery, fetch: FetchTokens
) -> tuple[Floats, Floats]:
    """The match of each row by its own tokens and in context, NaN where a row has none. `within` admits neighbours."""
    around = neighbours(snapshot, rows, within)
    wanted, places = np.unique(around, return_inverse=True)
    places = places.reshape(around.shape)
    if len(wanted) and wanted[0] < 0:
        wanted, places = wanted[1:], places - 1
    ids = [snapshot.memory_ids[row] for row in wanted.tolist()]
    seqs = snapshot.columns.seq[wanted].tolist()
    fetched = fetch(dict(zip(ids, seqs, strict=True)))
    matches = best_matches(query.rows, [fetched.get(id_) or b"" for id_ in ids])
    return own_match(matches[places[0]], query.weights), in_context(matches, places, query.weights)


def neighbours(snapshot: Snapshot, rows: Rows, within: Bools) -> Rows:
    """Each row (first line) with its neighbours within, in the order of `late_interaction.DISCOUNTS`; -1 for none."""
    if not snapshot.conversations:
        return rows[None, :]
    columns = snapshot.columns
    around = [rows]
    for links, discounts in ((columns.previous, BEFORE), (columns.following, AFTER)):
        near = rows
        for _ in discounts:
            near = links[near]
            # A link may already lead to a row newer than this snapshot.
            near = np.where(near < snapshot.size, near, -1)
            around.append(np.where((near >= 0) & within[near], near, -1))
    return np.stack(around)
