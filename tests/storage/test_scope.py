"""Nothing of one organization, and nothing outside a credential's projects, is reached by any method."""

from dataclasses import replace

import pytest

from polymem.core.errors import NotFound
from polymem.core.filters import IdIn, Sort
from polymem.core.model import Memory
from polymem.core.people import Project, Scope
from polymem.core.ports import CandidateQuery, Idempotency, Purge, Store
from tests.storage.support import LATER, MODEL, NOW, changed, inserts, keep, memory, new_scope, project, vector

CONTENT = "The launch code is tulip."


@pytest.fixture
async def mine(store: Store, scope: Scope) -> Project:
    return await store.put_project(scope, project(scope, "mine"))


@pytest.fixture(params=["another organization", "another project", "no project"])
async def hidden(request: pytest.FixtureRequest, store: Store, scope: Scope, mine: Project) -> tuple[Scope, Memory]:
    """A memory, and a scope that must not reach it."""
    if request.param == "another organization":
        other = await new_scope(store)
        (kept,) = await keep(store, scope, memory(scope, CONTENT))
        return other, kept
    limited = replace(scope, projects=frozenset({mine.id}))
    yours = await store.put_project(scope, project(scope, "yours"))
    (kept,) = await keep(store, scope, memory(scope, CONTENT, project=yours if "another" in request.param else None))
    return limited, kept


async def test_reading_does_not_reach_it(store: Store, hidden: tuple[Scope, Memory]) -> None:
    scope, secret = hidden
    assert await store.get_many(scope, [secret.id]) == {}
    assert (await store.find(scope, (), Sort(), 10, 0)).total == 0
    assert (await store.find(scope, (IdIn(frozenset({secret.id})),), Sort(), 10, 0)).items == ()
    assert [batch async for batch in store.scan(scope, ())] == []
    assert await store.find_duplicate(scope, secret.project_id, CONTENT, NOW) is None
    assert await store.history(scope, secret.id) == []


async def test_recall_does_not_reach_it(store: Store, hidden: tuple[Scope, Memory]) -> None:
    scope, secret = hidden
    query = CandidateQuery(text="launch tulip", vector=vector(CONTENT), model=MODEL, filter=(), include=secret.id)
    found = await store.candidates(scope, query)
    assert (found.items, found.considered, found.without_vector) == ([], 0, 0)


async def test_statistics_do_not_count_it(store: Store, hidden: tuple[Scope, Memory]) -> None:
    scope, _ = hidden
    stats = await store.stats(scope, NOW, MODEL)
    assert (stats.memories, stats.unassigned, stats.by_kind, stats.by_project) == (0, 0, {}, {})


async def test_writing_does_not_reach_it(store: Store, hidden: tuple[Scope, Memory], scope: Scope) -> None:
    outside, secret = hidden
    with pytest.raises(NotFound):
        await store.apply(outside, [changed(replace(secret, organization_id=outside.organization_id), title="x")])
    with pytest.raises(NotFound):
        await store.apply(outside, [Purge(secret.id)])
    await store.touch(outside, [secret.id], LATER)
    assert await store.get_many(scope, [secret.id]) == {secret.id: secret}


async def test_a_duplicate_in_another_organization_is_none(store: Store, scope: Scope) -> None:
    await keep(store, scope, memory(scope, CONTENT))
    other = await new_scope(store)
    twin = memory(other, CONTENT)
    assert await store.apply(other, inserts([twin], unless_duplicate=True)) == [twin.id]


async def test_projects_and_keys_of_another_organization_are_not_there(
    store: Store, scope: Scope, mine: Project
) -> None:
    other = await new_scope(store)
    assert await store.projects(other) == []
    assert await store.project(other, key="mine") is None
    assert await store.project(other, id=mine.id) is None
    assert await store.keys(other) == []
    assert await store.put_project(other, replace(mine, organization_id=other.organization_id, name="Other")) != mine
    assert await store.project(scope, id=mine.id) == mine
    with pytest.raises(NotFound):
        await store.put_project(other, mine)


async def test_a_memory_cannot_be_put_into_a_foreign_project(store: Store, scope: Scope, mine: Project) -> None:
    other = await new_scope(store)
    with pytest.raises(NotFound):
        await keep(store, other, memory(other, project_id=mine.id))


async def test_an_idempotency_key_of_another_organization_tells_nothing(store: Store, scope: Scope) -> None:
    request = Idempotency("key", "print")
    await store.apply(scope, inserts([memory(scope)]), idempotency=request)
    assert await store.replay(await new_scope(store), request) is None


async def test_an_empty_set_of_projects_reaches_nothing(store: Store, scope: Scope, mine: Project) -> None:
    await keep(store, scope, memory(scope, project=mine), memory(scope))
    nothing = replace(scope, projects=frozenset())
    assert (await store.find(nothing, (), Sort(), 10, 0)).total == 0
    assert await store.projects(nothing) == []
    assert await store.keys(nothing) == []
