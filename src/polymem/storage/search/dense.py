"""The dense leg: the similarity of each memory to the query, and the same blended with its neighbours'.

A memory of several windows is as similar as its best one. In context, a turn of a conversation counts
`D(j) = (x(j) + 0.4 x(j-1) + 0.3 x(j-2) + 0.2 x(j+1)) / (1 + weights present)^0.8`, which takes the place of
embedding a turn together with the two before it (docs/recall.md). A memory without neighbours keeps its plain
similarity. Values reach 1.14.

The exponent decides whom a project of both conversations and plain notes favours. It was chosen on LoCoMo with a
random half of the sessions stripped of their container: with 0.8 those are found as often as when nothing is a
conversation, and the other half is found better. With 0.5, which leaves turns the larger values, one in seven of
the notes found is lost; with 1, a mean, turns lose what their neighbours gave them.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from polymem.storage.search.columns import Floats, Rows
from polymem.storage.search.masks import Admitted
from polymem.storage.search.picking import distinct, top
from polymem.storage.search.snapshot import Snapshot
from polymem.storage.search.vectors import Form, best_of_each, to_float32

FetchVectors = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Reads the float16 vectors of memories again, for an index that keeps only their signs."""

BEFORE = (0.4, 0.3)
"""What the similarity of the memory 1 and 2 places earlier counts."""

AFTER = (0.2,)
"""The same for 1 place later."""

_DAMPING = 0.8
"""The exponent of the divisor."""

_GATHERED_FLOATS = 4
"""Float32 vectors are compared all at once unless the mask admits fewer than one in so many."""

_GATHERED_HALVES = 12
"""Signs are compared first unless the mask admits fewer than one vector in so many …"""

_GATHERED_AT_LEAST = 4096
"""… or fewer than this altogether."""

_FETCHED_AT_LEAST = 1024
"""The same bound where exact vectors have to be read again."""

_FETCHED_AT_ONCE = 500
"""Memories whose vectors are read again by one call."""

_RESCORED = 1024
"""Vectors that are compared exactly after their signs, or ten times the depth if that is more. On the real
vectors of 29,000 turns, many of them near-duplicates, 400 found 98.9 % of the ten best."""


class DenseScores:
    """The similarities of what a scope and filter admit to one query; those of neighbours as they are needed.

    `visible` counts the admitted rows that have a vector.
    """

    def __init__(
        self, snapshot: Snapshot, query: Floats, admitted: Admitted, depth: int, fetch: FetchVectors | None
    ) -> None:
        self._snapshot = snapshot
        self._query = query
        self._fetch = fetch
        self._cosine = np.full(snapshot.columns.capacity + 1, np.nan, np.float32)
        counts = snapshot.columns.vector_count
        if admitted.rows is not None:
            self._sought = admitted.rows[counts[admitted.rows] > 0]
        else:
            self._sought = np.flatnonzero(admitted.mask & (counts[: snapshot.size] > 0))
        self.visible = len(self._sought)
        self._admitted = admitted
        self._compared = self._compare(depth) if self.visible else np.empty(0, np.intp)

    def best(self, depth: int) -> Rows:
        """The `depth` most similar rows, best first."""
        rows, size = self._compared, self._snapshot.size
        scores = self._cosine[:size] if len(rows) == size else self._cosine[rows]
        return top(scores, rows, depth, self._snapshot.columns.arrival, above=-np.inf)

    def neighbours(self, rows: Rows, distance: int) -> Rows:
        """The admitted rows up to `distance` places before or after these in their conversations."""
        columns = self._snapshot.columns
        near = []
        for links in (columns.previous, columns.following):
            reached = rows
            for _ in range(distance):
                reached = self._known(links[reached])
                near.append(reached)
        found = np.concatenate(near)
        found = found[found >= 0]
        return found[self._admitted.mask[found]]

    def signals(self, rows: Rows) -> tuple[Floats, Floats]:
        """Own and context similarity of each row, NaN where a row has no vector."""
        columns = self._snapshot.columns
        terms: list[tuple[float, Rows]] = []
        if self._snapshot.conversations:
            for links, weights in ((columns.previous, BEFORE), (columns.following, AFTER)):
                near = rows
                for weight in weights:
                    near = self._known(links[near])
                    terms.append((weight, near))
        self._complete(np.concatenate([rows, *(near for _, near in terms)]))
        own = self._cosine[rows]
        blended, present = own.copy(), np.ones(len(rows), np.float32)
        for weight, near in terms:
            similarity = self._cosine[near]
            there = ~np.isnan(similarity)
            blended += np.where(there, weight * similarity, 0)
            present += weight * there
        return own, blended / present ** np.float32(_DAMPING)

    def rank(self, row: int) -> int | None:
        """The exact place of a row, counted from 1; None without a vector."""
        self._complete(np.array([row]))
        own = self._cosine[row]
        if np.isnan(own):
            return None
        self._complete(self._sought)
        return 1 + int(np.count_nonzero(self._cosine[self._sought] > own))

    def _compare(self, depth: int) -> Rows:
        """Find the similarities of all admitted rows, or of those that may be the best; returns which."""
        view, rows = self._snapshot.vectors, self._sought
        match view.form:
            case Form.FLOATS if self.visible * _GATHERED_FLOATS >= view.count:
                self._keep_all(view.all_similarities(self._query))
                return rows
            case Form.HALVES:
                gathered = max(_GATHERED_AT_LEAST, view.count // _GATHERED_HALVES)
            case Form.SIGNS:
                gathered = _FETCHED_AT_LEAST
            case _:
                gathered = view.count
        if self.visible > gathered:
            allowed = None
            if self.visible < self._snapshot.size:
                allowed = self._admitted.mask[view.owners[: view.count]]
            nearest = view.nearest(self._query, allowed, max(_RESCORED, 10 * depth))
            rows = distinct(view.owners[nearest].astype(np.intp))
        self._complete(rows)
        return rows

    def _keep_all(self, similarities: Floats) -> None:
        view, counts = self._snapshot.vectors, self._snapshot.columns.vector_count[: self._snapshot.size]
        if view.single and view.count == len(counts):
            self._cosine[: view.count] = similarities
        elif view.single:
            self._cosine[view.owners[: view.count]] = similarities
        else:
            with_vectors = np.flatnonzero(counts)
            self._cosine[with_vectors] = best_of_each(similarities, counts[with_vectors])

    def _complete(self, rows: Rows) -> None:
        """Compute exactly the similarities of those rows that lack them and have a vector."""
        columns = self._snapshot.columns
        rows = rows[(rows >= 0) & np.isnan(self._cosine[rows])]
        rows = distinct(rows[columns.vector_count[rows] > 0])
        if not len(rows):
            return
        view = self._snapshot.vectors
        if view.form is Form.SIGNS:
            self._cosine[rows] = self._reread(rows)
        elif view.single:
            self._cosine[rows] = view.similarities(columns.first_vector[rows], self._query)
        else:
            places, counts = self._vectors_of(rows)
            self._cosine[rows] = best_of_each(view.similarities(places, self._query), counts)

    def _vectors_of(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.int32]]:
        """The numbers of all vectors of these rows (ascending), and how many each row has."""
        columns = self._snapshot.columns
        counts = columns.vector_count[rows]
        places = np.repeat(columns.first_vector[rows] - np.cumsum(counts) + counts, counts)
        return places + np.arange(len(places)), counts

    def _reread(self, rows: Rows) -> Floats:
        """The similarities of rows whose vectors are not in memory; estimated from the signs if nobody reads them."""
        snapshot, view = self._snapshot, self._snapshot.vectors
        similarities = np.full(len(rows), -1, np.float32)  # where they are gone meanwhile
        if self._fetch is None:
            places, counts = self._vectors_of(rows)
            return best_of_each(view.estimates(places, self._query), counts)
        for start in range(0, len(rows), _FETCHED_AT_ONCE):
            ids = [snapshot.memory_ids[row] for row in rows[start : start + _FETCHED_AT_ONCE].tolist()]
            fetched = self._fetch(ids)
            for place, id_ in enumerate(ids, start):
                half = np.frombuffer(fetched.get(id_, b""), np.int16)
                if len(half):
                    similarities[place] = (to_float32(half).reshape(-1, len(self._query)) @ self._query).max()
        return similarities

    def _known(self, rows: Rows) -> Rows:
        """Rows of this snapshot; a link may already lead to a newer one."""
        return np.where(rows < self._snapshot.size, rows, -1)
