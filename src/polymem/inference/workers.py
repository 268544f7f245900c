"""A few threads that work on what is most urgent: single queries first, then documents, request by request in turn."""

import asyncio
import heapq
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from polymem.core.errors import EmbeddingUnavailable

T = TypeVar("T")

MAX_THREADS = 4
"""More threads than this are used only when asked for: an embedder shares its machine with a server."""

_URGENT = 0
_CLOSED = "The embedder is closed."


def default_threads() -> int:
    """As many threads as this process may use cores, at most MAX_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MAX_THREADS, cores)


class _Job(Generic[T]):
    """A function to call, and the future that gets its result."""

    __slots__ = ("function", "future")

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function
        self.future: Future[T] = Future()

    def refuse(self) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(EmbeddingUnavailable(_CLOSED))

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.function()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Workers:
    """Runs blocking functions in `threads` threads, the one with the lowest turn first.

    Queries have turn 0. Documents are numbered by their lane, beginning where the work being done now
    stands (start-time fair queueing, Goyal, Vin and Cheng 1996): a request of one document that comes
    while a thousand others wait is served next, and no request waits for ever. A thread is never
    interrupted, so a query waits at most as long as the shortest of the jobs under way.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="polymem-embed")
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, _Job[Any]]] = []
        self._arrivals = itertools.count()
        self._present_turn = 1

    def first(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Runs a function before all documents."""
        return self._submit(_URGENT, function)

    def lane(self) -> "Lane":
        """A new request's place among the others."""
        return Lane(self)

    async def close(self) -> None:
        """Fails what has not begun with EmbeddingUnavailable, and waits for what has."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, _, job in waiting:
            job.refuse()
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    def _submit(self, turn: int, function: Callable[[], T]) -> asyncio.Future[T]:
        job = _Job(function)
        with self._lock:
            heapq.heappush(self._waiting, (turn, next(self._arrivals), job))
        try:
            self._pool.submit(self._run_next)
        except RuntimeError as error:
            raise EmbeddingUnavailable(_CLOSED) from error
        return asyncio.wrap_future(job.future)

    def _run_next(self) -> None:
        # Each job brings one call of this function, but not its own: the call takes whichever is most urgent.
        with self._lock:
            if not self._waiting:
                return
            turn, _, job = heapq.heappop(self._waiting)
            self._present_turn = max(self._present_turn, turn)
        job.run()


class Lane:
    """One request's jobs, run in order of submission, in turn with those of other lanes."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._turn = 0

    def submit(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Queues a function behind this lane's earlier ones."""
        self._turn = max(self._turn + 1, self._workers._present_turn)
        return self._workers._submit(self._turn, function)
