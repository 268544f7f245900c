"""Memories in PostgreSQL, through psycopg. Needs the extra `polymem[postgres]`."""

from polymem.storage.postgres.backend import PostgresBackend, open_postgres

__all__ = ["PostgresBackend", "open_postgres"]
