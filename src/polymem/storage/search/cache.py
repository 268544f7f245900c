"""Keeps the indexes of the organizations in use, within a budget of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from polymem.core.ports import EmbeddingModel
from polymem.storage.search.index import OrganizationIndex

_Key = tuple[str, EmbeddingModel | None]

_VECTOR_SHARE = 0.75
"""Part of the budget that one organization's whole vectors may take before only their signs stay in memory."""


class _Entry:
    """An index, the lock of its writer, and how many callers hold it."""

    __slots__ = ("index", "lock", "nbytes", "users")

    def __init__(self, index: OrganizationIndex) -> None:
        self.index = index
        self.lock = threading.Lock()
        self.nbytes = 0
        self.users = 0


class IndexCache:
    """Least recently used organizations give way first. Safe for threads; one organization's build never
    holds up another's, and a search never waits for a compaction.

    The one index in use is kept even if it alone exceeds the budget. To stay near the budget in that case
    too, an index with more vectors than fit keeps only their signs and reads the best ones again.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._closed = False
        self._compactor = ThreadPoolExecutor(1, thread_name_prefix="compaction")
        self._compactions: dict[_Key, Future[None]] = {}

    @contextmanager
    def use(
        self,
        organization_id: str,
        model: EmbeddingModel | None,
        position: int,
        catch_up: Callable[[OrganizationIndex], None],
    ) -> Iterator[OrganizationIndex]:
        """The organization's index, complete at least up to `position`.

        When it is behind, `catch_up(index)` is called (by one thread at a time) and must read all changes
        after `index.position` and `apply` them, in as many calls as it likes. What it raises, this raises;
        the index then stays at the position it had reached.
        """
        key = (organization_id, model)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(self._new_index(model))
            self._entries.move_to_end(key)
            entry.users += 1
        try:
            index = entry.index
            if index.position < position:
                with entry.lock:
                    # Held on to from here: a compacted copy may take its place at any time, and be behind.
                    index = entry.index
                    if index.position < position:
                        catch_up(index)
                    entry.nbytes = index.nbytes
                self._compact_if_due(key, entry)
            yield index
        finally:
            with self._lock:
                entry.users -= 1
                self._make_room()

    def drop(self, organization_id: str | None = None) -> None:
        """Forget an organization's index, or all of them; the next use builds anew.

        Searches under way finish on what they hold.
        """
        with self._lock:
            for key in [key for key in self._entries if organization_id in (None, key[0])]:
                del self._entries[key]

    @property
    def budget(self) -> int:
        """Bytes that all indexes may take together."""
        return self._budget

    @property
    def nbytes(self) -> int:
        """Bytes held by all indexes."""
        with self._lock:
            return sum(entry.nbytes for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def settle(self) -> None:
        """Wait until no compaction is under way."""
        with self._lock:
            pending = list(self._compactions.values())
        for future in pending:
            future.result()

    def close(self) -> None:
        """Wait for a compaction under way and let go of everything."""
        with self._lock:
            self._closed = True
        self._compactor.shutdown(wait=True, cancel_futures=True)
        self.drop()

    def _new_index(self, model: EmbeddingModel | None) -> OrganizationIndex:
        if model is None or not model.dimensions:
            # A server that was never reached has not said yet how long its vectors are.
            return OrganizationIndex(None)
        # Two bytes and a sign bit for each dimension.
        resident = int(self._budget * _VECTOR_SHARE / (model.dimensions * 2.125))
        return OrganizationIndex(model, resident_vectors=max(1, resident))

    def _make_room(self) -> None:
        """Drop indexes nobody holds, least recently used first, until the rest fits. Called with the lock held.

        The last one used stays even if it alone is too large: it would only be built again.
        """
        total = sum(entry.nbytes for entry in self._entries.values())
        newest = next(reversed(self._entries), None)
        for key in [key for key, entry in self._entries.items() if not entry.users and key != newest]:
            if total <= self._budget:
                return
            total -= self._entries.pop(key).nbytes

    def _compact_if_due(self, key: _Key, entry: _Entry) -> None:
        if not entry.index.needs_compaction:
            return
        with self._lock:
            if self._closed or key in self._compactions:
                return
            future = self._compactions[key] = self._compactor.submit(self._compact, key, entry)
        future.add_done_callback(lambda _: self._compactions.pop(key, None))

    def _compact(self, key: _Key, entry: _Entry) -> None:
        """Make a compacted copy beside the searches and changes that go on, then put it in place.

        Changes taken in meanwhile are missing from the copy, which is at an older position: its next user
        lets it catch up, like any index that is behind.
        """
        compacted = entry.index.compacted()
        with entry.lock:
            entry.index = compacted
            entry.nbytes = compacted.nbytes
