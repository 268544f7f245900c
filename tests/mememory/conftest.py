"""mememory over the shared server: under its prefix, with an organization of each test's own; or as the local owner."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from polymem.app.composition import open_core
from polymem.app.options import to_options
from polymem.dialects import mememory, native
from polymem.settings import Settings
from tests.conftest import MakeSettings
from tests.serving import PATIENCE, START, FixedClock, Server


@dataclass(frozen=True, slots=True)
class Mememory(Server):
    """A running mememory server, and its clock."""

    clock: FixedClock

    def open(self, **headers: str) -> httpx2.Client:
        """A client that sends these headers with every request."""
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE)


Start = Callable[..., Mememory]


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, up: threading.Event) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()


class _Places:
    """The native API under /native, mememory at the root. Like the gateway's, these doors let every path through:
    patterns of routes know none with a line end."""

    def __init__(self, below: ASGIApp, root: ASGIApp) -> None:
        self._below = below
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["path"].startswith("/native/")
        app, prefix = (self._below, "/native") if below else (self._root, "")
        await app({**scope, "root_path": prefix}, receive, send)


@contextmanager
def serving(settings: Settings) -> Iterator[Mememory]:
    """mememory at the root of a free port and the native API under /native, over a core whose clock stands still."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    up = threading.Event()
    running: list[tuple[Mememory, uvicorn.Server]] = []

    async def serve() -> None:
        clock = FixedClock()
        core = await open_core(settings, clock)
        try:
            options = to_options(settings, core)
            places = _Places(native.DIALECT.create_app(core, options), mememory.DIALECT.create_app(core, options))
            config = uvicorn.Config(places, log_config=None, lifespan="off", timeout_graceful_shutdown=5)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = _Uvicorn(config, up)
            running.append((Mememory(url, core, asyncio.get_running_loop(), clock), server))
            await server.serve(sockets=[listener])
        finally:
            await core.close()

    def work() -> None:
        try:
            asyncio.run(serve())
        finally:
            up.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert up.wait(PATIENCE)
        assert running, "the server did not start"
        yield running[0][0]
    finally:
        if running:
            running[0][1].should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def start(make_settings: MakeSettings) -> Iterator[Start]:
    """Starts servers, without a model if not told otherwise, which run until the end."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(make_settings(**{"embedder": "none", **settings})))


@pytest.fixture(scope="session")
def local(start: Start) -> Mememory:
    """A server in local mode with the local model."""
    return start(embedder="local")


@pytest.fixture
def api(local: Mememory) -> Iterator[httpx2.Client]:
    """A client of an organization that holds nothing but what the test keeps. The clock begins at START."""
    local.clock.moment = START
    key = local.new_key(local.new_organization())
    with local.open(authorization=f"Bearer {key}") as client:
        yield client


@pytest.fixture
def clock(local: Mememory) -> FixedClock:
    """The clock that stands still."""
    return local.clock


@pytest.fixture
def alone(start: Start) -> Iterator[httpx2.Client]:
    """A client without any credential, of a server of its own without a model."""
    with start().open() as client:
        yield client
