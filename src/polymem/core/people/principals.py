"""Who calls, and what they reach: a presented secret becomes a principal, and a principal a scope, here and nowhere
else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from polymem.core.errors import Forbidden, InsufficientScope, InvalidInput, NotAuthenticated, NotFound, Refusal
from polymem.core.people import (
    ALL_PERMISSIONS,
    ApiKey,
    OrganizationRole,
    Permission,
    Principal,
    PrincipalKind,
    Scope,
    Seat,
    User,
    credentials,
)
from polymem.core.people.access import (
    ORGANIZATION_STANDINGS,
    Action,
    Authority,
    Standing,
    permissions_of,
    require,
    standings_of,
)
from polymem.core.people.applications import Grant, GrantTokenKind
from polymem.core.people.origins import is_within
from polymem.core.ports import Clock, Store

BEARERS = (credentials.PROJECT_KEY, credentials.ORGANIZATION_KEY, credentials.ACCOUNT_TOKEN)
"""The kinds of secrets that programs present. A browser's session travels in a cookie and is asked for by kind."""

_LAST_USED_RESOLUTION = timedelta(minutes=1)

# What the operator's own keys and the local owner are; keys do no more than the table gives keys.
_OF_EVERYTHING = {Standing.ORGANIZATION_OWNER}
_OF_PROJECT_KEY = {Standing.PROJECT_ADMIN}


class Access:
    """Turns a presented secret into a principal, and a principal into what it may reach.

    Nothing is remembered from one call to the next: a key revoked or a member removed is refused at once. `local` is
    the scope of a caller that presents no credential, or None where everybody must.
    """

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str], local: Scope | None) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._local = local

    # --- who calls ---------------------------------------------------------------------------

    async def principal_of(
        self,
        secret: str | None,
        kinds: Sequence[str] = BEARERS,
        *,
        anonymous: bool = True,
        door: str = "",
        audience: str | None = None,
    ) -> Principal:
        """Who presents this secret, which must be of one of these `kinds` (`credentials.KINDS`).

        Without one it is the local owner, if `anonymous` callers are let in. A door that knows the address it is
        called at names it as `audience`: then applications may call with a token that was granted for that address.
        Raises NotAuthenticated, with the reason, when the secret is wrong, expired, revoked or for another address,
        or missing where it is needed.
        """
        if secret is None:
            if self._local is None or not anonymous:
                raise NotAuthenticated("A credential is required", reason=Refusal.MISSING)
            return Principal(kind=PrincipalKind.LOCAL, organization_id=self._local.organization_id, door=door)
        kind, fingerprint = credentials.kind_of(secret), credentials.fingerprint(secret)
        if kind in kinds and kind in (credentials.PROJECT_KEY, credentials.ORGANIZATION_KEY):
            return await self._holder_of_key(*fingerprint, door)
        if kind in kinds and kind in (credentials.ACCOUNT_TOKEN, credentials.SESSION):
            return await self._holder_of_token(*fingerprint, door)
        if kind == credentials.GRANT_ACCESS and audience is not None:
            return await self._holder_of_grant(*fingerprint, door, audience)
        raise NotAuthenticated("The credential is not valid")

    async def principal_again(self, prefix: str, digest: str, *, door: str = "") -> Principal:
        """Who presented a secret before, of which only this is kept. Raises NotAuthenticated as for the secret."""
        kind = credentials.kind_of(prefix)
        if kind in (credentials.PROJECT_KEY, credentials.ORGANIZATION_KEY):
            return await self._holder_of_key(prefix, digest, door)
        return await self._holder_of_token(prefix, digest, door)

    async def _holder_of_key(self, prefix: str, digest: str, door: str) -> Principal:
        key = credentials.with_digest(await self._store.keys_by_prefix(prefix), digest)
        if key is None:
            raise NotAuthenticated("The credential is not valid")
        self._refuse_expired(key.expires_at)
        creator = None if key.creator_id is None else await self._active(key.creator_id)
        now = self._clock.now()
        if _is_due(key.last_used_at, now):
            await self._store.touch_key(Scope(organization_id=key.organization_id), key.id, now)
        return Principal(
            kind=PrincipalKind.ORGANIZATION_KEY if key.project_id is None else PrincipalKind.PROJECT_KEY,
            user=creator,
            key=key,
            organization_id=key.organization_id,
            project_id=key.project_id,
            permissions=key.permissions,
            door=door,
        )

    async def _holder_of_token(self, prefix: str, digest: str, door: str) -> Principal:
        token = credentials.with_digest(await self._store.people.tokens_by_prefix(prefix), digest)
        if token is None:
            raise NotAuthenticated("The credential is not valid")
        self._refuse_expired(token.expires_at)
        user = await self._active(token.user_id)
        now = self._clock.now()
        if _is_due(token.last_used_at, now):
            await self._store.people.touch_token(user.id, token.id, now)
        return Principal(kind=PrincipalKind.USER, user=user, token=token, door=door)

    async def _holder_of_grant(self, prefix: str, digest: str, door: str, audience: str) -> Principal:
        found = await self._store.grants.held(prefix)
        token = credentials.with_digest([one.token for one in found], digest)
        held = next((one for one in found if token is not None and one.token.id == token.id), None)
        if held is None or held.token.kind is not GrantTokenKind.ACCESS:
            raise NotAuthenticated("The credential is not valid")
        self._refuse_expired(held.token.expires_at)
        if not is_within(held.grant.resource, audience):
            raise NotAuthenticated("This token was issued for another server")
        user = await self._active(held.grant.user_id)
        now = self._clock.now()
        if _is_due(held.grant.last_used_at, now):
            scope = Scope(organization_id=held.grant.organization_id)
            await self._store.grants.touch(scope, held.grant.id, now)
        return self.principal_of_grant(held.grant, user, door=door, permissions=held.token.permissions)

    def principal_of_grant(
        self, grant: Grant, user: User | None, *, door: str = "", permissions: frozenset[Permission] | None = None
    ) -> Principal:
        """The application a grant was given to, with at most these `permissions`."""
        return Principal(
            kind=PrincipalKind.GRANT,
            user=user,
            grant=grant,
            organization_id=grant.organization_id,
            project_id=grant.project_id,
            permissions=grant.permissions if permissions is None else permissions,
            door=door,
        )

    async def _active(self, user_id: str) -> User:
        user = await self._store.people.user(id=user_id)
        if user is None or not user.active:
            raise NotAuthenticated("User account inactive", reason=Refusal.INACTIVE)
        return user

    def _refuse_expired(self, expires_at: datetime | None) -> None:
        if expires_at is not None and expires_at <= self._clock.now():
            raise NotAuthenticated("The credential has expired", reason=Refusal.EXPIRED)

    # --- what they may -----------------------------------------------------------------------

    async def authority(
        self, principal: Principal, *, organization: str | None = None, project: str | None = None
    ) -> Authority:
        """What the principal is to an organization (id or slug; left out, their own) or to a project (id or key).

        Raises NotFound for what the principal does not belong to, just as for what is not there; Forbidden for
        another project than a project key's own.
        """
        if project is not None:
            return await self._authority_over_project(principal, organization, project)
        if principal.user is not None:
            seat = await self._seat(principal, organization)
            standings = frozenset({ORGANIZATION_STANDINGS[seat.role]})
            return Authority(principal, _whole(principal, seat.organization.id), standings)
        organization_id = await self._own_organization(principal, organization)
        standings = frozenset(_OF_PROJECT_KEY if principal.project_id is not None else _OF_EVERYTHING)
        return Authority(principal, _whole(principal, organization_id), standings)

    async def _authority_over_project(self, principal: Principal, organization: str | None, project: str) -> Authority:
        only = principal.project_id
        if principal.user is not None:
            reach = await self._store.people.reach(principal.user.id, project)
            if reach is None:
                organization_id = (await self._seat(principal, organization)).organization.id
                found = await self._store.project(Scope(organization_id=organization_id), key=project)
                reach = None if found is None else await self._store.people.reach(principal.user.id, found.id)
            elif organization is not None:
                await self._seat_of(principal, reach.project.organization_id, organization)
            if only is not None and (reach is None or reach.project.id != only):
                raise Forbidden("This credential is limited to its own project")
            if reach is None or principal.organization_id not in (None, reach.project.organization_id):
                raise NotFound("Project", project)
            scope = _whole(principal, reach.project.organization_id)
            return Authority(principal, scope, standings_of(reach, principal.user.id), reach.project)
        scope = _whole(principal, await self._own_organization(principal, organization))
        kept = await self._store.project(scope, id=project) or await self._store.project(scope, key=project)
        if only is not None and (kept is None or kept.id != only):
            raise Forbidden("This credential is limited to its own project")
        if kept is None:
            raise NotFound("Project", project)
        return Authority(principal, scope, frozenset(_OF_PROJECT_KEY if only is not None else _OF_EVERYTHING), kept)

    async def _seat_of(self, principal: Principal, organization_id: str, wanted: str) -> None:
        seat = await self._seat(principal, wanted)
        if seat.organization.id != organization_id:
            raise NotFound("Organization", wanted)

    async def _seat(self, principal: Principal, wanted: str | None) -> Seat:
        assert principal.user is not None
        if principal.organization_id is not None and wanted is None:
            wanted = principal.organization_id
        if wanted is not None:
            seat = await self._store.people.seat(principal.user.id, wanted)
            if seat is None or principal.organization_id not in (None, seat.organization.id):
                raise NotFound("Organization", wanted)
            return seat
        seats = await self._store.people.seats(principal.user.id)
        if not seats:
            raise Forbidden("This account belongs to no organization yet: make one, or accept an invitation")
        owned = [seat for seat in seats if seat.role is OrganizationRole.OWNER]
        if len(seats) > 1 and len(owned) != 1:
            raise InvalidInput("This account belongs to several organizations: name one", field="organization")
        return owned[0] if owned else seats[0]

    async def _own_organization(self, principal: Principal, wanted: str | None) -> str:
        own = principal.organization_id
        assert own is not None
        if wanted is not None and wanted != own:
            named = await self._store.organization(slug=wanted)
            if named is None or named.id != own:
                raise NotFound("Organization", wanted)
        return own

    async def scope_for(
        self,
        principal: Principal,
        *,
        project: str | None = None,
        organization: str | None = None,
        permission: Permission | None = None,
    ) -> Scope:
        """What of the memories the principal reaches: the predicate of every statement of a call.

        With `project` (id or key) that project alone. Otherwise all of the organization's that they reach; memories
        of no project only where they reach the whole organization. `permission` asks for the projects where they
        have it; left out, the scope allows what they may do in every project they can read. Raises NotFound,
        Forbidden, InvalidInput (the account has several organizations and none was named).
        """
        if permission is not None and principal.grant is not None and permission not in principal.permissions:
            raise InsufficientScope(permission.value)
        if project is None:
            project = principal.project_id
        if project is not None:
            return await self._scope_of_project(principal, organization, project, permission)
        authority = await self.authority(principal, organization=organization)
        if Standing.ORGANIZATION_OWNER in authority.standings:
            scope = replace(authority.scope, permissions=principal.permissions)
        else:
            scope = await self._scope_of_reaches(principal, authority.scope, permission)
        if permission is not None:
            require(scope, permission)
        return scope

    async def _scope_of_project(
        self, principal: Principal, organization: str | None, project: str, permission: Permission | None
    ) -> Scope:
        try:
            authority = await self.authority(principal, organization=organization, project=project)
        except NotFound:
            if principal.project_id is None:
                raise
            # The key is there and so is its project: its creator has left the organization.
            raise Forbidden("Access denied - project membership revoked", action=Action.SEE_PROJECT.value) from None
        assert authority.project is not None
        if not authority.permissions:
            reason = (
                "project membership revoked" if principal.project_id is not None else "not a member of this project"
            )
            raise Forbidden(f"Access denied - {reason}", action=Action.SEE_PROJECT.value)
        scope = replace(authority.scope, projects=frozenset({authority.project.id}), permissions=authority.permissions)
        if permission is not None:
            require(scope, permission)
        return scope

    async def _scope_of_reaches(self, principal: Principal, whole: Scope, permission: Permission | None) -> Scope:
        assert principal.user is not None
        allowed = {
            reach.project.id: permissions_of(standings_of(reach, principal.user.id)) & principal.permissions
            for reach in await self._store.people.reaches(principal.user.id, whole.organization_id)
        }
        wanted = permission or Permission.READ
        reached = {id_: permissions for id_, permissions in allowed.items() if wanted in permissions}
        common = frozenset.intersection(*reached.values()) if reached else principal.permissions & {Permission.READ}
        return replace(whole, projects=frozenset(reached), permissions=common)

    async def scope_of(self, secret: str | None, *, anonymous: bool = True) -> Scope:
        """The scope of a presented secret; without one the local owner's, if `anonymous` callers are let in.

        Raises as `principal_of` and `scope_for`.
        """
        return await self.scope_for(await self.principal_of(secret, anonymous=anonymous))

    # --- keys of a scope ---------------------------------------------------------------------

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

        Raises NotFound (project), InvalidInput, Forbidden (more rights than the maker has).
        """
        require(scope, Permission.WRITE)
        return await self.issue_key(scope, name, project_id=project_id, permissions=permissions, expires_in=expires_in)

    async def issue_key(
        self,
        scope: Scope,
        name: str,
        *,
        project_id: str | None,
        permissions: frozenset[Permission],
        expires_in: timedelta | None,
    ) -> tuple[ApiKey, str]:
        """As `create_key`, for callers who may only read too: such a key cannot do more than they."""
        if not permissions or not permissions <= scope.permissions:
            raise Forbidden("A key needs at least one permission and cannot have more than its maker")
        if expires_in is not None and expires_in <= timedelta(0):
            raise InvalidInput("A key must expire in the future", field="expires_in_days")
        if project_id is None and scope.projects is not None:
            raise Forbidden("This credential is limited to its own project")
        if project_id is not None and await self._store.project(scope, id=project_id) is None:
            raise NotFound("Project", project_id)
        secret = credentials.new_secret(credentials.ORGANIZATION_KEY if project_id is None else credentials.PROJECT_KEY)
        now = self._clock.now()
        key = ApiKey(
            id=self._new_id(),
            organization_id=scope.organization_id,
            project_id=project_id,
            name=name,
            prefix=credentials.prefix(secret),
            digest=credentials.digest(secret),
            permissions=permissions,
            created_at=now,
            expires_at=None if expires_in is None else now + expires_in,
            creator_id=scope.user_id,
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


def account_of(principal: Principal, *, itself: bool = False) -> User:
    """The account behind a call; with `itself` a key does not do. Raises Forbidden without one."""
    if principal.user is None or (itself and principal.is_delegate):
        raise Forbidden("This needs an account: log in, or send an account token")
    return principal.user


def _whole(principal: Principal, organization_id: str) -> Scope:
    user_id = None if principal.user is None else principal.user.id
    return Scope(organization_id=organization_id, actor=principal.actor, user_id=user_id)


def _is_due(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at > _LAST_USED_RESOLUTION
