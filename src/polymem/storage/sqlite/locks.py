"""Locks between processes that share a data directory, held on small files beside the database."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polymem.core.errors import Unavailable

WRITE_SECONDS = 60.0
"""How long a writer waits for those of other processes before it gives up."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.005


class FileLock:
    """An advisory lock on a file, which is made if need be. Let go when the process ends, however it ends."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_exclusive(self) -> bool:
        """Take the lock alone, if nobody holds it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with others, if nobody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def _try(self, operation: int) -> bool:
        try:
            fcntl.flock(self._descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go of the lock."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the lock and the file."""
        os.close(self._descriptor)


class WriteTurn:
    """Lets the processes that write take turns.

    SQLite's own lock is polled with growing pauses, so a process that commits without pause could keep others out
    for seconds. Here whoever wants to write waits in a queue of one: it holds `turn` until it has `writer`, and the
    process that has just written cannot pass it.
    """

    def __init__(self, database: Path) -> None:
        self._turn = FileLock(database.with_name(database.name + ".turn"))
        self._writer = FileLock(database.with_name(database.name + ".writer"))

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Holds the right to write. Raises Unavailable when other processes keep it for WRITE_SECONDS."""
        deadline = time.monotonic() + WRITE_SECONDS
        _wait(self._turn, deadline)
        try:
            _wait(self._writer, deadline)
        finally:
            self._turn.release()
        try:
            yield
        finally:
            self._writer.release()

    def close(self) -> None:
        """Let go of both files."""
        self._turn.close()
        self._writer.close()


def _wait(lock: FileLock, deadline: float) -> None:
    pause = _FIRST_PAUSE
    while not lock.try_exclusive():
        if time.monotonic() > deadline:
            raise Unavailable("Another process has been writing to the data directory for too long; try again later")
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
