"""kill -9 at any moment: nothing acknowledged is lost, nothing is doubled, everything derived agrees.

POLYMEM_TEST_CRASH_ROUNDS sets how often (4 unless set).
"""

import os
import random
from pathlib import Path

from polymem.core.filters import Sort
from polymem.storage import open_store
from tests.storage.sqlite.test_processes import found_by_keyword, start
from tests.storage.support import MODEL, new_scope

ROUNDS = int(os.environ.get("POLYMEM_TEST_CRASH_ROUNDS", "4"))
WRITERS = 8


async def test_what_was_acknowledged_survives_kill_minus_nine(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    store = await open_store(directory)
    scope = await new_scope(store)
    await store.close()
    chance = random.Random(20)
    tried: set[str] = set()
    kept: set[str] = set()

    for _ in range(ROUNDS):
        process = await start(directory, scope, WRITERS, 0)
        assert process.stdout is not None
        # So many lines of its output later, whatever it is doing then.
        for _ in range(chance.randint(1, 1200)):
            note(await process.stdout.readline(), tried, kept)
        process.kill()
        while line := await process.stdout.readline():
            note(line, tried, kept)
        await process.wait()

        store = await open_store(directory)
        found = [one async for batch in store.scan(scope, ()) for one in batch]
        ids = {one.id for one in found}
        assert len(found) == len(ids) == (await store.find(scope, (), Sort(), 0, 0)).total
        assert kept <= ids <= tried
        assert all(one.content == f"Memory {one.id} of a cat" for one in found)
        report = await store.verify(repair=False, model=MODEL)
        assert (report.problems, report.without_vector, report.memories) == ((), 0, len(ids))
        assert await found_by_keyword(store, scope, depth=len(ids)) == ids
        await store.close()

    assert len(kept) > ROUNDS


def note(line: bytes, tried: set[str], kept: set[str]) -> None:
    # The last line may have been cut off by the kill.
    if line.endswith(b"\n"):
        verb, name = line.decode().split()
        (kept if verb == "kept" else tried).add(name)
