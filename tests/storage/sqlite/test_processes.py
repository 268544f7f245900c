"""Several processes use one data directory at once."""

import asyncio
import sys
from pathlib import Path

from polymem.core.filters import Sort, active
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Store
from polymem.storage import open_store
from tests.storage.support import MODEL, NOW, inserts, memory, new_scope

ROOT = Path(__file__).parents[3]


async def start(directory: Path, scope: Scope, writers: int, most: int) -> asyncio.subprocess.Process:
    """A writing process that is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.storage.sqlite.writer_process",
        str(directory),
        scope.organization_id,
        str(writers),
        str(most),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def kept_by(process: asyncio.subprocess.Process) -> set[str]:
    output, _ = await process.communicate()
    return {line.removeprefix("kept ") for line in output.decode().splitlines() if line.startswith("kept ")}


async def found_by_keyword(store: Store, scope: Scope, depth: int = 2000) -> set[str]:
    query = CandidateQuery(text="cat", vector=None, model=MODEL, filter=active(NOW), depth=depth)
    return {item.memory_id for item in (await store.candidates(scope, query)).items if item.keyword}


async def test_writers_of_several_processes_lose_nothing_and_see_no_locks(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "data")
    scope = await new_scope(store)
    processes = [await start(tmp_path / "data", scope, 4, 50) for _ in range(2)]

    async def write_here(number: int) -> list[str]:
        return await store.apply(scope, inserts([memory(scope, f"A cat of my own, {number}")]))

    results = await asyncio.gather(*[write_here(n) for n in range(100)], *[kept_by(process) for process in processes])
    here = {memory_id for ids in results[:100] for memory_id in ids}
    there = {memory_id for ids in results[100:] for memory_id in ids}
    assert [process.returncode for process in processes] == [0, 0]
    assert (len(here), len(there)) == (100, 400)

    everything = here | there
    assert set(await store.get_many(scope, sorted(everything))) == everything
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 500
    assert await found_by_keyword(store, scope) == everything
    assert (await store.verify(repair=False, model=MODEL)).problems == ()
    await store.close()


async def test_a_process_that_writes_without_pause_does_not_keep_another_waiting(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "data")
    scope = await new_scope(store)
    busy = await start(tmp_path / "data", scope, 8, 0)
    loop = asyncio.get_running_loop()
    longest = 0.0
    for number in range(20):
        before = loop.time()
        await store.apply(scope, inserts([memory(scope, f"Mine, {number}")]))
        longest = max(longest, loop.time() - before)
    busy.kill()
    await busy.communicate()
    await store.close()
    # Each wait is about one commit of the other process; without turns it was seconds.
    assert longest < 5.0


async def test_indexes_of_two_stores_catch_up_with_each_other(tmp_path: Path) -> None:
    one, two = await open_store(tmp_path / "data"), await open_store(tmp_path / "data")
    scope = await new_scope(one)

    async def write_and_search(store: Store, number: int) -> None:
        (kept,) = await store.apply(scope, inserts([memory(scope, f"A cat, {number}")]))
        assert kept in await found_by_keyword(store, scope)

    await asyncio.gather(*[write_and_search(store, number) for number in range(50) for store in (one, two)])
    assert len(await found_by_keyword(one, scope)) == 100
    assert await found_by_keyword(one, scope) == await found_by_keyword(two, scope)
    await one.close()
    await two.close()
