"""The `Backend` on a PostgreSQL server."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import IsolationLevel
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from polymem.core.errors import Unavailable
from polymem.storage.backend import Row, Transaction
from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.postgres.connection import PostgresTransaction, is_retried, to_core_error
from polymem.storage.postgres.upgrade import prepare

T = TypeVar("T")

CONNECTIONS = 8
CONNECT_SECONDS = 10.0
ATTEMPTS = 10
"""How often a transaction is run that the server keeps asking to run again."""


async def open_postgres(url: str, schema: Schema = CURRENT) -> "PostgresBackend":
    """Opens the database, making or upgrading its tables to `schema` first. Raises Unavailable with a sentence."""
    return await asyncio.to_thread(_open, url, schema)


def _open(url: str, schema: Schema) -> "PostgresBackend":
    try:
        with psycopg.connect(url, connect_timeout=int(CONNECT_SECONDS)) as connection:
            prepare(connection, schema)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database cannot be reached ({str(error).strip()})") from None
    return PostgresBackend(url)


class PostgresBackend:
    """A pool of connections and as many threads. Reads see one snapshot; writers of one organization queue up at
    its row (see `statements.ADVANCE`)."""

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            url, min_size=1, max_size=CONNECTIONS, timeout=CONNECT_SECONDS, open=True
        )
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="polymem-database")
        self._closed = False

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._submit(IsolationLevel.REPEATABLE_READ, True, work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._submit(IsolationLevel.READ_COMMITTED, False, work)

    async def size(self) -> int | None:
        ((size,),) = await self.read(lambda tx: tx.query("SELECT pg_database_size(current_database())", {}))
        return int(size)

    async def damage(self) -> list[str]:
        return []

    async def backup(self, target: Path) -> None:
        raise Unavailable("This store is backed up on its server: run pg_dump")

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        self._threads.shutdown(wait=True)
        self._pool.close()

    async def _submit(self, isolation: IsolationLevel, read_only: bool, work: Callable[[Transaction], T]) -> T:
        if self._closed:
            raise Unavailable("The store is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, isolation, read_only, work)

    def _run(self, isolation: IsolationLevel, read_only: bool, work: Callable[[Transaction], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                # Commits when this ends well and rolls back when it does not.
                with self._pool.connection() as connection:
                    connection.isolation_level = isolation
                    connection.read_only = read_only
                    return work(PostgresTransaction(connection))
            except (PoolTimeout, PoolClosed) as error:
                raise Unavailable("The database has no connection to spare; try again later") from error
            except psycopg.Error as error:
                if not is_retried(error) or attempt == ATTEMPTS:
                    raise to_core_error(error) from error
        raise AssertionError("unreachable: the last attempt returns or raises")
