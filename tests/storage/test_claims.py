"""Jobs that one process of several does."""

from collections.abc import Awaitable, Callable

import psycopg

from polymem.core.ports import Store
from polymem.storage import open_store


async def test_a_job_is_one_process_s_until_it_is_released(open_again: Callable[[], Awaitable[Store]]) -> None:
    one, two = await open_again(), await open_again()
    claim = await one.claim("sweep")
    assert claim is not None
    assert await claim.held()
    assert await two.claim("sweep") is None
    other = await two.claim("another")
    assert other is not None
    await claim.release()
    taken_over = await two.claim("sweep")
    assert taken_over is not None
    assert await one.claim("sweep") is None
    await taken_over.release()
    await other.release()


async def test_a_claim_ends_with_its_connection(clean_server_url: str) -> None:
    store = await open_store(clean_server_url)
    claim = await store.claim("sweep")
    assert claim is not None
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
    assert not await claim.held()
    await claim.release()
    again = await store.claim("sweep")
    assert again is not None
    await again.release()
    await store.close()


async def test_a_claim_keeps_vacuum_from_nothing(clean_server_url: str) -> None:
    store = await open_store(clean_server_url)
    claim = await store.claim("sweep")
    assert claim is not None
    with psycopg.connect(clean_server_url) as connection:
        # It holds neither a snapshot nor a transaction's number, for which vacuum would wait.
        rows = connection.execute(
            "SELECT backend_xid, backend_xmin FROM pg_stat_activity JOIN pg_locks USING (pid)"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        ).fetchall()
    assert rows == [(None, None)]
    await claim.release()
    await store.close()
