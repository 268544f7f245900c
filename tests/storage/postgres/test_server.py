import asyncio
from pathlib import Path

import psycopg
import pytest

from polymem.core.errors import Unavailable
from polymem.core.filters import Sort
from polymem.core.ports_overview import RecallCount
from polymem.storage import open_store
from polymem.storage.backend import NO_ORGANIZATION
from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.postgres import open_postgres
from tests.storage.support import inserts, memory, new_scope


async def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await open_store("postgresql://127.0.0.1:1/none?connect_timeout=2")


async def test_a_newer_schema_is_refused(clean_server_url: str) -> None:
    await (await open_store(clean_server_url)).close()
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
        try:
            with pytest.raises(Unavailable, match="use the newer polymem"):
                await open_store(clean_server_url)
        finally:
            connection.execute("UPDATE alembic_version SET version_num = %s", [CURRENT.revision])


async def test_many_first_starts_at_once_make_one_schema(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty WITH (FORCE)")
        connection.execute("CREATE DATABASE empty")
    parts = psycopg.conninfo.conninfo_to_dict(server_url)
    url = psycopg.conninfo.make_conninfo("", **{**parts, "dbname": "empty"})
    backends = await asyncio.gather(*[open_postgres(url, Schema(CURRENT.revision, CURRENT.scripts)) for _ in range(4)])
    for backend in backends:
        assert await backend.read(NO_ORGANIZATION, lambda tx: tx.query("SELECT count(*) FROM memories", {})) == [(0,)]
        await backend.close()


async def test_a_backup_is_the_servers_business(clean_server_url: str, tmp_path: Path) -> None:
    store = await open_store(clean_server_url)
    with pytest.raises(Unavailable, match="pg_dump"):
        await store.backup(tmp_path / "copy.db")
    await store.close()


async def test_writers_of_one_organization_take_turns_and_lose_nothing(clean_server_url: str) -> None:
    one, two = await open_store(clean_server_url), await open_store(clean_server_url)
    scope = await new_scope(one)
    writing = [
        store.apply(scope, inserts([memory(scope, f"Memory {number}")])) for number in range(60) for store in (one, two)
    ]
    await asyncio.gather(*writing)
    assert (await two.find(scope, (), Sort(), 0, 0)).total == 120
    with psycopg.connect(clean_server_url) as connection:
        rows = connection.execute("SELECT count(DISTINCT seq), max(seq) FROM memories").fetchall()
    assert rows == [(120, 120)]
    await one.close()
    await two.close()


async def test_uses_counted_at_once_are_all_counted(clean_server_url: str) -> None:
    store = await open_store(clean_server_url)
    scope = await new_scope(store)
    memories = [memory(scope, f"Memory {number}") for number in range(10)]
    ids = await store.apply(scope, inserts(memories))
    # In opposite orders, which is how deadlocks come about.
    touches = [store.touch(scope, ids if n % 2 else ids[::-1], memories[0].created_at) for n in range(40)]
    await asyncio.gather(*touches)
    assert {one.access_count for one in (await store.get_many(scope, ids)).values()} == {40}
    await store.close()


async def test_recalls_counted_by_several_processes_at_once_are_all_counted(clean_server_url: str) -> None:
    stores = [await open_store(clean_server_url) for _ in range(3)]
    scope = await new_scope(stores[0])
    memories = [memory(scope, f"Memory {number}") for number in range(10)]
    ids = await stores[0].apply(scope, inserts(memories))
    at = memories[0].created_at
    counting = [
        store.overview.count_recall(scope, None, ids if n % 2 else ids[::-1], n % 4 == 0, at)
        for n in range(60)
        for store in stores
    ]
    await asyncio.gather(*counting)
    assert await stores[0].overview.recalls(scope, at) == {at.date(): RecallCount(180, 45)}
    assert {one.access_count for one in (await stores[0].get_many(scope, ids)).values()} == {180}
    for store in stores:
        await store.close()


async def test_a_closed_store_refuses(clean_server_url: str) -> None:
    store = await open_store(clean_server_url)
    await store.close()
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await store.ping()
