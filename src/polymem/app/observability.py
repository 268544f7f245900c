"""What an operator sees: a line for each request, and counts and durations for Prometheus. Never bodies or secrets."""

import re
import secrets
from pathlib import Path
from time import perf_counter

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_logger = structlog.get_logger("polymem.request")

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestLog:
    """ASGI middleware: gives every request an id, answers with it (X-Request-ID), and logs a line at the end."""

    def __init__(self, app: ASGIApp, *, access_log: bool = True) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = Headers(scope=scope).get("x-request-id", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(8)
        status = 500

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        start = perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, named)
            finally:
                if self._access_log:
                    took_ms = round((perf_counter() - start) * 1000, 2)
                    _logger.info("request", method=scope["method"], path=scope["path"], status=status, took_ms=took_ms)


class Metrics:
    """Counts and durations of requests by dialect, method, route and status, and what the process uses.

    With `files`, the counts of all processes that keep theirs in that directory, the ended ones too; what a process
    uses is not among them. The variable PROMETHEUS_MULTIPROC_DIR must then have named the directory when the process
    started: the library looks at it while it is imported.
    """

    def __init__(self, files: Path | None = None) -> None:
        self._registry = CollectorRegistry()
        self._files = files
        self._requests = Counter(
            "polymem_requests", "Requests answered.", ("dialect", "method", "route", "status"), registry=self._registry
        )
        self._durations = Histogram(
            "polymem_request_seconds",
            "Seconds until a request was answered.",
            ("dialect", "method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        if files is None:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)

    def observe(self, dialect: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        # What a client can make up would be a label without end.
        method = method if method in _METHODS else "other"
        self._requests.labels(dialect, method, route, str(status)).inc()
        self._durations.labels(dialect, method, route).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        if self._files is None:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, path=str(self._files))  # type: ignore[no-untyped-call]
        return generate_latest(everybody)


class RequestMetrics:
    """ASGI middleware: counts every request under the template of its route, never under its path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # Filled in further inside: with the dialect, and by that with the template of the route that answers.
        place: dict[str, str] = {}
        scope.setdefault("state", {})["place"] = place
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            dialect, route = place.get("dialect", "gateway"), place.get("route", "other")
            self._metrics.observe(dialect, scope["method"], route, status, perf_counter() - start)
