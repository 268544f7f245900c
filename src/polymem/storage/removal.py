"""What goes with what: removing members, projects, organizations and accounts. Functions of a transaction."""

from dataclasses import fields, replace
from datetime import datetime

from polymem.core.errors import Rule, RuleBroken
from polymem.core.model import Change, Memory
from polymem.core.people import Cascade, OrganizationRole, Scope, TokenPurpose
from polymem.core.ports import Update, Write
from polymem.storage import people_statements as statements
from polymem.storage import statements as shared
from polymem.storage.accounts import get_user, revoke_tokens
from polymem.storage.backend import Transaction
from polymem.storage.grants import revoke_of_member
from polymem.storage.invitations import concerns, invitations
from polymem.storage.members import member, seats
from polymem.storage.memories import get_many
from polymem.storage.people import get_project
from polymem.storage.people_rows import email_key, to_assignments
from polymem.storage.rows import is_storable, to_micros
from polymem.storage.writes import apply, prepare

_OF_ORGANIZATION = (
    "invitations", "project_memberships", "api_keys", "memories", "tombstones", "idempotency", "projects",
    "memberships",
)  # fmt: skip
"""Tables that hold an organization's rows and do not go with other rows, in the order they can be emptied."""


def remove_member(tx: Transaction, scope: Scope, user_id: str, at: datetime) -> Cascade | None:
    """With project memberships and keys; their projects go to the owner. None: no such member, or the owner."""
    found = member(tx, scope, user_id)
    if found is None or found.membership.role is OrganizationRole.OWNER:
        return None
    params = {"organization_id": scope.organization_id, "user_id": user_id, "at": to_micros(at)}
    tx.execute(statements.INHERIT_PROJECTS, params)
    places = tx.execute(statements.DELETE_PLACES, params)
    keys = tx.execute(statements.REVOKE_KEYS_OF_USER, params)
    revoke_of_member(tx, params)
    tx.execute(statements.DELETE_MEMBER, params)
    return Cascade(project_members=places, keys=keys, members=1)


def remove_project_member(tx: Transaction, scope: Scope, project_id: str, user_id: str, at: datetime) -> Cascade | None:
    """With the user's keys of the project. None: no such member."""
    if not is_storable(user_id) or get_project(tx, scope, id_=project_id) is None:
        return None
    params = {
        "organization_id": scope.organization_id,
        "project_id": project_id,
        "user_id": user_id,
        "at": to_micros(at),
    }
    if tx.execute(statements.DELETE_PROJECT_MEMBER, params) == 0:
        return None
    return Cascade(project_members=1, keys=tx.execute(statements.REVOKE_KEYS_OF_MEMBER, params))


def delete_project(tx: Transaction, scope: Scope, project_id: str, at: datetime) -> Cascade | None:
    """With members, invitations, keys and memories. None: no such project."""
    if get_project(tx, scope, id_=project_id) is None:
        return None
    of_project = {"organization_id": scope.organization_id, "project_id": project_id}
    _unlink(tx, scope, project_id, at)
    ((seq,),) = tx.query(shared.ADVANCE, {"organization_id": scope.organization_id, "steps": 1})
    tx.execute(statements.TOMBSTONES_OF_PROJECT, {**of_project, "seq": seq})
    memories = tx.execute(statements.DELETE_OF_PROJECT.format(table="memories"), of_project)
    cancelled = _withdraw(tx, scope, project_id)
    tx.execute(statements.DELETE_OF_PROJECT.format(table="invitations"), of_project)
    live = len(tx.query(statements.PROJECT_KEYS, of_project))
    tx.execute(statements.DELETE_OF_PROJECT.format(table="api_keys"), of_project)
    members = tx.execute(statements.DELETE_OF_PROJECT.format(table="project_memberships"), of_project)
    tx.execute(statements.DELETE_PROJECT, of_project)
    return Cascade(projects=1, project_members=members, keys=live, invitations=cancelled, memories=memories)


def _unlink(tx: Transaction, scope: Scope, project_id: str, at: datetime) -> None:
    # What a memory of the project superseded elsewhere would stay hidden for ever.
    whole = Scope(organization_id=scope.organization_id, actor=scope.actor)
    of_project = {"organization_id": scope.organization_id, "project_id": project_id}
    ids = [row[0] for row in tx.query(statements.LINKED_FROM_OUTSIDE, of_project)]
    if not ids:
        return
    linked = get_many(tx, whole, ids)
    others = {id_ for memory in linked.values() for id_ in (memory.superseded_by, memory.supersedes) if id_}
    gone = {id_ for id_, memory in get_many(tx, whole, sorted(others)).items() if memory.project_id == project_id}
    updates: list[Write] = [_unlinked(memory, gone, at) for memory in linked.values()]
    apply(tx, whole, prepare(whole, updates), None, at)


def _unlinked(memory: Memory, gone: set[str], at: datetime) -> Update:
    current = memory.superseded_by in gone
    after = replace(
        memory,
        superseded_by=None if current else memory.superseded_by,
        supersedes=None if memory.supersedes in gone else memory.supersedes,
        version=memory.version + 1,
        updated_at=max(at, memory.updated_at),
    )
    return Update(after, Change.UNSUPERSEDED if current else Change.REVISED)


def _withdraw(tx: Transaction, scope: Scope, project_id: str) -> int:
    # How many pending invitations were to the project; those to the organization merely no longer give it.
    withdrawn = 0
    for invitation in invitations(tx, scope, project_id=project_id):
        if invitation.project_id is not None:
            withdrawn += 1
            continue
        kept = tuple(one for one in invitation.assignments if one.project_id != project_id)
        params = {"organization_id": scope.organization_id, "id": invitation.id, "assignments": to_assignments(kept)}
        tx.execute(statements.ASSIGN, params)
        assert not concerns(replace(invitation, assignments=kept), project_id)
    return withdrawn


def delete_organization(tx: Transaction, scope: Scope) -> Cascade:
    """The organization with all that is in it. The audit trail stays."""
    of = {"organization_id": scope.organization_id}

    def count(table: str, condition: str = "") -> int:
        ((found,),) = tx.query(statements.COUNT_IN_ORGANIZATION.format(table=table, condition=condition), of)
        return int(found)

    cascade = Cascade(
        projects=count("projects"),
        project_members=count("project_memberships"),
        members=count("memberships"),
        keys=count("api_keys", " AND revoked_at IS NULL"),
        invitations=count("invitations", " AND status = 'pending'"),
        memories=count("memories"),
    )
    for table in _OF_ORGANIZATION:
        tx.execute(statements.DELETE_IN_ORGANIZATION.format(table=table), of)
    tx.execute(statements.DELETE_ORGANIZATION, of)
    return cascade


def deactivate_user(tx: Transaction, user_id: str, at: datetime) -> Cascade:
    """End an account with all that hangs on it. Raises RuleBroken (OWNS_ORGANIZATIONS)."""
    user = get_user(tx, id_=user_id)
    if user is None:
        return Cascade()
    total = Cascade()
    for seat in seats(tx, user_id):
        if seat.role is OrganizationRole.OWNER:
            raise RuleBroken(Rule.OWNS_ORGANIZATIONS, f"{user.email} owns {seat.organization.name}")
        gone = remove_member(tx, Scope(organization_id=seat.organization.id), user_id, at)
        if gone is not None:
            total = _sum(total, gone)
    revoke_tokens(tx, user_id, tuple(TokenPurpose), at)
    of_user = {"user_id": user_id, "email_key": email_key(user.email), "gone": f"gone:{user_id}"}
    invited = tx.execute(statements.CANCEL_INVITATIONS_OF_USER, of_user)
    tx.execute(statements.DELETE_NOTIFICATIONS, of_user)
    tx.execute(statements.DEACTIVATE_USER, of_user)
    return replace(total, invitations=invited)


def _sum(one: Cascade, other: Cascade) -> Cascade:
    return Cascade(**{field.name: getattr(one, field.name) + getattr(other, field.name) for field in fields(Cascade)})
