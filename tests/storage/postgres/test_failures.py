import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from polymem.core.errors import StoreUnreachable, Unavailable
from polymem.storage.backend import EVERY_ORGANIZATION, Transaction
from polymem.storage.postgres import PostgresBackend
from tests.databases import Postgres, postgres


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
async def backend(database: Postgres) -> AsyncIterator[PostgresBackend]:
    url = database.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE tally (name text PRIMARY KEY, count int NOT NULL)")
        connection.execute("INSERT INTO tally VALUES ('a', 0), ('b', 0)")
    opened = PostgresBackend(url, connections=2, wait_seconds=0.3, roles=False)
    yield opened
    await opened.close()


async def counts(backend: PostgresBackend) -> dict[str, int]:
    return dict(await backend.read(EVERY_ORGANIZATION, lambda tx: tx.query("SELECT name, count FROM tally", {})))


def add(tx: Transaction, *names: str) -> None:
    for name in names:
        tx.execute("UPDATE tally SET count = count + 1 WHERE name = :name", {"name": name})


async def test_two_transactions_that_wait_for_each_other_are_both_done(backend: PostgresBackend) -> None:
    met = threading.Barrier(2)
    attempts: list[str] = []

    def cross(tx: Transaction, first: str, second: str) -> None:
        attempts.append(first)
        add(tx, first)
        if attempts.count(first) == 1:
            met.wait(10)
        add(tx, second)

    await asyncio.gather(
        backend.write(EVERY_ORGANIZATION, lambda tx: cross(tx, "a", "b")),
        backend.write(EVERY_ORGANIZATION, lambda tx: cross(tx, "b", "a")),
    )
    assert len(attempts) == 3
    assert await counts(backend) == {"a": 2, "b": 2}


async def test_a_transaction_that_loses_its_connection_before_the_end_is_run_again(backend: PostgresBackend) -> None:
    attempts = 0

    def interrupted(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        add(tx, "a")
        if attempts == 1:
            tx.query("SELECT pg_terminate_backend(pg_backend_pid())", {})

    await backend.write(EVERY_ORGANIZATION, interrupted)
    assert attempts == 2
    assert (await counts(backend))["a"] == 1


async def test_a_connection_lost_at_the_end_is_told_since_nobody_knows_what_was_kept(
    backend: PostgresBackend,
) -> None:
    def prepare(tx: Transaction) -> None:
        tx.execute(
            "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'",
            {},
        )
        tx.execute(
            "CREATE CONSTRAINT TRIGGER leaves AFTER UPDATE ON tally DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION leave()",
            {},
        )

    await backend.write(EVERY_ORGANIZATION, prepare)
    attempts: list[int] = []

    def once(tx: Transaction) -> None:
        attempts.append(1)
        add(tx, "a")

    with pytest.raises(StoreUnreachable, match="look whether it is there"):
        await backend.write(EVERY_ORGANIZATION, once)
    assert len(attempts) == 1
    assert (await counts(backend))["a"] == 0


async def test_who_finds_no_connection_to_spare_is_told_in_time(backend: PostgresBackend) -> None:
    go_on = threading.Event()
    busy = [asyncio.create_task(backend.read(EVERY_ORGANIZATION, lambda _: go_on.wait(30))) for _ in range(2)]
    await asyncio.sleep(0)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="busy"):
        await counts(backend)
    assert time.monotonic() - began < 5
    go_on.set()
    assert await asyncio.gather(*busy) == [True, True]
    assert await counts(backend) == {"a": 0, "b": 0}


async def test_a_caller_that_gives_up_while_it_waits_is_not_told_of_busy_connections(
    backend: PostgresBackend,
) -> None:
    go_on = threading.Event()
    busy = [asyncio.create_task(backend.read(EVERY_ORGANIZATION, lambda _: go_on.wait(30))) for _ in range(2)]
    waiting = asyncio.create_task(counts(backend))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await asyncio.gather(*busy)


async def test_after_a_restart_of_the_server_the_next_read_is_answered(
    backend: PostgresBackend, database: Postgres
) -> None:
    await asyncio.gather(counts(backend), counts(backend))
    await asyncio.to_thread(database.stop)
    await asyncio.to_thread(database.start)
    # The connections from before are dead, which nobody has noticed yet.
    assert await counts(backend) == {"a": 0, "b": 0}
    await backend.write(EVERY_ORGANIZATION, lambda tx: add(tx, "a"))


async def test_while_the_server_is_away_only_the_first_looks_for_it(
    backend: PostgresBackend, database: Postgres
) -> None:
    await asyncio.to_thread(database.stop)
    try:
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(StoreUnreachable, match="cannot be reached now"):
                await counts(backend)
        assert time.monotonic() - began < 5
    finally:
        await asyncio.to_thread(database.start)
    pause = asyncio.Event()
    while True:
        try:
            assert await counts(backend) == {"a": 0, "b": 0}
        except StoreUnreachable:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pause.wait(), 0.1)
        else:
            break
