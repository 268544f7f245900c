"""The tables of the schema, as whoever copies them has to know them."""

from typing import Any

from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.move_tables import ORGANIZATION, Table

_OURS = ("alembic_version", "moves", "embedding_batches")
"""Tables that say something of the database they are in, or of the processes that have it open."""


def portable_tables(schema: Schema = CURRENT) -> list[Table]:
    """The tables that every database has, those that others refer to first.

    They are read from an empty database in memory, so that a table of a new migration needs no thought here. What a
    kind of database has beside them is derived, and made anew there.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - a third of a second, and seldom needed

    from polymem.storage.migrations.upgrade import SchemaDialect, upgrade  # noqa: PLC0415 - imports the tool

    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    try:
        with engine.begin() as connection:
            upgrade(connection, SchemaDialect(text=sa.Text()), schema)
            found = sa.inspect(connection)
            names = [name for name, _ in found.get_sorted_table_and_fkc_names() if name is not None]
            return [_table(found, name) for name in names if name not in _OURS]
    finally:
        engine.dispose()


def _table(found: Any, name: str) -> Table:
    columns = tuple(column["name"] for column in found.get_columns(name))
    key = tuple(found.get_pk_constraint(name)["constrained_columns"])
    return Table(name, columns, key, by_organization=key[:1] == (ORGANIZATION,))
