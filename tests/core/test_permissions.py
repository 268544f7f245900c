"""The permission table, held against what the verbs really let everybody do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated, NotFound, Refusal
from polymem.core.model import Draft
from polymem.core.people import OrganizationRole, Permission, Principal, PrincipalKind, ProjectRole, Scope
from polymem.core.people.access import TABLE, Action, ByKey, Standing
from polymem.storage import open_store
from tests.cast import OPERATOR, Cast, new_cast
from tests.storage.tenants import open_people_core

READ, WRITE = frozenset({Permission.READ}), frozenset({Permission.WRITE})
MEMBER = Standing.ORGANIZATION_MEMBER

Deed = Callable[[Core, Principal, Cast], Awaitable[object]]


async def _transfer(core: Core, who: Principal, cast: Cast) -> object:
    return await core.organizations.transfer(who, cast.organization, cast.users[Standing.ORGANIZATION_ADMIN].id)


async def _revoke_organization_key(core: Core, who: Principal, cast: Cast) -> object:
    key, _ = await core.access.create_key(Scope(organization_id=cast.organization), "operator's")
    return await core.keys.revoke(who, key.id, organization=cast.organization)


async def _revoke_key(core: Core, who: Principal, cast: Cast) -> object:
    scope = Scope(organization_id=cast.organization)
    key, _ = await core.access.create_key(scope, "operator's", project_id=cast.project.id)
    return await core.keys.revoke(who, key.id, project=cast.project.id)


async def _revise(core: Core, who: Principal, cast: Cast) -> object:
    return await core.teams.authority(who, cast.project.id, Action.REVISE_PROJECT)


async def _write(core: Core, who: Principal, cast: Cast) -> object:
    scope = await core.access.scope_for(who, project=cast.project.id)
    return await core.memories.add(scope, Draft(content="Water the tulips."))


async def _read(core: Core, who: Principal, cast: Cast) -> object:
    return await core.memories.find(await core.access.scope_for(who, project=cast.project.id))


DEEDS: dict[Action, Deed] = {
    Action.SEE_ORGANIZATION: lambda core, who, cast: core.organizations.members(who, cast.organization),
    Action.RENAME_ORGANIZATION: lambda core, who, cast: core.organizations.rename(who, cast.organization, "New name"),
    Action.INVITE_TO_ORGANIZATION: lambda core, who, cast: core.invitations.invite(
        who, "new@example.org", organization=cast.organization
    ),
    Action.CHANGE_ROLES: lambda core, who, cast: core.organizations.set_role(
        who, cast.organization, cast.extra.id, OrganizationRole.ADMIN
    ),
    Action.REMOVE_MEMBERS: lambda core, who, cast: core.organizations.remove(who, cast.organization, cast.extra.id),
    Action.TRANSFER_ORGANIZATION: _transfer,
    Action.DELETE_ORGANIZATION: lambda core, who, cast: core.organizations.delete(who, cast.organization),
    Action.READ_AUDIT: lambda core, who, cast: core.audit.page(who, organization=cast.organization),
    Action.CREATE_PROJECT: lambda core, who, cast: core.teams.create(who, "another", organization=cast.organization),
    Action.SEE_ORGANIZATION_KEYS: lambda core, who, cast: core.keys.all(who, organization=cast.organization),
    Action.CREATE_ORGANIZATION_KEY: lambda core, who, cast: core.keys.create(
        who, "all", organization=cast.organization, permissions=who.permissions
    ),
    Action.REVOKE_ORGANIZATION_KEYS: _revoke_organization_key,
    Action.SEE_PROJECT: lambda core, who, cast: core.teams.members(who, cast.project.id),
    Action.REVISE_PROJECT: _revise,
    Action.MANAGE_PROJECT_MEMBERS: lambda core, who, cast: core.teams.add(
        who, cast.project.id, cast.outsider.id, ProjectRole.VIEWER
    ),
    Action.REMOVE_PROJECT_MEMBERS: lambda core, who, cast: core.teams.remove(who, cast.project.id, cast.extra.id),
    Action.INVITE_TO_PROJECT: lambda core, who, cast: core.invitations.invite_to_project(
        who, cast.project.id, "new@example.org"
    ),
    Action.DELETE_PROJECT: lambda core, who, cast: core.teams.delete(who, cast.project.id),
    Action.READ_MEMORIES: _read,
    Action.WRITE_MEMORIES: _write,
    Action.CREATE_KEY: lambda core, who, cast: core.keys.create(who, "key", project=cast.project.id),
    Action.REVOKE_KEYS: _revoke_key,
}


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    store = await open_store(tmp_path / "data")
    yield open_people_core(store, tmp_path)
    await store.close()


def test_every_action_is_tried_here() -> None:
    assert set(DEEDS) == set(Action) == set(TABLE)


@pytest.mark.parametrize("action", Action, ids=lambda action: action.value)
async def test_the_verbs_do_what_the_table_says(core: Core, action: Action) -> None:
    cast = await new_cast(core)
    for standing in Standing:
        # Who has a place in a project is a member of the organization, too.
        stands = (
            {standing} if standing in (Standing.ORGANIZATION_OWNER, Standing.ORGANIZATION_ADMIN) else {standing, MEMBER}
        )
        who = await cast.principal(core, standing)
        if stands & TABLE[action].allowed:
            await DEEDS[action](core, who, cast)
            cast = await new_cast(core)
        else:
            with pytest.raises(Forbidden):
                await DEEDS[action](core, who, cast)


@pytest.mark.parametrize("action", Action, ids=lambda action: action.value)
async def test_a_stranger_does_nothing_and_learns_nothing(core: Core, action: Action) -> None:
    cast = await new_cast(core)
    with pytest.raises(NotFound):
        await DEEDS[action](core, await cast.principal(core, None), cast)


@pytest.mark.parametrize("action", Action, ids=lambda action: action.value)
async def test_a_key_does_what_the_table_gives_keys_and_its_permissions_allow(core: Core, action: Action) -> None:
    cast = await new_cast(core)
    owner = await cast.principal(core, Standing.ORGANIZATION_OWNER)
    row = TABLE[action]
    good_enough = {None: {ByKey.ANY, ByKey.WHOLE}, cast.project.id: {ByKey.ANY}}
    for permissions, (project, enough) in product((READ | WRITE, READ, WRITE), good_enough.items()):
        _, secret = await core.keys.create(
            owner, "key", organization=cast.organization, project=project, permissions=permissions
        )
        key = await core.access.principal_of(secret)
        authority = await core.access.authority(key, organization=cast.organization, project=cast.project.id)
        expected = row.by_key in enough and (row.permission is None or row.permission in permissions)
        assert authority.may(action) == expected
        if not authority.may(action):
            with pytest.raises((Forbidden, NotFound)):  # to a project key, what is outside is not there
                await DEEDS[action](core, key, cast)


async def test_the_permissions_of_a_scope_are_those_of_the_role(core: Core) -> None:
    cast = await new_cast(core)
    for standing, expected in (
        (Standing.ORGANIZATION_OWNER, READ | WRITE),
        (Standing.PROJECT_OWNER, READ | WRITE),
        (Standing.PROJECT_ADMIN, READ | WRITE),
        (Standing.PROJECT_EDITOR, READ | WRITE),
        (Standing.PROJECT_VIEWER, READ),
    ):
        who = await cast.principal(core, standing)
        scope = await core.access.scope_for(who, project=cast.project.key, organization=cast.organization)
        assert (scope.projects, scope.permissions) == (frozenset({cast.project.id}), expected)
        everywhere = await core.access.scope_for(who, organization=cast.organization)
        assert everywhere.projects == (
            None if standing is Standing.ORGANIZATION_OWNER else frozenset({cast.project.id})
        )
    admin = await core.access.scope_for(await cast.principal(core, Standing.ORGANIZATION_ADMIN))
    assert admin.projects == frozenset()


async def test_a_page_of_projects_knows_what_each_lets_its_reader_do(core: Core) -> None:
    cast = await new_cast(core)
    for standing in Standing:
        who = await cast.principal(core, standing)
        authority = await core.access.authority(who, project=cast.project.id)
        page = await core.teams.page(who, cast.organization, limit=10, offset=0, members=2)
        assert page.total == len(page.items) == authority.may(Action.SEE_PROJECT)
        for team in page.items:
            assert (team.seat.project, len(team.members.items), team.members.total) == (cast.project, 2, 4)
            for action in (one for one in Action if one.value.startswith("project.")):
                assert team.may(action) == authority.may(action)


async def test_who_reads_here_and_writes_there_reads_everywhere_and_writes_only_there(core: Core) -> None:
    cast = await new_cast(core)
    owner = await cast.principal(core, Standing.ORGANIZATION_OWNER)
    other = (await core.teams.create(owner, "orchard")).project
    viewer = await cast.principal(core, Standing.PROJECT_VIEWER)
    assert viewer.user is not None
    await core.teams.add(owner, other.id, viewer.user.id, ProjectRole.EDITOR)
    both = frozenset({cast.project.id, other.id})
    assert (await core.access.scope_for(viewer)).projects == both
    assert (await core.access.scope_for(viewer)).permissions == READ
    assert (await core.access.scope_for(viewer, permission=Permission.READ)).projects == both
    writing = await core.access.scope_for(viewer, permission=Permission.WRITE)
    assert (writing.projects, writing.permissions) == (frozenset({other.id}), READ | WRITE)


async def test_a_key_never_does_more_than_its_creator_may_at_that_moment(core: Core) -> None:
    cast = await new_cast(core)
    owner = await cast.principal(core, Standing.ORGANIZATION_OWNER)
    editor = await cast.principal(core, Standing.PROJECT_EDITOR)
    assert editor.user is not None
    _, secret = await core.keys.create(editor, "key", project=cast.project.id)

    async def permissions() -> frozenset[Permission]:
        return (await core.access.scope_of(secret)).permissions

    assert await permissions() == READ | WRITE
    await core.teams.set_role(owner, cast.project.id, editor.user.id, ProjectRole.VIEWER)
    assert await permissions() == READ
    await core.teams.set_role(owner, cast.project.id, editor.user.id, ProjectRole.ADMIN)
    assert await permissions() == READ | WRITE
    await core.teams.remove(owner, cast.project.id, editor.user.id)
    with pytest.raises(NotAuthenticated):
        await permissions()


async def test_a_key_of_an_owner_shrinks_with_their_role(core: Core) -> None:
    cast = await new_cast(core)
    owner = await cast.principal(core, Standing.ORGANIZATION_OWNER)
    _, whole = await core.keys.create(owner, "all", organization=cast.organization)
    _, one = await core.keys.create(owner, "one", project=cast.project.id)
    assert (await core.access.scope_of(whole)).projects is None
    await _transfer(core, owner, cast)
    assert (await core.access.scope_of(whole)).projects == frozenset()
    with pytest.raises(Forbidden, match="revoked"):
        await core.access.scope_of(one)


async def test_a_key_of_an_account_that_has_ended_is_refused(core: Core) -> None:
    cast = await new_cast(core)
    editor = cast.users[Standing.PROJECT_EDITOR]
    _, secret = await core.access.create_key(
        Scope(organization_id=cast.organization, user_id=editor.id), "key", project_id=cast.project.id
    )
    assert (await core.access.scope_of(secret)).permissions == READ | WRITE
    await core.accounts.deactivate(editor)
    with pytest.raises(NotAuthenticated):
        await core.access.scope_of(secret)
    with pytest.raises(NotAuthenticated):
        await core.access.principal_of(cast.secrets[Standing.PROJECT_EDITOR])


async def test_a_key_that_has_ended_says_so(core: Core) -> None:
    cast = await new_cast(core)
    scope = Scope(organization_id=cast.organization)
    _, secret = await core.access.create_key(scope, "key", expires_in=timedelta(microseconds=1))
    with pytest.raises(NotAuthenticated) as refused:
        await core.access.principal_of(secret)
    assert refused.value.reason is Refusal.EXPIRED


async def test_a_viewer_makes_keys_that_only_read(core: Core) -> None:
    cast = await new_cast(core)
    viewer = await cast.principal(core, Standing.PROJECT_VIEWER)
    key, _ = await core.keys.create(viewer, "key", project=cast.project.id)
    assert key.permissions == READ
    with pytest.raises(Forbidden):
        await core.keys.create(viewer, "key", project=cast.project.id, permissions=READ | WRITE)
    await core.keys.revoke(viewer, key.id, project=cast.project.id)


async def test_members_may_leave_though_they_may_remove_nobody(core: Core) -> None:
    cast = await new_cast(core)
    for standing in (Standing.PROJECT_VIEWER, Standing.PROJECT_EDITOR):
        who = await cast.principal(core, standing)
        assert who.user is not None
        await core.teams.remove(who, cast.project.id, who.user.id)
        await core.organizations.remove(who, cast.organization, who.user.id)
        with pytest.raises(NotFound):
            await core.organizations.get(who, cast.organization)


async def test_a_project_key_knows_no_other_project(core: Core) -> None:
    cast = await new_cast(core)
    owner = await cast.principal(core, Standing.ORGANIZATION_OWNER)
    other = (await core.teams.create(owner, "orchard")).project
    _, secret = await core.keys.create(owner, "key", project=cast.project.id)
    key = await core.access.principal_of(secret)
    for named in (other.id, other.key, "unknown"):
        with pytest.raises(Forbidden, match="limited to its own project"):
            await core.access.scope_for(key, project=named)
    assert [seat.project for seat in await core.teams.all(key)] == [cast.project]
    with pytest.raises(Forbidden):
        await core.organizations.create(key, "Mine")


async def test_the_operator_does_everything_in_one_organization(core: Core) -> None:
    cast = await new_cast(core)
    operator = Principal(kind=PrincipalKind.OPERATOR, organization_id=cast.organization, door="cli")
    assert (await core.access.authority(operator, project=cast.project.key)).permissions == READ | WRITE
    elsewhere = await core.organizations.found(OPERATOR, cast.extra, "Elsewhere")
    with pytest.raises(NotFound):
        await core.access.authority(operator, organization=elsewhere.organization.slug)
