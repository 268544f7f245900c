"""The threads that read, each with a connection of its own and a snapshot for each job."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from polymem.storage.backend import Transaction
from polymem.storage.sqlite.connection import BUSY_SECONDS, SqliteTransaction, is_busy, to_core_error
from polymem.storage.sqlite.jobs import Job, JobQueue, Outcome, answer


class Readers:
    """Runs read jobs, as many at once as there are connections. Writers never wait for them, nor they for writers."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._jobs = JobQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(connection,), name=f"polymem-reader-{number}", daemon=True)
            for number, connection in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[Transaction], Any]) -> Any:
        """What `work` returns."""
        return await self._jobs.run(work)

    def stop_accepting(self) -> None:
        """Refuses further jobs."""
        self._jobs.close(len(self._threads))

    def close(self) -> None:
        """Answers what was accepted, then ends the threads and closes their connections. Waits."""
        self.stop_accepting()
        for thread in self._threads:
            thread.join()

    def _run(self, connection: sqlite3.Connection) -> None:
        transaction = SqliteTransaction(connection)
        while self._answer_next(connection, transaction):
            pass
        connection.close()

    def _answer_next(self, connection: sqlite3.Connection, transaction: SqliteTransaction) -> bool:
        job = self._jobs.take()
        if job is None:
            return False
        if not job.abandoned:
            answer([_read(connection, transaction, job)])
        return True


def _read(connection: sqlite3.Connection, transaction: SqliteTransaction, job: Job) -> Outcome:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("BEGIN")
            try:
                return Outcome(job, result=job.work(transaction))
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except Exception as error:
            if is_busy(error) and time.monotonic() < deadline:
                continue
            return Outcome(job, error=to_core_error(error) if isinstance(error, sqlite3.Error) else error)
