"""Sessions, tasks and snippets on both databases: kept whole, listed truly, and never another scope's."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from polymem.core.errors import NotFound
from polymem.core.people import Project, Scope
from polymem.core.ports import Store
from polymem.core.work import Snippet, Task, TaskStatus, Work, WorkFilter, WorkSession
from tests.storage.support import LATER, NOW, new_id, new_scope, project

EVERYTHING = WorkFilter()
KINDS: tuple[type[Any], ...] = (WorkSession, Task, Snippet)


@pytest.fixture
async def place(store: Store, scope: Scope) -> Project:
    return await store.put_project(scope, project(scope, "place"))


def entry(kind: type[Any], place: Project, **fields: Any) -> Any:
    required = {WorkSession: {}, Task: {"title": "Write"}, Snippet: {"name": "n", "code": "pass"}}[kind]
    values: dict[str, Any] = {
        "id": new_id("w"),
        "organization_id": place.organization_id,
        "project_id": place.id,
        "project": place.key,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return kind(**values | required | fields)


FULL: dict[type[Any], dict[str, Any]] = {
    WorkSession: {
        "summary": "Été \U0001f980\n", "accomplished": ("a", "b\nc"), "next_steps": ("d",), "blockers": ("", '"'),
    },
    Task: {
        "title": "T", "description": "D\r\n", "status": TaskStatus.COMPLETED, "priority": 10, "due_date": LATER,
        "tags": ("x", "ü"), "completed_at": NOW,
    },
    Snippet: {
        "name": "N", "code": "\n  if x:\r\n\tpass \u2028", "language": "python", "file_path": "a/b.py",
        "line_start": 1, "line_end": 2**31 - 1, "description": "d",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_an_entry_comes_back_as_it_was_kept(store: Store, scope: Scope, place: Project, kind: type[Any]) -> None:
    kept = entry(kind, place, **FULL[kind])
    assert await store.work.add(scope, kept)
    assert await store.work.get(scope, kind, kept.id) == kept
    assert not await store.work.add(scope, replace(kept, updated_at=LATER))
    changed = entry(kind, place, id=kept.id, version=2, updated_at=LATER)
    assert await store.work.replace(scope, changed)
    assert await store.work.get(scope, kind, kept.id) == changed
    assert await store.work.remove(scope, kind, kept.id)
    assert not await store.work.remove(scope, kind, kept.id)
    assert await store.work.get(scope, kind, kept.id) is None


@pytest.mark.parametrize("kind", KINDS)
async def test_a_state_is_replaced_only_by_the_next(
    store: Store, scope: Scope, place: Project, kind: type[Any]
) -> None:
    kept = entry(kind, place)
    await store.work.add(scope, kept)
    won = await asyncio.gather(
        *(store.work.replace(scope, replace(kept, version=2, updated_at=LATER + timedelta(n))) for n in range(4))
    )
    assert sorted(won) == [False, False, False, True]
    assert not await store.work.replace(scope, replace(kept, version=4))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_is_the_newest_first_with_the_true_total(
    store: Store, scope: Scope, place: Project, kind: type[Any]
) -> None:
    kept = [entry(kind, place, created_at=NOW + timedelta(minutes=n // 2)) for n in range(7)]
    for one in kept:
        await store.work.add(scope, one)
    newest_first = sorted(kept, key=lambda one: (one.created_at, one.id), reverse=True)
    page = await store.work.find(scope, kind, EVERYTHING, 3, 2)
    assert (list(page.items), page.total) == (newest_first[2:5], 7)
    assert (await store.work.find(scope, kind, EVERYTHING, 3, 50)).total == 7
    assert (await store.work.find(scope, kind, EVERYTHING, 0, 0)).total == 7
    scanned = [one async for batch in store.work.scan(scope, kind, EVERYTHING, batch=3) for one in batch]
    assert scanned == kept


async def test_filters_combine_and_pass_over_other_kinds(store: Store, scope: Scope, place: Project) -> None:
    other = await store.put_project(scope, project(scope, "other"))
    tasks = [
        entry(Task, place, priority=3),
        entry(Task, place, priority=8, status=TaskStatus.IN_PROGRESS, updated_at=LATER),
        entry(Task, other, priority=9),
    ]
    for one in (*tasks, entry(Snippet, place, language="Python"), entry(Snippet, place)):
        await store.work.add(scope, one)

    async def found(kind: type[Any], **filter: Any) -> set[str]:
        page = await store.work.find(scope, kind, WorkFilter(**filter), 50, 0)
        assert page.total == len(page.items)
        return {one.id for one in page.items}

    assert await found(Task, project_ids=frozenset({place.id})) == {tasks[0].id, tasks[1].id}
    assert await found(Task, project_ids=frozenset()) == set()
    assert await found(Task, least_priority=8) == {tasks[1].id, tasks[2].id}
    assert await found(Task, least_priority=10**30) == set()
    assert await found(Task, statuses=frozenset({"in_progress"}), least_priority=1) == {tasks[1].id}
    assert await found(Task, statuses=frozenset({"\x00", "nothing"})) == set()
    assert await found(Task, changed_after=NOW) == {tasks[1].id}
    assert len(await found(Snippet, language="python", least_priority=99)) == 1
    assert await found(Snippet, language="nul \x00") == set()
    assert len(await found(Task, language="python")) == 3


async def test_the_last_change_of_a_project_is_that_of_its_newest_entry(
    store: Store, scope: Scope, place: Project
) -> None:
    assert await store.work.last_change(scope, place.id) is None
    await store.work.add(scope, entry(Task, place))
    await store.work.add(scope, entry(Snippet, place, updated_at=LATER))
    assert await store.work.last_change(scope, place.id) == LATER
    assert await store.work.last_change(await new_scope(store), place.id) is None


@pytest.fixture(params=["another organization", "another project"])
async def outside(request: pytest.FixtureRequest, store: Store, scope: Scope) -> Scope:
    """A scope that must not reach the place."""
    if request.param == "another organization":
        return await new_scope(store)
    own = await store.put_project(scope, project(scope, "own"))
    return replace(scope, projects=frozenset({own.id}))


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_outside_a_scope_is_read_counted_or_changed(
    store: Store, scope: Scope, place: Project, outside: Scope, kind: type[Any]
) -> None:
    kept: Work = entry(kind, place)
    await store.work.add(scope, kept)
    assert await store.work.get(outside, kind, kept.id) is None
    assert (await store.work.find(outside, kind, EVERYTHING, 10, 0)).total == 0
    wanted = WorkFilter(project_ids=frozenset({place.id}))
    assert (await store.work.find(outside, kind, wanted, 10, 0)).total == 0
    assert [batch async for batch in store.work.scan(outside, kind, EVERYTHING)] == []
    assert not await store.work.remove(outside, kind, kept.id)
    for refused in (store.work.add, store.work.replace):
        with pytest.raises(NotFound):
            await refused(outside, replace(kept, version=2))
        with pytest.raises(NotFound):
            await refused(outside, replace(kept, version=2, organization_id=outside.organization_id))
    assert await store.work.get(scope, kind, kept.id) == kept


async def test_an_id_that_no_database_could_hold_is_not_there(store: Store, scope: Scope) -> None:
    for id in ("nul \x00", "half \ud800"):
        assert await store.work.get(scope, Task, id) is None
        assert not await store.work.remove(scope, Task, id)


async def test_two_organizations_can_use_one_id(store: Store, scope: Scope, place: Project) -> None:
    other = await new_scope(store)
    elsewhere = await store.put_project(other, project(other, "place"))
    one, two = entry(Task, place, id="same"), entry(Task, elsewhere, id="same", title="Other")
    assert await store.work.add(scope, one)
    assert await store.work.add(other, two)
    assert await store.work.get(scope, Task, "same") == one
    assert await store.work.get(other, Task, "same") == two


async def test_a_project_takes_its_entries_with_it(store: Store, scope: Scope, place: Project) -> None:
    kept = [entry(kind, place) for kind in KINDS]
    for one in kept:
        await store.work.add(scope, one)
    assert await store.people.delete_project(scope, place.id, LATER) is not None
    for one in kept:
        assert await store.work.get(scope, type(one), one.id) is None


async def test_a_slug_that_is_taken_gets_a_number(store: Store, scope: Scope) -> None:
    slugs = [(await store.put_project(scope, project(scope, f"key {n}", slug="same"))).slug for n in range(4)]
    assert slugs == ["same", "same-2", "same-3", "same-4"]
    longer = await store.put_project(scope, project(scope, "another", slug="same-thing"))
    assert longer.slug == "same-thing"
    found = await store.project(scope, slug="same-3")
    assert found is not None
    assert found.key == "key 2"
    other = await new_scope(store)
    assert (await store.put_project(other, project(other, "k", slug="same"))).slug == "same"


async def test_callers_that_want_one_slug_at_once_each_get_their_own(store: Store, scope: Scope) -> None:
    wanted = [project(scope, f"key {n}", slug="same") for n in range(5)]
    kept = await asyncio.gather(*(store.put_project(scope, one) for one in wanted))
    assert len({one.slug for one in kept}) == 5
