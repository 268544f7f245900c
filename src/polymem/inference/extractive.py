"""Choosing sentences with the local model: relevant ones, each saying something else.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the next sentence is the one with the greatest
λ·relevance − (1−λ)·similarity to what is chosen already. Relevance is the cosine to the query, or to the centre of all
sentences (weighted by their worth) where there is no query, together with shared words and with what was known of each
sentence beforehand. Where there is no embedder, shared words stand for the cosine.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from polymem.core.digest.ports import Chosen
from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedder
from polymem.core.text import words

DIVERSITY = 0.3
"""1 − λ."""

SAME = 0.95
"""Cosine from which two sentences say the same."""

MEANING, WORDS, WORTH = 0.6, 0.25, 0.15
"""What relevance to a query is made of."""

CENTRE, WORTH_ALONE = 0.5, 0.5
"""What relevance is made of where nothing was asked."""

_BYTES = 4
_STOP = frozenset(
    "a an the is are was were be been do does did of to in on at for with by from and or not it its this that what "
    "when where who whom whose which why how i you he she we they my your his her our their me him them us".split()
)

Rows = npt.NDArray[np.float32]


class SentenceExtractor:
    """Implements `ports_chat.Extractor` over any embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def choose(
        self, sentences: Sequence[str], *, query: str | None, most: int, worth: Sequence[float] | None = None
    ) -> list[Chosen]:
        """At most so many sentences, best first."""
        if not sentences or most < 1:
            return []
        rows = await self._rows(sentences, query)
        return await asyncio.to_thread(_choose, sentences, query, most, worth, rows)

    async def _rows(self, sentences: Sequence[str], query: str | None) -> tuple[Rows, Rows | None] | None:
        model = self._embedder.model
        if model is None:
            return None
        try:
            embeddings = await self._embedder.embed_documents(sentences)
            asked = None if query is None else np.frombuffer(await self._embedder.embed_query(query), np.float32)
        except EmbeddingUnavailable:
            return None
        # A sentence is seldom longer than the model's window; of one that is, the first window speaks.
        first = [np.frombuffer(one.vectors[: len(one.vectors) // max(one.count, 1)], np.float32) for one in embeddings]
        return np.stack(first), asked


def _choose(
    sentences: Sequence[str],
    query: str | None,
    most: int,
    worth: Sequence[float] | None,
    rows: tuple[Rows, Rows | None] | None,
) -> list[Chosen]:
    known = np.array(worth if worth is not None else [0.5] * len(sentences), np.float32)
    bags = _bags(sentences)
    vectors, asked = (bags, None) if rows is None else rows
    similarity = np.clip(vectors @ vectors.T, 0.0, 1.0)
    if query is None:
        centre = (vectors * (0.5 + known)[:, None]).sum(axis=0)
        meaning = vectors @ (centre / (float(np.linalg.norm(centre)) or 1.0))
        relevance = CENTRE * np.clip(meaning, 0.0, 1.0) + WORTH_ALONE * known
    else:
        shared = _shared(sentences, query)
        meaning = shared if asked is None else vectors @ asked
        relevance = MEANING * np.clip(meaning, 0.0, 1.0) + WORDS * shared + WORTH * known
    chosen: list[Chosen] = []
    left = list(range(len(sentences)))
    nearest = np.zeros(len(sentences), np.float32)
    while left and len(chosen) < most:
        best = max(left, key=lambda i: ((1 - DIVERSITY) * relevance[i] - DIVERSITY * nearest[i], -i))
        chosen.append(Chosen(best, float(min(1.0, max(0.0, relevance[best])))))
        nearest = np.maximum(nearest, similarity[best])
        left = [i for i in left if i != best and similarity[best][i] < SAME]
    return chosen


def _terms(text: str) -> list[str]:
    return [word for word in words(text) if word not in _STOP]


def _shared(sentences: Sequence[str], query: str) -> Rows:
    # The share of the query's words that each sentence has; rare words weigh more.
    found = [set(_terms(sentence)) for sentence in sentences]
    asked = set(_terms(query))
    weights = {term: math.log(1 + len(sentences) / (1 + sum(term in one for one in found))) for term in asked}
    total = sum(weights.values()) or 1.0
    return np.array([sum(weights[term] for term in asked & one) / total for one in found], np.float32)


def _bags(sentences: Sequence[str]) -> Rows:
    counts = [Counter(_terms(sentence)) for sentence in sentences]
    places = {term: place for place, term in enumerate(sorted({term for one in counts for term in one}))}
    rows = np.zeros((len(sentences), max(1, len(places))), np.float32)
    for row, one in enumerate(counts):
        for term, count in one.items():
            rows[row, places[term]] = 1 + math.log(count)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Rows = (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return unit
