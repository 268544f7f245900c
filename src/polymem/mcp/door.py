"""The door at /mcp: who may come in is decided here; what they find there is loaded with the first request."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated, PolymemError, Unavailable
from polymem.core.people import Permission, Principal
from polymem.core.people import Scope as Reach
from polymem.mcp.project import EVERYWHERE, Place
from polymem.mcp.toolsets import DEFAULT, TOOLSETS

_logger = logging.getLogger(__name__)

PATH = "/mcp"
DOOR = "mcp"
ORGANIZATION_HEADER = "x-polymem-organization"
PROJECT_HEADER = "x-polymem-project"

Authenticate = Callable[[Request], Awaitable[Principal]]
"""Who calls. Raises NotAuthenticated."""

Challenge = Callable[[Request, PolymemError], Mapping[str, str]]
"""The headers of an answer 401 or 403: how a client can get a credential that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOptions:
    """How the server is set up, as plain values.

    `allowed_hosts` are the names (without a port) a Host header may carry, None for any. Pages of `origins` may call
    with a credential; without one, only the server's own. `public_url` is where people reach the gateway, None for the
    address that the caller uses.
    """

    allowed_hosts: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()
    max_body_bytes: int = 10 * 1024 * 1024
    public_url: str | None = None


@dataclass(slots=True)
class Door:
    """The ASGI application at /mcp, for all places it is served at. `close` ends it.

    `authenticate` and `challenge` may be replaced, by whoever adds another kind of credential.
    """

    core: Core
    options: DoorOptions = field(default_factory=DoorOptions)
    authenticate: Authenticate | None = None
    challenge: Challenge | None = None
    _apps: dict[str, ASGIApp] = field(default_factory=dict)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _running: list["_Running"] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, toolset: str = DEFAULT) -> None:
        """Answer one request, with this toolset if it names no other."""
        request = Request(scope, receive)
        toolset = request.query_params.get("toolset", toolset)
        try:
            response = self._refusal(request, toolset)
            if response is None:
                principal = await (self.authenticate or self._principal_of)(request)
        except PolymemError as error:
            response = _problem(_status(error), str(error), (self.challenge or _challenge)(request, error))
        send = self._with_cors(request, send)
        if response is not None:
            await response(scope, receive, send)
            return
        app = await self._app(toolset)
        await app({**scope, "polymem.visit": self._visit(request, principal)}, receive, send)

    # --- who ---------------------------------------------------------------------------------

    async def _principal_of(self, request: Request) -> Principal:
        secret = secret_of(request)
        return await self.core.access.principal_of(secret, door=DOOR)

    def _visit(self, request: Request, principal: Principal) -> Callable[[], Awaitable[Any]]:
        organization = request.headers.get(ORGANIZATION_HEADER) or None

        async def scope_for(permission: Permission) -> Reach:
            return await self.core.access.scope_for(principal, organization=organization, permission=permission)

        async def visit() -> Any:
            local, visits = import_module("polymem.mcp.local"), import_module("polymem.mcp.visit")
            place = await self._place(request, principal)
            url = self.options.public_url or str(request.base_url).rstrip("/")
            return visits.Visit(access=local.CoreAccess(self.core, scope_for), place=place, url=url)

        return visit

    async def _place(self, request: Request, principal: Principal) -> Place:
        named = request.query_params.get("project") or request.headers.get(PROJECT_HEADER)
        if named:
            return Place(named, "named in the client's configuration")
        if principal.project_id is not None and principal.organization_id is not None:
            reach = Reach(organization_id=principal.organization_id)
            project = await self.core.store.project(reach, id=principal.project_id)
            if project is not None:
                return Place(project.key, "the only one this credential reaches")
        return EVERYWHERE

    # --- from where --------------------------------------------------------------------------

    def _refusal(self, request: Request, toolset: str) -> Response | None:
        hosts = request.headers.getlist("host")
        allowed = self.options.allowed_hosts
        if allowed is not None and (len(hosts) != 1 or _without_port(hosts[0]) not in allowed):
            sentence = f"This server does not answer for the host {', '.join(hosts)!r}"
            return _problem(421, f"{sentence}; add it to POLYMEM_ALLOWED_HOSTS to allow it")
        origin = request.headers.get("origin")
        if origin is not None and not self._is_own(request, origin):
            if origin not in self.options.origins:
                return _problem(403, f"Pages of {origin} may not call this server")
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=_PREFLIGHT)
            if secret_of(request) is None:
                # What a browser sends by itself must not act as the local owner.
                return _problem(403, f"Pages of {origin} need a credential")
        if request.method not in ("POST", "OPTIONS"):
            # There are no sessions to listen to or to end.
            return _problem(405, f"{request.method} is not possible here; send POST", {"allow": "POST"})
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": "POST"})
        if toolset not in TOOLSETS:
            return _problem(400, f"There is no toolset {toolset!r}; there are {', '.join(TOOLSETS)}")
        return None

    def _is_own(self, request: Request, origin: str) -> bool:
        return origin.partition("://")[2] == request.headers.get("host")

    def _with_cors(self, request: Request, send: Send) -> Send:
        origin = request.headers.get("origin")
        if origin not in self.options.origins or self._is_own(request, origin):
            return send
        more = [(name.encode(), value.encode()) for name, value in _cors(origin).items()]

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        return sent

    # --- running -----------------------------------------------------------------------------

    async def _app(self, toolset: str) -> ASGIApp:
        if toolset not in self._apps:
            async with self._loading:
                if toolset not in self._apps:
                    # The SDK takes its time to load, and other requests are not to wait for it.
                    http = await asyncio.to_thread(import_module, "polymem.mcp.http")
                    running = _Running(http.running(toolset, self.options.max_body_bytes))
                    self._apps[toolset] = await running.start()
                    self._running.append(running)
        return self._apps[toolset]

    async def close(self) -> None:
        """Ends what runs behind the door."""
        self._apps.clear()
        while self._running:
            await self._running.pop().stop()


class _Running:
    """A context manager that is entered and left in one task, whoever asks for it: the SDK's task groups want that."""

    def __init__(self, context: AbstractAsyncContextManager[ASGIApp]) -> None:
        self._context = context
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> ASGIApp:
        started: asyncio.Future[ASGIApp] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(started))
        return await started

    async def _run(self, started: "asyncio.Future[ASGIApp]") -> None:
        try:
            async with self._context as app:
                started.set_result(app)
                await self._stop.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task


def secret_of(request: Request) -> str | None:
    """The key or token a request carries, as for the native API. Raises NotAuthenticated for another scheme."""
    authorization = request.headers.get("authorization", "").strip()
    if authorization:
        kind, _, secret = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise NotAuthenticated("Send the key as Authorization: Bearer KEY, or as X-API-Key: KEY")
        if secret.strip():
            return secret.strip()
    return request.headers.get("x-api-key", "").strip() or None


def _challenge(_: Request, error: PolymemError) -> Mapping[str, str]:
    if not isinstance(error, NotAuthenticated):
        return {}
    return {"www-authenticate": f'Bearer realm="polymem", error="invalid_token", error_description="{error}"'}


def _status(error: PolymemError) -> int:
    match error:
        case NotAuthenticated():
            return 401
        case Forbidden():
            return 403
        case Unavailable():
            return 503
        case _:
            return 400


def _problem(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": sentence}}
    return Response(json.dumps(body), status, headers, media_type="application/json")


def _cors(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, X-Request-ID",
        "vary": "Origin",
    }


_PREFLIGHT = {
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "Authorization, X-API-Key, Content-Type, Accept, Mcp-Protocol-Version, "
    "Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID, X-Polymem-Organization, X-Polymem-Project",
    "access-control-max-age": "86400",
}


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
