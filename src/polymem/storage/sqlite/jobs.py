"""Work handed from coroutines to the threads that own the connections, and its answers handed back."""

import asyncio
import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from polymem.core.errors import Unavailable
from polymem.storage.backend import Transaction


@dataclass(slots=True)
class Job:
    """A function to run in a transaction, and the future its outcome belongs to."""

    work: Callable[[Transaction], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"

    @property
    def abandoned(self) -> bool:
        """Whether the caller has stopped waiting, so that nothing need be done."""
        return self.future.cancelled()


@dataclass(slots=True)
class Outcome:
    """What became of a job: `error`, or else `result`."""

    job: Job
    result: Any = None
    error: BaseException | None = None


class JobQueue:
    """Jobs of any number of coroutines for any number of threads, in order."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False

    async def run(self, work: Callable[[Transaction], Any]) -> Any:
        """Waits for a thread to run `work`. Cancelling gives the job up if no thread has taken it yet."""
        if self._closed:
            raise Unavailable("The store is closed")
        loop = asyncio.get_running_loop()
        job = Job(work, loop, loop.create_future())
        self._queue.put(job)
        return await job.future

    def close(self, threads: int) -> None:
        """Takes no more jobs; each of `threads` gets its notice after the jobs already accepted."""
        if not self._closed:
            self._closed = True
            for _ in range(threads):
                self._queue.put(None)

    def take(self) -> Job | None:
        """The next job, or None when this thread is to end. Waits."""
        return self._queue.get()

    def take_more(self, most: int) -> tuple[list[Job], bool]:
        """Up to `most` jobs that are waiting already, and whether the thread is to end after them."""
        jobs: list[Job] = []
        while len(jobs) < most:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False


def answer(outcomes: Iterable[Outcome]) -> None:
    """Gives every caller its outcome, waking each event loop once."""
    for loop, group in groupby(outcomes, key=lambda outcome: outcome.job.loop):
        try:
            loop.call_soon_threadsafe(_settle, list(group))
        except RuntimeError:
            # The loop has ended and with it everyone who could wait for an answer.
            continue


def _settle(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        future = outcome.job.future
        if future.done():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.result)
