"""Exact similarity over many vectors: float32 while they are few, signs and float16 when they are many.

Up to `FLOAT32_VECTORS` every vector stands in memory as float32 and a query is compared with all of them. Beyond
that the vectors are kept as float16 with one sign bit per dimension beside them: the Hamming distance of the signs
picks a generous number of vectors, and only these are compared exactly. With more vectors than may stay resident,
the float16 rows are left out too and the caller reads them again.

`np.vecdot` is used rather than `@`: as fast here, on one thread, and a vector's similarity does not depend on
where in the matrix it stands, so the same memories give the same ranking however they arrived.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from polymem.storage.search.columns import Bools, Floats, Rows

FLOAT32_VECTORS = 32_768
"""Most vectors kept as float32: 48 MiB of 384 dimensions, compared in about a millisecond."""

BLOCK = 8192
"""Vectors in one block of memory. Appending never moves a full block."""

_Half = npt.NDArray[np.int16]
_Bits = npt.NDArray[np.uint64]

_HALF_TO_FLOAT = np.float32(2.0**112)
_HALF_BITS = np.int32(-0x70002000)


def to_float32(half: npt.NDArray[np.int16]) -> Floats:
    """float16 values, given as their bits, as float32. Five times as fast as numpy's own conversion.

    The sign and the other 15 bits move to their float32 places; multiplying by 2^112 corrects the bias of
    the exponent and makes subnormals right. Infinities and NaN, which no embedding has, are not.
    """
    bits = half.astype(np.int32)
    bits <<= 13
    bits &= _HALF_BITS
    floats = bits.view(np.float32)
    floats *= _HALF_TO_FLOAT
    return floats


def best_of_each(similarities: Floats, counts: npt.NDArray[np.int32]) -> Floats:
    """The largest of each run of `counts[i]` (at least one) similarities."""
    starts = np.append(0, np.cumsum(counts[:-1]))
    best: Floats = np.maximum.reduceat(similarities, starts)
    return best


class Form(StrEnum):
    """How the vectors are kept, which depends on how many there are."""

    FLOATS = "float32"
    HALVES = "float16 and signs"
    SIGNS = "signs alone"


@dataclass(frozen=True, slots=True)
class VectorsView:
    """What a reader works on: the first `count` vectors. `owners[i]` is the row of vector i; `single` says
    that no row that has vectors has more than one."""

    form: Form
    count: int
    owners: npt.NDArray[np.int32]
    single: bool
    floats: tuple[Floats, ...] = ()
    halves: tuple[_Half, ...] = ()
    signs: tuple[_Bits, ...] = ()

    def all_similarities(self, query: Floats) -> Floats:
        """The similarity of every vector; only while all are float32."""
        similarities = np.empty(self.count, np.float32)
        for start, block in zip(range(0, self.count, BLOCK), self.floats, strict=False):
            end = min(start + BLOCK, self.count)
            np.vecdot(block[: end - start], query, out=similarities[start:end])
        return similarities

    def similarities(self, vectors: Rows, query: Floats) -> Floats:
        """The exact similarity of these vectors (ascending)."""
        similarities = np.empty(len(vectors), np.float32)
        start = 0
        for number, places in _by_block(vectors):
            end = start + len(places)
            if self.form is Form.FLOATS:
                some = self.floats[number].take(places, axis=0)
            else:
                some = to_float32(self.halves[number].take(places, axis=0))
            np.vecdot(some, query, out=similarities[start:end])
            start = end
        return similarities

    def halves_of(self, vectors: Rows) -> _Half:
        """The float16 values of these vectors; not while only signs are kept."""
        if self.form is Form.FLOATS:
            parts = [
                self.floats[number].take(places, axis=0).astype(np.float16).view(np.int16)
                for number, places in _by_block(vectors)
            ]
        else:
            parts = [self.halves[number].take(places, axis=0) for number, places in _by_block(vectors)]
        return np.concatenate(parts)

    def signs_of(self, vectors: Rows) -> _Bits:
        """The sign bits of these vectors; not while they are float32."""
        return np.concatenate([self.signs[number].take(places, axis=1).T for number, places in _by_block(vectors)])

    def estimates(self, vectors: Rows, query: Floats) -> Floats:
        """The similarities as far as the signs tell them: cos(pi h / d) for h of d signs that differ."""
        differing = np.bitwise_count(self.signs_of(vectors) ^ _signs(query[None, :])).sum(axis=1, dtype=np.int32)
        estimated: Floats = np.cos(np.pi * differing / len(query)).astype(np.float32)
        return estimated

    def nearest(self, query: Floats, allowed: Bools | None, wanted: int) -> Rows:
        """At least `wanted` of the allowed vectors (all, if they are fewer): those whose signs differ least."""
        distances = np.empty(self.count, np.uint16)
        signs = _signs(query[None, :]).T
        for start, block in zip(range(0, self.count, BLOCK), self.signs, strict=False):
            end = min(start + BLOCK, self.count)
            differing = np.bitwise_count(block[:, : end - start] ^ signs)
            np.sum(differing, axis=0, dtype=np.uint16, out=distances[start:end])
        farthest = len(query) + 1
        if allowed is not None:
            np.copyto(distances, farthest, where=~allowed)
        reached = np.cumsum(np.bincount(distances, minlength=farthest + 1)[:farthest])
        return np.flatnonzero(distances <= min(int(np.searchsorted(reached, wanted)), farthest - 1))


class Vectors:
    """The writer's side. At most `resident` vectors are kept whole; with more, only their signs."""

    def __init__(self, dimensions: int, *, float32_vectors: int, resident: int) -> None:
        self._dimensions = dimensions
        self._float32_vectors = min(float32_vectors, resident)
        self._resident = resident
        self._form = Form.FLOATS
        self._count = 0
        self._single = True
        self._owners = np.empty(0, np.int32)
        self._floats: list[Floats] = []
        self._halves: list[_Half] = []
        self._signs: list[_Bits] = []

    def view(self) -> VectorsView:
        """What has been added so far."""
        return VectorsView(
            self._form,
            self._count,
            self._owners,
            self._single,
            tuple(self._floats),
            tuple(self._halves),
            tuple(self._signs),
        )

    def add(self, entries: Sequence[bytes], rows: Rows, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Append the float16 vectors of `rows`, `counts` of each; returns where those of each row begin."""
        half = np.frombuffer(b"".join(entries), np.int16).reshape(-1, self._dimensions)
        first = self._own(rows, counts)
        for start in range(0, len(half), BLOCK):
            self._append(half[start : start + BLOCK])
        return first

    def add_from(
        self, view: VectorsView, vectors: Rows, rows: Rows, counts: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """The same with vectors of a view (of an index with the same limits) instead of entries."""
        first = self._own(rows, counts)
        for start in range(0, len(vectors), BLOCK):
            some = vectors[start : start + BLOCK]
            if view.form is Form.SIGNS and self._form is Form.SIGNS:
                self._append_signs(view.signs_of(some))
            else:
                self._append(view.halves_of(some))
        return first

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors held; room set aside for more is not counted until it is used."""
        signs = 8 * _words(self._dimensions)
        each = {
            Form.FLOATS: 4 * self._dimensions,
            Form.HALVES: 2 * self._dimensions + signs,
            Form.SIGNS: signs,
        }
        return self._count * each[self._form] + self._owners.nbytes

    def _own(self, rows: Rows, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Note whose the next vectors are, and take on the form in which that many are kept."""
        ends = self._count + np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else self._count
        if total > len(self._owners):
            owners = np.empty(max(total, len(self._owners) * 3 // 2, 64), np.int32)
            owners[: self._count] = self._owners[: self._count]
            self._owners = owners
        self._owners[self._count : total] = np.repeat(rows, counts)
        self._single = self._single and bool((counts == 1).all())
        if total > self._resident:
            self._take_form(Form.SIGNS)
        elif total > self._float32_vectors:
            self._take_form(Form.HALVES)
        return ends - counts

    def _take_form(self, form: Form) -> None:
        if form is self._form:
            return
        # Readers keep the old blocks through their view. The vectors came from float16: nothing is lost.
        floats, count = self._floats, self._count
        self._form = form
        self._floats = []
        if form is Form.SIGNS:
            self._halves = []
        if floats:
            self._count = 0
            for number, block in enumerate(floats):
                self._append(block[: count - number * BLOCK].astype(np.float16).view(np.int16))

    def _append(self, half: _Half) -> None:
        match self._form:
            case Form.FLOATS:
                _write(self._floats, self._count, to_float32(half))
                self._count += len(half)
            case Form.HALVES:
                _write(self._halves, self._count, half)
                self._append_signs(_signs(half))
            case Form.SIGNS:
                self._append_signs(_signs(half))

    def _append_signs(self, signs: _Bits) -> None:
        _write(self._signs, self._count, signs, across=True)
        self._count += len(signs)


def _by_block(vectors: Rows) -> Iterator[tuple[int, Rows]]:
    """Ascending vector numbers as block numbers with the places inside."""
    if not len(vectors):
        return
    last = int(vectors[-1]) // BLOCK
    bounds = np.searchsorted(vectors, np.arange(0, (last + 2) * BLOCK, BLOCK)).tolist()
    for number, (start, end) in enumerate(pairwise(bounds)):
        if start < end:
            yield number, vectors[start:end] - number * BLOCK


def _words(dimensions: int) -> int:
    return -(-dimensions // 64)


def _signs(vectors: npt.NDArray[Any]) -> _Bits:
    """One bit for each dimension, set where the value is positive: an array of vectors by 64-bit words."""
    packed = np.zeros((len(vectors), 8 * _words(vectors.shape[1])), np.uint8)
    bits = np.packbits(vectors > 0, axis=1)
    packed[:, : bits.shape[1]] = bits
    return packed.view(np.uint64)


def _write(blocks: list[Any], at: int, values: npt.NDArray[Any], across: bool = False) -> None:
    """Put `values` behind the first `at`, in new blocks as needed. `across` stores each column together."""
    done = 0
    while done < len(values):
        number, start = divmod(at + done, BLOCK)
        some = values[done : done + BLOCK - start]
        end = start + len(some)
        if number == len(blocks):
            # The first block grows, so that a small organization takes little.
            blocks.append(_block(max(64, end) if number == 0 else BLOCK, values, across))
        room = blocks[number].shape[1 if across else 0]
        if end > room:
            larger = _block(min(BLOCK, max(end, 2 * room)), values, across)
            if across:
                larger[:, :start] = blocks[number][:, :start]
            else:
                larger[:start] = blocks[number][:start]
            blocks[number] = larger
        if across:
            blocks[number][:, start:end] = some.T
        else:
            blocks[number][start:end] = some
        done += len(some)


def _block(size: int, values: npt.NDArray[Any], across: bool) -> npt.NDArray[Any]:
    width = values.shape[1]
    return np.empty((width, size) if across else (size, width), values.dtype)
