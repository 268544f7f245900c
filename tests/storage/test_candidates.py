"""The in-memory index follows the rows: every committed change is seen by the next search, in every process."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from polymem.core.filters import MetadataIs, TagsAny, active
from polymem.core.model import Change
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, Derived, Purge, Store
from polymem.storage import candidates
from tests.storage.conftest import Open
from tests.storage.support import (
    LATER,
    MODEL,
    NOW,
    OTHER_MODEL,
    changed,
    embedded,
    inserts,
    keep,
    memory,
    new_scope,
    project,
    vector,
)


async def ask(store: Store, scope: Scope, text: str | None, **fields: object) -> Candidates:
    values: dict[str, object] = {
        "text": text,
        "vector": None if text is None else vector(text),
        "model": MODEL,
        "filter": active(NOW),
    }
    return await store.candidates(scope, CandidateQuery(**values | fields))  # type: ignore[arg-type]


def word(number: int) -> str:
    """A word that no other number has, and that is not taken apart."""
    return "zx" + str(number).translate(str.maketrans("0123456789", "bcdfghjklm"))


async def by_keyword(store: Store, scope: Scope, text: str, **fields: object) -> set[str]:
    found = await ask(store, scope, text, vector=None, **fields)
    return {item.memory_id for item in found.items if item.keyword > 0}


async def test_a_memory_is_found_by_its_words_and_by_its_vector(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    cat, dog = await keep(
        store,
        scope,
        memory(scope, "The cat sleeps on the sofa.", project=home, importance=7, weight=0.5, kind="fact"),
        memory(scope, "A dog barks outside.", occurred_at=NOW),
    )
    found = await ask(store, scope, "The cat sleeps on the sofa.")
    best = max(found.items, key=lambda item: item.keyword)
    assert (best.memory_id, best.project_id, best.kind) == (cat.id, home.id, "fact")
    assert (best.importance, best.weight, best.created_at, best.occurred_at) == (7, 0.5, NOW, None)
    assert best.cosine is not None
    assert best.cosine > 0.99
    assert (best.dense_rank, best.keyword_rank) == (1, 1)
    assert found.considered == 2
    assert {item.memory_id for item in found.items} == {cat.id, dog.id}


async def test_every_change_shows_in_the_next_search(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps."))
    assert await by_keyword(store, scope, "cat") == {first.id}
    second = changed(first, content="The dog barks.", derived=embedded("The dog barks."))
    await store.apply(scope, [second])
    assert await by_keyword(store, scope, "cat") == set()
    assert await by_keyword(store, scope, "dog") == {first.id}
    third = changed(second.memory, Change.FORGOTTEN, forgotten_at=LATER)
    await store.apply(scope, [third])
    assert await by_keyword(store, scope, "dog") == set()
    fourth = changed(third.memory, Change.RESTORED, forgotten_at=None)
    await store.apply(scope, [fourth])
    assert await by_keyword(store, scope, "dog") == {first.id}
    await store.apply(scope, [Purge(first.id)])
    found = await ask(store, scope, "dog")
    assert (found.items, found.considered) == ([], 0)


async def test_an_id_that_was_purged_and_kept_again_is_found(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps."))
    await ask(store, scope, "cat")
    await store.apply(scope, [Purge(first.id)])
    await keep(store, scope, replace(first, content="The dog barks."))
    assert await by_keyword(store, scope, "dog") == {first.id}
    await store.apply(scope, [Purge(first.id)])
    assert await by_keyword(store, scope, "dog") == set()


async def test_another_process_sees_what_this_one_commits(store: Store, scope: Scope, open_again: Open) -> None:
    other = await open_again()
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps."))
    assert await by_keyword(other, scope, "cat") == {first.id}
    (second,) = await keep(other, scope, memory(scope, "The cat eats."))
    assert await by_keyword(store, scope, "cat") == {first.id, second.id}
    await other.apply(scope, [Purge(first.id)])
    assert await by_keyword(store, scope, "cat") == {second.id}


async def test_an_index_is_built_in_slices(store: Store, scope: Scope, open_again: Open) -> None:
    many = [memory(scope, f"The cat {word(i)} sleeps.") for i in range(candidates.SLICE * 2 + 10)]
    await store.apply(scope, inserts(many))
    await store.apply(scope, [Purge(many[0].id), Purge(many[-1].id)])
    fresh = await open_again()
    searches = [by_keyword(fresh, scope, word(i)) for i in (1, 2, len(many) - 2)]
    assert await asyncio.gather(*searches) == [{many[1].id}, {many[2].id}, {many[-2].id}]
    assert await by_keyword(fresh, scope, word(len(many) - 1)) == set()
    assert (await ask(fresh, scope, "cat")).considered == len(many) - 2


async def test_warming_loads_before_the_first_search(store: Store, scope: Scope, open_again: Open) -> None:
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps."))
    fresh = await open_again()
    await fresh.warm(scope, MODEL)
    await fresh.warm(scope, None)
    assert await by_keyword(fresh, scope, "cat") == {first.id}


async def test_searches_and_writes_at_once_never_miss_what_was_acknowledged(store: Store, scope: Scope) -> None:
    async def write_and_find(number: int) -> bool:
        kept = memory(scope, f"Some {word(number)} words")
        await store.apply(scope, inserts([kept]))
        return await by_keyword(store, scope, word(number)) == {kept.id}

    assert all(await asyncio.gather(*[write_and_find(number) for number in range(100)]))


async def test_filters_the_index_does_not_know_are_asked_of_the_rows(store: Store, scope: Scope) -> None:
    tagged, described, plain = await keep(
        store,
        scope,
        memory(scope, "The cat sleeps.", tags=("pet",)),
        memory(scope, "The cat eats.", metadata={"room": "kitchen"}),
        memory(scope, "The cat plays."),
    )
    everything = active(NOW)
    pets = (*everything, TagsAny(frozenset({"pet"})))
    kitchen = (*everything, MetadataIs("room", "kitchen"))
    assert await by_keyword(store, scope, "cat", filter=pets) == {tagged.id}
    assert await by_keyword(store, scope, "cat", filter=kitchen) == {described.id}
    assert (await ask(store, scope, "cat", filter=kitchen)).considered == 1
    again = changed(plain, tags=("pet",))
    await store.apply(scope, [again])
    assert await by_keyword(store, scope, "cat", filter=pets) == {tagged.id, plain.id}


async def test_memories_that_have_expired_are_left_out_by_the_instant_asked_for(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps.", expires_at=LATER))
    assert await by_keyword(store, scope, "cat", filter=active(LATER - timedelta(microseconds=1))) == {first.id}
    assert await by_keyword(store, scope, "cat", filter=active(LATER)) == set()


async def test_without_a_vector_a_memory_is_found_by_words_and_counted(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps."), model=None)
    found = await ask(store, scope, "cat")
    assert [(item.memory_id, item.cosine) for item in found.items] == [(first.id, None)]
    assert found.without_vector == 1


async def test_vectors_of_two_models_never_meet(store: Store, scope: Scope) -> None:
    (old,) = await keep(store, scope, memory(scope, "The cat sleeps."), model=OTHER_MODEL)
    (new,) = await keep(store, scope, memory(scope, "The dog barks."))
    with_new = await ask(store, scope, None, vector=vector("q"))
    assert ({item.memory_id for item in with_new.items}, with_new.without_vector) == ({new.id}, 1)
    with_old = await ask(store, scope, None, vector=vector("q", OTHER_MODEL), model=OTHER_MODEL)
    assert ({item.memory_id for item in with_old.items}, with_old.without_vector) == ({old.id}, 1)


async def test_a_memory_asked_for_by_name_is_scored_however_far_it_is(store: Store, scope: Scope) -> None:
    many = await keep(store, scope, *[memory(scope, f"Note {i}") for i in range(30)])
    found = await ask(store, scope, None, vector=vector("Note 1"), depth=1, include=many[20].id)
    assert many[20].id in {item.memory_id for item in found.items}


async def test_many_organizations_are_searched_at_once(store: Store) -> None:
    scopes = [await new_scope(store) for _ in range(8)]
    kept = [(await keep(store, scope, memory(scope, "The cat sleeps.")))[0] for scope in scopes]
    found = await asyncio.gather(*[by_keyword(store, scope, "cat") for scope in scopes])
    assert found == [{one.id} for one in kept]


async def test_a_new_text_without_a_vector_is_not_found_by_the_old_one(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope, "The cat sleeps."))
    await store.apply(scope, [changed(first, content="The dog barks.", derived=Derived())])
    found = await ask(store, scope, "The cat sleeps.")
    assert [(item.memory_id, item.cosine) for item in found.items] in ([], [(first.id, None)])
    assert found.without_vector == 1
