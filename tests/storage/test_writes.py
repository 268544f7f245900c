from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from polymem.core.errors import Conflict, Forbidden, NotFound
from polymem.core.filters import Sort
from polymem.core.model import Change, Memory
from polymem.core.people import Scope
from polymem.core.ports import Derived, Idempotency, Insert, Purge, Store
from tests.storage.support import (
    LATER,
    MODEL,
    NOW,
    changed,
    embedded,
    inserts,
    keep,
    memory,
    new_id,
    new_scope,
    organization,
    project,
)


def full(scope: Scope, **fields: Any) -> Memory:
    """A memory with every field set."""
    return memory(
        scope,
        "Ünïcode\r\n\ttext 🐈‍⬛ ﷽ e\u0301",
        kind="decision",
        tags=("b", "a", "ä"),
        importance=9,
        weight=0.7,
        confidence=0.25,
        provenance="told",
        container="session-1",
        context="while talking",
        title="A title",
        summary="In short.",
        metadata={"z": 1, "a": [1, {"b": None}], "n": 1.0, "t": True, "speaker": "Ann"},
        occurred_at=NOW - timedelta(days=400),
        valid_from=NOW,
        valid_to=LATER,
        expires_at=LATER,
        supersedes="m-none",
        access_count=3,
        last_accessed=LATER,
        **fields,
    )


async def test_a_memory_comes_back_as_it_was_kept(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    kept = full(scope, project=home)
    assert await store.apply(scope, inserts([kept])) == [kept.id]
    found = await store.get_many(scope, [kept.id, "unknown"])
    assert found == {kept.id: kept}
    assert list(found[kept.id].metadata) == ["z", "a", "n", "t", "speaker"]
    assert type(found[kept.id].metadata["n"]) is float


async def test_ten_thousand_memories_are_kept_in_one_call(store: Store, scope: Scope) -> None:
    many = [memory(scope, f"Number {i}", tags=("t",)) for i in range(10_000)]
    assert await store.apply(scope, inserts(many)) == [one.id for one in many]
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 10_000


async def test_memories_drawn_up_beforehand_are_kept_like_others(store: Store, scope: Scope) -> None:
    plain = [memory(scope, f"Number {n}", tags=("a",), metadata={"n": n}) for n in range(40)]
    ahead = [memory(scope, f"Number {n}", tags=("a",), metadata={"n": n}) for n in range(40)]
    drawn_up = await store.draw_up(ahead)

    await keep(store, scope, *plain)
    await store.apply(
        scope,
        [Insert(one, embedded(one.content), drawn_up=rows) for one, rows in zip(ahead, drawn_up, strict=True)],
    )

    kept = await store.get_many(scope, [one.id for one in ahead])
    assert kept == {one.id: one for one in ahead}
    assert (await store.verify(repair=False, model=MODEL)).problems == ()


async def test_what_was_drawn_up_for_another_memory_is_not_used(store: Store, scope: Scope) -> None:
    one, other = memory(scope, "One"), memory(scope, "Other")
    drawn_up = await store.draw_up([other])

    await store.apply(scope, [Insert(one, embedded("One"), drawn_up=drawn_up[0])])

    assert (await store.get_many(scope, [one.id]))[one.id] == one


async def test_nothing_is_kept_when_one_of_many_cannot_be(store: Store, scope: Scope) -> None:
    (old,) = await keep(store, scope, memory(scope))
    writes = [*inserts([memory(scope), memory(scope)]), *inserts([memory(scope, id=old.id)])]
    with pytest.raises(Conflict, match=f"{old.id} exists already"):
        await store.apply(scope, writes)
    with pytest.raises(NotFound):
        await store.apply(scope, [*inserts([memory(scope)]), Purge("unknown")])
    assert (await store.find(scope, (), Sort(), 10, 0)).items == (old,)


async def test_an_id_that_occurs_twice_in_a_batch_is_refused(store: Store, scope: Scope) -> None:
    one = memory(scope)
    with pytest.raises(Conflict, match="occurs twice"):
        await store.apply(scope, inserts([one, replace(one, content="Other")]))


async def test_the_same_id_may_live_in_two_organizations(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    one = memory(scope, id="same-id")
    two = memory(other, "Other", id="same-id")
    await keep(store, scope, one)
    await keep(store, other, two)
    assert await store.get_many(scope, ["same-id"]) == {"same-id": one}
    assert await store.get_many(other, ["same-id"]) == {"same-id": two}


async def test_a_memory_of_an_unknown_project_or_organization_is_refused(store: Store, scope: Scope) -> None:
    with pytest.raises(NotFound):
        await keep(store, scope, memory(scope, project_id="unknown"))
    nowhere = Scope(organization_id="nowhere")
    with pytest.raises(NotFound):
        await keep(store, nowhere, memory(nowhere))
    with pytest.raises(NotFound):
        await keep(store, scope, memory(nowhere))


async def test_an_update_replaces_the_state_and_counts_the_version(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    (first,) = await keep(store, scope, full(scope))
    update = changed(
        first, content="New text", tags=("c",), metadata={"k": "v"}, project_id=home.id, project="home", title=None
    )
    await store.apply(scope, [replace(update, derived=embedded("New text"))])
    assert await store.get_many(scope, [first.id]) == {first.id: update.memory}
    assert update.memory.version == 2


async def test_an_update_of_a_stale_version_is_refused(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope))
    await store.apply(scope, [changed(first, title="One")])
    with pytest.raises(Conflict, match="changed meanwhile"):
        await store.apply(scope, [changed(first, title="Two")])
    assert (await store.get_many(scope, [first.id]))[first.id].title == "One"


async def test_an_update_of_an_unknown_memory_is_refused(store: Store, scope: Scope) -> None:
    with pytest.raises(NotFound):
        await store.apply(scope, [changed(memory(scope))])


async def test_an_update_does_not_undo_uses_counted_meanwhile(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope))
    await store.touch(scope, [first.id, "unknown"], LATER)
    await store.touch(scope, [first.id], LATER)
    await store.apply(scope, [changed(first, title="New")])
    found = (await store.get_many(scope, [first.id]))[first.id]
    assert (found.access_count, found.last_accessed, found.title) == (2, LATER, "New")


async def test_touching_appends_no_version(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope))
    await store.touch(scope, [first.id], LATER)
    assert (await store.get_many(scope, [first.id]))[first.id].version == 1
    assert len(await store.history(scope, first.id)) == 1


async def test_several_changes_of_one_memory_fit_into_one_call(store: Store, scope: Scope) -> None:
    first = memory(scope)
    second = changed(first, title="Two")
    third = changed(second.memory, Change.FORGOTTEN, forgotten_at=LATER)
    await store.apply(scope, [*inserts([first]), second, third])
    assert (await store.get_many(scope, [first.id]))[first.id] == third.memory


# --- duplicates --------------------------------------------------------------------------------


async def test_a_duplicate_of_a_visible_memory_is_not_kept_twice(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope, "Same"))
    twin, other = memory(scope, "Same"), memory(scope, "Same ")
    assert await store.apply(scope, inserts([twin, other], unless_duplicate=True)) == [first.id, other.id]
    assert set(await store.get_many(scope, [first.id, twin.id, other.id])) == {first.id, other.id}


async def test_duplicates_within_one_batch_are_kept_once(store: Store, scope: Scope) -> None:
    one, two, three = (memory(scope, text) for text in ("Same", "Same", "Other"))
    assert await store.apply(scope, inserts([one, two, three], unless_duplicate=True)) == [one.id, one.id, three.id]


async def test_duplicates_are_kept_when_nobody_minds(store: Store, scope: Scope) -> None:
    await keep(store, scope, memory(scope, "Same"), memory(scope, "Same"))
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 2


async def test_projects_do_not_share_duplicates(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    (first,) = await keep(store, scope, memory(scope, "Same"))
    inside = memory(scope, "Same", project=home)
    assert await store.apply(scope, inserts([inside], unless_duplicate=True)) == [inside.id]
    assert await store.find_duplicate(scope, home.id, "Same", NOW) == inside
    assert await store.find_duplicate(scope, None, "Same", NOW) == first
    assert await store.find_duplicate(scope, None, "same", NOW) is None


@pytest.mark.parametrize(
    "fields",
    [{"forgotten_at": NOW}, {"expires_at": NOW}, {"superseded_by": "another"}],
    ids=["forgotten", "expired", "superseded"],
)
async def test_hidden_memories_are_no_duplicates(store: Store, scope: Scope, fields: dict[str, Any]) -> None:
    (hidden,) = await keep(store, scope, memory(scope, "Same", **fields))
    assert await store.find_duplicate(scope, None, "Same", LATER) is None
    again = memory(scope, "Same", updated_at=LATER)
    assert await store.apply(scope, inserts([again], unless_duplicate=True)) == [again.id]
    assert await store.find_duplicate(scope, None, "Same", LATER) == again
    assert hidden.id != again.id


# --- idempotency -------------------------------------------------------------------------------


async def test_the_same_request_twice_has_the_first_outcome(store: Store, scope: Scope) -> None:
    request = Idempotency("key", "print")
    assert await store.replay(scope, request) is None
    first = [memory(scope), memory(scope)]
    ids = await store.apply(scope, inserts(first), idempotency=request)
    again = await store.apply(scope, inserts([memory(scope), memory(scope)]), idempotency=request)
    assert again == ids == [one.id for one in first]
    assert await store.replay(scope, request) == ids
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 2


async def test_a_key_used_for_another_request_is_refused(store: Store, scope: Scope) -> None:
    await store.apply(scope, inserts([memory(scope)]), idempotency=Idempotency("key", "print"))
    with pytest.raises(Conflict, match="another request"):
        await store.apply(scope, inserts([memory(scope)]), idempotency=Idempotency("key", "other"))
    with pytest.raises(Conflict, match="another request"):
        await store.replay(scope, Idempotency("key", "other"))
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 1


async def test_a_request_that_failed_can_be_sent_again(store: Store, scope: Scope) -> None:
    request = Idempotency("key", "print")
    one = memory(scope)
    with pytest.raises(NotFound):
        await store.apply(scope, [*inserts([one]), Purge("unknown")], idempotency=request)
    assert await store.apply(scope, inserts([one]), idempotency=request) == [one.id]


async def test_a_key_can_be_used_anew_once_it_was_dropped(store: Store, scope: Scope) -> None:
    one, two, three = memory(scope), memory(scope), memory(scope)
    request, other = Idempotency("a-key", "fingerprint"), Idempotency("a-key", "another fingerprint")
    await store.apply(scope, inserts([one]), idempotency=request, at=NOW)
    await store.apply(scope, inserts([two]), idempotency=Idempotency("later", "f"), at=LATER)
    stranger = await new_scope(store)

    assert await store.drop_requests(stranger, LATER) == 0
    assert await store.drop_requests(scope, LATER) == 1

    assert await store.replay(scope, Idempotency("later", "f")) == [two.id]
    assert await store.apply(scope, inserts([three]), idempotency=other, at=LATER) == [three.id]


async def test_keys_of_organizations_do_not_meet(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    await store.apply(scope, inserts([memory(scope)]), idempotency=Idempotency("key", "one"))
    ids = await store.apply(other, inserts([memory(other)]), idempotency=Idempotency("key", "two"))
    assert await store.replay(other, Idempotency("key", "two")) == ids


# --- what a restricted scope may write ---------------------------------------------------------


async def test_a_scope_of_some_projects_writes_only_there(store: Store, scope: Scope) -> None:
    mine = await store.put_project(scope, project(scope, "mine"))
    yours = await store.put_project(scope, project(scope, "yours"))
    limited = replace(scope, projects=frozenset({mine.id}))
    inside, outside, loose = await keep(
        store, scope, memory(scope, project=mine), memory(scope, project=yours), memory(scope)
    )
    await keep(store, limited, memory(scope, project=mine))
    with pytest.raises(NotFound):
        await keep(store, limited, memory(scope, project=yours))
    with pytest.raises(Forbidden):
        await keep(store, limited, memory(scope))
    with pytest.raises(NotFound):
        await store.apply(limited, [changed(inside, project_id=yours.id)])
    for hidden in (outside, loose):
        with pytest.raises(NotFound):
            await store.apply(limited, [changed(hidden, title="Mine now")])
        with pytest.raises(NotFound):
            await store.apply(limited, [Purge(hidden.id)])
        await store.touch(limited, [hidden.id], LATER)
    assert await store.get_many(scope, [outside.id, loose.id]) == {outside.id: outside, loose.id: loose}


async def test_vectors_of_the_wrong_size_are_a_mistake(store: Store, scope: Scope) -> None:
    one = memory(scope)
    wrong = embedded("text")
    assert wrong.embedding is not None
    with pytest.raises(ValueError, match="are not 2 vectors"):
        await store.apply(scope, [Insert(one, Derived(wrong.model, replace(wrong.embedding, count=2)))])


async def test_an_organization_is_made_once(store: Store) -> None:
    first = await store.put_organization(organization(slug="acme"))
    assert await store.put_organization(organization(id=new_id("o"), slug="acme", name="Late")) == first
