"""Applications and grants in the database: bounded, spent once, and gone with what they were for."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from polymem.app.composition import new_id
from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated
from polymem.core.people import ALL_PERMISSIONS, Principal
from polymem.core.people.applications import Application, GrantTokenKind, Held
from polymem.core.ports import Store
from tests.storage.conftest import Raw
from tests.storage.support import NOW
from tests.storage.tenants import newcomer, open_people_core

REDIRECT = "http://127.0.0.1/callback"
RESOURCE = "http://127.0.0.1:8765/mcp"


@pytest.fixture
def core(store: Store, tmp_path: Path) -> Core:
    return open_people_core(store, tmp_path)


def application(days_ago: float) -> Application:
    return Application(id=new_id(), name="App", redirect_uris=(REDIRECT,), created_at=NOW - timedelta(days=days_ago))


async def granted(core: Core, who: Principal, app: Application, project: str | None = None) -> str:
    return await core.grants.consent(
        who, app, project=project, permissions=ALL_PERMISSIONS, resource=RESOURCE, challenge="x", redirect_uri=REDIRECT
    )


async def code(core: Core, secret: str) -> Held:
    held = await core.grants.held(secret, GrantTokenKind.CODE)
    assert held is not None
    return held


async def test_applications_are_bounded_and_unused_ones_go_first(core: Core, store: Store) -> None:
    grants, who = store.grants, (await newcomer(core, "ana"))[0]
    old, used, new = application(9), application(9), application(0)
    for one in (old, used, new):
        assert await grants.add_application(one, most=9, unused_since=NOW - timedelta(days=30))
    await granted(core, who, used)
    assert not await grants.add_application(application(0), most=2, unused_since=NOW - timedelta(days=1))
    assert await grants.add_application(latest := application(0), most=3, unused_since=NOW - timedelta(days=1))
    assert [await grants.application(one.id) for one in (old, used, new, latest)] == [None, used, new, latest]
    assert await grants.application("a\x00b") is None


async def test_of_many_who_exchange_a_code_at_once_one_succeeds_and_the_grant_ends(core: Core) -> None:
    who, _ = await newcomer(core, "ana")
    held = await code(core, await granted(core, who, application(0)))
    outcomes = await asyncio.gather(*(core.grants.exchange(held) for _ in range(5)), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, NotAuthenticated)]
    (issued,) = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(refused) == 4
    assert await core.grants.held(issued.access, GrantTokenKind.ACCESS) is None
    assert await core.grants.all(who) == []


async def test_a_grant_goes_with_its_project_and_its_account(core: Core, raw: Raw) -> None:
    who, _ = await newcomer(core, "ana")
    project = (await core.teams.create(who, "trip")).project
    inside = await core.grants.exchange(await code(core, await granted(core, who, application(0), project.id)))
    await granted(core, who, application(0))
    principal = await core.access.principal_of(inside.access, audience="http://127.0.0.1:8765")
    assert (principal.project_id, principal.permissions) == (project.id, ALL_PERMISSIONS)
    with pytest.raises(Forbidden):
        await granted(core, principal, application(0))
    for audience in (None, "http://127.0.0.1:876", "http://127.0.0.1:87651", "https://127.0.0.1:8765", ""):
        with pytest.raises(NotAuthenticated):
            await core.access.principal_of(inside.access, audience=audience)
    await core.teams.delete(who, project.id)
    with pytest.raises(NotAuthenticated):
        await core.access.principal_of(inside.access, audience="http://127.0.0.1:8765")
    assert len(await core.grants.all(who)) == 1
    assert len(raw.tables()["grant_tokens"]) == 1
