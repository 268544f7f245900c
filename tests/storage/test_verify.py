import pytest

from polymem.core.filters import MetadataIs, Sort, TagsAny, active
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, EmbeddingModel, Store
from tests.storage.conftest import Raw
from tests.storage.support import MODEL, NOW, changed, embedded, keep, memory, project


async def two_memories(store: Store, scope: Scope) -> tuple[str, str]:
    home = await store.put_project(scope, project(scope, "home"))
    one, two = await keep(
        store,
        scope,
        memory(scope, "The cat sleeps.", tags=("pet", "cat"), metadata={"room": "kitchen", "n": 1}, project=home),
        memory(scope, "Ann: does the dog bark?", tags=("pet",)),
    )
    await store.apply(scope, [changed(one, content="The cat eats.", derived=embedded("The cat eats."))])
    return one.id, two.id


async def test_a_store_that_is_well_has_no_problems(store: Store, scope: Scope) -> None:
    await two_memories(store, scope)
    await keep(store, scope, memory(scope), model=None)
    found = await store.verify(repair=False, model=MODEL)
    assert (found.memories, found.problems, found.repaired, found.without_vector) == (3, (), 0, 1)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("terms", "DELETE FROM memory_terms WHERE memory_id = '{one}'"),
        ("terms", "UPDATE memory_terms SET terms = (SELECT terms FROM memory_terms WHERE memory_id = '{two}')"),
        ("tags", "DELETE FROM memory_tags WHERE memory_id = '{one}' AND tag = 'cat'"),
        ("tags", "UPDATE memory_tags SET tag = 'other' WHERE memory_id = '{one}' AND tag = 'cat'"),
        ("metadata", "DELETE FROM memory_metadata"),
        ("vectors", "UPDATE memory_vectors SET count = 2 WHERE memory_id = '{one}'"),
        ("row", "UPDATE memories SET speaker = 'bob', is_question = 0 WHERE id = '{two}'"),
        ("row", "UPDATE memories SET content_hash = '0' WHERE id = '{two}'"),
        ("order", "UPDATE organizations SET last_seq = 1"),
        ("orphan", "DELETE FROM memories WHERE id = '{two}'"),
    ],
)
async def test_what_can_be_rebuilt_is_reported_and_repaired(
    store: Store, scope: Scope, raw: Raw, kind: str, damage: str
) -> None:
    one, two = await two_memories(store, scope)
    raw.run(damage.format(one=one, two=two))

    reported = await store.verify(repair=False, model=MODEL)
    assert set(reported.detail) == {kind}
    assert len(reported.problems) == sum(reported.detail.values())
    assert reported.repaired == 0
    assert await store.verify(repair=False, model=MODEL) == reported

    repaired = await store.verify(repair=True, model=MODEL)
    assert repaired.problems == reported.problems
    assert repaired.repaired == len(reported.problems)
    clean = await store.verify(repair=False, model=MODEL)
    assert clean.problems == ()
    assert clean.without_vector == (1 if kind == "vectors" else 0)

    assert (await store.find(scope, (TagsAny(frozenset({"cat"})),), Sort(), 10, 0)).total == 1
    assert (await store.find(scope, (MetadataIs("room", "kitchen"),), Sort(), 10, 0)).total == 1
    found = await store.candidates(scope, CandidateQuery(text="eats", vector=None, model=MODEL, filter=active(NOW)))
    assert {item.memory_id for item in found.items if item.keyword} == {one}


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM memory_versions WHERE memory_id = '{one}' AND version = 1",
        "DELETE FROM memory_versions WHERE memory_id = '{one}'",
        "UPDATE memory_versions SET content = NULL WHERE memory_id = '{one}'",
        "UPDATE memories SET importance = 1 WHERE id = '{one}'",
        "UPDATE memories SET version = 3 WHERE id = '{one}'",
    ],
)
async def test_a_broken_history_is_reported_and_cannot_be_made_up(
    store: Store, scope: Scope, raw: Raw, damage: str
) -> None:
    one, two = await two_memories(store, scope)
    raw.run(damage.format(one=one, two=two))
    found = await store.verify(repair=True, model=MODEL)
    assert (dict(found.detail), found.repaired) == ({"history": 1}, 0)
    assert one in found.problems[0]
    assert (await store.verify(repair=False, model=MODEL)).problems == found.problems


async def test_vectors_of_another_size_than_the_models_are_removed(store: Store, scope: Scope) -> None:
    await two_memories(store, scope)
    wider = EmbeddingModel(MODEL.name, 16)
    found = await store.verify(repair=True, model=wider)
    assert found.detail == {"vectors": 3}
    assert (await store.verify(repair=False, model=wider)).problems == ()
    assert await store.count_pending(wider) == 2
