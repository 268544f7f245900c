"""Counts of a memory as a whole."""

from datetime import UTC, date, datetime

import pytest

from polymem.core.digest.digest import AnswerQuery
from polymem.core.errors import Forbidden, InvalidInput
from polymem.core.filters import Between, InProjects, Instant, Not, Superseded
from polymem.core.model import Draft, Memory
from polymem.core.people import Permission, Scope
from polymem.core.ports_overview import RecallCount
from polymem.core.recall import RecallQuery
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
    copies = await home.core.overview.copies(home.scope)
    assert [(await home.core.memories.get(home.scope, id)).content for id in copies] == ["the same"] * 2
    unused = (Superseded(False), Not(Between(Instant.USED)))
    assert (await home.core.memories.find(home.scope, unused)).total == tally.unused


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
    for count in (home.core.overview.growth, home.core.overview.recalls, home.core.overview.health):
        with pytest.raises(Forbidden):
            await count(blind)
    with pytest.raises(InvalidInput):
        await home.core.overview.growth(home.scope, 0)
    with pytest.raises(InvalidInput):
        await home.core.overview.recalls(home.scope, 3661)


async def recalled(home: Home, text: str, scope: Scope | None = None, **values: object) -> None:
    """A recall, and the count of it."""
    await home.core.recall(scope or home.scope, RecallQuery(text=text, **values))  # type: ignore[arg-type]
    await home.core.recall.close()


async def test_recalls_are_counted_by_day_and_how_many_found_nothing(home: Home) -> None:
    kept = await keep(home, "Ana flies from Lisbon")
    await recalled(home, "Lisbon")
    home.clock.turn(days=2)
    await recalled(home, "Lisbon", offset=5)
    await recalled(home, "unheard of")
    days = (await home.core.overview.recalls(home.scope, 4)).days
    assert days == {
        date(2025, 12, 31): RecallCount(0, 0),
        date(2026, 1, 1): RecallCount(1, 0),
        date(2026, 1, 2): RecallCount(0, 0),
        date(2026, 1, 3): RecallCount(2, 1),
    }
    recalls = await home.core.overview.recalls(home.scope, 1)
    assert (recalls.total, recalls.share_without_result) == (RecallCount(2, 1), 0.5)
    assert (await home.core.memories.get(home.scope, kept.id)).access_count == 1


async def test_no_recalls_have_no_share(home: Home) -> None:
    assert (await home.core.overview.recalls(home.scope)).share_without_result == 0.0


async def test_what_only_looks_around_or_looks_back_is_no_recall(home: Home) -> None:
    await keep(home, "Ana flies from Lisbon")
    home.clock.turn(days=1)
    await recalled(home, "Lisbon", record_access=False)
    await recalled(home, "Lisbon", as_of=datetime(2026, 1, 1, 12, tzinfo=UTC))
    past = RecallQuery(text="Lisbon", as_of=datetime(2026, 1, 1, 12, tzinfo=UTC))
    await home.core.recall.record(home.scope, past, await home.core.recall(home.scope, past))
    assert (await home.core.overview.recalls(home.scope)).total == RecallCount(0, 0)


async def test_an_answer_counts_as_one_recall(home: Home) -> None:
    await keep(home, "Ana flies from Lisbon")
    await home.core.digest.answer(home.scope, AnswerQuery(question="From where does Ana fly?"))
    await home.core.recall.close()
    assert (await home.core.overview.recalls(home.scope)).total == RecallCount(1, 0)


async def test_a_recall_belongs_to_the_one_project_it_names(home: Home) -> None:
    here, there = [(await home.core.projects.ensure(home.scope, key)).id for key in ("here", "there")]
    limited = Scope(organization_id=home.scope.organization_id, projects=frozenset({here}))
    both = Scope(organization_id=home.scope.organization_id, projects=frozenset({here, there}))
    await recalled(home, "one", limited)
    await recalled(home, "two", filter=(InProjects(frozenset({here})),))
    await recalled(home, "three", filter=(InProjects(frozenset({here}), unassigned=True),))
    await recalled(home, "four", both, filter=(InProjects(frozenset({there})),))
    for scope in (home.scope, both):
        await recalled(home, "five", scope)
        await recalled(home, "six", scope, filter=(InProjects(frozenset({here, there})),))
        await recalled(home, "seven", scope, filter=(InProjects(frozenset()),))
    seen = [(await home.core.overview.recalls(scope)).total.recalls for scope in (limited, both, home.scope)]
    assert seen == [3, 4, 10]


async def test_a_recall_that_cannot_be_counted_is_answered(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    await keep(home, "Ana flies from Lisbon")
    query = RecallQuery(text="Lisbon", record_access=False)
    answer = await home.core.recall(home.scope, query)
    await home.core.store.close()
    await home.core.recall.record(home.scope, query, answer)
    assert "a recall was not counted" in caplog.text
