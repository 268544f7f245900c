"""Counts of a memory as a whole, on every database."""

import asyncio
import struct
from dataclasses import replace
from datetime import date, timedelta
from math import dist

import pytest

from polymem.core.filters import Instant, Superseded
from polymem.core.people import Scope
from polymem.core.ports import Embedding, Store
from polymem.core.ports_overview import RecallCount
from tests.storage.conftest import Raw
from tests.storage.support import LATER, MODEL, NOW, OTHER_MODEL, finish, keep, memory, new_scope, project, take


async def test_days_are_those_of_utc(store: Store, scope: Scope) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    instants = (midnight - timedelta(microseconds=1), midnight, NOW)
    await keep(store, scope, *(memory(scope, str(at), created_at=at, updated_at=at) for at in instants))
    assert await store.overview.by_day(scope, (), Instant.CREATED) == {date(2026, 2, 28): 1, date(2026, 3, 1): 2}
    assert await store.overview.by_day(scope, (), Instant.USED) == {}


async def test_uses_are_counted_and_put_in_order(store: Store, scope: Scope) -> None:
    one, two, _ = await keep(store, scope, *(memory(scope, text) for text in ("one", "two", "three")))
    for ids in ([one.id, two.id], [two.id]):
        await store.touch(scope, ids, LATER)
    assert await store.overview.most_used(scope, (), 5) == [two.id, one.id]
    assert await store.overview.most_used(scope, (), 1) == [two.id]
    assert await store.overview.by_day(scope, (), Instant.USED) == {LATER.date(): 2}
    tally = await store.overview.tally(scope, (Superseded(False),), LATER)
    assert (tally.memories, tally.unused, tally.uses, tally.copies, tally.expiring) == (3, 1, 3, 0, 0)


async def test_recalls_are_counted_by_day_with_the_uses_that_come_of_them(store: Store, scope: Scope) -> None:
    one, two = await keep(store, scope, memory(scope, "one"), memory(scope, "two"))
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    await store.overview.count_recall(scope, None, [one.id], False, midnight - timedelta(microseconds=1))
    await store.overview.count_recall(scope, None, [two.id, one.id, "unknown", "\0"], False, midnight)
    await store.overview.count_recall(scope, None, [], True, LATER)
    before, day = date(2026, 2, 28), NOW.date()
    assert await store.overview.recalls(scope, midnight - timedelta(microseconds=1)) == {
        before: RecallCount(1, 0),
        day: RecallCount(2, 1),
    }
    assert await store.overview.recalls(scope, LATER) == {day: RecallCount(2, 1)}
    kept = await store.get_many(scope, [one.id, two.id])
    assert {id: (found.access_count, found.last_accessed) for id, found in kept.items()} == {
        one.id: (2, midnight),
        two.id: (1, midnight),
    }


async def test_recalls_counted_at_once_are_all_counted(store: Store, scope: Scope) -> None:
    ids = [one.id for one in await keep(store, scope, *(memory(scope, f"Memory {n}") for n in range(8)))]
    home = await store.put_project(scope, project(scope, "home"))
    at = [NOW + timedelta(seconds=n) for n in range(300)]
    counting = [
        store.overview.count_recall(
            scope, (None, home.id)[n % 2], ids if n % 3 else ids[::-1], n % 5 == 0, at[n]
        )
        for n in range(300)
    ]  # fmt: skip
    await asyncio.gather(*counting)
    assert await store.overview.recalls(scope, NOW) == {NOW.date(): RecallCount(300, 60)}
    kept = (await store.get_many(scope, ids)).values()
    assert {(found.access_count, found.last_accessed) for found in kept} == {(300, at[-1])}


async def test_a_scope_of_some_projects_counts_and_sees_the_recalls_asked_there(store: Store, scope: Scope) -> None:
    mine, yours = [await store.put_project(scope, project(scope, key)) for key in ("mine", "yours")]
    here, there = await keep(store, scope, memory(scope, "here", project=mine), memory(scope, "there", project=yours))
    limited = replace(scope, projects=frozenset({mine.id}))
    await store.overview.count_recall(limited, mine.id, [here.id, there.id], False, NOW)
    await store.overview.count_recall(scope, yours.id, [there.id], False, NOW)
    await store.overview.count_recall(scope, None, [], True, NOW)
    for project_id in (yours.id, "unknown", "\0"):
        await store.overview.count_recall(limited, project_id, [], True, NOW)
    both = replace(scope, projects=frozenset({mine.id, yours.id}))
    seen = [
        await store.overview.recalls(one, NOW)
        for one in (limited, both, scope, replace(scope, projects=frozenset()), await new_scope(store))
    ]
    counts = (RecallCount(1, 0), RecallCount(2, 0), RecallCount(3, 1))
    assert seen == [*({NOW.date(): count} for count in counts), {}, {}]
    assert (await store.get_many(scope, [there.id]))[there.id].access_count == 1


async def test_counts_go_with_their_project_and_their_organization(store: Store, scope: Scope, raw: Raw) -> None:
    mine = await store.put_project(scope, project(scope, "mine"))
    other = await new_scope(store)
    for one, project_id in ((scope, mine.id), (scope, None), (other, None)):
        await store.overview.count_recall(one, project_id, [], False, NOW)
    await store.people.delete_project(scope, mine.id, LATER)
    assert await store.overview.recalls(scope, NOW) == {NOW.date(): RecallCount(1, 0)}
    await store.people.delete_organization(scope)
    assert [row[0] for row in raw.tables()["recall_counts"]] == [other.organization_id]
    # Nor does a count that comes too late bring anything back.
    await store.overview.count_recall(other, mine.id, [], False, NOW)
    assert len(raw.tables()["recall_counts"]) == 1


async def test_copies_are_those_beyond_the_oldest_of_their_project(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    newer = memory(scope, "same", created_at=LATER)
    oldest, newest = memory(scope, "same"), memory(scope, "same", created_at=LATER + timedelta(hours=1))
    elsewhere = memory(scope, "same", project=home)
    await keep(store, scope, newer, oldest, newest, elsewhere, memory(scope, "another"))
    assert await store.overview.copies(scope, (), 10) == [newer.id, newest.id]
    assert await store.overview.copies(scope, (), 1) == [newer.id]
    assert (await store.overview.tally(scope, (), LATER)).copies == 2


async def test_nothing_of_another_organization_is_counted(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    await keep(store, other, memory(other, "same"), memory(other, "same"))
    await keep(store, scope, memory(scope, "same"))
    tally = await store.overview.tally(scope, (), LATER)
    assert (tally.memories, tally.copies) == (1, 0)
    assert (await store.overview.tally(other, (), LATER)).copies == 1
    assert len(await store.overview.copies(other, (), 10)) == 1
    assert await store.overview.copies(scope, (), 10) == []
    assert await store.overview.position(await new_scope(store)) == 0


async def test_the_map_puts_like_near_like_and_is_the_same_each_time(store: Store, scope: Scope) -> None:
    kept = await keep(store, scope, *(memory(scope, f"text {number}") for number in range(4)))
    places = ((1.0, 0.0, 0.0, 0.0), (0.99, 0.1, 0.0, 0.0), (0.0, 1.0, 0.2, 0.0), (0.0, 0.98, 0.1, 0.1))
    await store.backlog.plan(OTHER_MODEL, 10)
    batch = await take(store, OTHER_MODEL)
    embeddings = [Embedding(struct.pack("<4f", *place), 1) for place in places]
    await finish(store, batch, list(zip(batch.texts, embeddings, strict=True)), OTHER_MODEL)
    spots = await store.overview.spots(scope, (), OTHER_MODEL, 10)
    assert spots == await store.overview.spots(scope, (), OTHER_MODEL, 10)
    at = {spot.memory_id: (spot.x, spot.y) for spot in spots}
    assert dist(at[kept[0].id], at[kept[1].id]) < dist(at[kept[0].id], at[kept[2].id])
    assert max(abs(value) for place in at.values() for value in place) == pytest.approx(1.0)
    assert {spot.title for spot in spots} == {one.content for one in kept}
    assert len(await store.overview.spots(scope, (), OTHER_MODEL, 1)) == 1
    assert await store.overview.spots(await new_scope(store), (), OTHER_MODEL, 10) == []


async def test_one_memory_and_memories_all_alike_have_a_place_too(store: Store, scope: Scope) -> None:
    await keep(store, scope, memory(scope, "alone"))
    assert [(spot.x, spot.y) for spot in await store.overview.spots(scope, (), MODEL, 10)] == [(0.0, 0.0)]
    assert await store.overview.spots(scope, (), OTHER_MODEL, 10) == []
