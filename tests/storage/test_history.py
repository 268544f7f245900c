from datetime import timedelta

from polymem.core.model import Change, Version
from polymem.core.people import Scope
from polymem.core.ports import Purge, Store
from tests.storage.support import LATER, NOW, changed, inserts, keep, memory, project


async def test_every_change_stays_readable_with_its_kind_time_and_actor(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    first = memory(scope, "Lives in Paris", tags=("a", "b"), metadata={"n": 1.5}, expires_at=LATER)
    second = changed(first, content="Lives in Rome", title="Home")
    third = changed(second.memory, project_id=home.id, project="home", tags=())
    fourth = changed(third.memory, Change.FORGOTTEN, forgotten_at=LATER)
    fifth = changed(fourth.memory, Change.RESTORED, forgotten_at=None)
    await store.apply(scope, inserts([first]))
    for update in (second, third, fourth, fifth):
        await store.apply(scope, [update])

    history = await store.history(scope, first.id)

    states = [first, second.memory, third.memory, fourth.memory, fifth.memory]
    changes = [Change.CREATED, Change.REVISED, Change.REVISED, Change.FORGOTTEN, Change.RESTORED]
    assert history == [
        Version(memory=state, change=change, recorded_at=state.updated_at, actor="a-tester")
        for state, change in zip(states, changes, strict=True)
    ]
    assert [version.memory.content for version in history] == ["Lives in Paris"] + ["Lives in Rome"] * 4


async def test_a_history_records_when_it_was_written_not_what_the_memory_says(store: Store, scope: Scope) -> None:
    imported = memory(scope, created_at=NOW - timedelta(days=900), updated_at=NOW - timedelta(days=900))
    await store.apply(scope, inserts([imported]), at=NOW)
    await store.apply(scope, [changed(imported, title="Later")], at=LATER)
    assert [version.recorded_at for version in await store.history(scope, imported.id)] == [NOW, LATER]


async def test_a_text_that_comes_back_is_read_as_it_was(store: Store, scope: Scope) -> None:
    first = memory(scope, "One")
    second = changed(first, content="Two")
    third = changed(second.memory, content="One")
    await store.apply(scope, [*inserts([first]), second, third])
    assert [version.memory.content for version in await store.history(scope, first.id)] == ["One", "Two", "One"]


async def test_a_purged_memory_has_no_history(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope))
    await store.apply(scope, [Purge(first.id)])
    assert await store.history(scope, first.id) == []
    assert await store.history(scope, "unknown") == []
