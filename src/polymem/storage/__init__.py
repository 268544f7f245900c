"""How memories last. `open_store` is the only place that reads a database URL's scheme."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from polymem.core.errors import InvalidInput, NotFound, Unavailable
from polymem.core.ports import Store
from polymem.storage.backend import NO_ORGANIZATION, Backend
from polymem.storage.move import Moved, Watch, move, unfinished
from polymem.storage.search import IndexCache, row_cache, token_cache
from polymem.storage.sqlite import open_sqlite
from polymem.storage.sqlite.files import database_file
from polymem.storage.sqlite.tables import portable_tables
from polymem.storage.store import SqlStore

INDEX_MEMORY_BYTES = 1024 * 1024 * 1024
"""Memory that search indexes may take together, unless the caller says otherwise: about 500,000 memories."""

TOKEN_MEMORY_BYTES = 64 * 1024 * 1024
"""Memory that token vectors read last may take, unless the caller says otherwise: those of about 50,000 memories."""

CONNECTIONS = 8
"""Connections to a database server, unless the caller says otherwise."""

_POSTGRES = ("postgresql://", "postgres://")


async def open_store(
    location: str | Path,
    *,
    index_memory_bytes: int = INDEX_MEMORY_BYTES,
    token_memory_bytes: int = TOKEN_MEMORY_BYTES,
    connections: int = CONNECTIONS,
    replica: str | None = None,
) -> Store:
    """The store at `location`: a `postgresql://` URL, or a data directory (or database file) for SQLite.

    `connections` is how many a server is asked for at most. With `replica`, the URL of a copy of the database, that
    is asked where it has all there is to know.

    Makes what is not there and upgrades what is older. Raises InvalidInput for another kind of URL, StoreUnreachable
    when no server answers, Unavailable with a sentence when the database cannot be used.
    """
    backend = await _open_backend(str(location), connections, replica)
    try:
        source = await backend.read(NO_ORGANIZATION, unfinished)
    except BaseException:
        await backend.close()
        raise
    if source is not None:
        await backend.close()
        raise Unavailable(
            f"A move into this database, from {source}, has not ended: run polymem migrate-store again, or take an "
            "empty database"
        )
    # Where the database searches by itself, indexes in memory answer questions about the past alone.
    row_memory = index_memory_bytes // 2 if str(location).startswith(_POSTGRES) else 0
    return SqlStore(
        backend, IndexCache(index_memory_bytes - row_memory), token_cache(token_memory_bytes), row_cache(row_memory)
    )


async def move_store(source: str, target: str, watch: Watch) -> Moved:
    """Moves all of a store into another, empty one: `postgresql://…`, `sqlite:PATH`, or a path.

    One that was interrupted is gone on with. Raises NotFound (there is no source), InvalidInput, Conflict (see `move`)
    and Unavailable.
    """
    tables = await asyncio.to_thread(portable_tables)
    source, target = _to_location(source), _to_location(target)
    if "://" not in source and not database_file(Path(source)).is_file():
        raise NotFound("Store", source)
    from_backend = await _open_backend(source)
    try:
        to_backend = await _open_backend(target)
        try:
            return await move(from_backend, to_backend, tables, from_=_without_secrets(source), watch=watch)
        finally:
            await to_backend.close()
    finally:
        await from_backend.close()


def _to_location(text: str) -> str:
    path = text.removeprefix("sqlite:")
    # As in other programs' URLs: three slashes begin an absolute path.
    return text if path == text else path.removeprefix("//") if path.startswith("///") else path


def _without_secrets(location: str) -> str:
    # For a note that names the source: no password, and nothing that may hold one.
    if "://" not in location:
        return str(database_file(Path(location)))
    parts = urlsplit(location)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


async def _open_backend(location: str, connections: int = CONNECTIONS, replica: str | None = None) -> Backend:
    if location.startswith(_POSTGRES):
        try:
            from polymem.storage.postgres import open_postgres  # noqa: PLC0415 - an optional extra
        except ModuleNotFoundError as missing:
            raise Unavailable(f"PostgreSQL needs the package {missing.name}: install polymem[postgres]") from None
        return await open_postgres(location, connections=connections, replica_url=replica)
    if "://" in location:
        raise InvalidInput("The database must be a postgresql:// URL or a data directory")
    return await open_sqlite(Path(location))
