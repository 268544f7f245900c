"""The `Backend` on a PostgreSQL server."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import LiteralString, TypeVar

import psycopg
from psycopg import IsolationLevel

from polymem.core.errors import StoreUnreachable, Unavailable
from polymem.storage.backend import NO_ORGANIZATION, Tenant, Transaction
from polymem.storage.candidates import last_seq
from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.postgres.claims import ServerClaim, claim
from polymem.storage.postgres.connection import PostgresTransaction, is_lost, is_retried, to_core_error
from polymem.storage.postgres.connections import APPLICATION, CANNOT_BE_REACHED, Connection, Connections, connect
from polymem.storage.postgres.dense import make_index
from polymem.storage.postgres.isolation import enter, has_roles
from polymem.storage.postgres.search import PostgresSearch
from polymem.storage.postgres.upgrade import prepare
from polymem.storage.search import IndexedRow, StateCache

T = TypeVar("T")

_logger = logging.getLogger(__name__)

CONNECTIONS = 8
"""Connections of one process, unless the caller says otherwise."""

WAIT_SECONDS = 10.0
"""How long a transaction waits for one of them."""

ATTEMPTS = 10
"""How often a transaction is run that the server keeps asking to run again."""

_LONGEST_PAUSE = 0.2
_REPLICA_WAIT = 0.5
"""A read that would have to wait longer for a connection to the replica goes to the database itself."""

_OTHERS: LiteralString = f"""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND application_name LIKE '{APPLICATION} %' AND application_name <> current_setting('application_name')"""
"""How many sessions of other processes of ours this database has."""


async def open_postgres(
    url: str, schema: Schema = CURRENT, connections: int = CONNECTIONS, replica_url: str | None = None
) -> "PostgresBackend":
    """Opens the database, making or upgrading its tables to `schema` first. With `replica_url`, recent reads go there.

    Raises StoreUnreachable when no server answers, Unavailable when it cannot be used; with a sentence.
    """
    return await asyncio.to_thread(_open, url, schema, connections, replica_url)


def _open(url: str, schema: Schema, connections: int, replica_url: str | None) -> "PostgresBackend":
    try:
        with connect(url) as connection:
            prepare(connection, schema)
            roles = has_roles(connection)
    except psycopg.OperationalError as error:
        raise StoreUnreachable(f"The database cannot be reached ({str(error).strip()})") from None
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        raise Unavailable(f"The database URL cannot be read ({str(error).strip()})") from None
    # Not looked for now: without it everything is read from the database itself.
    replica = None if replica_url is None else PostgresBackend(replica_url, connections, _REPLICA_WAIT, roles=roles)
    return PostgresBackend(url, connections, roles=roles, replica=replica)


class PostgresBackend:
    """Some connections and as many threads. Reads see one snapshot; writers of one organization queue up at
    its row (see `statements.ADVANCE`). `roles` says how transactions are confined (see `isolation`).

    What may be run again is: a transaction that the server asks for again, and one that has lost its connection
    before it was to be committed.
    """

    def __init__(
        self,
        url: str,
        connections: int = CONNECTIONS,
        wait_seconds: float = WAIT_SECONDS,
        *,
        roles: bool,
        replica: "PostgresBackend | None" = None,
    ) -> None:
        self._replica = replica
        self._roles = roles
        self._url = url
        self._connections = Connections(url)
        self._indexing = ThreadPoolExecutor(1, thread_name_prefix="polymem-index")
        self._making: Connection | None = None
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="polymem-database")
        self._wait_seconds = wait_seconds
        self._closed = False

    async def read(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return await self._submit(tenant, IsolationLevel.REPEATABLE_READ, True, work)

    async def read_recent(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        if self._replica is None or not isinstance(tenant, str) or tenant == NO_ORGANIZATION:
            return await self.read(tenant, work)
        # One row by its key: it costs the primary next to nothing, and sees the writes of all processes, which
        # remembering the place of one's own in the log would not.
        newest = await self.read(tenant, lambda tx: last_seq(tx, tenant))
        try:
            return await self._replica.read(tenant, partial(_as_new_as, newest, tenant, work))
        except (_Behind, Unavailable, psycopg.Error):
            # Whatever it is that the replica cannot do; it may even be behind with tables and roles.
            return await self.read(tenant, work)

    async def write(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return await self._submit(tenant, IsolationLevel.READ_COMMITTED, False, work)

    async def size(self) -> int | None:
        ((size,),) = await self.read(
            NO_ORGANIZATION, lambda tx: tx.query("SELECT pg_database_size(current_database())", {})
        )
        return int(size)

    async def damage(self) -> list[str]:
        return []

    async def backup(self, target: Path) -> None:
        raise Unavailable("This store is backed up on its server: run pg_dump")

    async def claim(self, job: str) -> ServerClaim | None:
        return await asyncio.to_thread(claim, self._url, job)

    async def alone(self) -> bool:
        return await asyncio.to_thread(self._is_alone)

    def _is_alone(self) -> bool:
        try:
            with connect(self._url) as connection:
                ((others,),) = connection.execute(_OTHERS).fetchall()
        except psycopg.OperationalError as error:
            raise StoreUnreachable(CANNOT_BE_REACHED) from error
        return bool(others == 0)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._replica is not None:
            await self._replica.close()
        await asyncio.to_thread(self._finish)

    def search(self, tokens: StateCache[bytes], rows: StateCache[IndexedRow]) -> PostgresSearch:
        def make_index(dimensions: int) -> None:
            self._indexing.submit(self._make_index, dimensions)

        return PostgresSearch(self, tokens, rows, make_index)

    def _make_index(self, dimensions: int) -> None:
        try:
            with connect(self._url, autocommit=True) as self._making:
                make_index(self._making, dimensions)
        except psycopg.Error as error:
            # Nothing is lost: until there is one, vectors are compared one by one.
            _logger.warning("The index for vectors of %d dimensions was not made: %s", dimensions, error)
        finally:
            self._making = None

    def _finish(self) -> None:
        if (making := self._making) is not None:
            making.cancel_safe(timeout=5)
        self._indexing.shutdown(wait=True, cancel_futures=True)
        self._threads.shutdown(wait=True)
        self._connections.close()

    async def _submit(
        self, tenant: Tenant, isolation: IsolationLevel, read_only: bool, work: Callable[[Transaction], T]
    ) -> T:
        if self._closed:
            raise Unavailable("The store is closed")
        job = self._threads.submit(self._run, tenant, isolation, read_only, work)
        # What has begun can no longer be called off; what still waits for a thread then has waited long enough.
        patience = asyncio.get_running_loop().call_later(self._wait_seconds, job.cancel)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if job.cancelled() and not _is_being_cancelled():
                raise Unavailable("All connections to the database are busy; try again later") from None
            raise
        finally:
            patience.cancel()

    def _run(self, tenant: Tenant, isolation: IsolationLevel, read_only: bool, work: Callable[[Transaction], T]) -> T:
        pause = 0.01
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._transaction(tenant, isolation, read_only, work)
            except _LostBeforeCommit as lost:
                # A restarted server has closed all of them; the next one is new, or refused at once.
                self._connections.forget_idle()
                if attempt == ATTEMPTS:
                    raise StoreUnreachable(CANNOT_BE_REACHED) from lost
            except psycopg.Error as error:
                if not is_retried(error) or attempt == ATTEMPTS:
                    raise to_core_error(error) from error
            # Two that met do not meet again at the same pace.
            time.sleep(random.uniform(0, pause))
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _transaction(
        self, tenant: Tenant, isolation: IsolationLevel, read_only: bool, work: Callable[[Transaction], T]
    ) -> T:
        borrowed = self._connections.take()
        connection = borrowed.connection
        ended = committing = False
        try:
            connection.isolation_level = isolation
            connection.read_only = read_only
            enter(connection, tenant, roles=self._roles)
            result = work(PostgresTransaction(connection))
            committing = not read_only
            connection.commit()
            ended = True
            return result
        except psycopg.Error as error:
            if not is_lost(error, connection):
                raise
            connection.close()
            if committing:
                raise StoreUnreachable(
                    "The database went away while it kept this; look whether it is there before sending it again"
                ) from error
            raise _LostBeforeCommit from error
        finally:
            if not ended:
                _roll_back(connection)
            self._connections.give_back(borrowed)


def _as_new_as(newest: int, organization_id: str, work: Callable[[Transaction], T], tx: Transaction) -> T:
    if last_seq(tx, organization_id) < newest:
        raise _Behind
    return work(tx)


class _Behind(Exception):
    """The replica has not got there yet."""


class _LostBeforeCommit(Exception):
    """The connection broke before anything could have been kept."""


def _roll_back(connection: Connection) -> None:
    # One that cannot be rolled back ends with its connection.
    try:
        if not connection.closed:
            connection.rollback()
    except psycopg.Error:
        connection.close()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
