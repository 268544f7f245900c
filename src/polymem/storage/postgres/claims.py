"""Work that one process of several, on whatever machine, does: whoever has it holds an advisory lock.

The lock belongs to a transaction that stays open for as long as the job is ours, and not to the session, so that it
also holds behind a pooler that lends connections by the transaction. The transaction has no snapshot and no number:
it keeps neither rows nor vacuum waiting.
"""

import asyncio

import psycopg
from psycopg import sql

from polymem.core.errors import StoreUnreachable
from polymem.storage.postgres.connection import lock_key
from polymem.storage.postgres.connections import CANNOT_BE_REACHED, Connection, connect

_FAMILY = 0x706D656A
"""First half of the locks' keys ("pmej" in ASCII); the second says which job."""


class ServerClaim:
    """A job taken on; nobody else has it until it is released or the connection ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def held(self) -> bool:
        """Whether it is still ours: the lock goes when the connection does."""
        return await asyncio.to_thread(self._answers)

    def _answers(self) -> bool:
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    async def release(self) -> None:
        """Leave the job to whoever asks next."""
        await asyncio.to_thread(self._connection.close)


def claim(url: str, job: str) -> ServerClaim | None:
    """The job, if no process has it. Raises StoreUnreachable."""
    try:
        connection = connect(url)
        try:
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            # As text, not with parameters: a statement that has them keeps its snapshot until the next one.
            lock = sql.SQL("SELECT pg_try_advisory_xact_lock({}, {})").format(_FAMILY, lock_key(job))
            ((taken,),) = connection.execute(lock).fetchall()
        except BaseException:
            connection.close()
            raise
    except psycopg.Error as error:
        raise StoreUnreachable(CANNOT_BE_REACHED) from error
    if taken:
        return ServerClaim(connection)
    connection.close()
    return None
