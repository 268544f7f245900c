"""Reading from a second server that follows the first, and never less than there is to know."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from polymem.core.filters import Sort
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Store
from polymem.storage import open_store
from polymem.storage.postgres import open_postgres
from tests.databases import Postgres, postgres, to_url
from tests.storage.support import MODEL, inserts, memory, new_scope, vector


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def standby(primary: Postgres) -> Iterator[Postgres]:
    with primary.standby() as server:
        yield server


@pytest.fixture(scope="module")
def urls(primary: Postgres, standby: Postgres) -> tuple[str, str]:
    url = primary.new_database()
    return url, to_url(standby.uri, url.partition("?")[0].rpartition("/")[2])


@pytest.fixture
async def store(urls: tuple[str, str]) -> AsyncIterator[Store]:
    opened = await open_store(urls[0], replica=urls[1])
    yield opened
    await opened.close()


async def total(store: Store, scope: Scope) -> int:
    return (await store.find(scope, (), Sort(), 10, 0)).total


async def found(store: Store, scope: Scope, text: str) -> set[str]:
    query = CandidateQuery(text=text, model=MODEL, vector=vector(text), filter=(), depth=10)
    return {item.memory_id for item in (await store.candidates(scope, query)).items}


async def is_answered_by_replica(urls: tuple[str, str], scope: Scope) -> bool:
    backend = await open_postgres(urls[0], replica_url=urls[1])
    ((copy,),) = await backend.read_recent(scope.organization_id, lambda tx: tx.query("SELECT pg_is_in_recovery()", {}))
    await backend.close()
    return bool(copy)


def wait_until_replayed(urls: tuple[str, str]) -> None:
    with psycopg.connect(urls[0], autocommit=True) as first, psycopg.connect(urls[1], autocommit=True) as second:
        ((place,),) = first.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn, pg_sleep(0.02)"
        while second.execute(replayed, [place]).fetchall()[0][0] is not True:
            pass


async def test_what_was_written_is_read_at_once_however_far_the_replica_is(store: Store, urls: tuple[str, str]) -> None:
    scope = await new_scope(store)
    for number in range(30):
        (kept,) = await store.apply(scope, inserts([memory(scope, f"A cat, {number}")]))
        assert await total(store, scope) == number + 1
        assert kept in await store.get_many(scope, [kept])
        assert kept in await found(store, scope, f"A cat, {number}")


async def test_a_replica_that_has_stopped_following_is_not_asked(store: Store, urls: tuple[str, str]) -> None:
    scope = await new_scope(store)
    await store.apply(scope, inserts([memory(scope, "A cat")]))
    with psycopg.connect(urls[1], autocommit=True) as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
        try:
            (late,) = await store.apply(scope, inserts([memory(scope, "A dog")]))
            assert await total(store, scope) == 2
            assert late in await found(store, scope, "A dog")
            other = await open_store(urls[0], replica=urls[1])
            # Another process's writes are seen as well as one's own.
            assert await total(other, scope) == 2
            await other.close()
            assert not await is_answered_by_replica(urls, scope)
        finally:
            replica.execute("SELECT pg_wal_replay_resume()")


async def test_a_replica_that_follows_answers(store: Store, urls: tuple[str, str]) -> None:
    scope = await new_scope(store)
    await store.apply(scope, inserts([memory(scope, f"A cat, {number}") for number in range(5)]))
    wait_until_replayed(urls)
    assert await is_answered_by_replica(urls, scope)
    assert await total(store, scope) == 5
    assert len(await found(store, scope, "cat")) == 5


async def test_without_its_replica_a_store_answers_from_the_database(
    store: Store, standby: Postgres, urls: tuple[str, str]
) -> None:
    scope = await new_scope(store)
    await store.apply(scope, inserts([memory(scope, "A cat")]))
    wait_until_replayed(urls)
    assert await total(store, scope) == 1
    standby.stop()
    try:
        assert await total(store, scope) == 1
        assert len(await found(store, scope, "cat")) == 1
        other = await open_store(urls[0], replica=urls[1])
        assert await total(other, scope) == 1
        await other.close()
    finally:
        standby.start()
    assert await total(store, scope) == 1
