"""The transaction on a connection, and what PostgreSQL's errors mean to a caller."""

import logging
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg
from psycopg import errors

from polymem.core.errors import Conflict, InvalidInput, PolymemError, Unavailable
from polymem.storage.backend import Params, Row

_logger = logging.getLogger(__name__)

_LINES = 0x706D656C
"""First half of the keys of locks that make transactions stand in line ("pmel" in ASCII); the second says in which."""

_LIST = re.compile(r"IN \(:(\w+)\.\.\.\)")
_METADATA_TEXT = re.compile(r"metadata_text\(([\w.]+), (:\w+)\)")
_NOW_MICROS = "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)"
_NAME = re.compile(r"(?<![:\w]):([a-z_]\w*)")

_RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
_LOST = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
    # What was the primary has become a standby.
    errors.ReadOnlySqlTransaction,
)


class PostgresTransaction:
    """Runs portable statements on a connection whose transaction somebody else begins and ends."""

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection

    def query(self, statement: str, params: Params) -> list[Row]:
        return self._run(statement, params).fetchall()

    def execute(self, statement: str, params: Params) -> int:
        return self._run(statement, params).rowcount

    def execute_many(self, statement: str, rows: Sequence[Params]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(cast("Any", native(statement)), rows)

    def take_turn(self, line: str) -> None:
        self._connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LINES, lock_key(line)])

    def _run(self, statement: str, params: Params) -> "psycopg.Cursor[Row]":
        return self._connection.execute(cast("Any", native(statement)), params, binary=True)


@lru_cache(maxsize=1024)
def native(statement: str) -> str:
    """The statement as psycopg takes it."""
    statement = _METADATA_TEXT.sub(
        # The columns' collation, whose lower() leaves other letters than ASCII alone.
        r"""(SELECT (e.value #>> '{}') COLLATE "C" FROM json_each(CAST(\1 AS json)) e"""
        r""" WHERE e.key = \2 AND json_typeof(e.value) = 'string')""",
        statement.replace("%", "%%"),
    )
    # As a condition of indexes: of rows of a sub-select the planner would not know that they are few.
    lists = _LIST.sub(r"= ANY (CAST(:\1 AS text[]))", statement)
    return _NAME.sub(r"%(\1)s", lists.replace("now_micros()", _NOW_MICROS))


def lock_key(name: str) -> int:
    """The second half of the key of an advisory lock of this name."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def is_retried(error: BaseException) -> bool:
    """Whether the database asks for the transaction to be run again."""
    return isinstance(error, _RETRIED)


def is_lost(error: psycopg.Error, connection: "psycopg.Connection[Row]") -> bool:
    """Whether the server at the other end of the connection is gone, so that another connection may help."""
    return connection.closed or isinstance(error, _LOST)


def to_core_error(error: psycopg.Error) -> PolymemError | psycopg.Error:
    """What an error of the database means to a caller; one that means a mistake in our SQL stays as it is."""
    match error:
        case errors.IntegrityError():
            return Conflict(f"This contradicts what is stored ({error})")
        case errors.ProgramLimitExceeded():
            return InvalidInput("A value is too long for this database")
        case errors.OperationalError():
            _logger.warning("the database did not do what it was asked to: %s", str(error).strip())
            return Unavailable(f"The database cannot do this now ({error.diag.message_primary or 'no reason given'})")
        case _:
            return error
