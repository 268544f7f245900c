"""Counts of a memory as a whole."""

from datetime import UTC, date, datetime

import pytest

from polymem.core.errors import Forbidden, InvalidInput
from polymem.core.model import Draft, Memory
from polymem.core.people import Permission, Scope
from tests.core.conftest import Home


async def keep(home: Home, content: str, **values: object) -> Memory:
    """A memory of this text."""
    return (await home.core.memories.add(home.scope, Draft(content=content, **values))).memory  # type: ignore[arg-type]


async def test_a_census_counts_what_is_visible_by_kind_and_project(home: Home) -> None:
    await keep(home, "one", kind="fact", project="garden")
    await keep(home, "two", kind="fact")
    await keep(home, "three", expires_at=datetime(2026, 1, 2, tzinfo=UTC))
    await home.core.memories.forget(home.scope, (await keep(home, "four", project="garden")).id)
    home.clock.turn(days=2)
    census = await home.core.overview.census(home.scope)
    assert (census.memories, census.unassigned, census.forgotten) == (2, 1, 1)
    assert (census.by_kind, census.by_project) == ({"fact": 2}, {"garden": 1})


async def test_growth_counts_what_is_visible_by_the_day_it_was_made(home: Home) -> None:
    await keep(home, "long ago", created_at=datetime(2025, 6, 1, tzinfo=UTC))
    await keep(home, "before there were days", created_at=datetime(1950, 6, 1, tzinfo=UTC))
    await keep(home, "the last moment of the day", created_at=datetime(2025, 12, 30, 23, 59, 59, 999999, UTC))
    await keep(home, "today")
    await home.core.memories.forget(home.scope, (await keep(home, "today, and forgotten")).id)
    growth = await home.core.overview.growth(home.scope, 3)
    assert growth.days == {date(2025, 12, 30): 1, date(2025, 12, 31): 0, date(2026, 1, 1): 1}
    assert growth.before == 2


async def test_activity_counts_by_the_day_of_the_last_use(home: Home) -> None:
    seldom, often = await keep(home, "seldom"), await keep(home, "often")
    await keep(home, "never")
    await home.core.memories.count_use(home.scope, [seldom.id, often.id])
    home.clock.turn(days=1)
    await home.core.memories.count_use(home.scope, [often.id])
    activity = await home.core.overview.activity(home.scope, 3)
    assert activity.days == {date(2025, 12, 31): 0, date(2026, 1, 1): 1, date(2026, 1, 2): 1}
    assert [(memory.content, memory.access_count) for memory in activity.most_used] == [("often", 2), ("seldom", 1)]


async def test_health_counts_what_wants_looking_after(home: Home) -> None:
    for _ in range(3):
        await keep(home, "the same")
    await keep(home, "the same", project="elsewhere")
    soon = await keep(home, "ends soon", expires_at=datetime(2026, 1, 8, tzinfo=UTC))
    await keep(home, "ends later", expires_at=datetime(2026, 1, 8, 1, tzinfo=UTC))
    await home.core.memories.count_use(home.scope, [soon.id])
    health = await home.core.overview.health(home.scope)
    tally = health.tally
    assert (tally.memories, tally.copies, tally.expiring, tally.unused, tally.uses) == (6, 2, 1, 5, 1)
    assert health.conflicts == 0


async def test_the_position_grows_with_every_change(home: Home) -> None:
    seen = [await home.core.overview.position(home.scope)]
    memory = await keep(home, "one")
    seen.append(await home.core.overview.position(home.scope))
    await home.core.memories.revise(home.scope, memory.id, {"importance": 9})
    seen.append(await home.core.overview.position(home.scope))
    await home.core.memories.purge(home.scope, memory.id)
    seen.append(await home.core.overview.position(home.scope))
    assert sorted(set(seen)) == seen


async def test_a_scope_of_one_project_counts_that_project(home: Home) -> None:
    await keep(home, "here", project="here")
    await keep(home, "there", project="there")
    here = await home.core.projects.get(home.scope, "here")
    scope = Scope(organization_id=home.scope.organization_id, projects=frozenset({here.id}))
    assert (await home.core.overview.health(scope)).tally.memories == 1
    assert sum((await home.core.overview.growth(scope)).days.values()) == 1


async def test_counting_needs_the_right_to_read_and_a_span_that_can_be(home: Home) -> None:
    blind = Scope(organization_id=home.scope.organization_id, permissions=frozenset({Permission.WRITE}))
    for count in (home.core.overview.growth, home.core.overview.activity, home.core.overview.health):
        with pytest.raises(Forbidden):
            await count(blind)
    with pytest.raises(InvalidInput):
        await home.core.overview.growth(home.scope, 0)
