"""Memories in one SQLite file: write-ahead log, group commit, several processes at once."""

from polymem.storage.sqlite.backend import SqliteBackend, open_sqlite

__all__ = ["SqliteBackend", "open_sqlite"]
