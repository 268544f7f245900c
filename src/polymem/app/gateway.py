"""The doors around a core: every dialect under its prefix, or one of them at the root of a port of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from polymem.app.background import chores
from polymem.app.forwarding import ForwardedDashboard
from polymem.app.observability import Metrics, RequestLog, RequestMetrics
from polymem.app.options import to_dashboard_options, to_options, to_retention
from polymem.core import Core
from polymem.dashboard import Dashboard
from polymem.dialects import DIALECTS, Dialect, DialectOptions
from polymem.mcp.door import PATH, Door, DoorOptions
from polymem.mcp.oauth.door import OAuth, OAuthOptions
from polymem.mcp.toolsets import DEFAULT, TOOLSETS
from polymem.settings import Settings


class Pages(Protocol):
    """The dashboard, in this process or another."""

    def owns(self, path: str) -> bool:
        """Whether this path, below the root, is the dashboard's."""
        ...

    async def open(self) -> None:
        """Load what the pages need."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        ...


_NATIVE = "/v1/"
"""Where the native API is, at the root of whatever serves it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sockets of a server have in common. Whoever makes it closes it, before the core.

    `mcp` is the door at /mcp, `oauth` lets applications in there and at the native API. `dashboard` is None where the
    settings want none.
    """

    core: Core
    options: DialectOptions
    metrics: Metrics
    mcp: Door
    oauth: OAuth
    dashboard: Pages | None
    access_log: bool

    async def close(self) -> None:
        """End what is open."""
        if self.dashboard is not None:
            await self.dashboard.close()
        await self.mcp.close()


def share(core: Core, settings: Settings, metrics: Metrics | None = None, dashboard_at: Path | None = None) -> Shared:
    """What all sockets of a server with these settings have in common. The dashboard is that of the worker which
    answers at the socket `dashboard_at`, if there is one."""
    options = to_options(settings, core)
    mcp = DoorOptions(
        allowed_hosts=options.allowed_hosts,
        origins=options.cors_origins,
        max_body_bytes=options.max_body_bytes,
        public_url=options.public_url,
    )
    dashboard: Pages | None = None
    if settings.dashboard:
        dashboard = Dashboard(core, to_dashboard_options(settings))
        if dashboard_at is not None:
            dashboard = ForwardedDashboard(dashboard.owns, dashboard_at)
    oauth = OAuth(
        core,
        OAuthOptions(
            public_url=options.public_url,
            allowed_hosts=options.allowed_hosts,
            max_body_bytes=options.max_body_bytes,
            rate_limits=options.rate_limits,
        ),
    )
    door = Door(core, mcp, authenticate=oauth.authenticate, challenge=oauth.challenge)
    return Shared(core, options, metrics or Metrics(), door, oauth, dashboard, settings.access_log)


def create_app(core: Core, settings: Settings) -> Starlette:
    """The gateway as an ASGI application of its own: its lifespan does the chores and closes the core at the end."""
    shared = share(core, settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with chores(core, to_retention(settings)):
                yield
        finally:
            await shared.close()
            await core.close()

    app = gateway(shared)
    app.router.lifespan_context = lifespan
    return app


def gateway(shared: Shared) -> Starlette:
    """All dialects, each under its prefix, the dashboard at the root, /metrics, and /mcp."""
    doors = {dialect: dialect.create_app(shared.core, shared.options) for dialect in DIALECTS}
    _add_metrics(next(app for dialect, app in doors.items() if dialect.prefix == ""), shared.metrics)
    named = {dialect.prefix: (dialect.name, app) for dialect, app in doors.items()}
    return _pipeline(named, shared, shared.dashboard)


def alone(dialect: Dialect, shared: Shared) -> Starlette:
    """One dialect at the root, /mcp, and beside it the dashboard's pages and the native API where its clients look for
    them."""
    doors = {"": (dialect.name, dialect.create_app(shared.core, shared.options))}
    native = next(one for one in DIALECTS if one.prefix == "") if dialect.native else None
    beside = None if native is None else native.create_app(shared.core, shared.options)
    return _pipeline(doors, shared, shared.dashboard if dialect.pages else None, beside)


def _pipeline(
    doors: Mapping[str, tuple[str, ASGIApp]], shared: Shared, dashboard: Pages | None, native: ASGIApp | None = None
) -> Starlette:
    # From the outside inwards. What depends on a dialect's shapes (errors, limits, the Host check) is behind its door.
    middleware = [
        Middleware(RequestLog, access_log=shared.access_log),
        Middleware(RequestMetrics, metrics=shared.metrics),
        Middleware(Doors, doors=doors, mcp=shared.mcp, oauth=shared.oauth, dashboard=dashboard, native=native),
    ]
    return Starlette(middleware=middleware)


class Doors:
    """ASGI middleware, the last: every request goes to the dialect whose prefix its path begins with, or to the
    dashboard, if the path is one of its.

    Each door is under its prefix, and comes with its dialect's name. Plain comparison, since patterns of routes let
    a path with a line end slip past all of them, Host check included. Each also has an /mcp, whose tools are the
    dialect's own where it has some; compared here, so that clients are sent no redirect. What applications need to get
    in is at the root, wherever that is. `native` is the native API of a port whose dialect is at the root.
    """

    def __init__(
        self,
        app: ASGIApp,
        doors: Mapping[str, tuple[str, ASGIApp]],
        mcp: Door,
        oauth: OAuth,
        dashboard: Pages | None,
        native: ASGIApp | None,
    ) -> None:
        self._app = app
        self._mcp = mcp
        self._oauth = oauth
        self._dashboard = dashboard
        self._native = native
        self._doors = sorted(doors.items(), key=lambda door: -len(door[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        prefix, name, door = self._behind(path)
        if scope["type"] == "http":
            scope["state"]["place"]["dialect"] = name
            if path.removesuffix("/") == prefix + PATH:
                scope["state"]["place"] |= {"dialect": "mcp", "route": PATH}
                await self._oauth.enter(self._mcp, scope, receive, send, name if name in TOOLSETS else DEFAULT)
                return
            if self._oauth.owns(path):
                scope["state"]["place"]["dialect"] = "oauth"
                await self._oauth(scope, receive, send)
                return
        await door({**scope, "root_path": root + prefix}, receive, send)

    def _behind(self, path: str) -> tuple[str, str, ASGIApp]:
        if self._dashboard is not None and self._dashboard.owns(path):
            return "", "dashboard", self._dashboard
        if self._native is not None and path.startswith(_NATIVE):
            return "", "native", self._native
        return next(
            (prefix, name, door)
            for prefix, (name, door) in self._doors
            if path == prefix or path.startswith(prefix + "/") or not prefix
        )


def _add_metrics(app: FastAPI, metrics: Metrics) -> None:
    # GET /metrics, in the text format of Prometheus.
    async def read(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_route("/metrics", read, methods=["GET"], include_in_schema=False)
