"""Where OAuth meets the other doors: tokens of applications at /mcp, and the addresses at which they are got.

Nothing heavy is loaded here: the endpoints are, with the first request for one of them.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polymem.core import Core
from polymem.core.errors import InsufficientScope, NotAuthenticated, PolymemError, Refusal
from polymem.core.people import Permission, Principal
from polymem.core.people.applications import SCOPES
from polymem.core.people.credentials import GRANT_ACCESS
from polymem.core.people.origins import own_origin
from polymem.mcp.door import DOOR, Door, secret_of
from polymem.mcp.toolsets import TOOLSETS, load

ENDPOINTS = "/oauth"
DOCUMENTS = "/.well-known"
RESOURCE_DOCUMENT = f"{DOCUMENTS}/oauth-protected-resource"

NEEDS = "polymem.needs"
"""Where in the request's ASGI scope it says which permission the call takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthOptions:
    """How the server is set up, as plain values: as in `dialects.dialect.DialectOptions`."""

    public_url: str | None = None
    allowed_hosts: frozenset[str] | None = None
    max_body_bytes: int = 10 * 1024 * 1024
    rate_limits: Mapping[str, int] = field(default_factory=dict)


class OAuth:
    """Lets applications in. As an ASGI application it answers what is below `ENDPOINTS` and `DOCUMENTS`."""

    def __init__(self, core: Core, options: OAuthOptions) -> None:
        self._core = core
        self._options = options
        self._app: ASGIApp | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._app is None:
            async with self._loading:
                if self._app is None:
                    # The SDK takes its time to load, and other requests are not to wait for it.
                    endpoints: Any = await asyncio.to_thread(import_module, "polymem.mcp.oauth.endpoints")
                    self._app = endpoints.create_app(self._core, self._options)
        await self._app(scope, receive, send)

    def owns(self, path: str) -> bool:
        """Whether it is this that answers there."""
        return path.startswith((f"{ENDPOINTS}/", f"{DOCUMENTS}/oauth-", f"{DOCUMENTS}/openid-configuration"))

    def origin(self, request: Request) -> str:
        """The address a request reached the server at."""
        return own_origin(request.url.scheme, request.headers.get("host", ""), self._options.public_url)

    async def authenticate(self, request: Request) -> Principal:
        """Who calls /mcp: as everywhere, or an application with a token for this address.

        Raises NotAuthenticated; InsufficientScope when the token does not reach for what is called.
        """
        principal = await self._core.access.principal_of(secret_of(request), door=DOOR, audience=self.origin(request))
        needed: Permission | None = request.scope.get(NEEDS)
        if needed is not None and principal.grant is not None and needed not in principal.permissions:
            raise InsufficientScope(needed.value)
        return principal

    def challenge(self, request: Request, error: PolymemError) -> Mapping[str, str]:
        """How to get a token that does (RFC 6750 §3, RFC 9728 §5.1)."""
        told = {"realm": "polymem"}
        if isinstance(error, InsufficientScope):
            told |= {"error": "insufficient_scope", "error_description": str(error)}
        elif not isinstance(error, NotAuthenticated):
            return {}
        elif error.reason is not Refusal.MISSING:
            told |= {"error": "invalid_token", "error_description": str(error)}
        told["scope"] = " ".join(SCOPES.values())
        told["resource_metadata"] = f"{self.origin(request)}{RESOURCE_DOCUMENT}{request.scope['path'].rstrip('/')}"
        return {"www-authenticate": "Bearer " + ", ".join(f'{name}="{_quoted(text)}"' for name, text in told.items())}

    async def enter(self, door: Door, scope: Scope, receive: Receive, send: Send, toolset: str) -> None:
        """Pass a request on to the door at /mcp. What an application asks for is looked at before: whether it was
        granted enough must be known before the answer begins."""
        request = Request(scope)
        if request.method == "POST" and _is_granted(request):
            body = await _read(receive, self._options.max_body_bytes)
            if body is not None:
                named = request.query_params.get("toolset", toolset)
                scope = {**scope, NEEDS: needed_for(body, named)}
                receive = _again(body, receive)
        await door(scope, receive, send, toolset)


def needed_for(body: bytes, toolset: str) -> Permission:
    """Which permission a message of MCP takes: that to write, if it calls a tool that writes."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return Permission.READ
    if not isinstance(message, dict) or message.get("method") != "tools/call" or toolset not in TOOLSETS:
        return Permission.READ
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    writes = any(tool.writes for tool in load(toolset).tools if tool.name == name)
    return Permission.WRITE if writes else Permission.READ


def _is_granted(request: Request) -> bool:
    try:
        secret = secret_of(request)
    except NotAuthenticated:
        return False
    return secret is not None and secret.startswith(GRANT_ACCESS)


async def _read(receive: Receive, most: int) -> bytes | None:
    # None for a client that went away; one that is too long stays so, and the door refuses it.
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        size += len(part)
        parts.append(part)
        if not message.get("more_body") or size > most:
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _quoted(text: str) -> str:
    return text.replace("\\", "").replace('"', "'")
