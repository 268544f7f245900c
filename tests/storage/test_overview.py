"""Counts of a memory as a whole, on every database."""

from datetime import date, timedelta

from polymem.core.filters import Instant, Superseded
from polymem.core.people import Scope
from polymem.core.ports import Store
from tests.storage.support import LATER, NOW, keep, memory, new_scope


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
