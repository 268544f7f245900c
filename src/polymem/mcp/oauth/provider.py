"""What the SDK's endpoints ask: who applications are, and what becomes of codes and tokens."""

import re
from dataclasses import dataclass
from datetime import datetime

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    TokenError,
)
from mcp.shared.auth import InvalidRedirectUriError, OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl, ConfigDict

from polymem.core import Core
from polymem.core.errors import InvalidInput, NotAuthenticated
from polymem.core.people import Permission
from polymem.core.people.applications import (
    SCOPES,
    Application,
    GrantTokenKind,
    Held,
    Issued,
    from_permissions,
    to_permissions,
)
from polymem.core.people.origins import canonical, is_within
from polymem.mcp.oauth.client_documents import MOST_CHARACTERS, ClientDocuments, UnusableDocument
from polymem.mcp.oauth.redirects import is_allowed_redirect, is_same_place
from polymem.mcp.oauth.requests import ConsentRequest, Requests

OFFLINE = "offline_access"
"""A scope that clients ask for to get refresh tokens, which are always given."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MOST_STATE = 4000


class Client(OAuthClientInformationFull):
    """An application, as the SDK knows it."""

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        """The place to send the answer to. Raises InvalidRedirectUriError."""
        if redirect_uri is None:
            return super().validate_redirect_uri(None)
        if any(is_same_place(str(one), str(redirect_uri)) for one in self.redirect_uris or ()):
            return redirect_uri
        raise InvalidRedirectUriError(f"Redirect URI '{redirect_uri}' not registered for client")


class Code(AuthorizationCode):
    """A code that was presented, and what is kept of it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    held: Held


class Refresh(RefreshToken):
    """A refresh token that was presented, and what is kept of it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    held: Held


@dataclass(frozen=True, slots=True)
class Provider(OAuthAuthorizationServerProvider[Code, Refresh, AccessToken]):
    """Answers for the server at `origin`."""

    core: Core
    origin: str
    documents: ClientDocuments
    requests: Requests

    # --- applications ------------------------------------------------------------------------

    async def get_client(self, client_id: str) -> Client | None:
        """The application of an id, None for none."""
        application = await self.application(client_id)
        return None if application is None else to_client(application)

    async def application(self, client_id: str) -> Application | None:
        """The same, in the core's words."""
        if client_id.startswith("https:"):
            try:
                return await self.documents.get(client_id)
            except UnusableDocument:
                return None
        return await self.core.grants.application(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Keep an application that registers itself, as one without a secret: what it would prove by one, the verifier
        proves. Raises RegistrationError."""
        redirects = tuple(str(uri) for uri in client_info.redirect_uris or ())
        if not all(map(is_allowed_redirect, redirects)):
            raise RegistrationError(
                "invalid_redirect_uri", "redirect_uris must be https, http on this machine, or of a scheme of your own"
            )
        name = (client_info.client_name or "").strip()
        if not name.isprintable() or len(name) > MOST_CHARACTERS:
            raise RegistrationError("invalid_client_metadata", "client_name must be a short, printable text")
        uri = None if client_info.client_uri is None else str(client_info.client_uri)
        try:
            application = await self.core.grants.register(name or "An application without a name", redirects, uri)
        except InvalidInput as error:
            raise RegistrationError("invalid_client_metadata", str(error)) from None
        client_info.client_id = application.id
        client_info.client_secret = client_info.client_secret_expires_at = None
        client_info.token_endpoint_auth_method = "none"
        client_info.grant_types = ["authorization_code", "refresh_token"]
        client_info.response_types = ["code"]
        client_info.scope = " ".join(SCOPES.values())

    # --- codes -------------------------------------------------------------------------------

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Where somebody is asked for their consent. Raises AuthorizeError."""
        if not _CHALLENGE.fullmatch(params.code_challenge):
            raise AuthorizeError("invalid_request", "code_challenge must be the SHA-256 of a verifier in base64url")
        if len(params.state or "") > _MOST_STATE:
            raise AuthorizeError("invalid_request", f"state is longer than {_MOST_STATE} characters")
        resource = self.resource(params.resource)
        if resource is None:
            raise AuthorizeError("invalid_target", "resource is not an address of this server")
        permissions = frozenset(Permission) if params.scopes is None else to_permissions(params.scopes)
        if not permissions:
            raise AuthorizeError("invalid_scope", f"scope must name at least one of {' '.join(SCOPES.values())}")
        request = ConsentRequest(
            application_id=client.client_id,
            application_name=client.client_name or client.client_id,
            permissions=permissions,
            resource=resource,
            challenge=params.code_challenge,
            redirect_uri=str(params.redirect_uri),
            redirect_named=params.redirect_uri_provided_explicitly,
            state=params.state,
        )
        return f"{self.origin}/oauth/consent?request={await self.requests.sealed(request)}"

    def resource(self, named: str | None) -> str | None:
        """The resource that is meant, in its canonical form; None for one that is not of this server."""
        if named is None:
            return f"{self.origin}/mcp"
        try:
            resource = canonical(named)
        except ValueError:
            return None
        return resource if is_within(resource, self.origin) else None

    async def load_authorization_code(self, client: OAuthClientInformationFull, authorization_code: str) -> Code | None:
        """What a code stands for, None if it is not valid for this client."""
        held = await self._held(client, authorization_code, GrantTokenKind.CODE)
        if held is None:
            return None
        return Code(
            code=authorization_code,
            scopes=from_permissions(held.token.permissions),
            expires_at=held.token.expires_at.timestamp(),
            client_id=held.grant.application_id,
            code_challenge=held.token.challenge,
            redirect_uri=AnyUrl(held.token.redirect_uri),
            redirect_uri_provided_explicitly=held.token.redirect_named,
            resource=held.grant.resource,
            subject=held.grant.user_id,
            held=held,
        )

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: Code
    ) -> OAuthToken:
        """The first tokens. Raises TokenError."""
        return await self._exchanged(authorization_code.held, None)

    # --- tokens ------------------------------------------------------------------------------

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> Refresh | None:
        """What a refresh token stands for, None if it is not valid for this client."""
        held = await self._held(client, refresh_token, GrantTokenKind.REFRESH)
        if held is None:
            return None
        return Refresh(
            token=refresh_token,
            client_id=held.grant.application_id,
            scopes=[*from_permissions(held.token.permissions), OFFLINE],
            expires_at=_seconds(held.token.expires_at),
            resource=held.grant.resource,
            subject=held.grant.user_id,
            held=held,
        )

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: Refresh, scopes: list[str]
    ) -> OAuthToken:
        """The next tokens. Raises TokenError."""
        permissions = to_permissions(scopes)
        if not permissions:
            raise TokenError("invalid_scope", f"scope must name at least one of {' '.join(SCOPES.values())}")
        return await self._exchanged(refresh_token.held, permissions)

    async def load_access_token(self, token: str) -> AccessToken | None:
        """What an access token stands for, None if it is not valid."""
        held = await self.core.grants.held(token, GrantTokenKind.ACCESS)
        if held is None:
            return None
        return AccessToken(
            token=token,
            client_id=held.grant.application_id,
            scopes=from_permissions(held.token.permissions),
            expires_at=_seconds(held.token.expires_at),
            resource=held.grant.resource,
            subject=held.grant.user_id,
        )

    async def revoke_token(self, token: AccessToken | Refresh) -> None:
        """End the grant that a token is of."""
        for kind in (GrantTokenKind.ACCESS, GrantTokenKind.REFRESH):
            held = await self.core.grants.held(token.token, kind)
            if held is not None:
                await self.core.grants.end(held)

    async def _held(self, client: OAuthClientInformationFull, secret: str, kind: GrantTokenKind) -> Held | None:
        held = await self.core.grants.held(secret, kind)
        return held if held is not None and held.grant.application_id == client.client_id else None

    async def _exchanged(self, held: Held, permissions: frozenset[Permission] | None) -> OAuthToken:
        if not is_within(held.grant.resource, self.origin):
            raise TokenError("invalid_target", "This was granted for another address of the server")
        try:
            issued: Issued = await self.core.grants.exchange(held, permissions)
        except NotAuthenticated as error:
            raise TokenError("invalid_grant", str(error)) from None
        return OAuthToken(
            access_token=issued.access,
            expires_in=issued.seconds,
            scope=" ".join(from_permissions(issued.permissions)),
            refresh_token=issued.refresh,
        )


def to_client(application: Application) -> Client:
    """An application in the SDK's words."""
    return Client(
        client_id=application.id,
        client_name=application.name,
        redirect_uris=[AnyUrl(uri) for uri in application.redirect_uris],
        token_endpoint_auth_method="none",
        scope=" ".join((*SCOPES.values(), OFFLINE)),
    )


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
