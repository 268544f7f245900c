"""Accounts, members, invitations, notifications and the audit trail, and what goes with what, on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from polymem.core.errors import Conflict, RuleBroken
from polymem.core.filters import Sort
from polymem.core.model import Change
from polymem.core.people import (
    AccountToken,
    ApiKey,
    Assignment,
    AuditEntry,
    Invitation,
    InvitationStatus,
    Membership,
    NoticeKind,
    Notification,
    OrganizationRole,
    Project,
    ProjectMembership,
    ProjectRole,
    Scope,
    TokenPurpose,
    User,
)
from polymem.core.ports import CandidateQuery, Store
from tests.storage.support import LATER, MODEL, NOW, keep, memory, new_id, organization, project, vector


def user(name: str = "ana", **fields: object) -> User:
    values: dict[str, object] = {"id": new_id("u"), "email": f"{name}@example.org", "name": name, "created_at": NOW}
    return User(**values | fields)  # type: ignore[arg-type]


async def new_user(store: Store, name: str = "ana") -> User:
    made = user(name)
    await store.people.add_user(made)
    return made


async def founded(store: Store, owner: User, name: str = "Team") -> Scope:
    """The scope of an organization of that user's."""
    wanted = organization(name=name)
    membership = Membership(organization_id=wanted.id, user_id=owner.id, role=OrganizationRole.OWNER, joined_at=NOW)
    return Scope(organization_id=(await store.people.found_organization(wanted, membership)).id, user_id=owner.id)


async def joined(
    store: Store, scope: Scope, who: User, role: OrganizationRole = OrganizationRole.MEMBER, at: datetime = LATER
) -> None:
    membership = Membership(organization_id=scope.organization_id, user_id=who.id, role=role, joined_at=at)
    assert await store.people.add_member(scope, membership)


def place(scope: Scope, of: Project, who: User, role: ProjectRole = ProjectRole.EDITOR) -> ProjectMembership:
    return ProjectMembership(
        organization_id=scope.organization_id, project_id=of.id, user_id=who.id, role=role, added_at=NOW
    )


def key(scope: Scope, of: Project | None, who: User | None) -> ApiKey:
    return ApiKey(
        id=new_id("k"),
        organization_id=scope.organization_id,
        project_id=None if of is None else of.id,
        name="laptop",
        prefix="sk_im_abcdefgh",
        digest="0" * 64,
        created_at=NOW,
        expires_at=LATER,
        creator_id=None if who is None else who.id,
    )


def invitation(scope: Scope, email: str, *given: Assignment, token: str, of: Project | None = None) -> Invitation:
    return Invitation(
        id=new_id("i"),
        organization_id=scope.organization_id,
        project_id=None if of is None else of.id,
        email=email,
        assignments=given,
        token=token,
        invited_by=scope.user_id,
        created_at=NOW,
        expires_at=LATER,
    )


# --- accounts ------------------------------------------------------------------------------------


async def test_an_account_is_found_whatever_the_case_of_its_address(store: Store) -> None:
    made = user(email="Ana.Straße@Example.org", password_hash="$argon2$x")
    await store.people.add_user(made)
    assert await store.people.user(email="ana.strasse@example.ORG") == made
    assert await store.people.user(id=made.id) == made
    assert await store.people.users_named("ana") == [made]
    assert await store.people.user(email="an\x00a") is None
    assert await store.people.user() is None
    with pytest.raises(RuleBroken):
        await store.people.add_user(user(email="ANA.STRASSE@example.org"))
    assert (await store.people.users(10, 0)).items == (made,)


async def test_what_the_holder_changes_of_an_account_stays(store: Store) -> None:
    made = await new_user(store)
    changed = replace(made, name="Ana Maria", password_hash="other", last_login_at=LATER)
    await store.people.put_user(changed)
    assert await store.people.user(id=made.id) == changed


async def test_secrets_of_an_account_are_found_by_prefix_until_they_are_revoked(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")

    def secret(purpose: TokenPurpose, **fields: object) -> AccountToken:
        values: dict[str, object] = {
            "id": new_id("t"), "user_id": ana.id, "purpose": purpose, "name": "x", "prefix": "at_12345678",
            "digest": "0" * 64, "created_at": NOW,
        }  # fmt: skip
        return AccountToken(**values | fields)  # type: ignore[arg-type]

    bearer, session, reset = (secret(purpose, expires_at=LATER) for purpose in TokenPurpose)
    for one in (bearer, session, reset):
        await store.people.add_token(one)
    assert {one.id for one in await store.people.tokens_by_prefix("at_12345678")} == {bearer.id, session.id, reset.id}
    assert await store.people.tokens(ana.id, TokenPurpose.BEARER) == [bearer]
    assert not await store.people.revoke_token(bo.id, bearer.id, LATER)
    await store.people.touch_token(ana.id, bearer.id, LATER)
    assert await store.people.tokens(ana.id, TokenPurpose.BEARER) == [replace(bearer, last_used_at=LATER)]
    ended = [TokenPurpose.SESSION, TokenPurpose.RESET]
    assert await store.people.revoke_tokens(ana.id, ended, LATER, but=session.id) == 1
    assert await store.people.revoke_token(ana.id, bearer.id, LATER)
    assert not await store.people.revoke_token(ana.id, bearer.id, LATER)
    assert await store.people.tokens_by_prefix("at_12345678") == [session]


# --- organizations -------------------------------------------------------------------------------


async def test_a_slug_that_is_taken_gets_a_number_and_a_name_is_the_owners_once(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    slugs = []
    for owner in (ana, bo):
        wanted = organization(slug="team", name="Team")
        member = Membership(organization_id=wanted.id, user_id=owner.id, role=OrganizationRole.OWNER, joined_at=NOW)
        slugs.append((await store.people.found_organization(wanted, member)).slug)
    assert slugs == ["team", "team-2"]
    with pytest.raises(RuleBroken, match="already exists"):
        await founded(store, ana, "Team")
    assert [seat.organization.slug for seat in await store.people.seats(ana.id)] == ["team"]
    assert await store.people.seat(ana.id, "team-2") is None


async def test_an_organization_is_renamed_unless_its_owner_has_another_of_the_name(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    team, _, other = await founded(store, ana, "Team"), await founded(store, ana, "Crew"), await founded(store, bo, "X")
    for scope, name in ((team, "Team"), (team, "Club"), (other, "Crew")):
        assert await store.people.rename_organization(scope, name)
    with pytest.raises(RuleBroken, match="already exists"):
        await store.people.rename_organization(team, "Crew")
    assert sorted(seat.organization.name for seat in await store.people.seats(ana.id)) == ["Club", "Crew"]
    assert [seat.organization.name for seat in await store.people.seats(bo.id)] == ["Crew"]
    assert not await store.people.rename_organization(Scope(organization_id="none"), "Club")


async def test_the_first_members_of_several_projects_are_read_at_once(store: Store) -> None:
    ana, bo, cy = await new_user(store), await new_user(store, "bo"), await new_user(store, "cy")
    scope = await founded(store, ana)
    busy, quiet = [await store.put_project(scope, project(scope, key)) for key in ("busy", "quiet")]
    for who in (cy, bo):
        await joined(store, scope, who)
        assert await store.people.add_project_member(scope, place(scope, busy, who))
    found = await store.people.first_project_members(scope, [busy.id, quiet.id, "none"], 1)
    first = (await store.people.project_members(scope, busy.id, 1, 0)).items
    assert (found[busy.id].items, found[busy.id].total) == (first, 2)
    assert (found[quiet.id].items, found[quiet.id].total) == ((), 0)
    narrow = replace(scope, projects=frozenset({quiet.id}))
    assert set(await store.people.first_project_members(narrow, [busy.id, quiet.id], 1)) == {quiet.id}
    other = await founded(store, ana, "Elsewhere")
    assert (await store.people.first_project_members(other, [busy.id], 1))[busy.id].total == 0


async def test_an_organization_has_one_owner_before_and_after_a_transfer(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    scope = await founded(store, ana)
    await joined(store, scope, bo)
    assert await store.people.transfer(scope, bo.id) is None
    assert not await store.people.set_role(scope, bo.id, OrganizationRole.OWNER)
    assert not await store.people.set_role(scope, ana.id, OrganizationRole.MEMBER)
    assert await store.people.remove_member(scope, ana.id, LATER) is None
    assert await store.people.set_role(scope, bo.id, OrganizationRole.ADMIN)
    assert await store.people.transfer(scope, bo.id) == ana.id
    roles = {one.user.name: one.membership.role for one in (await store.people.members(scope, 10, 0)).items}
    assert roles == {"ana": OrganizationRole.ADMIN, "bo": OrganizationRole.OWNER}
    assert await store.people.owner(scope) == bo
    second = Membership(
        organization_id=scope.organization_id, user_id=new_id("u"), role=OrganizationRole.OWNER, joined_at=NOW
    )
    with pytest.raises(Conflict):
        await store.people.add_member(scope, second)


async def test_a_member_who_goes_leaves_projects_to_the_owner_and_keys_to_nobody(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    scope = await founded(store, ana)
    await joined(store, scope, bo)
    own = await store.put_project(scope, project(scope, "own", owner_id=bo.id))
    other = await store.put_project(scope, project(scope, "other", owner_id=ana.id))
    assert await store.people.add_project_member(scope, place(scope, other, bo))
    mine = key(scope, other, bo)
    await store.add_key(scope, mine)
    assert [one.projects for one in (await store.people.members(scope, 10, 0)).items] == [1, 2]
    gone = await store.people.remove_member(scope, bo.id, LATER)
    assert gone is not None
    assert (gone.members, gone.project_members, gone.keys) == (1, 1, 1)
    assert await store.people.reaches(bo.id) == []
    assert await store.people.key(scope, mine.id) is None
    kept = await store.project(scope, id=own.id)
    assert kept is not None
    assert kept.owner_id == ana.id


# --- projects ------------------------------------------------------------------------------------


async def test_only_members_of_the_organization_are_members_of_its_projects(store: Store) -> None:
    ana, bo, eve = await new_user(store), await new_user(store, "bo"), await new_user(store, "eve")
    scope = await founded(store, ana)
    await joined(store, scope, bo)
    home = await store.put_project(scope, project(scope, "home", owner_id=ana.id))
    assert await store.people.add_project_member(scope, place(scope, home, bo))
    assert not await store.people.add_project_member(scope, place(scope, home, bo, ProjectRole.ADMIN))
    assert not await store.people.add_project_member(scope, place(scope, home, ana))
    assert not await store.people.add_project_member(scope, place(scope, home, eve))
    reach = await store.people.reach(bo.id, home.id)
    assert reach is not None
    assert (reach.project, reach.organization_role, reach.project_role) == (
        home, OrganizationRole.MEMBER, ProjectRole.EDITOR,
    )  # fmt: skip
    assert await store.people.set_project_role(scope, home.id, bo.id, ProjectRole.ADMIN)
    assert await store.people.project_admins(scope, home.id) == [bo.id]
    assert [one.project for one in await store.people.sole_admin_of(ana.id)] == []
    page = await store.people.project_members(scope, home.id, 10, 0)
    assert [(one.user, one.membership.role) for one in page.items] == [(bo, ProjectRole.ADMIN)]
    assert await store.people.remove_project_member(scope, home.id, bo.id, LATER) is not None
    assert await store.people.remove_project_member(scope, home.id, bo.id, LATER) is None
    assert [one.project for one in await store.people.sole_admin_of(ana.id)] == [home]


async def test_a_deleted_project_takes_its_memories_out_of_every_sight(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    scope = await founded(store, ana)
    await joined(store, scope, bo)
    home, other = [await store.put_project(scope, project(scope, name, owner_id=ana.id)) for name in ("home", "other")]
    gone, kept = memory(scope, "tulips bloom", project=home), memory(scope, "tulips fade", project=other)
    kept = replace(kept, superseded_by=gone.id)
    gone = replace(gone, supersedes=kept.id)
    await keep(store, scope, kept, gone)
    query = CandidateQuery(text="tulips", vector=vector("tulips"), model=MODEL, filter=())
    assert len((await store.candidates(scope, query)).items) == 2
    await store.people.add_project_member(scope, place(scope, home, bo))
    await store.add_key(scope, key(scope, home, bo))
    for sent in (
        invitation(scope, "x@example.org", Assignment(home.id, ProjectRole.VIEWER), token="1", of=home),
        invitation(
            scope, "y@example.org", Assignment(home.id, ProjectRole.VIEWER), Assignment(other.id, ProjectRole.EDITOR),
            token="2",
        ),
    ):  # fmt: skip
        await store.people.add_invitation(scope, sent, replaces=False)
    cascade = await store.people.delete_project(scope, home.id, LATER)
    assert cascade is not None
    assert (cascade.memories, cascade.keys, cascade.project_members, cascade.invitations) == (1, 1, 1, 1)
    found = await store.candidates(scope, query)
    assert [one.memory_id for one in found.items] == [kept.id]
    assert (await store.find(scope, (), Sort(), 10, 0)).total == 1
    assert await store.history(scope, gone.id) == []
    # What it had replaced elsewhere is current again, and says so in its history.
    again = (await store.get_many(scope, [kept.id]))[kept.id]
    assert (again.superseded_by, again.version) == (None, 2)
    assert [one.change for one in await store.history(scope, kept.id)] == [Change.CREATED, Change.UNSUPERSEDED]
    (left,) = await store.people.invitations(scope)
    assert left.assignments == (Assignment(other.id, ProjectRole.EDITOR),)
    assert await store.people.delete_project(scope, home.id, LATER) is None
    assert not (await store.verify(repair=False, model=MODEL)).problems


# --- invitations ---------------------------------------------------------------------------------


async def test_an_invitation_is_accepted_once_and_gives_what_still_exists(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    scope = await founded(store, ana)
    home = await store.put_project(scope, project(scope, "home", owner_id=ana.id))
    given = (Assignment(home.id, ProjectRole.VIEWER), Assignment("gone", ProjectRole.ADMIN))
    sent = invitation(scope, "BO@example.org", *given, token="secret")
    await store.people.add_invitation(scope, sent, replaces=True)
    assert await store.people.invitation_by_token("secret") == sent
    assert await store.people.invitations_to("bo@EXAMPLE.org", NOW) == [sent]
    assert await store.people.invitations_to("bo@example.org", LATER) == []
    taken = await store.people.accept_invitation(scope, sent.id, bo.id, NOW)
    assert taken == [Assignment(home.id, ProjectRole.VIEWER)]
    with pytest.raises(Conflict):
        await store.people.accept_invitation(scope, sent.id, bo.id, NOW)
    spent = await store.people.invitation_by_token("secret")
    assert spent == replace(sent, token="", status=InvitationStatus.ACCEPTED)
    assert await store.people.invitations(scope) == []


async def test_a_newer_invitation_to_the_same_place_replaces_the_older(store: Store) -> None:
    scope = await founded(store, await new_user(store))
    home = await store.put_project(scope, project(scope, "home"))
    first, second = (invitation(scope, "bo@example.org", token=token) for token in ("1", "2"))
    beside = invitation(scope, "bo@example.org", Assignment(home.id, ProjectRole.VIEWER), token="3", of=home)
    assert await store.people.add_invitation(scope, first, replaces=True) == 0
    assert await store.people.add_invitation(scope, beside, replaces=True) == 0
    assert await store.people.add_invitation(scope, second, replaces=True) == 1
    old = await store.people.invitation(scope, first.id)
    assert old is not None
    assert (old.status, old.token) == (InvitationStatus.CANCELLED, "")
    assert {one.id for one in await store.people.invitations(scope)} == {second.id, beside.id}
    assert await store.people.invitations(scope, project_id=home.id) == [beside]
    with pytest.raises(Conflict):
        await store.people.accept_invitation(scope, second.id, "nobody", LATER + timedelta(days=1))
    assert await store.people.settle_invitation(scope, second.id, InvitationStatus.CANCELLED)
    assert not await store.people.settle_invitation(scope, second.id, InvitationStatus.EXPIRED)


# --- the end of an account -----------------------------------------------------------------------


async def test_an_account_ends_with_all_that_hangs_on_it_and_its_address_is_free(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")
    scope = await founded(store, ana)
    await joined(store, scope, bo, OrganizationRole.ADMIN)
    home = await store.put_project(scope, project(scope, "home", owner_id=ana.id))
    await store.people.add_project_member(scope, place(scope, home, bo))
    await store.add_key(scope, key(scope, home, bo))
    token = AccountToken(
        id="t", user_id=bo.id, purpose=TokenPurpose.BEARER, name="x", prefix="at_", digest="0", created_at=NOW
    )
    await store.people.add_token(token)
    await store.people.add_invitation(
        replace(scope, user_id=bo.id), replace(invitation(scope, "x@y", token="1"), invited_by=bo.id), replaces=False
    )
    await store.people.add_invitation(scope, invitation(scope, "bo@example.org", token="2"), replaces=False)
    with pytest.raises(RuleBroken):
        await store.people.deactivate_user(ana.id, LATER)
    gone = await store.people.deactivate_user(bo.id, LATER)
    assert (gone.keys, gone.members, gone.project_members, gone.invitations) == (1, 1, 1, 2)
    ended = await store.people.user(id=bo.id)
    assert ended == replace(bo, active=False)
    assert await store.people.user(email=bo.email) is None
    assert await store.people.tokens_by_prefix("at_") == []
    assert await store.people.seats(bo.id) == []
    await store.people.add_user(user("bo"))


# --- notifications and audit ---------------------------------------------------------------------


async def test_notifications_are_ones_own_and_old_ones_go(store: Store) -> None:
    ana, bo = await new_user(store), await new_user(store, "bo")

    def notice(at: datetime, about: str = "x") -> Notification:
        return Notification(
            id=new_id("n"), user_id=ana.id, kind=NoticeKind.REMOVED, title="t", message="m", data={"about": about},
            created_at=at,
        )  # fmt: skip

    old, first, second = notice(NOW - timedelta(days=31)), notice(NOW), notice(LATER, "y")
    for one in (old, first, second):
        await store.people.add_notification(one)
    assert await store.people.notifications(ana.id, 50) == ([second, first], 2)
    assert await store.people.notifications(ana.id, 1) == ([second], 2)
    assert not await store.people.read_notification(bo.id, first.id, LATER)
    assert await store.people.read_notification(ana.id, first.id, LATER)
    assert await store.people.read_notification(ana.id, first.id, LATER + timedelta(days=1))
    assert await store.people.notifications(ana.id, 50) == ([second, replace(first, read_at=LATER)], 1)
    assert await store.people.read_notifications(ana.id, LATER) == 1
    assert await store.people.notified(ana.id, "removed", "y")
    assert not await store.people.notified(ana.id, "removed", "z")


async def test_the_trail_is_read_newest_first_with_its_true_total(store: Store) -> None:
    scope = await founded(store, await new_user(store))
    entries = [
        AuditEntry(
            id=new_id("a"), organization_id=scope.organization_id, at=NOW + timedelta(hours=hour), actor="user:1",
            action="member.removed", object_kind="user", object_id="2", door="native", detail={"role": "admin"},
        )
        for hour in range(3)
    ]  # fmt: skip
    for entry in entries:
        await store.people.add_audit(scope, entry)
    page = await store.people.audit(scope, 2, 0)
    assert (page.items, page.total) == ((entries[2], entries[1]), 3)


async def test_keys_that_end_soon_are_found_for_their_creators(store: Store) -> None:
    ana = await new_user(store)
    scope = await founded(store, ana)
    mine, operators = key(scope, None, ana), key(scope, None, None)
    for one in (mine, operators):
        await store.add_key(scope, one)
    assert await store.people.keys_expiring(NOW, LATER) == [mine]
    assert await store.people.keys_expiring(LATER, LATER + timedelta(days=1)) == []
