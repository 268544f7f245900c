"""Late interaction: how well each token of a query is matched by some token of a memory (MaxSim).

For a query token k and a memory j, m_k(j) is the largest cosine between k and any token of j; a memory's match is the
sum of w_k m_k(j) over the query's tokens, as in ColBERT (Khattab and Zaharia 2020), but with weights: w_k is the
rarity ln(1 + N / (1 + df)) of the word the token belongs to, as in BM25, divided by the sum of all. Tokens are kept as
`ports.Embedding` packs them: without a weight, 4 bits for a value, which costs no measurable quality (docs/recall.md).

In a conversation each query token may instead be matched by a near neighbour, at a discount, so that one turn may
supply the name and the question before it the topic. Pure functions on arrays: whatever finds the candidates and
their neighbours, this is how they are compared.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from polymem.storage.search.columns import Floats

Places = npt.NDArray[np.intp]

BEFORE = (0.9, 0.8, 0.7, 0.6)
"""What a match in the memory 1, 2, 3, 4 places earlier in the conversation counts."""

AFTER = (0.8, 0.7, 0.6)
"""The same for 1, 2, 3 places later."""

DISCOUNTS = np.array((1.0, *BEFORE, *AFTER), np.float32)
"""Of a memory and its neighbours, in the order in which `in_context` wants their places."""

_BLOCK = 200_000
"""Multiplications done at once: OpenBLAS begins to use threads above 262,144."""

_ZERO = 8
"""The packed form of 0."""


def rarity(frequency: int, memories: int) -> float:
    """The weight of a word that `frequency` of so many memories contain: ln(1 + N / (1 + df))."""
    return math.log1p(memories / (1 + frequency))


def best_matches(query: Floats, packed: Sequence[bytes]) -> Floats:
    """m_k(j) for each memory (rows) and query token (columns); NaN for a memory without tokens.

    `query` holds unit rows, `packed` each memory's tokens in the same space.
    """
    matches = np.full((len(packed), len(query)), np.nan, np.float32)
    width = query.shape[1] // 2
    counts = [len(tokens) // width for tokens in packed]
    there = [place for place, count in enumerate(counts) if count]
    if there:
        ends = list(accumulate(counts))
        starts = [ends[place] - counts[place] for place in there]
        matches[there] = np.maximum.reduceat(_cosines(query, b"".join(packed)), starts, axis=0)
    return matches


def _cosines(query: Floats, packed: bytes) -> Floats:
    """The cosine of each packed token (rows) and each query token (columns)."""
    turned = np.ascontiguousarray(query.T)
    pairs = np.frombuffer(packed, np.uint8).reshape(-1, query.shape[1] // 2)
    cosines = np.empty((len(pairs), len(query)), np.float32)
    # By blocks: they stay in the processor's cache, and a product this small is not spread over threads, which would
    # wait for each other on a busy machine.
    block = max(1, _BLOCK // query.size)
    for start in range(0, len(pairs), block):
        values = unpacked(pairs[start : start + block], query.shape[1])
        lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
        np.matmul(values, turned, out=cosines[start : start + block])
        cosines[start : start + block] /= np.maximum(lengths, 1.0)[:, None]
    return cosines


def own_match(matches: Floats, weights: Floats) -> Floats:
    """The match of each memory by its own tokens, NaN where it has none."""
    return np.asarray(matches @ weights, np.float32)


def in_context(matches: Floats, around: Places, weights: Floats) -> Floats:
    """The match of some memories with their neighbours', NaN where a memory has no tokens of its own.

    `around[d]` are the places in `matches` of the d-th neighbour of each, in the order of `DISCOUNTS` (the first is
    the memory itself), -1 for none.
    """
    # One more row, which -1 leads to: no neighbour matches nothing.
    reach = np.concatenate((np.nan_to_num(matches, nan=0.0), np.zeros((1, matches.shape[1]), np.float32)))
    best = (reach[around] * DISCOUNTS[: len(around), None, None]).max(axis=0)
    own = matches[around[0]]
    return np.asarray(np.where(np.isnan(own[:, 0]), np.nan, np.maximum(best, own) @ weights), np.float32)


def unpacked(pairs: npt.NDArray[np.uint8], dimensions: int) -> Floats:
    """The values of packed tokens, one row for each, not brought to length 1."""
    values: Floats = _values().take(pairs.ravel(), axis=0).reshape(-1, dimensions)
    return values


@cache
def _values() -> Floats:
    # The two values of each possible byte.
    numbers = np.arange(256)
    return (np.stack((numbers & 15, numbers >> 4), axis=1) - _ZERO).astype(np.float32)
