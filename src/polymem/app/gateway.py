"""The doors around a core: every dialect under its prefix, or one of them at the root of a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from polymem.app.background import chores
from polymem.app.composition import to_options
from polymem.app.observability import DialectName, Metrics, RequestLog, RequestMetrics
from polymem.core import Core
from polymem.core.errors import PolymemError
from polymem.dialects import DIALECTS, Dialect, DialectOptions
from polymem.dialects.kit import HostCheck
from polymem.settings import Settings


def create_app(core: Core, settings: Settings) -> Starlette:
    """The gateway as an ASGI application of its own: its lifespan does the chores and closes the core at the end."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with chores(core):
                yield
        finally:
            await core.close()

    app = gateway(core, to_options(settings, core), Metrics(), access_log=settings.access_log)
    app.router.lifespan_context = lifespan
    return app


def gateway(core: Core, options: DialectOptions, metrics: Metrics, *, access_log: bool) -> Starlette:
    """All dialects, each under its prefix, and /metrics."""
    routes: list[BaseRoute] = [_metrics_route(metrics, options)]
    # The longest prefix first: the empty one takes whatever no other does.
    for dialect in sorted(DIALECTS, key=lambda dialect: -len(dialect.prefix)):
        routes.append(_mounted(dialect, dialect.prefix, core, options))
    return _observed(routes, metrics, access_log=access_log)


def alone(dialect: Dialect, core: Core, options: DialectOptions, metrics: Metrics, *, access_log: bool) -> Starlette:
    """One dialect at the root."""
    routes: list[BaseRoute] = [_mounted(dialect, "", core, options)]
    return _observed(routes, metrics, access_log=access_log)


def _mounted(dialect: Dialect, prefix: str, core: Core, options: DialectOptions) -> Mount:
    return Mount(prefix, DialectName(dialect.create_app(core, options), dialect.name))


def _metrics_route(metrics: Metrics, options: DialectOptions) -> Route:
    # GET /metrics, in the text format of Prometheus.
    async def read(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def render(error: PolymemError) -> Response:
        return PlainTextResponse(f"{error}\n", 421)

    hosts = options.allowed_hosts
    check = [] if hosts is None else [Middleware(HostCheck, allowed=hosts, render=render)]
    return Route("/metrics", read, methods=["GET"], middleware=check)


def _observed(routes: list[BaseRoute], metrics: Metrics, *, access_log: bool) -> Starlette:
    # From the outside inwards. What depends on a dialect's shapes (errors, limits, the Host check) is inside it.
    middleware = [
        Middleware(RequestLog, access_log=access_log),
        Middleware(RequestMetrics, metrics=metrics),
    ]
    app = Starlette(routes=routes, middleware=middleware)
    app.router.redirect_slashes = False
    return app
