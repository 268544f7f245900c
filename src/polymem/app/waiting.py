"""A server that is asked before its database is there: it refuses in each dialect's own shape, and tries again."""

import asyncio
from contextlib import suppress

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from polymem import __version__
from polymem.app.composition import open_core
from polymem.core import Core
from polymem.core.errors import StoreUnreachable
from polymem.dialects import DIALECTS, Dialect
from polymem.settings import Settings

_logger = structlog.get_logger("polymem.server")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_HEALTH = {"status": "unavailable", "version": __version__, "storage": "unavailable", "embedding": "ok"}


async def opened_at_last(settings: Settings, stopping: asyncio.Event) -> Core | None:
    """The core, once the database answers; None when `stopping` is set first.

    Raises PolymemError when the database answers and cannot be used.
    """
    pause = _FIRST_PAUSE
    reason = ""
    while not stopping.is_set():
        try:
            return await open_core(settings)
        except StoreUnreachable as error:
            if str(error) != reason:
                reason = str(error)
                _logger.warning("waiting for the database", reason=reason)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return None


class Entrance:
    """ASGI application: what is behind it once that is open, and before that a refusal of every request but those
    that ask how the process is.

    `dialect` None is the gateway with all of them.
    """

    def __init__(self, dialect: Dialect | None) -> None:
        self.dialect = dialect
        self._doors = sorted(
            ({dialect.prefix: dialect for dialect in DIALECTS} if dialect is None else {"": dialect}).items(),
            key=lambda door: -len(door[0]),
        )
        self._behind: ASGIApp | None = None

    def open(self, app: ASGIApp) -> None:
        """Let requests through from now on."""
        self._behind = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._behind is not None:
            return await self._behind(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1013})
        path = scope["path"]
        if self.dialect is None and path == "/health/live":
            return await JSONResponse({"status": "ok"})(scope, receive, send)
        if self.dialect is None and path in ("/health", "/health/ready"):
            status = 503 if path.endswith("ready") else 200
            return await JSONResponse(_HEALTH, status, {"Retry-After": "5"})(scope, receive, send)
        dialect = next(
            found for prefix, found in self._doors if path.startswith(prefix + "/") or path == prefix or not prefix
        )
        refusal = StoreUnreachable("The server is waiting for its database; try again later")
        return await dialect.render(refusal)(scope, receive, send)
