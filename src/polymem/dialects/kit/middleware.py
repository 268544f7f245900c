"""ASGI middleware that answers for a dialect before, or after, its routes do."""

import logging

from starlette.requests import ClientDisconnect
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polymem.core.errors import PolymemError
from polymem.dialects.kit.errors import BodyTooLarge, InternalError, MisdirectedRequest, Render

_logger = logging.getLogger(__name__)


class CrashBarrier:
    """ASGI middleware: an unexpected exception is logged and answered by `render`, and goes no further."""

    def __init__(self, app: ASGIApp, render: Render) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except PolymemError as error:
            if started:
                raise
            await self._render(error)(scope, receive, send)
        except Exception:
            _logger.exception("request failed")
            if started:
                raise
            await self._render(InternalError())(scope, receive, send)


class RouteTemplate:
    """ASGI middleware, the innermost: tells whoever counts requests outside the template of the route that answered.

    It becomes `route` in the dictionary that they left as `place` in the request's state; what is between may copy
    scope and state, but not that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._app(scope, receive, send)
        finally:
            route = scope.get("route")
            place = scope.get("state", {}).get("place")
            if place is not None and route is not None and not isinstance(route, Mount):
                place["route"] = route.path_format


class HeadAsGet:
    """ASGI middleware: HEAD is answered with the status and headers of GET, as HTTP wants it of every resource."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        return await self._app({**scope, "method": "GET"}, receive, without_body)


class BodyLimit:
    """ASGI middleware: a body over the limit is refused, by its stated length or by what really arrives."""

    def __init__(self, app: ASGIApp, max_bytes: int, render: Render, unlimited: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._render = render
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) in self._unlimited:
            return await self._app(scope, receive, send)
        too_large = BodyTooLarge(f"The body is larger than {self._max_bytes} bytes")
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._max_bytes:
                return await self._render(too_large)(scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._max_bytes:
                    raise too_large
            return message

        return await self._app(scope, counted, send)


class HostCheck:
    """ASGI middleware: only requests for one of the `allowed` hosts (names without a port) are answered."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str], render: Render) -> None:
        self._app = app
        self._allowed = allowed
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and _without_port(hosts[0]) in self._allowed:
            return await self._app(scope, receive, send)
        return await self._render(MisdirectedRequest(", ".join(hosts)))(scope, receive, send)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
