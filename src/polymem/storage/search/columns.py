"""The facts of each row as arrays: append-only, except for the links to a row's neighbours.

A row is one state of one memory; a changed memory gets a new row and its old one dies. Every array is one
element longer than its capacity: index -1 stands for "no row" and finds a neutral value there, so hops along
links need no branch.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from polymem.storage.search.rows import IndexedRow

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

NO_INSTANT = np.iinfo(np.int64).min
"""Stands for an instant a memory lacks."""

NO_CODE = -1
"""Stands for a name a memory lacks."""

_DTYPES: dict[str, Any] = {
    "seq": np.int64,
    "arrival": np.int64,
    "project": np.int32,
    "kind": np.int32,
    "container": np.int32,
    "conversation": np.int32,
    "speaker": np.int32,
    "importance": np.int32,
    "weight": np.float64,
    "created_at": np.int64,
    "updated_at": np.int64,
    "occurred_at": np.int64,
    "expires_at": np.int64,
    "superseded": np.bool_,
    "is_question": np.bool_,
    "words": np.int32,
    "length": np.int32,
    "first_vector": np.int64,
    "vector_count": np.int32,
    "previous": np.intp,
    "following": np.intp,
}

BYTES_PER_ROW = sum(np.dtype(dtype).itemsize for dtype in _DTYPES.values())


class Codes:
    """Names as small numbers, in the order they were first met. None has no number (`NO_CODE`)."""

    __slots__ = ("_numbers", "names")

    def __init__(self, names: Iterable[Any] = ()) -> None:
        self.names: list[Any] = list(names)
        self._numbers: dict[Any, int] = {name: number for number, name in enumerate(self.names)}

    def add(self, name: Any) -> int:
        """The number of `name`, a new one if need be."""
        if name is None:
            return NO_CODE
        number = self._numbers.get(name)
        if number is None:
            number = len(self.names)
            # The name is listed before its number can be found, for readers in other threads.
            self.names.append(name)
            self._numbers[name] = number
        return number

    def find(self, names: Iterable[Any]) -> list[int]:
        """The numbers of those `names` that have one."""
        return [self._numbers[name] for name in names if name in self._numbers]

    def __len__(self) -> int:
        return len(self.names)


class Columns:
    """The arrays, all of one capacity. Growing makes a new object, so that readers keep a consistent one."""

    seq: npt.NDArray[np.int64]
    arrival: npt.NDArray[np.int64]
    project: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int32]
    container: npt.NDArray[np.int32]
    conversation: npt.NDArray[np.int32]
    speaker: npt.NDArray[np.int32]
    importance: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]
    created_at: npt.NDArray[np.int64]
    updated_at: npt.NDArray[np.int64]
    occurred_at: npt.NDArray[np.int64]
    expires_at: npt.NDArray[np.int64]
    superseded: Bools
    is_question: Bools
    words: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    first_vector: npt.NDArray[np.int64]
    vector_count: npt.NDArray[np.int32]
    previous: Rows
    following: Rows

    __slots__ = (*_DTYPES, "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        for name, dtype in _DTYPES.items():
            array = np.empty(capacity + 1, dtype)
            array[-1] = 0
            setattr(self, name, array)
        self.previous[:] = self.following[:] = -1

    def grown(self, size: int, needed: int) -> "Columns":
        """Arrays for at least `needed` rows that hold the first `size` rows of these; these, if they suffice."""
        if needed <= self.capacity:
            return self
        grown = Columns(max(needed, self.capacity + self.capacity // 2, 64))
        for name in _DTYPES:
            getattr(grown, name)[:size] = getattr(self, name)[:size]
        return grown

    def taken(self, rows: Rows) -> "Columns":
        """A copy of these rows alone, without their links."""
        taken = Columns(len(rows))
        for name in _DTYPES:
            getattr(taken, name)[:-1] = getattr(self, name)[rows]
        taken.previous[:] = taken.following[:] = -1
        return taken

    def instants(self, rows: Any) -> npt.NDArray[np.int64]:
        """When what each row tells happened, or else was recorded: the order of a conversation."""
        occurred = self.occurred_at[rows]
        instants: npt.NDArray[np.int64] = np.where(occurred == NO_INSTANT, self.created_at[rows], occurred)
        return instants


class Names:
    """The code books of one index."""

    __slots__ = ("containers", "conversations", "kinds", "projects", "speakers")

    def __init__(self) -> None:
        self.projects = Codes()
        self.kinds = Codes()
        self.containers = Codes()
        self.conversations = Codes()
        self.speakers = Codes()

    def copy(self) -> "Names":
        """Books of the same numbers that grow on their own."""
        copied = Names()
        for book in self.__slots__:
            setattr(copied, book, Codes(list(getattr(self, book).names)))
        return copied


def fill(columns: Columns, names: Names, size: int, rows: Sequence[IndexedRow]) -> None:
    """Write `rows` behind the first `size`, all but `length`, the vectors and the links."""
    new = slice(size, size + len(rows))
    columns.seq[new] = [row.seq for row in rows]
    columns.arrival[new] = [row.arrival for row in rows]
    columns.project[new] = [names.projects.add(row.project_id) for row in rows]
    columns.kind[new] = [names.kinds.add(row.kind) for row in rows]
    columns.container[new] = [names.containers.add(row.container) for row in rows]
    columns.conversation[new] = [
        names.conversations.add((row.project_id, row.container)) if row.container is not None else NO_CODE
        for row in rows
    ]
    columns.speaker[new] = [names.speakers.add(row.speaker) for row in rows]
    columns.importance[new] = [row.importance for row in rows]
    columns.weight[new] = [row.weight for row in rows]
    columns.created_at[new] = [row.created_at for row in rows]
    columns.updated_at[new] = [row.updated_at for row in rows]
    columns.occurred_at[new] = [NO_INSTANT if row.occurred_at is None else row.occurred_at for row in rows]
    columns.expires_at[new] = [NO_INSTANT if row.expires_at is None else row.expires_at for row in rows]
    columns.superseded[new] = [row.superseded for row in rows]
    columns.is_question[new] = [row.is_question for row in rows]
    columns.words[new] = [row.words for row in rows]
    columns.previous[new] = columns.following[new] = -1
