"""Counts of a memory as a whole, on every database."""

import struct
from datetime import date, timedelta
from math import dist

import pytest

from polymem.core.filters import Instant, Superseded
from polymem.core.people import Scope
from polymem.core.ports import Embedding, PendingText, Store
from tests.storage.support import LATER, MODEL, NOW, OTHER_MODEL, keep, memory, new_scope


async def test_days_are_those_of_utc(store: Store, scope: Scope) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    instants = (midnight - timedelta(microseconds=1), midnight, NOW)
    await keep(store, scope, *(memory(scope, str(at), created_at=at, updated_at=at) for at in instants))
    assert await store.overview.by_day(scope, (), Instant.CREATED) == {date(2026, 2, 28): 1, date(2026, 3, 1): 2}
    assert await store.overview.by_day(scope, (), None) == {}


async def test_uses_are_counted_and_put_in_order(store: Store, scope: Scope) -> None:
    one, two, _ = await keep(store, scope, *(memory(scope, text) for text in ("one", "two", "three")))
    for ids in ([one.id, two.id], [two.id]):
        await store.touch(scope, ids, LATER)
    assert await store.overview.most_used(scope, (), 5) == [two.id, one.id]
    assert await store.overview.most_used(scope, (), 1) == [two.id]
    assert await store.overview.by_day(scope, (), None) == {LATER.date(): 2}
    tally = await store.overview.tally(scope, (Superseded(False),), LATER)
    assert (tally.memories, tally.unused, tally.uses, tally.copies, tally.expiring) == (3, 1, 3, 0, 0)


async def test_nothing_of_another_organization_is_counted(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    await keep(store, other, memory(other, "same"), memory(other, "same"))
    await keep(store, scope, memory(scope, "same"))
    tally = await store.overview.tally(scope, (), LATER)
    assert (tally.memories, tally.copies) == (1, 0)
    assert (await store.overview.tally(other, (), LATER)).copies == 1
    assert await store.overview.position(await new_scope(store)) == 0


async def test_the_map_puts_like_near_like_and_is_the_same_each_time(store: Store, scope: Scope) -> None:
    kept = await keep(store, scope, *(memory(scope, f"text {number}") for number in range(4)))
    places = ((1.0, 0.0, 0.0, 0.0), (0.99, 0.1, 0.0, 0.0), (0.0, 1.0, 0.2, 0.0), (0.0, 0.98, 0.1, 0.1))
    texts = [PendingText(one.organization_id, one.id, 1, one.content) for one in kept]
    await store.put_embeddings(
        OTHER_MODEL,
        [(text, Embedding(struct.pack("<4f", *place), 1)) for text, place in zip(texts, places, strict=True)],
    )
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
