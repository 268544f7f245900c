"""mememory's cross-origin rules: pages of this machine (`http://localhost:PORT`) may call, with a JSON body and without
credentials; others get an answer that their browser keeps from them."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
PREFLIGHT_SECONDS = 300
"""How long a browser may remember the answer to a preflight."""

_LOCALHOST = re.compile(r"http://localhost:\d{1,5}")
_SIMPLE_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type", "origin"})


def is_local(origin: str) -> bool:
    """Whether a page of this origin comes from a server on this machine."""
    return _LOCALHOST.fullmatch(origin) is not None


class LocalOrigins:
    """ASGI middleware: answers preflights with 200, and lets pages of this machine read all other answers.

    A preflight that asks for more than is allowed gets no permission, and neither does it get an error.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 200, "headers": _preflight(headers, origin)})
            await send({"type": "http.response.body"})
            return

        async def permitted(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(b"vary", b"Origin")]
                if is_local(origin):
                    added.append((b"access-control-allow-origin", origin.encode("latin-1")))
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._app(scope, receive, permitted)


def _preflight(headers: Headers, origin: str) -> list[tuple[bytes, bytes]]:
    varies = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    answer = [(b"vary", varies), (b"content-length", b"0")]
    method = headers["access-control-request-method"].upper()
    asked = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")]
    wanted = [name for name in asked if name]
    if is_local(origin) and method in METHODS and _SIMPLE_HEADERS.issuperset(wanted):
        answer += [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-methods", ", ".join(METHODS).encode()),
            (b"access-control-allow-headers", b"Content-Type"),
            (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
        ]
    return answer
