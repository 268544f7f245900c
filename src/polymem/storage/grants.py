"""Applications, grants and their tokens in the database: `core.ports_grants.GrantStore` in portable SQL."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from polymem.core.errors import NotFound
from polymem.core.people import Permission, Scope
from polymem.core.people.applications import Application, Grant, GrantToken, GrantTokenKind, Held
from polymem.storage.backend import EVERY_ORGANIZATION, NO_ORGANIZATION, Backend, Params, Row, Transaction
from polymem.storage.people import get_project
from polymem.storage.rows import from_micros, from_optional_micros, is_storable, to_micros, to_optional_micros

_SPENT_KEPT = timedelta(days=90)
"""How long a spent or expired token is remembered, so that its second coming is noticed."""

_APPLICATION = "id, name, redirect_uris, uri, created_at"
_GRANT = (
    "id", "organization_id", "user_id", "project_id", "application_id", "application_name", "permissions", "resource",
    "created_at", "last_used_at",
)  # fmt: skip
_TOKEN = (
    "id", "grant_id", "organization_id", "kind", "prefix", "digest", "permissions", "created_at", "expires_at",
    "spent_at", "challenge", "redirect_uri", "redirect_named",
)  # fmt: skip


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"


FORGET_APPLICATIONS = """
DELETE FROM applications WHERE created_at < :before
AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.application_id = applications.id)"""
"""Removes those that nobody granted anything."""

COUNT_APPLICATIONS = "SELECT count(*) FROM applications"
"""How many are registered."""

INSERT_APPLICATION = f"INSERT INTO applications ({_APPLICATION}) VALUES (:id, :name, :redirect_uris, :uri, :created_at)"
"""A new application; it is nobody's."""

APPLICATION = f"SELECT {_APPLICATION} FROM applications WHERE id = :id"
"""The application of an id."""

INSERT_GRANT = _insert("grants", _GRANT)
"""A new grant; `organization_id` is among the columns."""

INSERT_TOKEN = _insert("grant_tokens", _TOKEN)
"""A new secret of a grant; `organization_id` is among the columns."""

HELD = f"""
SELECT {", ".join(f"t.{name}" for name in _TOKEN)}, {", ".join(f"g.{name}" for name in _GRANT)}
FROM grant_tokens t JOIN grants g ON g.organization_id = t.organization_id AND g.id = t.grant_id
WHERE t.prefix = :prefix"""
"""The secrets of a prefix, of any organization, with their grants: how a credential finds its scope."""

SPEND = """
UPDATE grant_tokens SET spent_at = :at
WHERE organization_id = :organization_id AND id = :id AND spent_at IS NULL"""
"""Marks a secret as exchanged, if it was not."""

GRANT_OF_TOKEN = "SELECT grant_id FROM grant_tokens WHERE organization_id = :organization_id AND id = :id"
"""Which grant a secret is of."""

END_ACCESS = """
DELETE FROM grant_tokens WHERE organization_id = :organization_id AND grant_id = :grant_id
AND (kind = 'access' OR expires_at < :before)"""
"""Removes a grant's access tokens, and what is long over."""

TOUCH = "UPDATE grants SET last_used_at = :at WHERE organization_id = :organization_id AND id = :id"
"""Records a use."""

REVOKE = "DELETE FROM grants WHERE organization_id = :organization_id AND id = :id"
"""Ends a grant; its tokens go with it."""

REVOKE_OF_MEMBER = "DELETE FROM grants WHERE organization_id = :organization_id AND user_id = :user_id"
"""Ends what an account granted in an organization."""

OF_USER = f"SELECT {', '.join(_GRANT)} FROM grants WHERE user_id = :user_id ORDER BY created_at DESC, id DESC"
"""What an account granted, in any organization: it is its own."""


class SqlGrants:
    """The applications' part of the store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def add_application(self, application: Application, *, most: int, unused_since: datetime) -> bool:
        return await self._backend.write(
            # Whether somebody granted an application something is written in rows of every organization.
            EVERY_ORGANIZATION,
            lambda tx: _add_application(tx, application, most, unused_since),
        )

    async def application(self, application_id: str) -> Application | None:
        if not is_storable(application_id):
            return None
        rows = await self._backend.read(NO_ORGANIZATION, lambda tx: tx.query(APPLICATION, {"id": application_id}))
        return _application(rows[0]) if rows else None

    async def add_grant(self, scope: Scope, grant: Grant, code: GrantToken) -> None:
        of = {"organization_id": scope.organization_id}

        def add(tx: Transaction) -> None:
            if grant.project_id is not None and get_project(tx, scope, id_=grant.project_id) is None:
                raise NotFound("Project", grant.project_id)
            tx.execute(INSERT_GRANT, _grant_params(grant) | of)
            tx.execute(INSERT_TOKEN, _token_params(code) | of)

        await self._backend.write(scope.organization_id, add)

    async def held(self, prefix: str) -> list[Held]:
        if not is_storable(prefix):
            return []
        rows = await self._backend.read(EVERY_ORGANIZATION, lambda tx: tx.query(HELD, {"prefix": prefix}))
        return [Held(_token(row[: len(_TOKEN)]), _grant(row[len(_TOKEN) :])) for row in rows]

    async def exchange(self, scope: Scope, token_id: str, tokens: Sequence[GrantToken], at: datetime) -> bool:
        if not is_storable(token_id):
            return False
        return await self._backend.write(scope.organization_id, lambda tx: _exchange(tx, scope, token_id, tokens, at))

    async def touch(self, scope: Scope, grant_id: str, at: datetime) -> None:
        if is_storable(grant_id):
            params = {"organization_id": scope.organization_id, "id": grant_id, "at": to_micros(at)}
            await self._backend.write(scope.organization_id, lambda tx: tx.execute(TOUCH, params))

    async def revoke(self, scope: Scope, grant_id: str) -> bool:
        if not is_storable(grant_id):
            return False
        params = {"organization_id": scope.organization_id, "id": grant_id}
        return await self._backend.write(scope.organization_id, lambda tx: tx.execute(REVOKE, params) == 1)

    async def of_user(self, user_id: str) -> list[Grant]:
        if not is_storable(user_id):
            return []
        rows = await self._backend.read(EVERY_ORGANIZATION, lambda tx: tx.query(OF_USER, {"user_id": user_id}))
        return [_grant(row) for row in rows]


def _add_application(tx: Transaction, application: Application, most: int, unused_since: datetime) -> bool:
    tx.execute(FORGET_APPLICATIONS, {"before": to_micros(unused_since)})
    ((count,),) = tx.query(COUNT_APPLICATIONS, {})
    if count >= most:
        return False
    params = {
        "id": application.id,
        "name": application.name,
        "redirect_uris": json.dumps(application.redirect_uris),
        "uri": application.uri,
        "created_at": to_micros(application.created_at),
    }
    tx.execute(INSERT_APPLICATION, params)
    return True


def _exchange(tx: Transaction, scope: Scope, token_id: str, tokens: Sequence[GrantToken], at: datetime) -> bool:
    of = {"organization_id": scope.organization_id}
    if tx.execute(SPEND, {**of, "id": token_id, "at": to_micros(at)}) == 0:
        return False
    ((grant_id,),) = tx.query(GRANT_OF_TOKEN, {**of, "id": token_id})
    tx.execute(END_ACCESS, {**of, "grant_id": grant_id, "before": to_micros(at - _SPENT_KEPT)})
    for token in tokens:
        tx.execute(INSERT_TOKEN, _token_params(token) | of | {"grant_id": grant_id})
    return True


def _application(row: Row) -> Application:
    id_, name, redirect_uris, uri, created_at = row
    return Application(
        id=id_, name=name, redirect_uris=tuple(json.loads(redirect_uris)), uri=uri, created_at=from_micros(created_at)
    )


def _grant_params(grant: Grant) -> dict[str, object]:
    return {name: getattr(grant, name) for name in _GRANT} | {
        "permissions": _to_text(grant.permissions),
        "created_at": to_micros(grant.created_at),
        "last_used_at": to_optional_micros(grant.last_used_at),
    }


def _grant(row: Row) -> Grant:
    values = dict(zip(_GRANT, row, strict=True))
    return Grant(
        **values
        | {
            "permissions": _from_text(values["permissions"]),
            "created_at": from_micros(values["created_at"]),
            "last_used_at": from_optional_micros(values["last_used_at"]),
        }
    )


def _token_params(token: GrantToken) -> dict[str, object]:
    return {name: getattr(token, name) for name in _TOKEN} | {
        "kind": token.kind.value,
        "permissions": _to_text(token.permissions),
        "created_at": to_micros(token.created_at),
        "expires_at": to_micros(token.expires_at),
        "spent_at": to_optional_micros(token.spent_at),
        "redirect_named": int(token.redirect_named),
    }


def _token(row: Row) -> GrantToken:
    values = dict(zip(_TOKEN, row, strict=True))
    return GrantToken(
        **values
        | {
            "kind": GrantTokenKind(values["kind"]),
            "permissions": _from_text(values["permissions"]),
            "created_at": from_micros(values["created_at"]),
            "expires_at": from_micros(values["expires_at"]),
            "spent_at": from_optional_micros(values["spent_at"]),
            "redirect_named": bool(values["redirect_named"]),
        }
    )


def _to_text(permissions: frozenset[Permission]) -> str:
    return ",".join(sorted(permissions))


def _from_text(text: str) -> frozenset[Permission]:
    return frozenset(Permission(name) for name in text.split(",") if name)


def revoke_of_member(tx: Transaction, params: Params) -> int:
    """End what an account granted in an organization; how many grants."""
    return tx.execute(REVOKE_OF_MEMBER, {name: params[name] for name in ("organization_id", "user_id")})
