"""Organizations and projects as places with members, the keys of projects, and the audit trail. Functions of a
transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from polymem.core.errors import Conflict, Rule, RuleBroken
from polymem.core.model import Page
from polymem.core.people import (
    ApiKey,
    AuditEntry,
    Member,
    Membership,
    Organization,
    OrganizationRole,
    ProjectMember,
    ProjectMembership,
    ProjectRole,
    Scope,
    Seat,
    User,
)
from polymem.core.people.ports import Reach
from polymem.storage import people_statements as statements
from polymem.storage import statements as shared
from polymem.storage.backend import Transaction
from polymem.storage.people_rows import (
    from_audit_row,
    from_member_row,
    from_project_member_row,
    from_reach_row,
    from_seat_row,
    from_user_row,
    to_audit_params,
    to_membership_params,
    to_project_membership_params,
)
from polymem.storage.rows import from_key_row, is_storable, to_micros, to_organization_params

_NUMBERED = 20


def found_organization(tx: Transaction, organization: Organization, owner: Membership) -> Organization:
    """Insert both; a slug that is taken gets a number. Raises RuleBroken (NAME_TAKEN)."""
    _refuse_second_of_name(tx, owner.user_id, organization.id, organization.name)
    slug = organization.slug
    others = [f"{slug}-{number}" for number in range(2, _NUMBERED)]
    for candidate in (slug, *others, f"{slug}-{organization.id}"):
        wanted = replace(organization, slug=candidate)
        if tx.execute(shared.INSERT_ORGANIZATION, to_organization_params(wanted)):
            tx.execute(statements.INSERT_MEMBER, to_membership_params(owner))
            return wanted
    raise Conflict(f"The organization {organization.id} exists already")


def rename_organization(tx: Transaction, scope: Scope, name: str) -> bool:
    """Whether there is such an organization. Raises RuleBroken (NAME_TAKEN)."""
    keeper = owner(tx, scope)
    if keeper is not None:
        _refuse_second_of_name(tx, keeper.id, scope.organization_id, name)
    return tx.execute(statements.RENAME_ORGANIZATION, {**_of(scope), "name": name}) > 0


def _refuse_second_of_name(tx: Transaction, owner_id: str, organization_id: str, name: str) -> None:
    if tx.query(statements.OWNS_NAMED, {"user_id": owner_id, "organization_id": organization_id, "name": name}):
        raise RuleBroken(Rule.NAME_TAKEN, "Organization name already exists")


# --- members -----------------------------------------------------------------------------------


def seats(tx: Transaction, user_id: str) -> list[Seat]:
    """The organizations of a user, owned ones first."""
    rows = tx.query(statements.SEATS, {"user_id": user_id}) if is_storable(user_id) else []
    return [from_seat_row(row) for row in rows]


def seat(tx: Transaction, user_id: str, organization: str) -> Seat | None:
    """The one of this id or slug, if it is the user's."""
    if not (is_storable(user_id) and is_storable(organization)):
        return None
    rows = tx.query(statements.SEAT, {"user_id": user_id, "organization": organization})
    return from_seat_row(rows[0]) if rows else None


def owner(tx: Transaction, scope: Scope) -> User | None:
    """The organization's owner."""
    rows = tx.query(statements.OWNER, _of(scope))
    return from_user_row(rows[0]) if rows else None


def members(tx: Transaction, scope: Scope, limit: int, offset: int) -> Page[Member]:
    """A page by when they joined."""
    rows = tx.query(statements.MEMBERS, {**_of(scope), "limit": limit, "offset": offset})
    ((total,),) = tx.query(statements.COUNT_MEMBERS, _of(scope))
    return Page(tuple(from_member_row(row) for row in rows), total, limit, offset)


def member(tx: Transaction, scope: Scope, user_id: str) -> Member | None:
    """The member of this id."""
    rows = tx.query(statements.MEMBER, {**_of(scope), "user_id": user_id}) if is_storable(user_id) else []
    return from_member_row(rows[0]) if rows else None


def add_member(tx: Transaction, scope: Scope, membership: Membership) -> bool:
    """Whether the user was no member yet."""
    if membership.organization_id != scope.organization_id:
        return False
    return tx.execute(statements.INSERT_MEMBER, to_membership_params(membership)) > 0


def set_role(tx: Transaction, scope: Scope, user_id: str, role: OrganizationRole) -> bool:
    """Whether there is such a member who is not the owner."""
    if role is OrganizationRole.OWNER or not is_storable(user_id):
        return False
    return tx.execute(statements.SET_ROLE, {**_of(scope), "user_id": user_id, "role": role.value}) > 0


def transfer(tx: Transaction, scope: Scope, new_owner_id: str) -> str | None:
    """The id of the former owner; None where the user is no admin."""
    params = {**_of(scope), "user_id": new_owner_id}
    if not is_storable(new_owner_id) or not tx.query(statements.IS_ADMIN, params):
        return None
    former = owner(tx, scope)
    tx.execute(statements.DEMOTE_OWNER, _of(scope))
    if former is None or tx.execute(statements.PROMOTE_OWNER, params) != 1:
        raise Conflict("The members of this organization were changed meanwhile; try again")
    return former.id


# --- projects ----------------------------------------------------------------------------------


def reaches(tx: Transaction, user_id: str, organization_id: str | None = None) -> list[Reach]:
    """How a user stands to every project of their organizations, or of one."""
    if not is_storable(user_id):
        return []
    if organization_id is None:
        rows = tx.query(statements.REACHES, {"user_id": user_id})
    else:
        params = {"user_id": user_id, "organization_id": organization_id}
        rows = tx.query(statements.REACHES_IN_ORGANIZATION, params)
    return [from_reach_row(row) for row in rows]


def reach(tx: Transaction, user_id: str, project_id: str) -> Reach | None:
    """How a user stands to a project of an organization of theirs."""
    if not (is_storable(user_id) and is_storable(project_id)):
        return None
    rows = tx.query(statements.REACH, {"user_id": user_id, "project_id": project_id})
    return from_reach_row(rows[0]) if rows else None


def sole_admin_of(tx: Transaction, user_id: str) -> list[Reach]:
    """The projects that nobody else owns or administers."""
    rows = tx.query(statements.SOLE_ADMIN_OF, {"user_id": user_id}) if is_storable(user_id) else []
    return [from_reach_row(row) for row in rows]


def project_members(tx: Transaction, scope: Scope, project_id: str, limit: int, offset: int) -> Page[ProjectMember]:
    """A page by when they were added."""
    if not _reaches(scope, project_id):
        return Page((), 0, limit, offset)
    params = {**_of(scope), "project_id": project_id}
    rows = tx.query(statements.PROJECT_MEMBERS, {**params, "limit": limit, "offset": offset})
    ((total,),) = tx.query(statements.COUNT_PROJECT_MEMBERS, params)
    return Page(tuple(from_project_member_row(row) for row in rows), total, limit, offset)


def first_project_members(
    tx: Transaction, scope: Scope, project_ids: Sequence[str], limit: int
) -> dict[str, Page[ProjectMember]]:
    """The first of each of these projects, by when they were added."""
    ids = [id_ for id_ in project_ids if _reaches(scope, id_)]
    nobody: Page[ProjectMember] = Page((), 0, limit, 0)
    pages = dict.fromkeys(ids, nobody)
    if ids:
        for row in tx.query(statements.FIRST_PROJECT_MEMBERS, {**_of(scope), "ids": ids, "limit": limit}):
            *shown, total, _ = row
            found = from_project_member_row(tuple(shown))
            id_ = found.membership.project_id
            pages[id_] = Page((*pages[id_].items, found), total, limit, 0)
    return pages


def project_member(tx: Transaction, scope: Scope, project_id: str, user_id: str) -> ProjectMember | None:
    """The member of this id."""
    if not (_reaches(scope, project_id) and is_storable(user_id)):
        return None
    rows = tx.query(statements.PROJECT_MEMBER, {**_of(scope), "project_id": project_id, "user_id": user_id})
    return from_project_member_row(rows[0]) if rows else None


def project_admins(tx: Transaction, scope: Scope, project_id: str) -> list[str]:
    """The ids of the members who are its admins."""
    if not _reaches(scope, project_id):
        return []
    return [row[0] for row in tx.query(statements.PROJECT_ADMINS, {**_of(scope), "project_id": project_id})]


def add_project_member(tx: Transaction, scope: Scope, membership: ProjectMembership) -> bool:
    """Whether the user is of the organization, and was no member of the project yet."""
    if membership.organization_id != scope.organization_id or not _reaches(scope, membership.project_id):
        return False
    return tx.execute(statements.INSERT_PROJECT_MEMBER, to_project_membership_params(membership)) > 0


def set_project_role(tx: Transaction, scope: Scope, project_id: str, user_id: str, role: ProjectRole) -> bool:
    """Whether there is such a member."""
    if not (_reaches(scope, project_id) and is_storable(user_id)):
        return False
    params = {**_of(scope), "project_id": project_id, "user_id": user_id, "role": role.value}
    return tx.execute(statements.SET_PROJECT_ROLE, params) > 0


# --- keys --------------------------------------------------------------------------------------


def get_key(tx: Transaction, scope: Scope, key_id: str) -> ApiKey | None:
    """The live key of an id."""
    rows = tx.query(statements.KEY, {**_of(scope), "id": key_id}) if is_storable(key_id) else []
    keys = [from_key_row(row) for row in rows]
    return next((key for key in keys if scope.projects is None or key.project_id in scope.projects), None)


def project_keys(tx: Transaction, scope: Scope, project_id: str) -> list[ApiKey]:
    """The live keys of a project, oldest first."""
    if not _reaches(scope, project_id):
        return []
    return [from_key_row(row) for row in tx.query(statements.PROJECT_KEYS, {**_of(scope), "project_id": project_id})]


def keys_expiring(tx: Transaction, after: datetime, until: datetime) -> list[ApiKey]:
    """The live keys of all organizations that end in this time."""
    rows = tx.query(statements.KEYS_EXPIRING, {"after": to_micros(after), "until": to_micros(until)})
    return [from_key_row(row) for row in rows]


# --- the audit trail ---------------------------------------------------------------------------


def add_audit(tx: Transaction, scope: Scope, entry: AuditEntry) -> None:
    """Keep one more entry."""
    if entry.organization_id == scope.organization_id:
        tx.execute(statements.INSERT_AUDIT, to_audit_params(entry))


def audit(tx: Transaction, scope: Scope, limit: int, offset: int) -> Page[AuditEntry]:
    """A page, newest first."""
    rows = tx.query(statements.AUDIT, {**_of(scope), "limit": limit, "offset": offset})
    ((total,),) = tx.query(statements.COUNT_AUDIT, _of(scope))
    return Page(tuple(from_audit_row(row) for row in rows), total, limit, offset)


def _of(scope: Scope) -> dict[str, str]:
    return {"organization_id": scope.organization_id}


def _reaches(scope: Scope, project_id: str) -> bool:
    return is_storable(project_id) and (scope.projects is None or project_id in scope.projects)
