from dataclasses import replace

import pytest

from polymem.core.errors import Conflict, Forbidden, NotFound
from polymem.core.people import ApiKey, Permission, Scope
from polymem.core.ports import Store
from tests.storage.support import LATER, NOW, new_id, new_scope, organization, project


def key(scope: Scope, **fields: object) -> ApiKey:
    values: dict[str, object] = {
        "id": new_id("k"),
        "organization_id": scope.organization_id,
        "project_id": None,
        "name": "laptop",
        "prefix": "mk_abcdefgh",
        "digest": "0" * 64,
        "created_at": NOW,
    }
    return ApiKey(**values | fields)  # type: ignore[arg-type]


async def test_organizations_are_found_by_slug_and_id(store: Store) -> None:
    one, two = organization(slug="one"), organization(slug="two")
    assert await store.organizations() == []
    await store.put_organization(one)
    await store.put_organization(two)
    assert await store.organization(slug="one") == one
    assert await store.organization(id=two.id) == two
    assert await store.organization(slug="three") is None
    assert await store.organization() is None
    assert await store.organizations() == [one, two]


async def test_projects_are_listed_oldest_first_and_found_by_key_and_id(store: Store, scope: Scope) -> None:
    late = await store.put_project(scope, project(scope, "late", created_at=LATER))
    early = await store.put_project(scope, project(scope, "early", description="The first", stack=("go", "sql")))
    assert await store.projects(scope) == [early, late]
    assert await store.project(scope, key="early") == early
    assert await store.project(scope, id=late.id) == late
    assert await store.project(scope, key=late.id) is None
    assert await store.project(scope) is None


async def test_a_project_key_is_exact(store: Store, scope: Scope) -> None:
    upper, lower = project(scope, "Key"), project(scope, "key")
    assert await store.put_project(scope, upper) == upper
    assert await store.put_project(scope, lower) == lower


async def test_a_project_is_updated_in_place(store: Store, scope: Scope) -> None:
    first = await store.put_project(scope, project(scope, "home"))
    second = replace(first, key="house", name="House", stack=("python",), updated_at=LATER)
    assert await store.put_project(scope, second) == second
    assert await store.projects(scope) == [second]


async def test_whoever_comes_second_gets_the_project_that_has_the_key(store: Store, scope: Scope) -> None:
    first = await store.put_project(scope, project(scope, "home"))
    assert await store.put_project(scope, project(scope, "home", name="Mine")) == first
    other = await store.put_project(scope, project(scope, "office"))
    assert await store.put_project(scope, replace(other, key="home")) == first
    assert await store.projects(scope) == [first, other]


async def test_a_project_of_an_organization_that_is_not_there_is_refused(store: Store, scope: Scope) -> None:
    nowhere = Scope(organization_id="nowhere")
    with pytest.raises(NotFound):
        await store.put_project(nowhere, project(nowhere, "home"))
    with pytest.raises(NotFound):
        await store.put_project(scope, project(nowhere, "home"))


async def test_a_limited_scope_makes_no_projects_and_learns_of_none(store: Store, scope: Scope) -> None:
    mine = await store.put_project(scope, project(scope, "mine"))
    yours = await store.put_project(scope, project(scope, "yours"))
    limited = replace(scope, projects=frozenset({mine.id}))
    assert await store.projects(limited) == [mine]
    assert await store.project(limited, id=yours.id) is None
    with pytest.raises(Forbidden):
        await store.put_project(limited, project(scope, "new"))
    with pytest.raises(Conflict, match="taken"):
        await store.put_project(limited, replace(mine, key="yours"))
    assert await store.projects(scope) == [mine, yours]


async def test_a_key_comes_back_as_it_was_kept(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    kept = key(scope, project_id=home.id, permissions=frozenset({Permission.READ}), expires_at=LATER)
    whole = key(scope)
    await store.add_key(scope, kept)
    await store.add_key(scope, whole)
    assert await store.keys(scope) == [kept, whole]
    assert await store.keys(replace(scope, projects=frozenset({home.id}))) == [kept]


async def test_a_key_of_an_unknown_project_or_a_taken_id_is_refused(store: Store, scope: Scope) -> None:
    with pytest.raises(NotFound):
        await store.add_key(scope, key(scope, project_id="unknown"))
    with pytest.raises(NotFound):
        await store.add_key(scope, key(Scope(organization_id="nowhere")))
    kept = key(scope)
    await store.add_key(scope, kept)
    with pytest.raises(Conflict):
        await store.add_key(scope, kept)


async def test_a_prefix_finds_the_live_keys_of_every_organization(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    mine, yours, gone, longer = key(scope), key(other), key(scope), key(scope, prefix="mk_abcdefghi")
    for scope_, one in ((scope, mine), (other, yours), (scope, gone), (scope, longer)):
        await store.add_key(scope_, one)
    assert await store.revoke_key(scope, gone.id, LATER)
    found = await store.keys_by_prefix("mk_abcdefgh")
    assert {one.id for one in found} == {mine.id, yours.id}


async def test_a_key_is_revoked_once_and_only_by_its_own(store: Store, scope: Scope) -> None:
    home = await store.put_project(scope, project(scope, "home"))
    other = await new_scope(store)
    kept = key(scope)
    await store.add_key(scope, kept)
    assert not await store.revoke_key(other, kept.id, LATER)
    assert not await store.revoke_key(replace(scope, projects=frozenset({home.id})), kept.id, LATER)
    assert not await store.revoke_key(scope, "unknown", LATER)
    assert await store.revoke_key(scope, kept.id, LATER)
    assert not await store.revoke_key(scope, kept.id, LATER)
    assert await store.keys(scope) == [replace(kept, revoked_at=LATER)]


async def test_the_use_of_a_key_is_recorded(store: Store, scope: Scope) -> None:
    other = await new_scope(store)
    kept = key(scope)
    await store.add_key(scope, kept)
    await store.touch_key(other, kept.id, LATER)
    assert await store.keys(scope) == [kept]
    await store.touch_key(scope, kept.id, LATER)
    assert await store.keys(scope) == [replace(kept, last_used_at=LATER)]
