from datetime import timedelta

import pytest

from polymem.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from polymem.core.filters import InProjects
from polymem.core.model import Change, Draft, Duplicates
from polymem.core.people import Permission, Scope
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery, Stage
from tests.core.conftest import Home


async def test_every_change_is_a_version_recorded_when_it_was_made(home: Home) -> None:
    kept = (await home.core.memories.add(home.scope, Draft(content="one"))).memory
    home.clock.turn(hours=1)
    await home.core.memories.revise(home.scope, kept.id, {"content": "two"})
    home.clock.turn(hours=1)
    await home.core.memories.forget(home.scope, kept.id)
    home.clock.turn(hours=1)
    await home.core.memories.restore(home.scope, kept.id)

    history = await home.core.memories.history(home.scope, kept.id)

    assert [version.change for version in history] == [
        Change.CREATED,
        Change.REVISED,
        Change.FORGOTTEN,
        Change.RESTORED,
    ]
    assert [version.memory.content for version in history] == ["one", "two", "two", "two"]
    assert [version.recorded_at - history[0].recorded_at for version in history] == [
        timedelta(hours=hour) for hour in range(4)
    ]


async def test_a_revision_that_changes_nothing_appends_no_version(home: Home) -> None:
    kept = (await home.core.memories.add(home.scope, Draft(content="same", tags=("a",)))).memory

    revised = await home.core.memories.revise(home.scope, kept.id, {"content": "same", "tags": ["a"]})

    assert revised.version == 1


async def test_a_revision_of_what_is_in_the_trash_is_refused(home: Home) -> None:
    kept = (await home.core.memories.add(home.scope, Draft(content="x"))).memory
    await home.core.memories.forget(home.scope, kept.id)

    with pytest.raises(NotFound):
        await home.core.memories.revise(home.scope, kept.id, {"content": "y"})


async def test_a_revision_from_an_old_version_is_a_conflict(home: Home) -> None:
    kept = (await home.core.memories.add(home.scope, Draft(content="x"))).memory
    await home.core.memories.revise(home.scope, kept.id, {"content": "y"})

    with pytest.raises(Conflict, match="version 2"):
        await home.core.memories.revise(home.scope, kept.id, {"content": "z"}, expected_version=1)


async def test_a_validity_that_ends_before_it_begins_is_refused_also_when_only_one_end_changes(home: Home) -> None:
    now = home.clock.now()
    kept = (await home.core.memories.add(home.scope, Draft(content="x", valid_from=now))).memory

    with pytest.raises(InvalidInput, match="lies before"):
        await home.core.memories.revise(home.scope, kept.id, {"valid_to": now - timedelta(days=1)})


async def test_superseding_shows_on_both_memories_and_happens_once(home: Home) -> None:
    old = (await home.core.memories.add(home.scope, Draft(content="old"))).memory
    new = (await home.core.memories.supersede(home.scope, old.id, Draft(content="new"))).memory

    assert new.supersedes == old.id
    assert (await home.core.memories.get(home.scope, old.id)).superseded_by == new.id
    with pytest.raises(Conflict, match="already superseded"):
        await home.core.memories.supersede(home.scope, old.id, Draft(content="newer"))


async def test_purging_the_successor_makes_the_superseded_memory_current_again(home: Home) -> None:
    old = (await home.core.memories.add(home.scope, Draft(content="old"))).memory
    new = (await home.core.memories.supersede(home.scope, old.id, Draft(content="new"))).memory

    await home.core.memories.purge(home.scope, new.id)

    assert (await home.core.memories.get(home.scope, old.id)).superseded_by is None


async def test_a_duplicate_that_would_supersede_something_supersedes_nothing(home: Home) -> None:
    old = (await home.core.memories.add(home.scope, Draft(content="old"))).memory
    there = (await home.core.memories.add(home.scope, Draft(content="new"))).memory

    added = await home.core.memories.add(
        home.scope, Draft(content="new", supersedes=old.id), duplicates=Duplicates.RETURN_EXISTING
    )

    assert (added.memory.id, added.created) == (there.id, False)
    assert (await home.core.memories.get(home.scope, old.id)).superseded_by is None


async def test_the_same_request_twice_under_one_key_is_kept_once(home: Home) -> None:
    first = (await home.core.memories.add(home.scope, Draft(content="old"))).memory
    draft = Draft(content="new", supersedes=first.id)

    one = await home.core.memories.add(home.scope, draft, idempotency_key="k")
    two = await home.core.memories.add(home.scope, draft, idempotency_key="k")

    assert one.memory.id == two.memory.id
    assert (one.created, two.created) == (True, False)
    with pytest.raises(Conflict):
        await home.core.memories.add(home.scope, Draft(content="other"), idempotency_key="k")


async def test_a_key_is_remembered_for_a_week(home: Home) -> None:
    draft = Draft(content="x")
    one = await home.core.memories.add(home.scope, draft, idempotency_key="k")
    home.clock.turn(days=7)
    assert await home.core.retention.drop_requests() == 0
    assert (await home.core.memories.add(home.scope, draft, idempotency_key="k")).memory.id == one.memory.id

    home.clock.turn(microseconds=1)
    assert await home.core.retention.drop_requests() == 1
    assert (await home.core.memories.add(home.scope, draft, idempotency_key="k")).created


async def test_an_expired_memory_is_gone_from_every_door_without_a_sweep(home: Home) -> None:
    expires_at = home.clock.now() + timedelta(minutes=1)
    kept = (await home.core.memories.add(home.scope, Draft(content="short lived", expires_at=expires_at))).memory
    home.clock.turn(minutes=1)

    with pytest.raises(NotFound):
        await home.core.memories.get(home.scope, kept.id)
    assert (await home.core.memories.find(home.scope)).total == 0
    assert (await home.core.recall(home.scope, RecallQuery(text="short lived"))).hits == ()


async def test_a_batch_with_one_bad_draft_keeps_nothing_and_names_it(home: Home) -> None:
    with pytest.raises(InvalidInput) as refused:
        await home.core.memories.add_many(home.scope, [Draft(content="good"), Draft(content="")])

    assert refused.value.index == 1
    assert await home.core.memories.count(home.scope) == 0


async def test_a_key_that_may_only_read_changes_nothing_and_one_that_may_only_write_sees_nothing(home: Home) -> None:
    kept = (await home.core.memories.add(home.scope, Draft(content="x"))).memory
    reader = Scope(organization_id=home.scope.organization_id, permissions=frozenset({Permission.READ}))
    writer = Scope(organization_id=home.scope.organization_id, permissions=frozenset({Permission.WRITE}))

    for change in (
        home.core.memories.add(reader, Draft(content="y")),
        home.core.memories.revise(reader, kept.id, {"content": "y"}),
        home.core.memories.forget(reader, kept.id),
        home.core.memories.purge(reader, kept.id),
        home.core.memories.get(writer, kept.id),
        home.core.memories.find(writer),
        home.core.recall(writer, RecallQuery(text="x")),
    ):
        with pytest.raises(Forbidden):
            await change


async def test_a_key_that_may_only_write_can_write_into_a_project_it_names(home: Home) -> None:
    writer = Scope(organization_id=home.scope.organization_id, permissions=frozenset({Permission.WRITE}))

    added = await home.core.memories.add(writer, Draft(content="y", project="p"))

    assert added.memory.project == "p"


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ("none", Stage.RETURNED),
        ("forget", Stage.FORGOTTEN),
        ("expire", Stage.EXPIRED),
        ("supersede", Stage.SUPERSEDED),
        ("filter", Stage.FILTER),
        ("words", Stage.CANDIDATES),
        ("floor", Stage.FLOOR),
        ("page", Stage.PAGE),
    ],
)
async def test_why_not_names_the_stage_that_lost_a_memory(home: Home, change: str, stage: Stage) -> None:
    memories, scope = home.core.memories, home.scope
    expires_at = home.clock.now() + timedelta(hours=1) if change == "expire" else None
    kept = (await memories.add(scope, Draft(content="green tea", project="p", expires_at=expires_at))).memory
    query = RecallQuery(text="green tea", mode=Mode.KEYWORD, limit=1)
    match change:
        case "forget":
            await memories.forget(scope, kept.id)
        case "expire":
            home.clock.turn(hours=2)
        case "supersede":
            await memories.supersede(scope, kept.id, Draft(content="black coffee"))
        case "filter":
            query = RecallQuery(text="green tea", filter=(await _elsewhere(home),), mode=Mode.KEYWORD)
        case "words":
            query = RecallQuery(text="airport", mode=Mode.KEYWORD)
        case "floor":
            query = RecallQuery(text="green tea", mode=Mode.KEYWORD, min_score=1.0)
        case "page":
            await memories.add(scope, Draft(content="green tea green tea"))

    assert (await home.core.recall.why_not(scope, query, kept.id)).stage is stage


async def _elsewhere(home: Home) -> InProjects:
    project = await home.core.projects.create(home.scope, "elsewhere")
    return InProjects(frozenset({project.id}))


async def test_adding_answers_with_what_is_read_again(home: Home) -> None:
    at = home.clock.now() - timedelta(days=3, microseconds=7)
    drafts = [
        Draft(content="plain"),
        Draft(
            content="Ann: all of it",
            kind="decision",
            project="atlas",
            tags=("b", "a"),
            importance=9,
            weight=0.3,
            confidence=1,
            container="c",
            context="d",
            title="e",
            summary="f",
            metadata={"z": 1, "a": {"deep": (1.0, 2, None, True)}},
            occurred_at=at,
            valid_from=at,
            expires_at=home.clock.now() + timedelta(days=1),
            created_at=at,
        ),
    ]

    added = await home.core.memories.add_many(home.scope, drafts)

    assert all(one.created for one in added)
    assert [one.memory for one in added] == [await home.core.memories.get(home.scope, one.memory.id) for one in added]


async def test_two_memories_of_one_call_cannot_both_replace_the_same(home: Home) -> None:
    old = (await home.core.memories.add(home.scope, Draft(content="old"))).memory

    with pytest.raises(Conflict, match="same memory"):
        await home.core.memories.add_many(
            home.scope, [Draft(content="new", supersedes=old.id), Draft(content="newer", supersedes=old.id)]
        )

    assert [memory.content for memory in (await home.core.memories.find(home.scope)).items] == ["old"]
