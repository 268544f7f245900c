import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polymem.core.errors import Conflict, Unavailable
from polymem.core.filters import Sort
from polymem.core.people import Scope
from polymem.storage.backend import NO_ORGANIZATION, Transaction
from polymem.storage.search import IndexCache
from polymem.storage.sqlite import SqliteBackend, open_sqlite
from polymem.storage.store import SqlStore
from tests.storage.support import inserts, memory, new_scope

INSERT = "INSERT INTO organizations (id, slug, name, created_at, last_seq) VALUES (:id, :id, 'x', 0, 0)"
COUNT = "SELECT count(*) FROM organizations"


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[SqliteBackend]:
    backend = await open_sqlite(tmp_path / "data")
    yield backend
    await backend.close()


async def count(backend: SqliteBackend) -> int:
    ((found,),) = await backend.read(NO_ORGANIZATION, lambda tx: tx.query(COUNT, {}))
    return int(found)


class Gate:
    """Keeps the writer busy until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, tx: Transaction) -> None:
        self.entered.set()
        self.opened.wait(10)


async def test_writers_that_wait_share_one_commit(backend: SqliteBackend) -> None:
    store = SqlStore(backend, IndexCache(1 << 20))
    scope = await new_scope(store)
    gate = Gate()
    first = asyncio.ensure_future(backend.write(NO_ORGANIZATION, gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    waiting = [asyncio.ensure_future(store.apply(scope, inserts([memory(scope)]))) for _ in range(50)]
    await asyncio.sleep(0)
    before = backend.commits
    gate.opened.set()
    await asyncio.gather(first, *waiting)
    assert backend.commits == before + 2
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 50


async def test_a_write_that_fails_in_a_group_harms_no_other(backend: SqliteBackend) -> None:
    store = SqlStore(backend, IndexCache(1 << 20))
    scope = await new_scope(store)
    taken = memory(scope, "Taken")
    await store.apply(scope, inserts([taken]))
    gate = Gate()
    first = asyncio.ensure_future(backend.write(NO_ORGANIZATION, gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    good = [memory(scope, f"Good {i}") for i in range(10)]
    bad = [[memory(scope, f"Bad {i}"), memory(scope, id=taken.id)] for i in range(10)]
    waiting = [
        asyncio.ensure_future(store.apply(scope, inserts(batch)))
        for pair in zip(([one] for one in good), bad, strict=True)
        for batch in pair
    ]
    await asyncio.sleep(0)
    gate.opened.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    assert outcomes[::2] == [[one.id] for one in good]
    assert all(isinstance(outcome, Conflict) for outcome in outcomes[1::2])
    page = await store.find(scope, (), Sort(), 100, 0)
    assert {one.content for one in page.items} == {"Taken", *(one.content for one in good)}


async def test_an_answer_comes_only_after_the_commit(backend: SqliteBackend, tmp_path: Path) -> None:
    other = await open_sqlite(tmp_path / "data")
    for number in range(20):
        await backend.write(NO_ORGANIZATION, lambda tx, number=number: tx.execute(INSERT, {"id": f"o{number}"}))  # type: ignore[misc]
        assert await count(other) == number + 1
    await other.close()


async def test_a_writer_that_gave_up_waiting_writes_nothing(backend: SqliteBackend) -> None:
    gate = Gate()
    first = asyncio.ensure_future(backend.write(NO_ORGANIZATION, gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    waiting = asyncio.ensure_future(backend.write(NO_ORGANIZATION, lambda tx: tx.execute(INSERT, {"id": "given up"})))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await first
    assert await count(backend) == 0


async def test_a_caller_that_leaves_during_its_write_breaks_nothing(backend: SqliteBackend) -> None:
    gate = Gate()
    first = asyncio.ensure_future(backend.write(NO_ORGANIZATION, gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    first.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    await backend.write(NO_ORGANIZATION, lambda tx: tx.execute(INSERT, {"id": "next"}))
    assert await count(backend) == 1


async def test_closing_writes_what_was_accepted_and_refuses_the_rest(tmp_path: Path) -> None:
    backend = await open_sqlite(tmp_path / "data")
    gate = Gate()
    first = asyncio.ensure_future(backend.write(NO_ORGANIZATION, gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    waiting = [
        asyncio.ensure_future(backend.write(NO_ORGANIZATION, lambda tx, n=n: tx.execute(INSERT, {"id": f"o{n}"})))  # type: ignore[misc]
        for n in range(20)
    ]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(backend.close())
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(first, closing, *waiting)
    for refused in (backend.read, backend.write):
        with pytest.raises(Unavailable, match="closed"):
            await refused(NO_ORGANIZATION, lambda tx: tx.query(COUNT, {}))
    await backend.close()
    again = await open_sqlite(tmp_path / "data")
    assert await count(again) == 20
    await again.close()


async def test_a_read_sees_one_moment_from_its_first_to_its_last_statement(backend: SqliteBackend) -> None:
    between = threading.Event()
    written = threading.Event()

    def twice(tx: Transaction) -> tuple[int, int]:
        ((before,),) = tx.query(COUNT, {})
        between.set()
        written.wait(10)
        ((after,),) = tx.query(COUNT, {})
        return before, after

    reading = asyncio.ensure_future(backend.read(NO_ORGANIZATION, twice))
    await asyncio.to_thread(between.wait, 10)
    await backend.write(NO_ORGANIZATION, lambda tx: tx.execute(INSERT, {"id": "meanwhile"}))
    written.set()
    assert await reading == (0, 0)
    assert await count(backend) == 1


async def test_a_reader_cannot_write(backend: SqliteBackend) -> None:
    with pytest.raises(Unavailable):
        await backend.read(NO_ORGANIZATION, lambda tx: tx.execute(INSERT, {"id": "sneaky"}))
    assert await count(backend) == 0


async def test_a_mistake_in_a_statement_is_not_dressed_up(backend: SqliteBackend) -> None:
    with pytest.raises(Exception, match="no such table"):
        await backend.read(NO_ORGANIZATION, lambda tx: tx.query("SELECT * FROM missing", {}))
    assert await count(backend) == 0


async def test_a_scope_is_kept_between_threads(backend: SqliteBackend) -> None:
    """Two organizations written at once in one group stay apart."""
    store = SqlStore(backend, IndexCache(1 << 20))
    scopes: list[Scope] = [await new_scope(store) for _ in range(4)]
    await asyncio.gather(*[store.apply(scope, inserts([memory(scope)])) for scope in scopes * 10])
    totals = [(await store.find(scope, (), Sort(), 0, 0)).total for scope in scopes]
    assert totals == [10] * 4


async def test_a_full_disk_is_told_and_loses_nothing_that_was_answered(backend: SqliteBackend) -> None:
    store = SqlStore(backend, IndexCache(1 << 20))
    scope = await new_scope(store)
    ((pages,),) = await backend.write(NO_ORGANIZATION, lambda tx: tx.query("PRAGMA page_count", {}))
    await backend.write(NO_ORGANIZATION, lambda tx: tx.query(f"PRAGMA max_page_count = {pages + 40}", {}))
    small = [[memory(scope, f"Small {i}")] for i in range(8)]
    large = [[memory(scope, "x" * 15_000)] for _ in range(8)]
    gate = Gate()
    first = asyncio.ensure_future(backend.write(NO_ORGANIZATION, gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    batches = [batch for pair in zip(small, large, strict=True) for batch in pair]
    waiting = [asyncio.ensure_future(store.apply(scope, inserts(batch))) for batch in batches]
    await asyncio.sleep(0)
    gate.opened.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    answered = {ids[0] for ids in outcomes if isinstance(ids, list)}
    refused = [outcome for outcome in outcomes if not isinstance(outcome, list)]
    assert refused
    assert all(isinstance(error, Unavailable) and "disk is full" in str(error) for error in refused)
    assert {one.id for one in (await store.find(scope, (), Sort(), 100, 0)).items} == answered

    await backend.write(NO_ORGANIZATION, lambda tx: tx.query("PRAGMA max_page_count = 1000000", {}))
    assert await store.apply(scope, inserts(large[-1])) == [large[-1][0].id]
    assert (await store.verify(repair=False, model=None)).problems == ()
