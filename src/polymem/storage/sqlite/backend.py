"""The `Backend` on one SQLite file."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from polymem.core.errors import Unavailable
from polymem.storage.backend import NO_ORGANIZATION, Tenant, Transaction
from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.search import IndexedRow, StateCache
from polymem.storage.sqlite.claims import FileClaim, claim
from polymem.storage.sqlite.connection import OLDEST_SQLITE, connect, to_core_error
from polymem.storage.sqlite.copying import copy_database
from polymem.storage.sqlite.files import database_file
from polymem.storage.sqlite.locks import FileLock, WriteTurn
from polymem.storage.sqlite.readers import Readers
from polymem.storage.sqlite.upgrade import prepare
from polymem.storage.sqlite.writer import GroupWriter

T = TypeVar("T")

READERS = 2


async def open_sqlite(location: Path, schema: Schema = CURRENT) -> "SqliteBackend":
    """Opens the database in a directory (or the file) `location`, making it or upgrading it to `schema` first.

    Raises Unavailable with a sentence when that cannot be.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise Unavailable(f"This Python has SQLite {sqlite3.sqlite_version}; 3.35 or newer is needed")
    return await asyncio.to_thread(_open, database_file(location), schema)


def _open(file: Path, schema: Schema) -> "SqliteBackend":
    try:
        lock = prepare(file, schema)
        try:
            return SqliteBackend(file, lock, schema)
        except BaseException:
            lock.close()
            raise
    except sqlite3.Error as error:
        raise to_core_error(error) from error
    except OSError as error:
        raise Unavailable(f"The data directory {file.parent} cannot be used: {error.strerror}") from error


class SqliteBackend:
    """One writing thread with group commit, a few reading threads, write-ahead log, fsync on every commit."""

    def __init__(self, file: Path, lock: FileLock, schema: Schema) -> None:
        self._file = file
        self._lock = lock
        self._turn = WriteTurn(file)
        self._writer = GroupWriter(connect(file, writes=True), schema.format, self._turn)
        self._readers = Readers([connect(file, writes=False) for _ in range(READERS)])
        self._closed = False

    @property
    def commits(self) -> int:
        """How many transactions were committed; with group commit fewer than `write` calls."""
        return self._writer.commits

    async def read(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return cast("T", await self._readers.run(work))

    async def read_recent(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return await self.read(tenant, work)

    async def write(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return cast("T", await self._writer.run(work))

    def search(self, tokens: StateCache[bytes], rows: StateCache[IndexedRow]) -> None:
        """None: the indexes in memory are faster."""

    async def size(self) -> int | None:
        def measure() -> int:
            log = self._file.with_name(self._file.name + "-wal")
            return self._file.stat().st_size + (log.stat().st_size if log.exists() else 0)

        return await asyncio.to_thread(measure)

    async def damage(self) -> list[str]:
        # References between rows are `verify`'s business, which can also mend them.
        rows = await self.read(NO_ORGANIZATION, lambda tx: tx.query("PRAGMA quick_check", {}))
        return [str(sentence) for (sentence,) in rows if sentence != "ok"]

    async def backup(self, target: Path) -> None:
        await asyncio.to_thread(copy_database, self._file, target)

    async def claim(self, job: str) -> FileClaim | None:
        return await asyncio.to_thread(claim, self._file, job)

    async def alone(self) -> bool:
        return await asyncio.to_thread(self._take_alone)

    def _take_alone(self) -> bool:
        if self._lock.try_exclusive():
            return True
        # Asking for more gave up what there was.
        self._lock.try_shared()
        return False

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._readers.stop_accepting()
        self._writer.stop_accepting()
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        self._readers.close()
        self._writer.close()
        self._turn.close()
        self._lock.close()
