"""Runs the migrations. Imported only when there are some to run: the tool costs a third of a second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Text

from polymem.storage.migrations import Schema


@dataclass(frozen=True, slots=True)
class SchemaDialect:
    """What the schema leaves to the database.

    `text` is a text column ordered by code point, whose lower() folds ASCII letters only. `keyed_table` holds the
    options of a small table that is only ever reached through its primary key.
    """

    text: Text
    keyed_table: Mapping[str, Any] = field(default_factory=dict)


def upgrade(connection: Connection, dialect: SchemaDialect, schema: Schema) -> None:
    """Brings the database to `schema`, inside the transaction the caller has begun and will commit."""
    config = Config()
    config.set_main_option("script_location", str(schema.scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["dialect"] = dialect
    command.upgrade(config, schema.revision)
