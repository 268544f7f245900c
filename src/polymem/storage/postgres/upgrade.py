"""Brings a database's schema to this program's revision, or refuses."""

import psycopg

from polymem.core.errors import Unavailable
from polymem.storage.backend import Row
from polymem.storage.migrations import Schema, number
from polymem.storage.postgres.isolation import secure, see_everything
from polymem.storage.postgres.search_tables import prepare_search

OLDEST_SERVER = 14_00_00

_LOCK = 0x706D656D
"""Key of the advisory lock under which one process at a time looks and upgrades ("pmem" in ASCII)."""


def prepare(connection: "psycopg.Connection[Row]", schema: Schema) -> None:
    """Makes or upgrades the schema. Raises Unavailable: the server is too old, the schema is newer than `schema`.

    A server's backups are its operator's business, so none is taken here.
    """
    if connection.info.server_version < OLDEST_SERVER:
        raise Unavailable("PostgreSQL 14 or newer is needed")
    found = _revision(connection)
    if number(found) > schema.format:
        raise Unavailable(
            f"The database has schema {found}, and this polymem knows schemas up to {schema.revision}: "
            "use the newer polymem"
        )
    if found != schema.revision:
        _migrate(connection, schema)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        prepare_search(connection)
        secure(connection)


def _revision(connection: "psycopg.Connection[Row]") -> str:
    with connection.transaction():
        ((table,),) = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchall()
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall() if table else []
    return str(rows[0][0]) if rows else ""


def _migrate(connection: "psycopg.Connection[Row]", schema: Schema) -> None:
    import sqlalchemy as sa  # noqa: PLC0415 - a third of a second, and seldom needed

    from polymem.storage.migrations.upgrade import SchemaDialect, upgrade  # noqa: PLC0415 - imports the tool

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=sa.StaticPool)
    with engine.connect() as bound:
        # Held to the end of the transaction; whoever waited here finds nothing left to do.
        bound.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        see_everything(connection)
        upgrade(bound, SchemaDialect(text=sa.Text(collation="C")), schema)
        bound.commit()
