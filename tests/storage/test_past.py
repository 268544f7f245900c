"""Single facts about the past, on both databases; `test_past_replay` holds random histories against it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from polymem.core import Core
from polymem.core.errors import InvalidInput, NotFound
from polymem.core.filters import InProjects, TagsAll
from polymem.core.model import Change, Draft, Version
from polymem.core.people import Scope
from polymem.core.ports import Purge, Store
from polymem.core.ranking import Mode, trusting
from polymem.core.recall import RecallQuery, Stage
from tests.storage.conftest import Open
from tests.storage.histories import START, TICK, TestClock, TextVectors
from tests.storage.support import NOW, changed, inserts, memory, new_id


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def core(store: Store, clock: TestClock) -> Core:
    return Core(store, TextVectors(), clock, new_id, None)


def asking(text: str, **fields: Any) -> RecallQuery:
    return RecallQuery(text=text, **{"min_score": 0.0, "record_access": False} | fields)


async def found(core: Core, scope: Scope, text: str, **fields: Any) -> list[str]:
    return [hit.memory.content for hit in (await core.recall(scope, asking(text, **fields))).hits]


async def test_a_past_recall_reads_the_text_as_it_was_and_finds_it_by_it(
    core: Core, scope: Scope, clock: TestClock
) -> None:
    kept = (await core.memories.add(scope, Draft(content="Ana lives in Lisbon", tags=("old",)))).memory
    clock.moment += TICK
    await core.memories.revise(scope, kept.id, {"content": "Ana lives in Porto", "tags": ("new",)})
    clock.moment += TICK

    assert await found(core, scope, "Lisbon", mode=Mode.KEYWORD) == []
    assert await found(core, scope, "Lisbon", mode=Mode.KEYWORD, as_of=START) == ["Ana lives in Lisbon"]
    assert await found(core, scope, "Porto", mode=Mode.KEYWORD, as_of=START) == []
    assert await found(core, scope, "Lisbon", filter=(TagsAll(frozenset({"old"})),), as_of=START)
    assert not await found(core, scope, "Lisbon", filter=(TagsAll(frozenset({"new"})),), as_of=START)
    (hit,) = (await core.recall(scope, asking("Ana lives in Lisbon", mode=Mode.VECTOR, as_of=START))).hits
    assert hit.score == pytest.approx(1.0, abs=0.01), "the vector is that of the former text"


async def test_what_was_replaced_later_was_current_then(core: Core, scope: Scope, clock: TestClock) -> None:
    old = (await core.memories.add(scope, Draft(content="The meeting is on Monday"))).memory
    clock.moment += TICK
    await core.memories.supersede(scope, old.id, Draft(content="The meeting is on Friday"))
    clock.moment += TICK
    assert await found(core, scope, "When is the meeting?") == ["The meeting is on Friday"]
    assert await found(core, scope, "When is the meeting?", as_of=START) == ["The meeting is on Monday"]


async def test_more_than_a_hundred_memories_are_found_in_the_past(core: Core, scope: Scope, clock: TestClock) -> None:
    await core.memories.add_many(scope, [Draft(content=f"cat number {n}") for n in range(250)])
    clock.moment += TICK
    await core.memories.add(scope, Draft(content="another cat"))
    clock.moment += TICK
    recalled = await core.recall(scope, asking("cat", limit=1000, as_of=START))
    assert (len(recalled.hits), recalled.matched, recalled.considered) == (250, 250, 250)


async def test_what_is_purged_is_gone_from_every_past_that_was_asked_for_before(
    core: Core, scope: Scope, clock: TestClock
) -> None:
    first = (await core.memories.add(scope, Draft(content="A secret cat"))).memory
    await core.memories.add(scope, Draft(content="A plain cat"))
    clock.moment += TICK
    await core.memories.add(scope, Draft(content="A dog"))
    clock.moment += TICK
    assert set(await found(core, scope, "cat", as_of=START)) == {"A secret cat", "A plain cat"}

    await core.memories.purge(scope, first.id)

    assert await found(core, scope, "cat", as_of=START) == ["A plain cat"]
    assert (await core.timeline.find_as_of(scope, START)).total == 1
    with pytest.raises(NotFound):
        await core.timeline.as_of(scope, first.id, START, hidden=True)
    assert first.id not in {entry.memory.id for entry in (await core.timeline.changed_since(scope, START)).items}


async def test_the_future_is_not_known_yet(core: Core, scope: Scope, clock: TestClock) -> None:
    await core.memories.add(scope, Draft(content="A cat", expires_at=START + 2 * TICK))
    later = START + timedelta(days=365)
    assert await found(core, scope, "cat", as_of=later) == ["A cat"]
    assert (await core.timeline.find_as_of(scope, later)).total == 1
    assert (await core.timeline.changed_since(scope, START, later)).total == 1, "what will expire has not yet"


async def test_looking_back_counts_as_no_use(core: Core, scope: Scope, clock: TestClock) -> None:
    kept = (await core.memories.add(scope, Draft(content="A cat"))).memory
    clock.moment += TICK
    await core.recall(scope, asking("cat", as_of=START, record_access=True))
    await core.recall.close()
    assert (await core.memories.get(scope, kept.id)).access_count == 0


async def test_an_instant_without_a_time_zone_is_refused(core: Core, scope: Scope) -> None:
    naive = START.replace(tzinfo=None)
    for refused in (
        core.recall(scope, asking("cat", as_of=naive)),
        core.timeline.as_of(scope, "m", naive),
        core.timeline.find_as_of(scope, naive),
        core.timeline.changed_since(scope, naive),
        core.timeline.changed_since(scope, START, naive),
    ):
        with pytest.raises(InvalidInput):
            await refused


async def test_a_credential_of_one_project_sees_no_past_of_another(core: Core, scope: Scope, clock: TestClock) -> None:
    home, work = await core.projects.ensure(scope, "home"), await core.projects.ensure(scope, "work")
    moved = (await core.memories.add(scope, Draft(content="A secret cat", project="home"))).memory
    left = (await core.memories.add(scope, Draft(content="A working cat", project="work"))).memory
    clock.moment += TICK
    await core.memories.revise(scope, moved.id, {"content": "A public cat", "project": "work"})
    await core.memories.revise(scope, left.id, {"project": "home"})
    clock.moment += TICK

    at_work = replace(scope, projects=frozenset({work.id}))
    assert await found(core, at_work, "cat") == ["A public cat"]
    then = await core.recall(at_work, asking("cat", as_of=START))
    assert (then.hits, then.matched, then.considered) == ((), 0, 0), "what is out of reach now is not even counted"
    assert await found(core, at_work, "cat", as_of=START, filter=(TagsAll(frozenset()),)) == []
    assert (await core.timeline.find_as_of(at_work, START)).items == ()
    with pytest.raises(NotFound):
        await core.timeline.as_of(at_work, moved.id, START)
    in_work = (InProjects(frozenset({work.id})),)
    assert await found(core, scope, "cat", as_of=START, filter=in_work) == ["A working cat"]
    assert home.id != work.id


async def test_changes_tell_what_happened_when_by_whom_and_why(core: Core, scope: Scope, clock: TestClock) -> None:
    kept = (await core.memories.add(scope, Draft(content="A cat", expires_at=START + 5 * TICK))).memory
    clock.moment += TICK
    validated = await core.judgements.validate(scope, kept.id, note="saw it")
    clock.moment += TICK
    contradicted = await core.judgements.contradict(scope, kept.id)
    clock.moment = START + 9 * TICK

    page = await core.timeline.changed_since(scope, START)

    def entry(state: Any, change: Change, after: int, actor: str | None, note: str | None = None) -> Version:
        recorded_at = START + after * TICK
        return Version(memory=state, change=change, recorded_at=recorded_at, actor=actor, note=note)

    assert page.total == 4
    assert list(page.items) == [
        entry(contradicted, Change.EXPIRED, 5, None),
        entry(contradicted, Change.CONTRADICTED, 2, "a-tester"),
        entry(validated, Change.VALIDATED, 1, "a-tester", "saw it"),
        entry(kept, Change.CREATED, 0, "a-tester"),
    ]
    assert list(page.items)[1:] == list(reversed(await core.memories.history(scope, kept.id)))
    oldest = await core.timeline.changed_since(scope, START, limit=2, offset=1, descending=False)
    assert (list(oldest.items), oldest.total) == ([page.items[2], page.items[1]], 4)
    some = await core.timeline.changed_since(scope, START, kinds=[Change.VALIDATED])
    assert [item.change for item in some.items] == [Change.VALIDATED]
    assert (await core.timeline.changed_since(scope, START, kinds=[Change.EXPIRED])).total == 1
    assert (await core.timeline.changed_since(scope, START, kinds=[])).total == 0
    within = await core.timeline.changed_since(scope, START + TICK, START + 2 * TICK)
    assert [item.change for item in within.items] == [Change.CONTRADICTED, Change.VALIDATED]


async def test_an_expiry_that_was_taken_back_has_still_happened(core: Core, scope: Scope, clock: TestClock) -> None:
    kept = (await core.memories.add(scope, Draft(content="A cat", expires_at=START + 2 * TICK))).memory
    clock.moment += TICK
    await core.memories.revise(scope, kept.id, {"title": "Cats"})
    clock.moment = START + 4 * TICK
    await core.judgements.unexpire(scope, kept.id)
    clock.moment = START + 9 * TICK

    told = (await core.timeline.changed_since(scope, START, descending=False)).items

    assert [(entry.change, (entry.recorded_at - START) / TICK) for entry in told] == [
        (Change.CREATED, 0),
        (Change.REVISED, 1),
        (Change.EXPIRED, 2),
        (Change.RESTORED, 4),
    ]
    assert await found(core, scope, "cat", as_of=START + 3 * TICK) == []
    assert await found(core, scope, "cat") == ["A cat"]


async def test_changes_of_another_organization_are_not_told(core: Core, scope: Scope, open_again: Open) -> None:
    await core.memories.add(scope, Draft(content="A cat", expires_at=START + TICK))
    assert (await core.timeline.changed_since(replace(scope, organization_id="another"), START)).total == 0


async def test_a_clock_that_is_set_back_cannot_reorder_a_history(core: Core, scope: Scope, clock: TestClock) -> None:
    kept = (await core.memories.add(scope, Draft(content="One"))).memory
    clock.moment -= timedelta(hours=1)
    await core.memories.revise(scope, kept.id, {"content": "Two"})
    first, second = await core.memories.history(scope, kept.id)
    assert first.recorded_at == second.recorded_at == START


async def test_an_import_is_known_from_the_day_it_came(core: Core, scope: Scope, clock: TestClock) -> None:
    long_ago = START - timedelta(days=900)
    await core.memories.add(scope, Draft(content="An old cat", created_at=long_ago, updated_at=long_ago))
    clock.moment += TICK
    assert await found(core, scope, "cat", as_of=START - TICK) == []
    assert await found(core, scope, "cat", as_of=START) == ["An old cat"]


async def test_a_change_committed_late_shows_in_a_past_already_asked_for(
    store: Store, core: Core, scope: Scope, clock: TestClock
) -> None:
    clock.moment = NOW + 10 * TICK
    first = memory(scope, "A cat")
    await store.apply(scope, inserts([first]), at=NOW)
    await store.apply(scope, [changed(first, title="Later")], at=NOW + 5 * TICK)
    assert await found(core, scope, "cat", as_of=NOW + 2 * TICK) == ["A cat"]
    await store.apply(scope, inserts([memory(scope, "Another cat")]), at=NOW)
    assert set(await found(core, scope, "cat", as_of=NOW + 2 * TICK)) == {"A cat", "Another cat"}
    await store.apply(scope, [Purge(first.id)], at=NOW + 6 * TICK)
    assert await found(core, scope, "cat", as_of=NOW + 2 * TICK) == ["Another cat"]


async def test_another_process_sees_the_same_past(core: Core, scope: Scope, clock: TestClock, open_again: Open) -> None:
    kept = (await core.memories.add(scope, Draft(content="A cat"))).memory
    clock.moment += TICK
    await core.memories.forget(scope, kept.id)
    clock.moment += TICK
    other = Core(await open_again(), TextVectors(), clock, new_id, None)
    for one in (core, other):
        assert await found(one, scope, "cat") == []
        assert await found(one, scope, "cat", as_of=START) == ["A cat"]
    await core.memories.purge(scope, kept.id)
    assert await found(other, scope, "cat", as_of=START) == []


async def test_why_not_answers_about_the_past(core: Core, scope: Scope, clock: TestClock) -> None:
    kept = (await core.memories.add(scope, Draft(content="A cat"))).memory
    clock.moment += TICK
    await core.memories.forget(scope, kept.id)
    clock.moment += TICK

    async def stage(at: Any) -> Stage:
        return (await core.recall.why_not(scope, asking("cat", as_of=at), kept.id)).stage

    assert [await stage(at) for at in (START - TICK, START, START + TICK, None)] == [
        Stage.UNKNOWN,
        Stage.RETURNED,
        Stage.FORGOTTEN,
        Stage.FORGOTTEN,
    ]


async def test_trust_moves_a_memory_only_where_a_profile_gives_it_weight(
    core: Core, scope: Scope, clock: TestClock
) -> None:
    doubted = (await core.memories.add(scope, Draft(content="The cat sleeps", confidence=1.0))).memory
    trusted = (await core.memories.add(scope, Draft(content="The cat sleeps.", confidence=1.0))).memory
    before = await found(core, scope, "cat sleeps")
    await core.judgements.contradict(scope, doubted.id)
    assert await found(core, scope, "cat sleeps") == before
    weighed = await core.recall(scope, asking("cat sleeps", profile=trusting(1.0)))
    assert [hit.memory.id for hit in weighed.hits] == [trusted.id, doubted.id]
    assert [hit.why.factors["trust"] for hit in weighed.hits] == pytest.approx([6 * -0.15, 6 * -0.7])
