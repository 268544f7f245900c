"""Memento's cross-origin rules: any page may call, and every answer says so."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"Content-Type, Authorization, x-api-key"),
)
"""What the reference promises on all answers, errors included."""

PREFLIGHT_SECONDS = 86_400
"""How long a browser may remember the answer to a preflight."""


class AnyOrigin:
    """ASGI middleware: HEADERS on every answer, asked for or not; OPTIONS of any path is a preflight.

    The usual CORS middlewares stay silent without an Origin header and refuse preflights they did not expect.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def open_to_all(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            max_age = (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode())
            await open_to_all({"type": "http.response.start", "status": 204, "headers": [max_age]})
            await open_to_all({"type": "http.response.body"})
        else:
            await self._app(scope, receive, open_to_all)
