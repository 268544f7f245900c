from dataclasses import replace

from polymem.core.model import Change
from polymem.core.people import Scope
from polymem.core.ports import EmbeddingModel, Store
from tests.storage.support import (
    LATER,
    LEASE,
    MODEL,
    NOW,
    OTHER_MODEL,
    changed,
    embedded,
    finish,
    keep,
    memory,
    new_scope,
    project,
    take,
    vectors_of,
)


async def test_texts_without_vectors_are_pending_until_they_are_embedded(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    (titled,) = await keep(store, scope, memory(scope, "It sleeps", title="Cat", occurred_at=NOW), model=None)
    (foreign,) = await keep(store, other, memory(other, "It barks"), model=None)
    await keep(store, scope, memory(scope, "Embedded already"))
    assert await store.count_pending(MODEL) == 2
    assert await store.backlog.plan(MODEL, 10) == 2
    first, second = await take(store), await take(store)
    assert [
        (text.organization_id, text.memory_id, text.version, text.text) for text in (*first.texts, *second.texts)
    ] == [
        (scope.organization_id, titled.id, 1, "(1 March 2026) Cat. It sleeps"),
        (other.organization_id, foreign.id, 1, "It barks"),
    ]
    assert [await finish(store, batch, vectors_of(batch.texts)) for batch in (first, second)] == [1, 1]
    assert await store.backlog.plan(MODEL, 10) == 0
    assert await store.backlog.take(MODEL, LEASE) is None
    assert await store.count_pending(MODEL) == 0


async def test_vectors_of_a_text_that_has_changed_meanwhile_are_not_kept(store: Store, scope: Scope) -> None:
    one, two, three = await keep(store, scope, *[memory(scope, f"Number {i}") for i in range(3)], model=None)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    await store.apply(scope, [changed(one, content="New")])
    await store.apply(scope, [changed(two, importance=9)])
    gone = replace(batch.texts[2], memory_id="unknown")
    assert await finish(store, batch, vectors_of([*batch.texts, gone])) == 2
    assert await store.backlog.plan(MODEL, 10) == 1
    (left,) = (await take(store)).texts
    assert (left.memory_id, left.version, left.text) == (one.id, 2, "New")
    assert three.id != left.memory_id


async def test_vectors_for_an_organization_that_is_gone_are_not_kept(store: Store, scope: Scope) -> None:
    await keep(store, scope, memory(scope), model=None)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    nowhere = replace(batch, organization_id="nowhere")
    assert await finish(store, nowhere, vectors_of(batch.texts)) == 0
    assert await finish(store, nowhere, []) == 0
    assert await store.backlog.left(MODEL) == 1


async def test_a_former_models_vectors_stay_until_they_are_dropped(store: Store, scope: Scope) -> None:
    await keep(store, scope, *[memory(scope, f"Number {i}") for i in range(3)], model=OTHER_MODEL)
    await store.backlog.plan(MODEL, 10)
    batch = await take(store)
    await finish(store, batch, vectors_of(batch.texts))
    assert await store.count_pending(OTHER_MODEL) == 0
    assert await store.drop_embeddings(MODEL) == 3
    assert await store.count_pending(OTHER_MODEL) == 3
    assert await store.count_pending(MODEL) == 0


async def test_a_model_of_the_same_name_with_other_dimensions_is_another_one(store: Store, scope: Scope) -> None:
    wider = EmbeddingModel(MODEL.name, 16)
    await keep(store, scope, memory(scope))
    assert await store.backlog.plan(wider, 10) == 1
    batch = await take(store, wider)
    assert await finish(store, batch, vectors_of(batch.texts, wider), wider) == 1
    assert (await store.count_pending(wider), await store.count_pending(MODEL)) == (0, 0)


async def test_statistics_count_what_can_be_seen_now(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    await store.put_project(scope, project(scope, "empty"))
    await keep(
        store,
        scope,
        memory(scope, "a", project=home, kind="fact"),
        memory(scope, "b", project=home),
        memory(scope, "c"),
        memory(scope, "d", superseded_by="x"),
        memory(scope, "e", expires_at=NOW),
        memory(scope, "f", forgotten_at=NOW),
        memory(scope, "g", forgotten_at=NOW, expires_at=NOW, superseded_by="x"),
    )
    await keep(store, scope, memory(scope, "h", expires_at=LATER), memory(scope, "i", forgotten_at=NOW), model=None)
    stats = await store.stats(scope, NOW, MODEL)
    assert (stats.memories, stats.forgotten, stats.expired, stats.superseded) == (5, 3, 1, 1)
    assert (stats.unassigned, stats.by_project) == (3, {"home": 2})
    assert stats.by_kind == {"fact": 1, "note": 4}
    assert stats.without_vector == 1
    assert stats.bytes_on_disk is not None
    assert stats.bytes_on_disk > 10_000
    assert (await store.stats(scope, NOW, None)).without_vector == 0
    limited = await store.stats(replace(scope, projects=frozenset({home.id})), NOW, MODEL)
    assert (limited.memories, limited.by_project, limited.unassigned) == (2, {"home": 2}, 0)


async def test_a_change_that_leaves_the_text_alone_keeps_the_vector(store: Store, scope: Scope) -> None:
    (first,) = await keep(store, scope, memory(scope))
    second = changed(first, importance=9, metadata={"speaker": "Ann"})
    third = changed(second.memory, Change.FORGOTTEN, forgotten_at=LATER)
    await store.apply(scope, [second, third])
    assert await store.count_pending(MODEL) == 0
    await store.apply(scope, [changed(third.memory, content="New", derived=embedded("New"))])
    assert await store.count_pending(MODEL) == 0
