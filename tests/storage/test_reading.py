import random
from dataclasses import replace
from datetime import timedelta

import pytest

from polymem.core.filters import ContainerIs, KindIn, Sort, SortKey
from polymem.core.model import Memory
from polymem.core.people import Scope
from polymem.core.ports import Store
from tests.storage.support import NOW, keep, memory, new_scope


async def various(store: Store, scope: Scope, count: int = 40) -> list[Memory]:
    """Memories with many ties and missing instants, kept in an order that is not that of their ids."""
    chance = random.Random(7)
    memories = [
        memory(
            scope,
            f"Number {i}",
            importance=chance.randint(1, 3),
            created_at=NOW + timedelta(microseconds=chance.randint(0, 5)),
            updated_at=NOW + timedelta(days=chance.randint(0, 5)),
            occurred_at=None if chance.random() < 0.4 else NOW - timedelta(days=chance.randint(0, 5)),
            last_accessed=None if chance.random() < 0.4 else NOW + timedelta(days=chance.randint(0, 5)),
            kind=chance.choice(["note", "fact"]),
        )
        for i in range(count)
    ]
    shuffled = chance.sample(memories, len(memories))
    await keep(store, scope, *shuffled)
    return memories


def in_order(memories: list[Memory], sort: Sort) -> list[Memory]:
    """What `Sort` means: missing values last, ties by id in the sort's direction."""
    ordered = sorted(memories, key=lambda one: one.id, reverse=sort.descending)
    present = [one for one in ordered if getattr(one, sort.key.value) is not None]
    present.sort(key=lambda one: getattr(one, sort.key.value), reverse=sort.descending)
    return present + [one for one in ordered if getattr(one, sort.key.value) is None]


@pytest.mark.parametrize("descending", [True, False])
async def test_every_order_lists_all_once_and_ends_with_those_that_lack_the_value(
    store: Store, scope: Scope, descending: bool
) -> None:
    memories = await various(store, scope)
    for key in SortKey:
        sort = Sort(key, descending)
        pages = [await store.find(scope, (), sort, 7, offset) for offset in range(0, 49, 7)]
        assert [one for page in pages for one in page.items] == in_order(memories, sort)
        assert {page.total for page in pages} == {40}


async def test_the_total_is_of_all_that_match_whatever_the_page(store: Store, scope: Scope) -> None:
    memories = await various(store, scope)
    facts = [one for one in memories if one.kind == "fact"]
    for limit, offset in ((0, 0), (1, 0), (5, 3), (1000, 0), (len(facts), 0), (10, 10_000)):
        page = await store.find(scope, (KindIn(frozenset({"fact"})),), Sort(), limit, offset)
        assert (page.total, page.limit, page.offset) == (len(facts), limit, offset)
        assert len(page.items) == max(0, min(limit, len(facts) - offset))


async def test_a_scan_yields_everything_once_by_id_in_small_batches(store: Store, scope: Scope) -> None:
    memories = await various(store, scope)
    batches = [batch async for batch in store.scan(scope, (KindIn(frozenset({"fact"})),), batch=6)]
    assert [one for batch in batches for one in batch] == [one for one in memories if one.kind == "fact"]
    assert max(map(len, batches)) <= 6


async def test_a_scan_goes_on_while_others_write(store: Store, scope: Scope) -> None:
    memories = await various(store, scope)
    seen: list[Memory] = []
    async for batch in store.scan(scope, (), batch=10):
        seen += batch
        await keep(store, scope, memory(scope, "Newer", container="late")) if len(seen) < 30 else None
    assert [one for one in seen if one.container is None] == memories


async def test_a_scan_of_nothing_yields_nothing(store: Store, scope: Scope) -> None:
    assert [batch async for batch in store.scan(scope, (ContainerIs("none"),))] == []


async def test_ids_that_no_store_can_hold_are_simply_not_there(store: Store, scope: Scope) -> None:
    odd = ["\x00", "\ud800", "", "x" * 5000, "'; DROP TABLE memories; --", "%", "%s", ":id"]
    (one,) = await keep(store, scope, memory(scope))
    assert await store.get_many(scope, [*odd, one.id, one.id]) == {one.id: one}
    for text in odd:
        assert await store.history(scope, text) == []
        assert await store.project(scope, key=text) is None
        assert await store.organization(slug=text) is None
        assert await store.keys_by_prefix(text) == []
        assert await store.find_duplicate(scope, None, text, NOW) is None
        assert (await store.find(scope, (KindIn(frozenset({text})),), Sort(), 10, 0)).total == 0


async def test_tags_are_counted_over_what_matches_and_nothing_else(store: Store, scope: Scope) -> None:
    elsewhere = await new_scope(store)
    await keep(store, elsewhere, memory(elsewhere, tags=("red", "foreign")))
    first, second = memory(scope, tags=("red", "Red")), memory(scope, "Two", tags=("red",), kind="fact")
    await keep(store, scope, first, second, memory(scope, "Three"))
    assert await store.tags(scope, ()) == {"Red": 1, "red": 2}
    assert await store.tags(scope, (KindIn(frozenset({"fact"})),)) == {"red": 1}
    assert await store.tags(replace(scope, projects=frozenset({"none"})), ()) == {}
