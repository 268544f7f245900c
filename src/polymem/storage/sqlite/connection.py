"""Connections to the file, the transaction they carry, and what SQLite's errors mean to a caller."""

import json
import re
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from polymem.core.errors import Conflict, PolymemError, Unavailable
from polymem.storage.backend import Params, Row

OLDEST_SQLITE = (3, 35, 0)
"""The first version with RETURNING."""

BUSY_SECONDS = 60.0
"""How long one statement waits for another program that holds the file."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_LIST = re.compile(r":(\w+)\.\.\.")
_NOW_MICROS = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
_LOCKED_ROWS = "FOR UPDATE SKIP LOCKED"
_METADATA_TEXT = re.compile(r"metadata_text\(([\w.]+), (:\w+)\)")


def connect(file: Path, *, writes: bool) -> sqlite3.Connection:
    """A connection that any one thread may use. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        # What is purged shall not be readable in the file's free pages.
        "secure_delete = ON",
        "temp_store = MEMORY",
        f"cache_size = -{32 * 1024}",
        # The log is cut back to this size after a bulk load instead of staying as large as it ever was.
        f"journal_size_limit = {64 * 1024 * 1024}",
        f"query_only = {'OFF' if writes else 'ON'}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class SqliteTransaction:
    """Runs portable statements on a connection whose transaction somebody else begins and ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, statement: str, params: Params) -> list[Row]:
        sql, lists = native(statement)
        return self._connection.execute(sql, _bound(params, lists)).fetchall()

    def execute(self, statement: str, params: Params) -> int:
        sql, lists = native(statement)
        return self._connection.execute(sql, _bound(params, lists)).rowcount

    def execute_many(self, statement: str, rows: Sequence[Params]) -> None:
        sql, lists = native(statement)
        self._connection.executemany(sql, [_bound(params, lists) for params in rows] if lists else rows)

    def take_turn(self, line: str) -> None:
        """Whoever writes here does so alone."""


@lru_cache(maxsize=1024)
def native(statement: str) -> tuple[str, tuple[str, ...]]:
    """The statement as SQLite takes it, and the names of its list parameters, which travel as JSON text."""
    lists = tuple(_LIST.findall(statement))
    statement = _METADATA_TEXT.sub(
        r"(SELECT e.value FROM json_each(\1) e WHERE e.key = \2 AND e.type = 'text')", statement
    )
    # Whoever writes here does so alone.
    statement = statement.replace("now_micros()", _NOW_MICROS).replace(_LOCKED_ROWS, "")
    return _LIST.sub(r"SELECT value FROM json_each(:\1)", statement), lists


def _bound(params: Params, lists: tuple[str, ...]) -> Params:
    if not lists:
        return params
    bound: dict[str, Any] = dict(params)
    for name in lists:
        bound[name] = json.dumps(params[name], ensure_ascii=False)
    return bound


def is_busy(error: BaseException) -> bool:
    """Whether another program held the file, so that trying again may help."""
    return isinstance(error, sqlite3.OperationalError) and _primary(error) in _BUSY


def to_core_error(error: sqlite3.Error) -> PolymemError | sqlite3.Error:
    """What an error of the database means to a caller; one that means a mistake in our SQL stays as it is."""
    match _primary(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return Unavailable("Another program has held the database for too long; try again when it has finished")
        case sqlite3.SQLITE_FULL:
            return Unavailable("The disk is full; nothing of this was kept")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return Unavailable(f"The database cannot be opened for writing ({error})")
        case sqlite3.SQLITE_IOERR:
            return Unavailable(f"The disk failed ({error}); nothing of this was kept")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Unavailable(f"The database file is damaged or is no database ({error}); restore a backup")
        case sqlite3.SQLITE_CONSTRAINT:
            return Conflict(f"This contradicts what is stored ({error})")
        case _:
            return error


def _primary(error: sqlite3.Error) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code; the rest tells the kind of, say, I/O error.
    return code & 0xFF if isinstance(code, int) else sqlite3.SQLITE_ERROR
