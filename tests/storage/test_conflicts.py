"""Conflicts are kept with the newer memory, seen by whom both are visible to, and go with either one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from polymem.core.conflicts.ports import Finding, Reason, Resolution
from polymem.core.model import Change, Memory
from polymem.core.people import Scope
from polymem.core.ports import Derived, Insert, Purge, Store
from tests.storage.support import LATER, NOW, changed, embedded, keep, memory, new_id, new_scope, project


def finding(old: Memory, **fields: Any) -> Finding:
    values: dict[str, Any] = {
        "id": new_id("c"),
        "old_id": old.id,
        "reason": Reason.CHANGED_VALUE,
        "detail": "One became two.",
        "similarity": 0.875,
        "judge": "rules",
    }
    return Finding(**values | fields)


async def in_conflict(store: Store, scope: Scope, old: Memory, new: Memory) -> str:
    found = finding(old)
    derived = embedded(new.content)
    insert = Insert(new, type(derived)(derived.model, derived.embedding, (found,)))
    await store.apply(scope, [insert], at=LATER)
    return found.id


async def ids(store: Store, scope: Scope, *, open: bool | None = True) -> list[str]:
    page = await store.conflicts.find(scope, open=open, at=LATER, limit=50, offset=0)
    assert page.total == len(page.items)
    return [conflict.id for conflict in page.items]


async def test_a_conflict_is_read_as_it_was_found(store: Store, scope: Scope) -> None:
    (old,) = await keep(store, scope, memory(scope, "one"))
    new = memory(scope, "two")
    conflict_id = await in_conflict(store, scope, old, new)
    conflict = await store.conflicts.get(scope, conflict_id)
    assert conflict is not None
    assert (conflict.old, conflict.new) == (old, new)
    assert (conflict.reason, conflict.detail, conflict.similarity) == (Reason.CHANGED_VALUE, "One became two.", 0.875)
    assert (conflict.judge, conflict.created_at, conflict.resolution) == ("rules", LATER, None)
    assert await ids(store, scope) == [conflict_id]


@pytest.mark.parametrize("which", ["old", "new"])
@pytest.mark.parametrize(
    "change",
    [
        lambda one: changed(one, Change.FORGOTTEN, forgotten_at=NOW),
        lambda one: changed(one, Change.SUPERSEDED, superseded_by="other"),
        lambda one: changed(one, expires_at=LATER - timedelta(seconds=1)),
    ],
)
async def test_a_conflict_is_open_while_both_memories_are_current(
    store: Store, scope: Scope, which: str, change: Callable[[Memory], Any]
) -> None:
    (old,) = await keep(store, scope, memory(scope, "one"))
    new = memory(scope, "two")
    conflict_id = await in_conflict(store, scope, old, new)
    await store.apply(scope, [change(old if which == "old" else new)])
    assert await ids(store, scope) == []
    assert await ids(store, scope, open=None) == [conflict_id]


@pytest.mark.parametrize("which", ["old", "new"])
async def test_a_conflict_goes_with_either_memory(store: Store, scope: Scope, which: str) -> None:
    (old,) = await keep(store, scope, memory(scope, "one"))
    new = memory(scope, "two")
    conflict_id = await in_conflict(store, scope, old, new)
    await store.apply(scope, [Purge(old.id if which == "old" else new.id)])
    assert await ids(store, scope, open=None) == []
    assert await store.conflicts.get(scope, conflict_id) is None


async def test_a_memory_is_kept_even_if_what_it_contradicts_is_gone(store: Store, scope: Scope) -> None:
    gone, new = memory(scope, "one"), memory(scope, "two")
    await in_conflict(store, scope, gone, new)
    assert list(await store.get_many(scope, [new.id])) == [new.id]
    assert await ids(store, scope, open=None) == []


async def test_a_conflict_is_settled_once(store: Store, scope: Scope) -> None:
    (old,) = await keep(store, scope, memory(scope, "one"))
    conflict_id = await in_conflict(store, scope, old, memory(scope, "two"))
    assert await store.conflicts.resolve(scope, conflict_id, Resolution.KEEP_BOTH, LATER)
    assert not await store.conflicts.resolve(scope, conflict_id, Resolution.KEEP_NEW, LATER)
    conflict = await store.conflicts.get(scope, conflict_id)
    assert conflict is not None
    assert (conflict.resolution, conflict.resolved_at, conflict.resolved_by) == (
        Resolution.KEEP_BOTH,
        LATER,
        scope.actor,
    )
    assert await ids(store, scope) == []
    assert await ids(store, scope, open=False) == [conflict_id]


async def test_a_page_is_cut_after_counting(store: Store, scope: Scope) -> None:
    (old,) = await keep(store, scope, memory(scope, "one"))
    made = [await in_conflict(store, scope, old, memory(scope, f"two {number}")) for number in range(5)]
    page = await store.conflicts.find(scope, open=True, at=LATER, limit=2, offset=1)
    assert [conflict.id for conflict in page.items] == made[::-1][1:3]
    assert page.total == 5


async def test_a_conflict_is_seen_by_whom_both_memories_are_visible_to(store: Store, scope: Scope) -> None:
    here = await store.put_project(scope, project(scope, "here"))
    there = await store.put_project(scope, project(scope, "there"))
    (outside,) = await keep(store, scope, memory(scope, "one"))
    (inside,) = await keep(store, scope, memory(scope, "one", project=here))
    first = await in_conflict(store, scope, outside, memory(scope, "two", project=here))
    second = await in_conflict(store, scope, inside, memory(scope, "three", project=here))
    assert sorted(await ids(store, scope)) == sorted([first, second])
    of_here = Scope(organization_id=scope.organization_id, projects=frozenset({here.id}))
    assert await ids(store, of_here) == [second]
    assert await store.conflicts.get(of_here, first) is None
    assert not await store.conflicts.resolve(of_here, first, Resolution.KEEP_BOTH, LATER)
    for other in (
        Scope(organization_id=scope.organization_id, projects=frozenset({there.id})),
        await new_scope(store),
    ):
        assert await ids(store, other, open=None) == []
        assert await store.conflicts.get(other, second) is None
        assert not await store.conflicts.resolve(other, second, Resolution.KEEP_BOTH, LATER)


@pytest.mark.parametrize("odd", ["", "\x00", "\ud800", "unknown"])
async def test_an_id_of_no_conflict_finds_none(store: Store, scope: Scope, odd: str) -> None:
    assert await store.conflicts.get(scope, odd) is None
    assert not await store.conflicts.resolve(scope, odd, Resolution.KEEP_BOTH, LATER)


async def test_what_is_found_about_a_new_text_takes_the_place_of_open_conflicts(store: Store, scope: Scope) -> None:
    first, second, third = await keep(store, scope, *(memory(scope, text) for text in ("one", "two", "three")))
    new = memory(scope, "four")
    await in_conflict(store, scope, first, new)
    later = memory(scope, "five")
    await store.apply(scope, [Insert(later, Derived(findings=(finding(new), finding(second))))], at=LATER)
    found = (await store.conflicts.find(scope, open=True, at=LATER, limit=9, offset=0)).items
    assert {(one.old.id, one.new.id) for one in found} == {
        (first.id, new.id), (new.id, later.id), (second.id, later.id),
    }  # fmt: skip
    assert await store.conflicts.opposed(scope, new.id) == {first.id, later.id}
    assert await store.conflicts.opposed(await new_scope(store), new.id) == frozenset()
    (settled,) = [one.id for one in found if one.old.id == second.id]
    await store.conflicts.resolve(scope, settled, Resolution.KEEP_BOTH, LATER)

    revised = replace(changed(new, content="six"), findings=(finding(third), finding(later)))
    await store.apply(scope, [revised], at=LATER)
    assert await store.conflicts.opposed(scope, new.id) == {third.id, later.id}
    # About these two somebody has decided, whichever of them is the newer one.
    await store.apply(scope, [replace(changed(second, content="seven"), findings=(finding(later),))], at=LATER)
    assert await store.conflicts.opposed(scope, second.id) == frozenset()
    assert settled in await ids(store, scope, open=False)
    # Without findings a change leaves conflicts alone.
    await store.apply(scope, [changed(revised.memory, tags=("a",))])
    assert await store.conflicts.opposed(scope, new.id) == {third.id, later.id}


async def test_the_conflicts_of_one_memory_are_those_it_is_in_on_either_side(store: Store, scope: Scope) -> None:
    (old,) = await keep(store, scope, memory(scope, "one"))
    middle, other = memory(scope, "two"), memory(scope, "three")
    first = await in_conflict(store, scope, old, middle)
    second = await in_conflict(store, scope, middle, other)
    await store.conflicts.resolve(scope, first, Resolution.KEEP_BOTH, LATER)
    assert {conflict.id for conflict in await store.conflicts.of(scope, middle.id)} == {first, second}
    assert [conflict.id for conflict in await store.conflicts.of(scope, old.id)] == [first]
    assert await store.conflicts.of(await new_scope(store), middle.id) == []
    assert await store.conflicts.of(scope, "\x00") == []


async def test_what_is_found_later_is_kept_once(store: Store, scope: Scope) -> None:
    old, new = await keep(store, scope, memory(scope, "one"), memory(scope, "two"))
    for _ in range(2):
        await store.conflicts.put(scope, new, [finding(old)], LATER)
    await store.conflicts.put(scope, old, [finding(new)], LATER)
    (conflict_id,) = await ids(store, scope)
    conflict = await store.conflicts.get(scope, conflict_id)
    assert conflict is not None
    assert (conflict.old.id, conflict.new.id, conflict.created_at) == (old.id, new.id, LATER)
    await store.apply(scope, [Purge(new.id)])
    await store.conflicts.put(scope, new, [finding(old)], LATER)
    assert await ids(store, scope, open=None) == []
