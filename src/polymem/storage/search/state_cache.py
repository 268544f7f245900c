"""Keeps what was read of memories last, within a budget of bytes, so that hot memories are not read again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from polymem.storage.search.rows import IndexedRow

T = TypeVar("T")

_BYTES_PER_ENTRY = 400
"""Key, number, places in the dict: what an entry takes beside what is kept."""

_BYTES_PER_ROW = 600
"""A row's numbers and names; its words and vectors come on top."""

_Key = tuple[str, str, str]


class StateCache(Generic[T]):
    """Least recently used first to go. Safe for threads. Each entry names the state it belongs to by its `seq`, so
    what was read of a memory before it changed is never taken for what it is now."""

    def __init__(self, budget_bytes: int, size_of: Callable[[T], int]) -> None:
        """`size_of` tells how many bytes what is kept of a memory takes, within a few percent."""
        self._budget = budget_bytes
        self._size_of = size_of
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, tuple[int, T]] = OrderedDict()
        self._nbytes = 0

    def get_many(self, organization_id: str, space: str, wanted: Mapping[str, int]) -> dict[str, T]:
        """What is known of these memories (id → `seq`) in a space: of one model's vectors, say."""
        found = {}
        with self._lock:
            for memory_id, seq in wanted.items():
                key = (organization_id, space, memory_id)
                entry = self._entries.get(key)
                if entry is not None and entry[0] == seq:
                    self._entries.move_to_end(key)
                    found[memory_id] = entry[1]
        return found

    def put_many(self, organization_id: str, space: str, entries: Iterable[tuple[str, int, T]]) -> None:
        """Keep (id, `seq`, what was read) of some memories."""
        with self._lock:
            for memory_id, seq, kept in entries:
                key = (organization_id, space, memory_id)
                former = self._entries.pop(key, None)
                if former is not None:
                    self._nbytes -= self._size(former[1])
                self._entries[key] = (seq, kept)
                self._nbytes += self._size(kept)
            while self._nbytes > self._budget and self._entries:
                _, (_, kept) = self._entries.popitem(last=False)
                self._nbytes -= self._size(kept)

    def drop(self, organization_id: str | None = None) -> None:
        """Forget what was read of an organization's memories, or of all."""
        with self._lock:
            for key in [key for key in self._entries if organization_id in (None, key[0])]:
                _, kept = self._entries.pop(key)
                self._nbytes -= self._size(kept)

    @property
    def nbytes(self) -> int:
        """Bytes held, within a few percent."""
        return self._nbytes

    def _size(self, kept: T) -> int:
        return self._size_of(kept) + _BYTES_PER_ENTRY


def token_cache(budget_bytes: int) -> StateCache[bytes]:
    """For packed token vectors; empty ones stand for a memory that has none."""
    return StateCache(budget_bytes, len)


def row_cache(budget_bytes: int) -> StateCache[IndexedRow]:
    """For memories as an index sees them."""
    return StateCache(budget_bytes, lambda row: len(row.terms or b"") + len(row.vectors or b"") + _BYTES_PER_ROW)
