"""Memories in one SQLite file: write-ahead log, group commit, several processes at once."""

from sqlite3 import sqlite_version

from polymem.storage.sqlite.backend import SqliteBackend, open_sqlite

VERSION = sqlite_version
"""Of the SQLite that comes with this Python."""

__all__ = ["VERSION", "SqliteBackend", "open_sqlite"]
