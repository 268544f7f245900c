"""Brings a data directory to this program's format: makes, checks, backs up, upgrades, or refuses.

The format is the number of the newest migration, kept in the file's `user_version`, which costs nothing to look at.
Every process holds `polymem.db.lock` together with others for as long as it has the database open, and alone while
it upgrades it.
"""

import random
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from polymem.core.errors import Unavailable
from polymem.storage.migrations import Schema
from polymem.storage.sqlite.connection import connect
from polymem.storage.sqlite.copying import copy_database
from polymem.storage.sqlite.files import make_private
from polymem.storage.sqlite.locks import FileLock

APPLICATION_ID = 0x706D656D
"""Marks the file as ours ("pmem" in ASCII), for `file` and for the check that we open nobody else's database."""

_PATIENCE_SECONDS = 5.0
_UPGRADE_SECONDS = 600.0
_PAUSE_SECONDS = 0.05


def prepare(file: Path, schema: Schema) -> FileLock:
    """Makes sure that `file` is a database of the format of `schema`, and returns the lock to hold while it is open.

    Raises Unavailable, with a sentence: the file is newer, is something else, or has to be upgraded while another
    process has it open. sqlite3.Error and OSError are left to the caller.
    """
    make_private(file)
    lock = FileLock(file.with_name(file.name + ".lock"))
    try:
        _wait_until_current(file, lock, schema)
    except BaseException:
        lock.close()
        raise
    return lock


def _wait_until_current(file: Path, lock: FileLock, schema: Schema) -> None:
    # Ends with the lock held together with others and the file in this program's format.
    give_up = time.monotonic() + _UPGRADE_SECONDS
    refuse = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if lock.try_shared():
            if _format(file, schema) == schema.format:
                return
            lock.release()
            if lock.try_exclusive():
                _bring_up(file, schema)
                lock.release()
                continue
            if time.monotonic() > refuse:
                raise Unavailable(
                    f"The data directory {file.parent} has to be upgraded, and another process has it open: "
                    "stop that one and start again"
                )
        elif time.monotonic() > give_up:
            raise Unavailable(f"Another process has been upgrading the data directory {file.parent} for too long")
        else:
            refuse = time.monotonic() + _PATIENCE_SECONDS
        # Not in step with another process that has just been started too.
        time.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))


def _format(file: Path, schema: Schema) -> int:
    """The format of the file, 0 for an empty one. Raises Unavailable when it is newer or not ours."""
    connection = sqlite3.connect(file, timeout=_PATIENCE_SECONDS, isolation_level=None)
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()
    if tables and application != APPLICATION_ID:
        raise Unavailable(f"{file} is a database of another program")
    if found > schema.format:
        raise Unavailable(
            f"{file} has format {found}, and this polymem knows formats up to {schema.format}: use the newer polymem"
        )
    return int(found) if tables else 0


def _bring_up(file: Path, schema: Schema) -> None:
    found = _format(file, schema)
    if found == schema.format:
        return
    if found:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        copy_database(file, file.with_name(f"backup-{found:04d}-{moment}.db"))
    connection = connect(file, writes=True)
    try:
        _migrate(connection, schema)
    finally:
        connection.close()


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    import sqlalchemy as sa  # noqa: PLC0415 - a third of a second, and seldom needed

    from polymem.storage.migrations.upgrade import SchemaDialect, upgrade  # noqa: PLC0415 - imports the tool

    # A migration may rebuild a table that others refer to; references are checked as a whole before the commit.
    connection.execute("PRAGMA foreign_keys = OFF")
    engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.StaticPool)
    with engine.connect() as bound:
        bound.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(bound, SchemaDialect(text=sa.Text(), keyed_table={"sqlite_with_rowid": False}), schema)
        if broken := bound.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            raise Unavailable(f"The upgrade would have left {len(broken)} broken references; nothing was changed")
        bound.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        bound.exec_driver_sql(f"PRAGMA user_version = {schema.format}")
        bound.commit()
