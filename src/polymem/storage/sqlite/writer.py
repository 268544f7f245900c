"""The one thread that writes, and group commit: all that waits to be written shares one transaction and one fsync."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from polymem.core.errors import Unavailable
from polymem.storage.backend import Transaction
from polymem.storage.sqlite.connection import BUSY_SECONDS, SqliteTransaction, is_busy, to_core_error
from polymem.storage.sqlite.jobs import Job, JobQueue, Outcome, answer

MOST_PER_COMMIT = 256
"""Jobs that share a commit at most, so that the first of them does not wait for ever."""


class GroupWriter:
    """Runs write jobs in order, those that wait together inside one transaction.

    Each job has a savepoint: one that fails undoes its own changes and nobody else's. Callers are answered after the
    commit, never before. While the disk syncs, the next group gathers.
    """

    def __init__(
        self, connection: sqlite3.Connection, format_: int, turn: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._connection = connection
        self._format = format_
        self._turn = turn
        self._jobs = JobQueue()
        self.commits = 0
        self._thread = threading.Thread(target=self._run, name="polymem-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[Transaction], Any]) -> Any:
        """What `work` returns, once its changes are durable."""
        return await self._jobs.run(work)

    def stop_accepting(self) -> None:
        """Refuses further jobs."""
        self._jobs.close(1)

    def close(self) -> None:
        """Writes what was accepted, then ends the thread and closes the connection. Waits."""
        self.stop_accepting()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while self._write_group():
            pass

    def _write_group(self) -> bool:
        first = self._jobs.take()
        if first is None:
            return False
        more, ending = self._jobs.take_more(MOST_PER_COMMIT - 1)
        jobs = [job for job in (first, *more) if not job.abandoned]
        if jobs:
            answer(self._commit(jobs))
        return not ending

    def _commit(self, jobs: list[Job]) -> list[Outcome]:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with self._turn():
                    return self._transaction(jobs)
            except Exception as error:
                if is_busy(error) and time.monotonic() < deadline:
                    continue
                shown = to_core_error(error) if isinstance(error, sqlite3.Error) else error
                return [Outcome(job, error=shown) for job in jobs]

    def _transaction(self, jobs: list[Job]) -> list[Outcome]:
        # Errors raised from here concern the whole group; what one job does wrong is in its outcome.
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            (found,) = execute("PRAGMA user_version").fetchone()
            if found != self._format:
                raise Unavailable("The data directory was upgraded by a newer polymem; start this one again")
            transaction = SqliteTransaction(self._connection)
            outcomes = [self._savepoint(job, transaction) for job in jobs]
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        self.commits += 1
        return outcomes

    def _savepoint(self, job: Job, transaction: SqliteTransaction) -> Outcome:
        execute = self._connection.execute
        execute("SAVEPOINT job")
        try:
            result = job.work(transaction)
        except Exception as error:
            if not self._connection.in_transaction:
                # A full disk and the like end the whole transaction: nobody's changes are left.
                raise
            execute("ROLLBACK TO job")
            execute("RELEASE job")
            return Outcome(job, error=to_core_error(error) if isinstance(error, sqlite3.Error) else error)
        execute("RELEASE job")
        return Outcome(job, result=result)
