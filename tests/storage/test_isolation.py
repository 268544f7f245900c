"""Nothing of one organization is seen, changed, counted or guessed from another, by any verb there is.

Every verb of the store and of the core is found by looking, not by a list: one that is new is asked too, and fails
here until it is told which of its parameters name something, or why it needs no scope.
"""

import inspect
from pathlib import Path
from typing import Any

import pytest

from polymem.core import Core
from polymem.core.people import Scope
from polymem.core.ports import Store
from tests.storage.conftest import Raw
from tests.storage.tenants import OF_ACCOUNT, Stranger, Victim, fill, newcomer, nobody, open_people_core, verbs

UNSCOPED = {
    # Who somebody is has to be found out before there is a scope; what proves it is the secret.
    "store.keys_by_prefix", "store.people.tokens_by_prefix", "store.people.invitation_by_token",
    "store.people.invitations_to", "store.people.user", "store.people.users_named", "store.organization",
    "core.access.principal_of", "core.access.scope_of", "core.access.principal_again", "core.agents.session",
    "core.invitations.open", "core.invitations.accept", "core.invitations.register", "core.accounts.authenticate",
    "core.accounts.reset_password",
    "store.grants.held", "core.grants.held", "core.grants.exchange", "core.grants.end",
    # Applications are nobody's: they are of whoever lets them in.
    "store.grants.add_application", "store.grants.application", "core.grants.register", "core.grants.application",
    # Accounts begin and end; what may be done to one was asked by whoever calls these.
    "store.people.add_user", "store.people.put_user", "store.people.add_token", "store.people.deactivate_user",
    "store.people.add_notification", "store.people.notified", "store.people.found_organization",
    "store.put_organization", "core.accounts.make", "core.accounts.create", "core.accounts.register",
    "core.accounts.open_session", "core.accounts.create_token", "core.accounts.reset_link", "core.accounts.deactivate",
    "core.notices.tell", "core.notices.ownership_received", "core.notices.role_changed", "core.notices.removed",
    "core.organizations.found", "core.organizations.remove_all",
    # For the operator, and the server's own chores.
    "store.organizations", "store.people.users", "store.people.keys_expiring", "store.count_pending",
    "store.backlog.plan", "store.backlog.left", "store.backlog.take", "store.backlog.renew", "store.backlog.keep",
    "store.backlog.give_back", "store.drop_embeddings", "store.verify", "store.backup",
    "store.ping", "store.claim", "store.close",
    "store.agents.signing_secret", "core.agents.signing_secret", "core.agents.settle",
    "core.agents.extend", "core.agents.renewed", "core.accounts.find", "core.accounts.page",
    "core.notices.warn_of_expiring_keys", "core.recall.close", "core.reindex.pending", "core.reindex.plan",
    "core.reindex.take_part", "core.reindex.run",
    "core.retention.sweep", "core.retention.drop_requests",
    # These work on the text they are given, and read nothing.
    "store.draw_up", "core.compression.__call__", "core.extractions.__call__", "core.facts.__call__",
}  # fmt: skip

# These concern the caller alone: there is nothing in them that could name anything of anybody else.
OF_THE_CALLER = {
    "core.accounts.delete", "core.accounts.change_password", "core.accounts.rename", "core.accounts.close_session",
    "core.accounts.tokens", "core.notices.newest", "core.notices.read_all", "core.invitations.pending",
    "core.organizations.create", "core.audit.record", "core.grants.all",
}  # fmt: skip


@pytest.fixture
def core(store: Store, tmp_path: Path) -> Core:
    return open_people_core(store, tmp_path)


def rows_of(raw: Raw, victim: Victim) -> dict[str, Any]:
    """All rows of all tables that name the victim's organization or people."""
    names = {victim["organization"], victim["user"], victim["owner"]}
    return {table: [row for row in rows if names & set(map(str, row))] for table, rows in raw.tables().items()}


async def test_no_verb_reaches_what_is_another_organizations(core: Core, raw: Raw) -> None:
    victim = await fill(core)
    targets = {"foreign": victim, "unknown": nobody(victim)}
    before = rows_of(raw, victim)
    assert all(before[table] for table in ("memories", "tasks", "api_keys", "memberships", "invitations"))
    # Two strangers whom nothing distinguishes ask the same questions, one for what there is, one for what there is not.
    pairs = [
        [
            Stranger(*await newcomer(core, f"stranger-{by_name}-{kind}"), names, by_name)
            for kind, names in targets.items()
        ]
        for by_name in (False, True)
    ]
    asked, told, area = 0, {}, ""
    for verb, function in verbs(core):
        if verb in UNSCOPED | OF_THE_CALLER:
            continue
        if verb.rpartition(".")[0] != area:
            assert rows_of(raw, victim) == before, f"a verb of {area} changed what is not its caller's"
            area = verb.rpartition(".")[0]
        for pair in pairs:
            foreign, unknown = [await stranger.ask(verb, function) for stranger in pair]
            asked += 1
            if foreign != unknown:
                told[verb] = (foreign, unknown)
    assert rows_of(raw, victim) == before, f"a verb of {area} changed what is not its caller's"
    assert told == {}, "a foreign thing and one that does not exist do not answer alike"
    assert asked > 200


async def test_a_verb_without_a_scope_is_known_by_name(core: Core) -> None:
    """A new verb either takes a scope, a principal or the account itself, or says above why not."""
    unscoped = set()
    for verb, function in verbs(core):
        scoped = {"scope", "principal"} & set(inspect.signature(function).parameters)
        if not scoped and verb.removeprefix("store.people.").removeprefix("store.grants.") not in OF_ACCOUNT:
            unscoped.add(verb)
    assert unscoped - UNSCOPED == set()
    assert {verb for verb, _ in verbs(core)} >= UNSCOPED | OF_THE_CALLER


async def test_deleting_an_organization_leaves_nothing_of_it(core: Core, raw: Raw) -> None:
    victim = await fill(core)
    other, scope = await newcomer(core, "bystander")
    kept = (await core.teams.create(other, "mine")).project
    owner = await core.store.people.owner(Scope(organization_id=victim["organization"]))
    assert owner is not None
    _, secret = await core.accounts.create_token(owner, "test")
    principal = await core.access.principal_of(secret)
    await core.organizations.delete(principal, victim["organization"])
    named = {table for table, rows in raw.tables().items() for row in rows if victim["organization"] in map(str, row)}
    assert named == {"audit_entries"}
    assert await core.projects.all(scope) == [kept]
