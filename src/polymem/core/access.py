"""Who may do what: credentials become a scope here and nowhere else."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta

from polymem.core.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound
from polymem.core.people import ALL_PERMISSIONS, ApiKey, Permission, Scope
from polymem.core.ports import Clock, Store

ORGANIZATION_KEY = "mk_"
PROJECT_KEY = "sk_im_"
_PREFIX_CHARACTERS = 8
_LAST_USED_RESOLUTION = timedelta(minutes=1)


def require(scope: Scope, permission: Permission) -> None:
    """Raises Forbidden unless the scope carries `permission`."""
    if permission not in scope.permissions:
        raise Forbidden(f"This credential does not allow to {permission.value}")


class Access:
    """Issues keys and turns a presented one into a scope.

    `local` is the scope of a caller that presents no credential, or None where everybody must.
    """

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str], local: Scope | None) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._local = local

    async def scope_of(self, secret: str | None, *, anonymous: bool = True) -> Scope:
        """The scope of a presented secret; without one the local owner's, if `anonymous` callers are let in.

        Raises NotAuthenticated when the secret is wrong, expired or revoked, or missing where it is needed.
        """
        if secret is None:
            if self._local is None or not anonymous:
                raise NotAuthenticated("A credential is required")
            return self._local
        key = await self._key_of(secret)
        if key is None:
            raise NotAuthenticated("The credential is not valid")
        now = self._clock.now()
        scope = Scope(
            organization_id=key.organization_id,
            projects=None if key.project_id is None else frozenset({key.project_id}),
            permissions=key.permissions,
            actor=f"key:{key.id}",
        )
        if key.last_used_at is None or now - key.last_used_at > _LAST_USED_RESOLUTION:
            await self._store.touch_key(scope, key.id, now)
        return scope

    async def _key_of(self, secret: str) -> ApiKey | None:
        presented = _digest(secret)
        found = None
        for key in await self._store.keys_by_prefix(_prefix(secret)):
            # Every key under the prefix is compared, and in constant time: the time taken tells nothing.
            if hmac.compare_digest(key.digest, presented):
                found = key
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock.now()):
            return None
        return found

    async def create_key(
        self,
        scope: Scope,
        name: str,
        *,
        project_id: str | None = None,
        permissions: frozenset[Permission] = ALL_PERMISSIONS,
        expires_in: timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is not kept and cannot be shown again.

        A random secret of 256 bits needs no slow hash: SHA-256 of it cannot be searched.
        Raises NotFound (project), InvalidInput, Forbidden (more rights than the maker has).
        """
        require(scope, Permission.WRITE)
        if not permissions or not permissions <= scope.permissions:
            raise Forbidden("A key needs at least one permission and cannot have more than its maker")
        if expires_in is not None and expires_in <= timedelta(0):
            raise InvalidInput("A key must expire in the future", field="expires_in_days")
        if project_id is None and scope.projects is not None:
            raise Forbidden("This credential is limited to its own project")
        if project_id is not None and await self._store.project(scope, id=project_id) is None:
            raise NotFound("Project", project_id)
        secret = (ORGANIZATION_KEY if project_id is None else PROJECT_KEY) + secrets.token_urlsafe(32)
        now = self._clock.now()
        key = ApiKey(
            id=self._new_id(),
            organization_id=scope.organization_id,
            project_id=project_id,
            name=name,
            prefix=_prefix(secret),
            digest=_digest(secret),
            permissions=permissions,
            created_at=now,
            expires_at=None if expires_in is None else now + expires_in,
        )
        await self._store.add_key(scope, key)
        return key, secret

    async def keys(self, scope: Scope) -> list[ApiKey]:
        """The organization's keys, revoked ones included; never their secrets."""
        require(scope, Permission.READ)
        return await self._store.keys(scope)

    async def revoke_key(self, scope: Scope, key_id: str) -> None:
        """Takes effect with the next request. Raises NotFound."""
        require(scope, Permission.WRITE)
        if not await self._store.revoke_key(scope, key_id, self._clock.now()):
            raise NotFound("Key", key_id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _prefix(secret: str) -> str:
    kind = next((kind for kind in (PROJECT_KEY, ORGANIZATION_KEY) if secret.startswith(kind)), "")
    return secret[: len(kind) + _PREFIX_CHARACTERS]
