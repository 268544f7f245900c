"""The search index of one organization: all its memories that are not forgotten, as arrays."""

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, EmbeddingModel
from polymem.storage.search.columns import BYTES_PER_ROW, Columns, Names, fill
from polymem.storage.search.conversations import Conversations
from polymem.storage.search.dense import FetchVectors
from polymem.storage.search.finding import find
from polymem.storage.search.postings import Postings, compacted
from polymem.storage.search.rows import IndexedRow
from polymem.storage.search.second_stage import FetchTokens
from polymem.storage.search.snapshot import Snapshot, Statistics
from polymem.storage.search.vectors import FLOAT32_VECTORS, Vectors

_ROWS_AT_ONCE = 16_384
"""A large delivery is taken in by so many rows at a time, to bound the memory needed on the way."""

_BYTES_PER_ID = 200
"""A memory's id as a string, its place in a list and in a dict."""

_DEAD_SHARE = 0.25
_DEAD_AT_LEAST = 1024


class OrganizationIndex:
    """One writer at a time (`apply`), any number of readers without a lock (`search`).

    Every `apply` leaves a new snapshot that shares its arrays with the one before; a search takes the newest
    once and works on it to its end.
    """

    def __init__(
        self,
        model: EmbeddingModel | None,
        *,
        resident_vectors: int = sys.maxsize,
        float32_vectors: int = FLOAT32_VECTORS,
    ) -> None:
        """`resident_vectors` bounds how many vectors are kept whole: with more, all are kept as signs only.
        Up to `float32_vectors` they are kept as float32."""
        self.model = model
        self._resident_vectors = resident_vectors
        self._float32_vectors = float32_vectors
        self._names = Names()
        self._conversations = Conversations()
        self._postings = Postings()
        self._vectors = self._empty_vectors()
        self._rows: dict[str, int] = {}
        self._memory_ids: list[str] = []
        self._snapshot = Snapshot(
            position=0,
            size=0,
            live=0,
            total_length=0,
            alive=np.zeros(1, np.bool_),
            columns=Columns(0),
            names=self._names,
            memory_ids=self._memory_ids,
            rows=self._rows,
            postings=self._postings.view(),
            vectors=self._vectors.view(),
            conversations=False,
            expiring=False,
        )

    @property
    def position(self) -> int:
        """The change sequence up to which the index is complete; 0 when it is empty."""
        return self._snapshot.position

    def __len__(self) -> int:
        return self._snapshot.live

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, within a few percent."""
        rows = self._snapshot.columns.capacity * (BYTES_PER_ROW + 1) + self._snapshot.size * _BYTES_PER_ID
        return int(rows + self._postings.nbytes + self._vectors.nbytes)

    def apply(
        self, rows: Iterable[IndexedRow], removed_ids: Iterable[str], position: int, *, since: int | None = None
    ) -> bool:
        """Take in the newest state of every memory changed up to `position`, and drop those purged.

        `since` is the position after which the delivery was read, the index's own unless given. When the
        index is not as far as that, because another one took its place meanwhile, changes would be skipped:
        nothing is done and False comes back.

        A row that is forgotten leaves the index. Rows may come in any order and may be known already
        (a `seq` not above the known one is ignored), so overlapping deliveries do no harm. Vectors of
        another size than the model's are left out.
        """
        if since is not None and since > self.position:
            return False
        newest: dict[str, IndexedRow] = {}
        for row in rows:
            if row.memory_id not in newest or newest[row.memory_id].seq < row.seq:
                newest[row.memory_id] = row
        gone = [self._rows.pop(id_) for id_ in set(removed_ids) if id_ in self._rows and id_ not in newest]
        changed = list(newest.values())
        for start in range(0, max(1, len(changed)), _ROWS_AT_ONCE):
            fresh, dead = self._sorted_out(changed[start : start + _ROWS_AT_ONCE])
            last = start + _ROWS_AT_ONCE >= len(changed)
            self._take(fresh, gone + dead, max(position, self.position) if last else self.position)
            gone = []
        return True

    def search(
        self,
        scope: Scope,
        query: CandidateQuery,
        *,
        allowed_ids: Collection[str] | None = None,
        fetch_vectors: FetchVectors | None = None,
        fetch_tokens: FetchTokens | None = None,
        statistics: Statistics | None = None,
    ) -> Candidates:
        """The memories worth ranking, as `ports.Store.candidates` describes.

        `allowed_ids` are the memories that satisfy the second part of `split_filter(query.filter)`; it must
        be given when that part is not empty (ValueError otherwise). `fetch_vectors` is used only by an index
        of more than `resident_vectors`; without it, such an index estimates similarities from their signs.
        Without `fetch_tokens` there is no second stage. `statistics` are those of the organization, for an index that
        holds a part of it.
        """
        snapshot = self._snapshot if statistics is None else replace(self._snapshot, statistics=statistics)
        return find(snapshot, self.model, scope, query, allowed_ids, fetch_vectors, fetch_tokens)

    @property
    def needs_compaction(self) -> bool:
        """Whether so many rows are dead that a compacted copy is worth making."""
        dead = self._snapshot.size - self._snapshot.live
        return dead >= _DEAD_AT_LEAST and dead >= _DEAD_SHARE * self._snapshot.size

    def compacted(self) -> "OrganizationIndex":
        """A copy without dead rows, at the position this index had when the copy began.

        May run while this index goes on taking in changes; the copy then catches up like any other.
        """
        old = self._snapshot
        rows = np.flatnonzero(old.alive[: old.size])
        numbers = np.full(old.size, -1, np.intp)
        numbers[rows] = np.arange(len(rows))

        new = OrganizationIndex(
            self.model, resident_vectors=self._resident_vectors, float32_vectors=self._float32_vectors
        )
        columns = old.columns.taken(rows)
        new._names = old.names.copy()
        new._postings = compacted(old.postings, numbers)
        with_vectors = np.flatnonzero(columns.vector_count[: len(rows)])
        if len(with_vectors):
            counts = columns.vector_count[with_vectors].astype(np.int64)
            first = columns.first_vector[with_vectors]
            places = np.repeat(first - np.cumsum(counts) + counts, counts)
            places += np.arange(len(places))
            columns.first_vector[with_vectors] = new._vectors.add_from(old.vectors, places, with_vectors, counts)
        new._memory_ids = [old.memory_ids[row] for row in rows.tolist()]
        new._rows = {id_: row for row, id_ in enumerate(new._memory_ids)}
        alive = np.ones(len(rows) + 1, np.bool_)
        if len(rows):
            new._conversations.link(columns, alive, range(len(rows)))
        new._snapshot = replace(
            old,
            size=len(rows),
            alive=alive,
            columns=columns,
            names=new._names,
            memory_ids=new._memory_ids,
            rows=new._rows,
            postings=new._postings.view(),
            vectors=new._vectors.view(),
        )
        return new

    def _empty_vectors(self) -> Vectors:
        dimensions = self.model.dimensions if self.model else 1
        return Vectors(dimensions, float32_vectors=self._float32_vectors, resident=self._resident_vectors)

    def _sorted_out(self, changed: Sequence[IndexedRow]) -> tuple[list[IndexedRow], list[int]]:
        """Of changed memories, those to be taken in, and the rows they leave behind."""
        sequences = self._snapshot.columns.seq
        fresh: list[IndexedRow] = []
        dead: list[int] = []
        for row in changed:
            known = self._rows.get(row.memory_id)
            if known is not None:
                if sequences[known] >= row.seq:
                    continue
                dead.append(known)
                if row.forgotten:
                    del self._rows[row.memory_id]
            if not row.forgotten:
                fresh.append(row)
        return fresh, dead

    def _take(self, fresh: list[IndexedRow], dead: list[int], position: int) -> None:
        """Append rows, let others die, and make the snapshot that shows both at once."""
        old = self._snapshot
        size = old.size + len(fresh)
        columns = old.columns.grown(old.size, size)
        alive = old.alive
        if len(alive) <= columns.capacity:
            alive = np.zeros(columns.capacity + 1, np.bool_)
            alive[: old.size] = old.alive[: old.size]
        elif dead:
            alive = alive.copy()
        lengths = self._append(columns, old.size, fresh)
        lost = int(columns.length[dead].sum()) if dead else 0

        alive[dead] = False
        alive[old.size : size] = True
        for row in dead:
            self._conversations.unlink(columns, row)
        if fresh:
            self._conversations.link(columns, alive, range(old.size, size))
        linked = old.conversations or bool((columns.previous[old.size : size] >= 0).any())
        self._snapshot = Snapshot(
            position=position,
            size=size,
            live=old.live + len(fresh) - len(dead),
            total_length=old.total_length + sum(lengths) - lost,
            alive=alive,
            columns=columns,
            names=self._names,
            memory_ids=self._memory_ids,
            rows=self._rows,
            postings=self._postings.view(),
            vectors=self._vectors.view(),
            conversations=linked or bool((columns.following[old.size : size] >= 0).any()),
            expiring=old.expiring or any(row.expires_at is not None for row in fresh),
        )

    def _append(self, columns: Columns, size: int, fresh: list[IndexedRow]) -> list[int]:
        """Write everything about new rows behind the first `size`; returns how long each is."""
        if not fresh:
            return []
        new = slice(size, size + len(fresh))
        fill(columns, self._names, size, fresh)
        counts = [self._vectors_in(row) for row in fresh]
        columns.vector_count[new] = counts
        if any(counts):
            with_vectors = np.flatnonzero(counts)
            columns.first_vector[size + with_vectors] = self._vectors.add(
                [row.vectors for row, count in zip(fresh, counts, strict=True) if count and row.vectors],
                size + with_vectors,
                np.array(counts, np.int64)[with_vectors],
            )
        lengths = self._postings.add(size, [row.terms for row in fresh])
        columns.length[new] = lengths
        self._memory_ids.extend([row.memory_id for row in fresh])
        self._rows.update({row.memory_id: number for number, row in enumerate(fresh, start=size)})
        return lengths

    def _vectors_in(self, row: IndexedRow) -> int:
        if not row.vectors or self.model is None or len(row.vectors) != 2 * self.model.dimensions * row.vector_count:
            return 0
        return row.vector_count
