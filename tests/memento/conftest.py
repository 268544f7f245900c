"""Memento at the root of a port of its own, over a real store, and clients for it."""

import asyncio
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.routing import Mount

from polymem.app.composition import open_core
from polymem.app.options import to_options
from polymem.core.people import ALL_PERMISSIONS, LOCAL_ORGANIZATION, Permission, Scope
from polymem.dialects import memento
from polymem.settings import Settings
from tests.conftest import MakeSettings
from tests.serving import PATIENCE, Server


@dataclass(frozen=True, slots=True)
class Memento(Server):
    """A running Memento server, and its settings."""

    settings: Settings

    def open(self, **headers: str) -> httpx2.Client:
        """A client that sends these headers with every request."""
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE)

    def key(self, project: str | None = None, permissions: frozenset[Permission] = ALL_PERMISSIONS) -> str:
        """A key for all that the local owner has, or for one project of it."""
        organization = self.run(self.core.store.organization(slug=LOCAL_ORGANIZATION))
        assert organization is not None
        return self.new_key(Scope(organization_id=organization.id), project, permissions)


Start = Callable[..., Memento]


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, up: threading.Event) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()


@contextmanager
def serving(settings: Settings) -> Iterator[Memento]:
    """Memento at the root of a free port, and under its prefix as in the gateway, until the block ends."""
    # Without the protocol's number asyncio does not set TCP_NODELAY, and every answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    up = threading.Event()
    running: list[tuple[Memento, uvicorn.Server]] = []

    async def serve() -> None:
        core = await open_core(settings)
        try:
            api = memento.DIALECT.create_app(core, to_options(settings, core))
            places = Starlette(routes=[Mount(memento.DIALECT.prefix, api), Mount("", api)])
            config = uvicorn.Config(places, log_config=None, lifespan="off", timeout_graceful_shutdown=5)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = _Uvicorn(config, up)
            running.append((Memento(url, core, asyncio.get_running_loop(), settings), server))
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
    """Starts further servers, without a model if not told otherwise, which run until the end."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(
            serving(make_settings(**{"embedder": "none", "namespace": "here", **settings}))
        )


@pytest.fixture(scope="session")
def local(start: Start) -> Memento:
    """A server in local mode with the local model."""
    return start(embedder="local")


@pytest.fixture
def api(local: Memento) -> Iterator[httpx2.Client]:
    """A client without any credential."""
    with local.open() as client:
        yield client


_numbers = itertools.count()


@pytest.fixture
def namespace() -> str:
    """A namespace of this test's own."""
    return f"namespace-{next(_numbers)}"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a phone's width that has never been anywhere, and fails the test when a script of it breaks."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    context.close()
    assert broken == []
