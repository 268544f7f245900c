"""Texts that have no vector yet, shared out among processes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from polymem.core.people import Scope
from polymem.core.ports import Store
from tests.storage.support import (
    LEASE,
    MODEL,
    OTHER_MODEL,
    changed,
    embedded,
    finish,
    keep,
    memory,
    new_scope,
    take,
    vectors_of,
)

AT_ONCE = timedelta(0)


async def wait_long(store: Store, scope: Scope, count: int) -> list[str]:
    """Memories without vectors, and their ids."""
    kept = await keep(store, scope, *[memory(scope, f"Number {n}") for n in range(count)], model=None)
    return [one.id for one in kept]


async def work(store: Store) -> list[str]:
    """Embeds until nothing is left to take; the ids of what it was given."""
    given = []
    while batch := await store.backlog.take(MODEL, LEASE):
        given += [text.memory_id for text in batch.texts]
        await finish(store, batch, vectors_of(batch.texts))
    return given


async def test_processes_that_take_at_once_embed_each_text_once(
    open_again: Callable[[], Awaitable[Store]], scope: Scope
) -> None:
    stores = [await open_again() for _ in range(4)]
    ids = await wait_long(stores[0], scope, 60)
    assert await stores[0].backlog.plan(MODEL, 4) == 60
    given = await asyncio.gather(*[work(store) for store in stores])
    assert sorted(id_ for some in given for id_ in some) == ids
    assert await stores[0].count_pending(MODEL) == 0
    assert await stores[0].backlog.left(MODEL) == 0


async def test_processes_that_divide_at_once_divide_once(
    open_again: Callable[[], Awaitable[Store]], scope: Scope
) -> None:
    stores = [await open_again() for _ in range(3)]
    await wait_long(stores[0], scope, 10)
    planned = await asyncio.gather(*[store.backlog.plan(MODEL, 3) for store in stores])
    # Who came in between was told so.
    assert set(planned) <= {10, None}
    assert 10 in planned
    batches = [await take(stores[0]) for _ in range(4)]
    assert [len(batch.texts) for batch in batches] == [3, 3, 3, 1]
    assert await stores[1].backlog.take(MODEL, LEASE) is None
    assert await stores[1].backlog.plan(MODEL, 3) == 10


async def test_organizations_are_served_in_turn(store: Store, scope: Scope) -> None:
    await wait_long(store, scope, 9)
    small = await new_scope(store)
    await wait_long(store, small, 2)
    await store.backlog.plan(MODEL, 3)
    taken = [(await take(store)).organization_id for _ in range(4)]
    first, second = sorted([scope.organization_id, small.organization_id])
    assert taken == [first, second, scope.organization_id, scope.organization_id]


async def test_what_somebody_holds_is_free_again_when_the_time_is_over(
    open_again: Callable[[], Awaitable[Store]], scope: Scope
) -> None:
    one, two = await open_again(), await open_again()
    ids = await wait_long(one, scope, 2)
    await one.backlog.plan(MODEL, 10)
    lost = await take(one, lease=AT_ONCE)
    held = await take(two)
    assert [text.memory_id for text in held.texts] == ids
    assert await one.backlog.take(MODEL, LEASE) is None
    assert not await one.backlog.renew(MODEL, lost, LEASE)
    await one.backlog.give_back(MODEL, lost)
    assert await one.backlog.take(MODEL, LEASE) is None
    # Whoever was too slow does no harm: the vectors are the same.
    assert await finish(one, lost, vectors_of(lost.texts)) == 2
    assert await two.backlog.left(MODEL) == 2
    assert await finish(two, held, vectors_of(held.texts)) == 2
    assert await two.backlog.left(MODEL) == 0


async def test_what_somebody_holds_can_be_held_longer(store: Store, scope: Scope) -> None:
    await wait_long(store, scope, 1)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store, lease=AT_ONCE)
    assert await store.backlog.renew(MODEL, batch, LEASE)
    assert await store.backlog.take(MODEL, LEASE) is None
    assert await store.backlog.renew(MODEL, batch, AT_ONCE)
    assert (await take(store)).texts == batch.texts


async def test_what_is_given_back_can_be_taken_at_once(store: Store, scope: Scope) -> None:
    await wait_long(store, scope, 1)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    await store.backlog.give_back(MODEL, batch)
    assert (await take(store)).texts == batch.texts


async def test_a_batch_that_others_embedded_meanwhile_is_empty(store: Store, scope: Scope) -> None:
    await wait_long(store, scope, 3)
    await store.backlog.plan(MODEL, 10)
    former = await take(store, lease=AT_ONCE)
    again = await take(store, lease=AT_ONCE)
    await finish(store, former, vectors_of(former.texts))
    empty = await take(store)
    assert (empty.first_id, empty.texts) == (again.first_id, ())
    assert await finish(store, empty, []) == 0
    assert await store.backlog.left(MODEL) == 0


async def test_a_text_that_cannot_be_embedded_is_set_aside_and_tried_alone_later(store: Store, scope: Scope) -> None:
    ids = await wait_long(store, scope, 3)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    readable = [text for text in batch.texts if text.memory_id != ids[1]]
    assert await store.backlog.keep(MODEL, batch, vectors_of(readable), retry_after=AT_ONCE) == 2
    assert await store.backlog.left(MODEL) == 0
    # It is passed over when others are divided, and in the middle of others.
    assert await store.backlog.plan(MODEL, 10) == 0
    alone = await take(store)
    assert ([text.memory_id for text in alone.texts], alone.failures) == ([ids[1]], 1)
    await finish(store, alone, [])
    assert await store.backlog.take(MODEL, LEASE) is None
    assert await store.count_pending(MODEL) == 1
    assert await store.backlog.plan(MODEL, 10, retry=True) == 1
    again = await take(store)
    assert (len(again.texts), again.failures) == (1, 0)
    assert await finish(store, again, vectors_of(again.texts)) == 1
    assert await store.count_pending(MODEL) == 0


async def test_a_text_that_is_set_aside_is_in_no_batch_around_it(store: Store, scope: Scope) -> None:
    one, _, three = await keep(store, scope, *[memory(scope, f"Number {n}") for n in range(3)], model=None)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    await finish(store, batch, vectors_of([batch.texts[0], batch.texts[2]]))
    await store.apply(scope, [changed(one, content="New"), changed(three, content="New")])
    assert await store.backlog.plan(MODEL, 10) == 2
    assert [text.memory_id for text in (await take(store)).texts] == [one.id, three.id]


async def test_whoever_writes_a_memory_waits_for_nobody_who_embeds_it(store: Store, scope: Scope) -> None:
    (kept,) = await keep(store, scope, memory(scope), model=None)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    await store.apply(scope, [changed(kept, content="New", derived=embedded("New"))])
    assert await finish(store, batch, vectors_of(batch.texts)) == 0
    assert await store.count_pending(MODEL) == 0


async def test_batches_of_a_model_that_nobody_uses_any_more_go(store: Store, scope: Scope) -> None:
    await wait_long(store, scope, 4)
    await store.backlog.plan(OTHER_MODEL, 2)
    held = await take(store, OTHER_MODEL)
    assert await store.backlog.plan(MODEL, 2) == 4
    assert await store.backlog.left(OTHER_MODEL) == 2
    assert await finish(store, held, vectors_of(held.texts, OTHER_MODEL), OTHER_MODEL) == 2
    assert await store.backlog.left(OTHER_MODEL) == 0


async def test_what_another_process_keeps_after_a_look_that_found_nothing_is_found_by_the_next(
    store: Store, scope: Scope, open_again: Callable[[], Awaitable[Store]]
) -> None:
    await keep(store, scope, memory(scope, "With a vector"))
    for _ in range(2):
        assert await store.backlog.plan(MODEL, 10) == 0
    assert await store.backlog.plan(OTHER_MODEL, 10) == 1
    await wait_long(await open_again(), scope, 2)
    assert await store.backlog.plan(MODEL, 10) == 2
