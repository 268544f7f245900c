"""Keeps the packed tokens read last, within a budget of bytes, so that hot memories are not read again."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

_BYTES_PER_ENTRY = 400
"""Key, number, places in the dict: what an entry takes beside its tokens."""

_Key = tuple[str, str, str]


class TokenCache:
    """Least recently used first to go. Safe for threads. Each entry names the state it belongs to by its `seq`, so a
    changed memory's former tokens are never taken for its present ones."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, tuple[int, bytes]] = OrderedDict()
        self._nbytes = 0

    def get_many(self, organization_id: str, space: str, wanted: Mapping[str, int]) -> dict[str, bytes]:
        """The tokens known of these memories (id → `seq`); empty ones for a memory that has none."""
        found = {}
        with self._lock:
            for memory_id, seq in wanted.items():
                key = (organization_id, space, memory_id)
                entry = self._entries.get(key)
                if entry is not None and entry[0] == seq:
                    self._entries.move_to_end(key)
                    found[memory_id] = entry[1]
        return found

    def put_many(self, organization_id: str, space: str, entries: Iterable[tuple[str, int, bytes]]) -> None:
        """Keep (id, `seq`, tokens) of some memories."""
        with self._lock:
            for memory_id, seq, tokens in entries:
                key = (organization_id, space, memory_id)
                former = self._entries.pop(key, None)
                if former is not None:
                    self._nbytes -= len(former[1]) + _BYTES_PER_ENTRY
                self._entries[key] = (seq, tokens)
                self._nbytes += len(tokens) + _BYTES_PER_ENTRY
            while self._nbytes > self._budget and self._entries:
                _, (_, tokens) = self._entries.popitem(last=False)
                self._nbytes -= len(tokens) + _BYTES_PER_ENTRY

    def drop(self, organization_id: str | None = None) -> None:
        """Forget an organization's tokens, or all."""
        with self._lock:
            for key in [key for key in self._entries if organization_id in (None, key[0])]:
                _, tokens = self._entries.pop(key)
                self._nbytes -= len(tokens) + _BYTES_PER_ENTRY

    @property
    def nbytes(self) -> int:
        """Bytes held, within a few percent."""
        return self._nbytes
