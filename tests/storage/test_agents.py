from dataclasses import replace
from datetime import timedelta

import pytest

from polymem.core.agents.ports import Activity, AgentProfile, AgentSession
from polymem.core.people import Project, Scope
from polymem.core.ports import Store
from tests.storage.conftest import Open
from tests.storage.support import LATER, NOW, new_id, new_scope, project

HOUR = timedelta(hours=1)


def session(scope: Scope, owner: Project, **fields: object) -> AgentSession:
    values: dict[str, object] = {
        "id": new_id("s"),
        "organization_id": scope.organization_id,
        "project_id": owner.id,
        "credential": ("mk_12345678", "digest"),
        "started_at": NOW,
        "expires_at": NOW + HOUR,
    }
    return AgentSession(**values | fields)  # type: ignore[arg-type]


@pytest.fixture
async def owner(store: Store, scope: Scope) -> Project:
    return await store.put_project(scope, project(scope, "an-agent"))


async def test_a_profile_comes_back_as_it_was_put_last(store: Store, scope: Scope, owner: Project) -> None:
    first = AgentProfile(project_id=owner.id, pattern="support", metadata={"a": [1, "é"]}, created_at=NOW)
    await store.agents.put_profile(scope, first)
    assert await store.agents.profiles(scope) == {owner.id: first}
    second = replace(first, pattern="tool", metadata={}, created_at=LATER)
    await store.agents.put_profile(scope, second)
    assert await store.agents.profiles(scope) == {owner.id: second}


async def test_sessions_come_back_newest_first(store: Store, scope: Scope, owner: Project) -> None:
    old, new = session(scope, owner), session(scope, owner, started_at=LATER, stored=2, recalled=3, ended_at=LATER)
    for one in (old, new):
        await store.agents.add_session(scope, one)
    assert await store.agents.session(scope, new.id) == new
    assert await store.agents.session(scope, "none") is None
    assert await store.agents.session(scope, "a\x00b") is None
    assert await store.agents.sessions(scope, owner.id, 5) == [new, old]
    assert await store.agents.sessions(scope, owner.id, 1) == [new]
    assert await store.agents.activity(scope) == {owner.id: Activity(2, LATER)}


async def test_an_end_can_be_moved_until_the_session_is_ended(store: Store, scope: Scope, owner: Project) -> None:
    one = session(scope, owner)
    await store.agents.add_session(scope, one)
    assert await store.agents.set_expiry(scope, one.id, LATER + HOUR)
    assert await store.agents.end_sessions(scope, owner.id, [one.id], LATER) == 1
    assert not await store.agents.set_expiry(scope, one.id, LATER + 2 * HOUR)
    assert await store.agents.session(scope, one.id) == replace(one, expires_at=LATER + HOUR, ended_at=LATER)
    assert await store.agents.end_sessions(scope, owner.id, None, LATER + HOUR) == 0


async def test_only_what_is_named_and_not_over_is_ended(store: Store, scope: Scope, owner: Project) -> None:
    named, other, expired = session(scope, owner), session(scope, owner), session(scope, owner, expires_at=NOW)
    for one in (named, other, expired):
        await store.agents.add_session(scope, one)
    at = NOW + HOUR / 2
    assert await store.agents.end_sessions(scope, owner.id, [named.id, "none"], at) == 1
    assert await store.agents.end_sessions(scope, owner.id, [], at) == 0
    assert await store.agents.end_sessions(scope, owner.id, None, at) == 1
    assert await store.agents.session(scope, expired.id) == expired


async def test_uses_add_up(store: Store, scope: Scope, owner: Project) -> None:
    one = session(scope, owner)
    await store.agents.add_session(scope, one)
    await store.agents.count_use(scope, one.id, 1, 0)
    await store.agents.count_use(scope, one.id, 2, 5)
    assert await store.agents.session(scope, one.id) == replace(one, stored=3, recalled=5)


async def test_a_scope_of_other_projects_or_another_organization_reaches_nothing(
    store: Store, scope: Scope, owner: Project
) -> None:
    one = session(scope, owner)
    await store.agents.add_session(scope, one)
    await store.agents.put_profile(scope, AgentProfile(project_id=owner.id, pattern="support", created_at=NOW))
    for stranger in (replace(scope, projects=frozenset({"p"})), await new_scope(store)):
        assert await store.agents.profiles(stranger) == {}
        assert await store.agents.activity(stranger) == {}
        assert await store.agents.session(stranger, one.id) is None
        assert await store.agents.sessions(stranger, owner.id, 5) == []
        assert not await store.agents.set_expiry(stranger, one.id, LATER)
        assert await store.agents.end_sessions(stranger, owner.id, None, NOW) == 0
        await store.agents.count_use(stranger, one.id, 9, 9)
    assert await store.agents.session(scope, one.id) == one


async def test_the_first_secret_stays_for_every_process(open_again: Open) -> None:
    first, second = await open_again(), await open_again()
    kept = await first.agents.signing_secret("one")
    assert await second.agents.signing_secret("two") == kept
    assert await first.agents.signing_secret("three") == kept


async def test_agents_and_sessions_go_with_their_project(store: Store, scope: Scope, owner: Project) -> None:
    one = session(scope, owner)
    await store.agents.add_session(scope, one)
    await store.agents.put_profile(scope, AgentProfile(project_id=owner.id, pattern="support", created_at=NOW))
    assert await store.people.delete_project(scope, owner.id, LATER) is not None
    assert await store.agents.session(scope, one.id) is None
    assert await store.agents.profiles(scope) == {}
