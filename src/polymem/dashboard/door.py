"""The dashboard's door: who may come in, and in front of the pages what every answer has in common.

NiceGUI is one application for the whole process, and slow to import. It is loaded with the first request that needs
it; what it draws is told apart by the visit that is put into each request's state.
"""

import asyncio
import html
import logging
from contextlib import AsyncExitStack
from importlib import import_module
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated, NotFound, PolymemError, TooManyRequests, Unavailable
from polymem.dashboard import sign_in
from polymem.dashboard.counts import Counts
from polymem.dashboard.navigation import ENTRIES, first_segment
from polymem.dashboard.options import DashboardOptions
from polymem.dashboard.visit import comes_in, visit_of

_logger = logging.getLogger(__name__)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FILES, _SOCKET = "_nicegui", "_nicegui_ws"
_SIGN_IN, _SIGN_OUT = "/sign-in", "/sign-out"
_PAGES = tuple((entry, compile_path(entry.path)[0]) for entry in ENTRIES)

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"""Vue compiles its templates in the browser. Nothing is fetched from, or sent to, any other server."""

_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}


class Dashboard:
    """An ASGI application for the paths it `owns`. One can be open in a process at a time."""

    def __init__(self, core: Core, options: DashboardOptions) -> None:
        self._core = core
        self._options = options
        self._counts = Counts(core)
        self._segments = {first_segment(entry.path) for entry in ENTRIES}
        self._segments |= {_FILES, _SOCKET, first_segment(_SIGN_IN), first_segment(_SIGN_OUT)}
        self._opening = asyncio.Lock()
        self._running = AsyncExitStack()
        self._pages: ASGIApp | None = None

    def owns(self, path: str) -> bool:
        """Whether this path, below the root, is the dashboard's."""
        return first_segment(path) in self._segments

    async def open(self) -> None:
        """Load what the pages need; the first request does it otherwise."""
        async with self._opening:
            if self._pages is None:
                # Off the event loop: it takes a second or two.
                mounting = await asyncio.to_thread(import_module, "polymem.dashboard.mounting")
                self._pages = await self._running.enter_async_context(mounting.running())

    async def close(self) -> None:
        """End all connections."""
        async with self._opening:
            self._pages = None
            await self._running.aclose()
            await self._counts.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        connection = HTTPConnection(scope)
        if scope["type"] == "websocket":
            # Only NiceGUI's own has any use.
            if first_segment(path) != _SOCKET or not self._is_expected(connection) or _is_foreign(connection):
                return await send({"type": "websocket.close", "code": 1008})
            try:
                await comes_in(Request({**scope, "type": "http", "method": "GET"}), self._core)
            except PolymemError:
                return await send({"type": "websocket.close", "code": 1008})
            return await self._answered_by_pages(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            response = await self._response(Request(scope, receive), path)
        except NotAuthenticated:
            response = self._to_sign_in(Request(scope), path)
        except PolymemError as error:
            response = problem(Request(scope), error)
        except Exception:
            _logger.exception("request failed")
            response = problem(Request(scope), None)
        if response is not None:
            return await response(scope, receive, guarded)
        return await self._answered_by_pages(scope, receive, guarded)

    async def _response(self, request: Request, path: str) -> Response | None:
        # None leaves the answer to the pages.
        place: dict[str, Any] = request.scope.get("state", {}).get("place", {})
        if not self._is_expected(request):
            return problem(request, Forbidden(_UNEXPECTED_HOST), 421)
        segment = first_segment(path)
        if (request.method not in _SAFE_METHODS or segment == _SOCKET) and _is_foreign(request):
            raise Forbidden("A page of another origin cannot do anything here")
        if path in (_SIGN_IN, _SIGN_OUT):
            place["route"] = path
            act = sign_in.sign_in if path == _SIGN_IN else sign_in.sign_out
            return await act(request, self._core, self._options)
        if segment in (_FILES, _SOCKET):
            place["route"] = f"/{segment}"
            if segment == _SOCKET:
                await comes_in(request, self._core)
            return None
        entry = next((entry for entry, pattern in _PAGES if pattern.match(path)), None)
        visit = await visit_of(request, self._core, self._options, self._counts)
        if entry is None:
            raise NotFound("Page", path)
        place["route"] = entry.path
        request.scope.setdefault("state", {})["visit"] = visit
        return None

    async def _answered_by_pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pages is None:
            await self.open()
        assert self._pages is not None
        await self._pages(scope, receive, send)

    def _is_expected(self, connection: HTTPConnection) -> bool:
        # Against DNS rebinding, where anybody who reaches the server is its owner.
        allowed = self._options.allowed_hosts
        hosts = connection.headers.getlist("host")
        return allowed is None or (len(hosts) == 1 and _without_port(hosts[0]) in allowed)

    def _to_sign_in(self, request: Request, path: str) -> Response:
        if request.method not in _SAFE_METHODS or first_segment(path) == _SOCKET:
            return problem(request, NotAuthenticated("Sign in again: the session has ended"))
        query = f"?{request.url.query}" if request.url.query else ""
        root = request.scope.get("root_path", "")
        return RedirectResponse(f"{root}{_SIGN_IN}?next={quote(path + query, safe='')}", 303)


_UNEXPECTED_HOST = "This server does not answer under that name. POLYMEM_ALLOWED_HOSTS names those it does"


def problem(request: Request, error: PolymemError | None, status: int | None = None) -> Response:
    """A page that says what is wrong and leads back; None is a failure of the server's own."""
    kinds = {NotFound: 404, Forbidden: 403, NotAuthenticated: 401, TooManyRequests: 429, Unavailable: 503}
    status = status or (500 if error is None else next((kinds[kind] for kind in kinds if isinstance(error, kind)), 400))
    told = "Something went wrong here. The server's log tells more." if error is None else str(error)
    page = files("polymem.dashboard").joinpath("static", "problem.html").read_text("utf-8")
    home = request.scope.get("root_path", "") + "/"
    filled = page.replace("{{told}}", html.escape(told)).replace("{{home}}", html.escape(home))
    return HTMLResponse(filled, status, {"cache-control": "no-store"})


def _is_foreign(connection: HTTPConnection) -> bool:
    origin = connection.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != connection.headers.get("host")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
