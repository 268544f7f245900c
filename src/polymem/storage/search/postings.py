"""The inverted index: which rows contain a term, and how often.

Like a log-structured merge tree: the newest rows stand in a dict of lists, older ones in immutable sorted
segments that are merged as they accumulate. A reader takes a view (a tuple of segments and a dict) and needs
no lock: segments never change, lists only grow, and the dict of a view is replaced, not emptied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from polymem.storage.search.analysis import HEADER, Terms, is_current
from polymem.storage.search.columns import Rows

Ids = npt.NDArray[np.uint64]
Counts = npt.NDArray[Any]

_RECENT_ROWS = 512
"""Rows that stand in the dict before they become a segment."""

_RECENT_POSTINGS = 32_768
"""The same bound for rows of long texts, in postings."""

_BATCH_ROWS = 256
"""A batch of this many rows becomes a segment at once."""

_FANOUT = 8
"""Neighbouring segments of one tier that are merged into one of the next."""

_TIERS = (_RECENT_ROWS * _FANOUT, _RECENT_ROWS * _FANOUT**2)
"""Rows from which a segment counts as middle and as large; large ones are merged no more, which bounds the
time of one merge (about 0.2 s)."""

Recent = dict[int, list[int]]
"""Term id to row, count, row, count, …"""


@dataclass(frozen=True, slots=True)
class Segment:
    """The postings of term `ids[i]` (ascending) are `rows[starts[i]:starts[i+1]]` with their `counts`."""

    ids: Ids
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    counts: Counts
    span: int

    @classmethod
    def build(cls, ids: Ids, rows: npt.NDArray[np.int32], counts: Counts, span: int) -> "Segment":
        """Sort loose postings. `span` is the number of rows they come from."""
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        firsts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])) if len(ids) else np.empty(0, np.int64)
        counts = counts[order]
        smallest = np.min_scalar_type(int(counts.max())) if len(counts) else np.uint8
        return cls(ids[firsts], np.append(firsts, len(ids)), rows[order], counts.astype(smallest, copy=False), span)

    @classmethod
    def merged(cls, segments: Sequence["Segment"]) -> "Segment":
        """One segment of several, rows of each term in the segments' order."""
        return cls.build(
            np.concatenate([np.repeat(s.ids, np.diff(s.starts)) for s in segments]),
            np.concatenate([s.rows for s in segments]),
            np.concatenate([s.counts for s in segments]),
            sum(s.span for s in segments),
        )

    def renumbered(self, numbers: Rows) -> "Segment":
        """The postings of the rows whose new number is not negative, under that number."""
        rows = numbers[self.rows]
        kept = rows >= 0
        starts = np.append(0, np.cumsum(kept))[self.starts]
        used = np.diff(starts) > 0
        span = int(self.span * np.count_nonzero(kept) / max(1, len(kept)))
        return Segment(
            self.ids[used],
            np.append(starts[:-1][used], starts[-1]),
            rows[kept].astype(np.int32),
            self.counts[kept],
            span,
        )

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.ids.nbytes + self.starts.nbytes + self.rows.nbytes + self.counts.nbytes


@dataclass(frozen=True, slots=True)
class PostingsView:
    """What a reader works on. The recent part may hold rows newer than the view: the reader leaves them out."""

    segments: tuple[Segment, ...] = ()
    recent: Recent | None = None

    def lookup(self, ids: Sequence[int], size: int) -> list[tuple[Rows, npt.NDArray[np.float32]]]:
        """For each term the rows below `size` that contain it, dead ones too, and how often."""
        found: list[list[tuple[Rows, npt.NDArray[np.float32]]]] = [[] for _ in ids]
        wanted = np.array(ids, np.uint64)
        for segment in self.segments:
            if not len(segment.ids):
                continue
            places = segment.ids.searchsorted(wanted)
            places[places == len(segment.ids)] = 0
            for term in np.flatnonzero(segment.ids[places] == wanted).tolist():
                start, end = segment.starts[places[term]], segment.starts[places[term] + 1]
                found[term].append(
                    (segment.rows[start:end].astype(np.intp), segment.counts[start:end].astype(np.float32))
                )
        for term, id_ in enumerate(ids):
            if self.recent and (postings := self.recent.get(id_)):
                pairs = np.array(postings[:], np.int64).reshape(-1, 2)
                pairs = pairs[pairs[:, 0] < size]
                found[term].append((pairs[:, 0], pairs[:, 1].astype(np.float32)))
        return [_joined(parts) for parts in found]


_NOTHING = (np.empty(0, np.intp), np.empty(0, np.float32))


def _joined(
    parts: list[tuple[Rows, npt.NDArray[np.float32]]],
) -> tuple[Rows, npt.NDArray[np.float32]]:
    if not parts:
        return _NOTHING
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([counts for _, counts in parts])


class Postings:
    """The writer's side."""

    __slots__ = ("_recent", "_recent_postings", "_recent_rows", "_segments")

    def __init__(self, segments: Sequence[Segment] = ()) -> None:
        self._segments = list(segments)
        self._recent: Recent = {}
        self._recent_rows = 0
        self._recent_postings = 0

    def view(self) -> PostingsView:
        """What has been added so far."""
        return PostingsView(tuple(self._segments), self._recent)

    def add(self, first_row: int, entries: Sequence[bytes | None]) -> list[int]:
        """Index the encoded entries of consecutive rows; returns the length of each in words.

        An entry of another analysis version is left out, as if the text had no words.
        """
        entries = [entry if entry is not None and is_current(entry) else None for entry in entries]
        if len(entries) >= _BATCH_ROWS:
            self._freeze()
            self._segments.append(segment_of(first_row, entries))
            self._merge()
            return [HEADER.unpack_from(entry)[2] if entry else 0 for entry in entries]
        return [self._add_one(row, entry) for row, entry in enumerate(entries, start=first_row)]

    @property
    def nbytes(self) -> int:
        """Bytes held, the recent part estimated."""
        return sum(segment.nbytes for segment in self._segments) + 24 * self._recent_postings + 120 * len(self._recent)

    def _add_one(self, row: int, entry: bytes | None) -> int:
        self._recent_rows += 1
        length = 0
        if entry:
            terms = Terms.decode(entry)
            length = terms.length
            recent = self._recent
            for id_, count in zip(terms.ids, terms.counts, strict=True):
                postings = recent.get(id_)
                if postings is None:
                    recent[id_] = [row, count]
                else:
                    # One call, so that a reader in another thread never sees half a pair.
                    postings.extend((row, count))
            self._recent_postings += len(terms.ids)
        if self._recent_rows >= _RECENT_ROWS or self._recent_postings >= _RECENT_POSTINGS:
            self._freeze()
            self._merge()
        return length

    def _freeze(self) -> None:
        if self._recent_rows:
            self._segments.append(_frozen(self._recent, self._recent_rows))
            self._recent, self._recent_rows, self._recent_postings = {}, 0, 0

    def _merge(self) -> None:
        """Merge the newest segments for as long as enough of them are no larger than the last one."""
        while True:
            tier = _tier(self._segments[-1])
            small = 0
            for segment in reversed(self._segments):
                if _tier(segment) > tier or _tier(segment) == len(_TIERS):
                    break
                small += 1
            if small < _FANOUT:
                return
            self._segments[-small:] = [Segment.merged(self._segments[-small:])]


def compacted(view: PostingsView, numbers: Rows) -> Postings:
    """A writer for the rows of `view` whose new number, by old row, is not negative."""
    segments = list(view.segments)
    recent = {id_: postings[:] for id_, postings in list((view.recent or {}).items())}
    if recent:
        newest = _frozen(recent, _RECENT_ROWS)
        known = newest.rows < len(numbers)
        segments.append(
            Segment.build(
                np.repeat(newest.ids, np.diff(newest.starts))[known],
                newest.rows[known],
                newest.counts[known],
                newest.span,
            )
        )
    return Postings([segment.renumbered(numbers) for segment in segments])


def _tier(segment: Segment) -> int:
    return sum(segment.span >= bound for bound in _TIERS)


def _frozen(recent: Recent, span: int) -> Segment:
    sizes = np.fromiter((len(postings) // 2 for postings in recent.values()), np.int64, len(recent))
    pairs = np.fromiter(chain.from_iterable(recent.values()), np.int64, 2 * int(sizes.sum())).reshape(-1, 2)
    ids = np.repeat(np.fromiter(recent, np.uint64, len(recent)), sizes)
    return Segment.build(ids, pairs[:, 0].astype(np.int32), pairs[:, 1], span)


def segment_of(first_row: int, entries: Sequence[bytes | None]) -> Segment:
    """The sorted postings of the entries of consecutive rows, made without unpacking each."""
    sizes = np.zeros(len(entries), np.int64)
    ids: list[bytes] = []
    counts: list[Counts] = []
    plain: list[bytes] = []
    for number, entry in enumerate(entries):
        if not entry:
            continue
        width = entry[1]
        size = (len(entry) - HEADER.size) // (8 + width)
        middle = HEADER.size + 8 * size
        sizes[number] = size
        ids.append(entry[HEADER.size : middle])
        if width == 1:
            plain.append(entry[middle:])
        else:
            counts += [np.frombuffer(b"".join(plain), np.uint8), np.frombuffer(entry, f"<u{width}", offset=middle)]
            plain = []
    counts.append(np.frombuffer(b"".join(plain), np.uint8))
    rows = np.repeat(np.arange(first_row, first_row + len(entries), dtype=np.int32), sizes)
    return Segment.build(np.frombuffer(b"".join(ids), "<u8"), rows, np.concatenate(counts), len(entries))
