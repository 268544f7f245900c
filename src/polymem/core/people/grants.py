"""Letting applications in: consent, codes, tokens and their ends (OAuth 2.1; RFC 6749, RFC 7009, RFC 8707)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from polymem.core.checks import check_name
from polymem.core.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound, Unavailable
from polymem.core.people import Permission, Principal, Scope, credentials
from polymem.core.people.access import Action
from polymem.core.people.applications import Application, Grant, GrantToken, GrantTokenKind, Held, Issued
from polymem.core.people.audit import Audit
from polymem.core.people.principals import Access, account_of
from polymem.core.ports import Clock, Store

CODE_LIFETIME = timedelta(minutes=2)
ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_LIFETIME = timedelta(days=60)
"""How long a refresh token lasts; each exchange gives a new one."""

MOST_APPLICATIONS = 5000
MOST_REDIRECTS = 20
_UNUSED = timedelta(days=1)
"""How long an application stays registered that nobody granted anything."""

_KINDS = {
    GrantTokenKind.CODE: credentials.GRANT_CODE,
    GrantTokenKind.ACCESS: credentials.GRANT_ACCESS,
    GrantTokenKind.REFRESH: credentials.GRANT_REFRESH,
}


class Grants:
    """What people grant to applications, and what becomes of it."""

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str], access: Access, audit: Audit) -> None:
        self._store = store
        self._grants = store.grants
        self._clock = clock
        self._new_id = new_id
        self._access = access
        self._audit = audit

    # --- applications ------------------------------------------------------------------------

    async def register(self, name: str, redirect_uris: tuple[str, ...], uri: str | None = None) -> Application:
        """A new application under an id of its own. Raises InvalidInput, Unavailable (there are too many)."""
        check_name("client_name", name)
        if not 1 <= len(redirect_uris) <= MOST_REDIRECTS:
            raise InvalidInput(f"redirect_uris must hold 1 to {MOST_REDIRECTS} addresses", field="redirect_uris")
        now = self._clock.now()
        application = Application(id=self._new_id(), name=name, redirect_uris=redirect_uris, uri=uri, created_at=now)
        if not await self._grants.add_application(application, most=MOST_APPLICATIONS, unused_since=now - _UNUSED):
            raise Unavailable("Too many applications are registered; try again tomorrow")
        return application

    async def application(self, application_id: str) -> Application | None:
        """The registered one of an id."""
        return await self._grants.application(application_id)

    # --- consent -----------------------------------------------------------------------------

    async def consent(
        self,
        principal: Principal,
        application: Application,
        *,
        permissions: frozenset[Permission],
        resource: str,
        challenge: str,
        redirect_uri: str,
        redirect_named: bool = True,
        organization: str | None = None,
        project: str | None = None,
    ) -> str:
        """Grant an application what one has in a project or, without one, in an organization; the code for it.

        Raises NotFound (organization, project), Forbidden (only people grant, and only what they have), InvalidInput.
        """
        user = account_of(principal, itself=True)
        if not permissions:
            raise InvalidInput("Nothing was granted", field="scope")
        authority = await self._access.authority(principal, organization=organization, project=project)
        if authority.project is not None:
            authority.require(Action.SEE_PROJECT)
            if not permissions <= authority.permissions:
                raise Forbidden("Nobody can grant more than they have", action=Action.SEE_PROJECT.value)
        now = self._clock.now()
        grant = Grant(
            id=self._new_id(),
            organization_id=authority.scope.organization_id,
            user_id=user.id,
            project_id=None if authority.project is None else authority.project.id,
            application_id=application.id,
            application_name=application.name,
            permissions=permissions,
            resource=resource,
            created_at=now,
        )
        code, secret = self._new(grant, GrantTokenKind.CODE, permissions, CODE_LIFETIME)
        code = replace(code, challenge=challenge, redirect_uri=redirect_uri, redirect_named=redirect_named)
        await self._grants.add_grant(authority.scope, grant, code)
        await self._audit.record(
            principal,
            authority.scope,
            "grant.created",
            "grant",
            grant.id,
            application=grant.application_name,
            project=grant.project_id,
            permissions=sorted(permissions),
        )
        return secret

    # --- tokens ------------------------------------------------------------------------------

    async def held(self, secret: str, kind: GrantTokenKind) -> Held | None:
        """The valid secret of this kind, None for any other. One that was spent before ends its grant: it is in two
        hands, and nobody can tell whose they are (RFC 6749 §10.4, RFC 9700 §4.14)."""
        if credentials.kind_of(secret) != _KINDS[kind]:
            return None
        digest = credentials.digest(secret)
        found = await self._grants.held(credentials.prefix(secret))
        token = credentials.with_digest([one.token for one in found], digest)
        held = next((one for one in found if token is not None and one.token.id == token.id), None)
        if held is None:
            return None
        if held.token.spent_at is not None:
            await self._end(held.grant, "grant.reuse_detected")
            return None
        return None if held.token.expires_at <= self._clock.now() else held

    async def exchange(self, held: Held, permissions: frozenset[Permission] | None = None) -> Issued:
        """The next two tokens for a code or a refresh token, the access token with at most these `permissions`.

        Raises NotAuthenticated when another call was faster with it: then the grant ends.
        """
        mine = held.token.permissions if permissions is None else held.token.permissions & permissions
        access, access_secret = self._new(held.grant, GrantTokenKind.ACCESS, mine, ACCESS_LIFETIME)
        # What an access token left out, the next one may have again: it was granted.
        refresh, refresh_secret = self._new(
            held.grant, GrantTokenKind.REFRESH, held.token.permissions, REFRESH_LIFETIME
        )
        scope = Scope(organization_id=held.grant.organization_id)
        if not await self._grants.exchange(scope, held.token.id, [access, refresh], self._clock.now()):
            await self._end(held.grant, "grant.reuse_detected")
            raise NotAuthenticated("This token was used before; the grant has ended")
        return Issued(access_secret, refresh_secret, int(ACCESS_LIFETIME.total_seconds()), mine)

    async def end(self, held: Held) -> None:
        """End a grant by one of its own secrets."""
        await self._end(held.grant, "grant.revoked")

    async def _end(self, grant: Grant, action: str) -> None:
        scope = Scope(organization_id=grant.organization_id, user_id=grant.user_id)
        if await self._grants.revoke(scope, grant.id):
            owner = await self._store.people.user(id=grant.user_id)
            principal = self._access.principal_of_grant(grant, owner, door="oauth")
            name = grant.application_name
            await self._audit.record(principal, scope, action, "grant", grant.id, application=name)

    def _new(
        self, grant: Grant, kind: GrantTokenKind, permissions: frozenset[Permission], lifetime: timedelta
    ) -> tuple[GrantToken, str]:
        secret = credentials.new_secret(_KINDS[kind])
        now = self._clock.now()
        token = GrantToken(
            id=self._new_id(),
            grant_id=grant.id,
            organization_id=grant.organization_id,
            kind=kind,
            prefix=credentials.prefix(secret),
            digest=credentials.digest(secret),
            permissions=permissions,
            created_at=now,
            expires_at=now + lifetime,
        )
        return token, secret

    # --- what was granted --------------------------------------------------------------------

    async def all(self, principal: Principal) -> list[Grant]:
        """What the caller's account has granted, newest first. Raises Forbidden (not an account itself)."""
        return await self._grants.of_user(account_of(principal, itself=True).id)

    async def revoke(self, principal: Principal, grant_id: str) -> None:
        """Take back what the caller's account has granted: its tokens are refused from the next request on.

        Raises NotFound (kind "Grant"), Forbidden.
        """
        user = account_of(principal, itself=True)
        grant = next((one for one in await self._grants.of_user(user.id) if one.id == grant_id), None)
        if grant is None:
            raise NotFound("Grant", grant_id)
        scope = Scope(organization_id=grant.organization_id, user_id=user.id, actor=principal.actor)
        await self._grants.revoke(scope, grant.id)
        name = grant.application_name
        await self._audit.record(principal, scope, "grant.revoked", "grant", grant.id, application=name)
