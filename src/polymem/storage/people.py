"""Organizations, projects and keys in the database. Functions of a transaction; `SqlStore` runs them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count

from polymem.core.errors import Conflict, Forbidden, NotFound
from polymem.core.people import ApiKey, Organization, Project, Scope
from polymem.storage import statements
from polymem.storage.backend import Transaction
from polymem.storage.rows import (
    from_key_row,
    from_organization_row,
    from_project_row,
    is_storable,
    storable,
    to_key_params,
    to_micros,
    to_organization_params,
    to_project_params,
)

_ATTEMPTS = 8

# --- organizations -----------------------------------------------------------------------------


def put_organization(tx: Transaction, organization: Organization) -> Organization:
    """Insert it, or return the one that has this slug already."""
    tx.execute(statements.INSERT_ORGANIZATION, to_organization_params(organization))
    kept = get_organization(tx, slug=organization.slug)
    if kept is None:
        raise Conflict(f"The organization {organization.slug} is being changed; try again")
    return kept


def get_organization(tx: Transaction, *, slug: str | None = None, id_: str | None = None) -> Organization | None:
    """The one with this slug or id."""
    if slug is not None:
        found = tx.query(statements.ORGANIZATION_BY_SLUG, {"slug": slug}) if is_storable(slug) else []
    else:
        found = tx.query(statements.ORGANIZATION_BY_ID, {"id": id_}) if id_ and is_storable(id_) else []
    return from_organization_row(found[0]) if found else None


def organizations(tx: Transaction) -> list[Organization]:
    """All of them, oldest first."""
    return [from_organization_row(row) for row in tx.query(statements.ORGANIZATIONS, {})]


# --- projects ----------------------------------------------------------------------------------


def projects(tx: Transaction, scope: Scope) -> list[Project]:
    """Every project the scope reaches, oldest first."""
    statement, params = reaching(statements.PROJECTS, scope, "id")
    return [from_project_row(row) for row in tx.query(statement, params)]


def project_keys(tx: Transaction, scope: Scope) -> dict[str, str]:
    """The keys of those projects by their ids."""
    return {project.id: project.key for project in projects(tx, scope)}


def get_project(
    tx: Transaction, scope: Scope, *, key: str | None = None, id_: str | None = None, slug: str | None = None
) -> Project | None:
    """The one with this key, id or slug, if the scope reaches it."""
    by, wanted = next(
        (
            (statement, value)
            for statement, value in (
                (statements.PROJECT_BY_KEY, key),
                (statements.PROJECT_BY_ID, id_),
                (statements.PROJECT_BY_SLUG, slug),
            )
            if value is not None
        ),
        ("", None),
    )
    if wanted is None or not is_storable(wanted):
        return None
    statement, params = reaching(by, scope, "id")
    found = tx.query(statement, {**params, "key": wanted, "id": wanted, "slug": wanted})
    return from_project_row(found[0]) if found else None


def put_project(tx: Transaction, scope: Scope, project: Project) -> Project:
    """Insert, or update the project of the same id; the holder of a key that is taken is returned unchanged.

    Raises Forbidden when the scope does not reach the project, NotFound when its organization is not there, Conflict
    for a change to a slug that is taken; a new project's slug is numbered then.
    """
    if project.organization_id != scope.organization_id:
        raise NotFound("Organization", project.organization_id)
    if scope.projects is not None and project.id not in scope.projects:
        raise Forbidden("This credential is limited to its own projects")
    if get_organization(tx, id_=scope.organization_id) is None:
        raise NotFound("Organization", scope.organization_id)
    # The whole organization is looked through: whoever may rename a project must learn that the name is taken.
    whole = Scope(organization_id=scope.organization_id)
    for _ in range(_ATTEMPTS):
        holder = get_project(tx, whole, key=project.key)
        if holder is not None and holder.id != project.id:
            if scope.projects is not None and holder.id not in scope.projects:
                raise Conflict(f"The project key {project.key} is taken")
            return holder
        if get_project(tx, whole, id_=project.id) is not None:
            _update_project(tx, whole, project)
        elif not tx.execute(
            statements.INSERT_PROJECT, to_project_params(replace(project, slug=_free_slug(tx, project)))
        ):
            # Another caller has just made one of this key or slug.
            continue
        kept = get_project(tx, whole, id_=project.id)
        if kept is not None:
            return kept
    raise Conflict(f"The project {project.key} is being changed by others; try again")


def _update_project(tx: Transaction, whole: Scope, project: Project) -> None:
    holder = get_project(tx, whole, slug=project.slug)
    if holder is not None and holder.id != project.id:
        raise Conflict(f"The project slug {project.slug} is taken")
    tx.execute(statements.UPDATE_PROJECT, to_project_params(project))


def _free_slug(tx: Transaction, project: Project) -> str:
    params = {"organization_id": project.organization_id, "slug": project.slug, "length": len(project.slug)}
    taken = {slug for (slug,) in tx.query(statements.TAKEN_SLUGS, params)}
    numbered = (f"{project.slug}-{number}" for number in count(2))
    return project.slug if project.slug not in taken else next(slug for slug in numbered if slug not in taken)


# --- keys --------------------------------------------------------------------------------------


def add_key(tx: Transaction, scope: Scope, key: ApiKey) -> None:
    """Keep a new key. Raises NotFound (organization, project), Conflict (id)."""
    if key.organization_id != scope.organization_id or get_organization(tx, id_=key.organization_id) is None:
        raise NotFound("Organization", key.organization_id)
    if key.project_id is not None and get_project(tx, scope, id_=key.project_id) is None:
        raise NotFound("Project", key.project_id)
    if tx.execute(statements.INSERT_KEY, to_key_params(key)) == 0:
        raise Conflict(f"A key with the id {key.id} exists already")


def keys(tx: Transaction, scope: Scope) -> list[ApiKey]:
    """The keys of the scope, oldest first."""
    statement, params = reaching(statements.KEYS, scope, "project_id")
    return [from_key_row(row) for row in tx.query(statement, params)]


def keys_by_prefix(tx: Transaction, prefix: str) -> list[ApiKey]:
    """The unrevoked keys of all organizations with this prefix."""
    if not is_storable(prefix):
        return []
    return [from_key_row(row) for row in tx.query(statements.KEYS_BY_PREFIX, {"prefix": prefix})]


def touch_key(tx: Transaction, scope: Scope, key_id: str, at: datetime) -> None:
    """Record the last use of a key."""
    statement, params = reaching(statements.TOUCH_KEY, scope, "project_id")
    if is_storable(key_id):
        tx.execute(statement, {**params, "id": key_id, "at": to_micros(at)})


def revoke_key(tx: Transaction, scope: Scope, key_id: str, at: datetime) -> bool:
    """Whether there was an unrevoked key of this id."""
    statement, params = reaching(statements.REVOKE_KEY, scope, "project_id")
    return is_storable(key_id) and tx.execute(statement, {**params, "id": key_id, "at": to_micros(at)}) > 0


def reaching(statement: str, scope: Scope, column: str) -> tuple[str, Mapping[str, str | list[str]]]:
    """The statement with `{reach}` narrowed to rows whose `column` is a project of the scope, and its parameters."""
    if scope.projects is None:
        return statement.format(reach=""), {"organization_id": scope.organization_id}
    reach = f" AND {column} IN (:reach...)"
    return statement.format(reach=reach), {
        "organization_id": scope.organization_id,
        "reach": sorted(storable(scope.projects)),
    }
