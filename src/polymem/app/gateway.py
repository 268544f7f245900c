"""The doors around a core: every dialect under its prefix, or one of them at the root of a port of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from polymem.app.background import chores
from polymem.app.observability import Metrics, RequestLog, RequestMetrics
from polymem.app.options import to_options, to_retention
from polymem.core import Core
from polymem.dialects import DIALECTS, Dialect, DialectOptions
from polymem.mcp.door import PATH, Door, DoorOptions
from polymem.mcp.toolsets import DEFAULT, TOOLSETS
from polymem.settings import Settings


def create_app(core: Core, settings: Settings) -> Starlette:
    """The gateway as an ASGI application of its own: its lifespan does the chores and closes the core at the end."""

    options = to_options(settings, core)
    mcp = create_door(core, options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with chores(core, to_retention(settings)):
                yield
        finally:
            await mcp.close()
            await core.close()

    app = gateway(core, options, Metrics(), mcp, access_log=settings.access_log)
    app.router.lifespan_context = lifespan
    return app


def create_door(core: Core, options: DialectOptions) -> Door:
    """The door at /mcp; one for all sockets of a server. Whoever makes it closes it."""
    return Door(
        core,
        DoorOptions(
            allowed_hosts=options.allowed_hosts, origins=options.cors_origins, max_body_bytes=options.max_body_bytes
        ),
    )


def gateway(core: Core, options: DialectOptions, metrics: Metrics, mcp: Door, *, access_log: bool) -> Starlette:
    """All dialects, each under its prefix, /metrics, and /mcp."""
    doors = {dialect: dialect.create_app(core, options) for dialect in DIALECTS}
    _add_metrics(next(app for dialect, app in doors.items() if dialect.prefix == ""), metrics)
    prefixes = {dialect.prefix: (dialect.name, app) for dialect, app in doors.items()}
    return _pipeline(prefixes, metrics, mcp, access_log)


def alone(
    dialect: Dialect, core: Core, options: DialectOptions, metrics: Metrics, mcp: Door, *, access_log: bool
) -> Starlette:
    """One dialect at the root, and /mcp."""
    return _pipeline({"": (dialect.name, dialect.create_app(core, options))}, metrics, mcp, access_log)


def _pipeline(doors: Mapping[str, tuple[str, ASGIApp]], metrics: Metrics, mcp: Door, access_log: bool) -> Starlette:
    # From the outside inwards. What depends on a dialect's shapes (errors, limits, the Host check) is behind its door.
    middleware = [
        Middleware(RequestLog, access_log=access_log),
        Middleware(RequestMetrics, metrics=metrics),
        Middleware(Doors, doors=doors, mcp=mcp),
    ]
    return Starlette(middleware=middleware)


class Doors:
    """ASGI middleware, the last: every request goes to the dialect whose prefix its path begins with.

    Each door is under its prefix, and comes with its dialect's name. Plain comparison, since patterns of routes let
    a path with a line end slip past all of them, Host check included. Each also has an /mcp, whose tools are the
    dialect's own where it has some; compared here, so that clients are sent no redirect.
    """

    def __init__(self, app: ASGIApp, doors: Mapping[str, tuple[str, ASGIApp]], mcp: Door) -> None:
        self._app = app
        self._mcp = mcp
        self._doors = sorted(doors.items(), key=lambda door: -len(door[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        prefix, (name, door) = next(
            door for door in self._doors if path == door[0] or path.startswith(door[0] + "/") or not door[0]
        )
        if scope["type"] == "http":
            scope["state"]["place"]["dialect"] = name
            if path.removesuffix("/") == prefix + PATH:
                scope["state"]["place"] |= {"dialect": "mcp", "route": PATH}
                await self._mcp(scope, receive, send, name if name in TOOLSETS else DEFAULT)
                return
        await door({**scope, "root_path": root + prefix}, receive, send)


def _add_metrics(app: FastAPI, metrics: Metrics) -> None:
    # GET /metrics, in the text format of Prometheus.
    async def read(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_route("/metrics", read, methods=["GET"], include_in_schema=False)
