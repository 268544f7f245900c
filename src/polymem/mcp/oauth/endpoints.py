"""The addresses at which applications get tokens. Loaded with the first request for one of them.

The SDK's handlers speak the protocol. Around them is what they leave open: documents that name the address that was
called, clients without a secret, `resource` at the token endpoint, and `iss` in refusals (RFC 9207).
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from mcp.server.auth.handlers.authorize import AuthorizationHandler
from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.json_response import PydanticJSONResponse
from mcp.server.auth.middleware.client_auth import AuthenticationError, ClientAuthenticator
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.server.transport_security import RequestBodyLimitMiddleware
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from polymem.core import Core
from polymem.core.errors import PolymemError, TooManyRequests, Unavailable
from polymem.core.people.applications import SCOPES
from polymem.core.people.origins import own_origin
from polymem.mcp.oauth.client_documents import ClientDocuments
from polymem.mcp.oauth.consent import Consent
from polymem.mcp.oauth.door import DOCUMENTS, ENDPOINTS, RESOURCE_DOCUMENT, OAuthOptions
from polymem.mcp.oauth.provider import Provider
from polymem.mcp.oauth.redirects import with_query
from polymem.mcp.oauth.requests import Requests

MOST_BYTES = 64 * 1024
_MINUTE = timedelta(minutes=1)
_RESOURCES = re.compile(r"(?:(?:/[a-z]+)?/mcp|/v1)?")
"""Paths of what applications may ask for: /mcp, also below a dialect's prefix, the native API, the server itself."""

_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

Handle = Callable[[Request], Awaitable[Response]]


def create_app(core: Core, options: OAuthOptions, documents: ClientDocuments | None = None) -> Starlette:
    """What answers below `ENDPOINTS` and `DOCUMENTS`."""
    endpoints = Endpoints(core, options, documents or ClientDocuments(), Requests(core))
    consent = Consent(core, options, endpoints.requests)
    paths: Mapping[str, tuple[Handle, list[str]]] = {
        f"{DOCUMENTS}/oauth-authorization-server": (endpoints.server_document, ["GET"]),
        # Where older clients look first.
        f"{DOCUMENTS}/openid-configuration": (endpoints.server_document, ["GET"]),
        RESOURCE_DOCUMENT: (endpoints.resource_document, ["GET"]),
        f"{RESOURCE_DOCUMENT}/{{path:path}}": (endpoints.resource_document, ["GET"]),
        f"{ENDPOINTS}/token": (endpoints.token, ["POST"]),
        f"{ENDPOINTS}/register": (endpoints.register, ["POST"]),
        f"{ENDPOINTS}/revoke": (endpoints.revoke, ["POST"]),
        f"{ENDPOINTS}/authorize": (endpoints.authorize, ["GET", "POST"]),
        f"{ENDPOINTS}/consent": (consent.page, ["GET"]),
    }
    routes = [Route(path, handle, methods=methods) for path, (handle, methods) in paths.items()]
    routes += [
        Route(f"{ENDPOINTS}/consent", consent.decide, methods=["POST"]),
        Route(f"{ENDPOINTS}/login", consent.login, methods=["POST"]),
    ]
    middleware = [
        # Clients may live in browsers; no answer here depends on a cookie, except pages that scripts cannot read.
        Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"]),
        Middleware(RequestBodyLimitMiddleware, MOST_BYTES),
        Middleware(KnownHosts, allowed=options.allowed_hosts),
    ]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={PolymemError: _refused})


class KnownHosts:
    """ASGI middleware: refuses requests for a host that is not this server's. None allows any."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str] | None) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and self._allowed is not None:
            host = Request(scope).headers.get("host", "")
            name, colon, port = host.rpartition(":")
            if (name if colon and port.isdigit() else host).lower() not in self._allowed:
                refusal = _error("invalid_request", f"This server does not answer for the host {host!r}", 421)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refused(_: Request, error: Exception) -> Response:
    headers = dict(_NO_STORE)
    status, name = 400, "invalid_request"
    if isinstance(error, TooManyRequests):
        status, name = 429, "temporarily_unavailable"
        headers["retry-after"] = str(error.retry_after)
    elif isinstance(error, Unavailable):
        status, name = 503, "temporarily_unavailable"
    return JSONResponse({"error": name, "error_description": str(error)}, status, headers)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The handlers."""

    core: Core
    options: OAuthOptions
    documents: ClientDocuments
    requests: Requests

    def _provider(self, request: Request) -> Provider:
        origin = own_origin(request.url.scheme, request.headers.get("host", ""), self.options.public_url)
        return Provider(self.core, origin, self.documents, self.requests)

    # --- documents ---------------------------------------------------------------------------

    async def server_document(self, request: Request) -> Response:
        """What this server is as an authorization server (RFC 8414)."""
        origin = self._provider(request).origin

        def at(name: str) -> AnyHttpUrl:
            return AnyHttpUrl(f"{origin}{ENDPOINTS}/{name}")

        document = OAuthMetadata.model_validate(
            {
                "issuer": origin,
                "authorization_endpoint": at("authorize"),
                "token_endpoint": at("token"),
                "registration_endpoint": at("register"),
                "revocation_endpoint": at("revoke"),
                "scopes_supported": list(SCOPES.values()),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint_auth_methods_supported": ["none"],
                "code_challenge_methods_supported": ["S256"],
                "client_id_metadata_document_supported": True,
                "authorization_response_iss_parameter_supported": True,
            }
        )
        return _document(document)

    async def resource_document(self, request: Request) -> Response:
        """What this server is as a resource, and who gives tokens for it (RFC 9728)."""
        path = request.path_params.get("path", "")
        path = f"/{path}" if path else ""
        if not _RESOURCES.fullmatch(path):
            return JSONResponse({"error": "not_found", "error_description": "There is no such resource here"}, 404)
        origin = self._provider(request).origin
        document = ProtectedResourceMetadata.model_validate(
            {
                "resource": f"{origin}{path}",
                "authorization_servers": [origin],
                "scopes_supported": list(SCOPES.values()),
                "resource_name": "polymem",
            }
        )
        return _document(document)

    # --- endpoints ---------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        """Send somebody on to the page that asks for consent, or back to the application with what is wrong."""
        provider = self._provider(request)
        client_id = request.query_params.get("client_id", "")
        if client_id.startswith("https:"):
            await self._count(request)
        response = await AuthorizationHandler(provider).handle(request)
        location = response.headers.get("location", "")
        if "error=" in urlsplit(location).query:
            response.headers["location"] = with_query(location, iss=provider.origin)
        return response

    async def token(self, request: Request) -> Response:
        """Tokens for a code, or for a refresh token."""
        provider = self._provider(request)
        named = (await request.form()).get("resource")
        # The SDK's handler does not look at it (RFC 8707 §2.2).
        if named is not None and (not isinstance(named, str) or provider.resource(named) is None):
            return _error("invalid_target", "resource is not an address of this server")
        response: Response = await TokenHandler(provider, ClientAuthenticator(provider)).handle(request)
        return response

    async def register(self, request: Request) -> Response:
        """Register an application that has no address of its own (RFC 7591)."""
        await self._count(request)
        options = ClientRegistrationOptions(enabled=True, default_scopes=list(SCOPES.values()))
        response = await RegistrationHandler(self._provider(request), options).handle(request)
        response.headers.update(_NO_STORE)
        return response

    async def revoke(self, request: Request) -> Response:
        """End a grant by one of its tokens (RFC 7009). The SDK's own handler demands a secret of every client."""
        provider = self._provider(request)
        try:
            client = await ClientAuthenticator(provider).authenticate_request(request)
        except AuthenticationError as error:
            return _error("invalid_client", error.message, 401)
        secret = (await request.form()).get("token")
        if not isinstance(secret, str) or not secret:
            return _error("invalid_request", "token is required")
        token = await provider.load_access_token(secret) or await provider.load_refresh_token(client, secret)
        if token is not None and token.client_id == client.client_id:
            await provider.revoke_token(token)
        return Response(status_code=200, headers=_NO_STORE)

    async def _count(self, request: Request) -> None:
        limit = self.options.rate_limits.get("application")
        if limit:
            caller = "nowhere" if request.client is None else request.client.host
            allowance = await self.core.limiter.hit("application", caller, limit, _MINUTE)
            if not allowance.allowed:
                raise TooManyRequests("application", limit, max(1, allowance.reset_after))


def _document(content: OAuthMetadata | ProtectedResourceMetadata) -> Response:
    # Never to be kept for another name of the server.
    return PydanticJSONResponse(content, headers={"cache-control": "no-cache", "vary": "Host"})


def _error(name: str, description: str, status: int = 400) -> Response:
    return Response(
        json.dumps({"error": name, "error_description": description}), status, _NO_STORE, "application/json"
    )
