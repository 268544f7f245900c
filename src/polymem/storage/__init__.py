"""How memories last. `open_store` is the only place that reads a database URL's scheme."""

from pathlib import Path

from polymem.core.errors import InvalidInput, Unavailable
from polymem.core.ports import Store
from polymem.storage.backend import Backend
from polymem.storage.search import IndexCache
from polymem.storage.sqlite import open_sqlite
from polymem.storage.store import SqlStore

INDEX_MEMORY_BYTES = 1024 * 1024 * 1024
"""Memory that search indexes may take together, unless the caller says otherwise: about 500,000 memories."""

_POSTGRES = ("postgresql://", "postgres://")


async def open_store(location: str | Path, *, index_memory_bytes: int = INDEX_MEMORY_BYTES) -> Store:
    """The store at `location`: a `postgresql://` URL, or a data directory (or database file) for SQLite.

    Makes what is not there and upgrades what is older. Raises InvalidInput for another kind of URL, Unavailable with
    a sentence when the database cannot be opened.
    """
    return SqlStore(await _open_backend(str(location)), IndexCache(index_memory_bytes))


async def _open_backend(location: str) -> Backend:
    if location.startswith(_POSTGRES):
        try:
            from polymem.storage.postgres import open_postgres  # noqa: PLC0415 - an optional extra
        except ModuleNotFoundError as missing:
            raise Unavailable(f"PostgreSQL needs the package {missing.name}: install polymem[postgres]") from None
        return await open_postgres(location)
    if "://" in location:
        raise InvalidInput("The database must be a postgresql:// URL or a data directory")
    return await open_sqlite(Path(location))
