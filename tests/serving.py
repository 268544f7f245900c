"""Whole servers on real sockets of the loopback interface, for tests to talk to."""

import asyncio
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx2
import uvicorn
from starlette.applications import Starlette

from polymem.app import create_app, open_core
from polymem.app.composition import new_id
from polymem.app.gateway import alone, share
from polymem.app.server import event_loop, listening_socket
from polymem.core import Core
from polymem.core.people import ALL_PERMISSIONS, Organization, Permission, Scope
from polymem.core.ports import Clock
from polymem.dialects import Dialect
from polymem.settings import Settings

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which a test that waits has failed."""

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""Where a `FixedClock` begins."""

_numbers = itertools.count()


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        """The instant it was moved to."""
        return self.moment

    def advance(self, **amount: float) -> None:
        """Moves it by what a timedelta takes."""
        self.moment += timedelta(**amount)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, its core, and the event loop both live in."""

    url: str
    core: Core
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a call of the core comes to, made inside the server."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def client(self, key: str | None = None, **headers: str) -> httpx2.Client:
        """A client that sends this key, or none, and these headers with every request."""
        credential = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.url, headers=credential | headers, trust_env=False, timeout=PATIENCE)

    def new_organization(self) -> Scope:
        """An organization that holds nothing yet."""
        id = new_id()
        organization = Organization(
            id=id, slug=f"organization-{next(_numbers)}-{id}", name="Test", created_at=self.core.clock.now()
        )
        return Scope(organization_id=self.run(self.core.store.put_organization(organization)).id, actor="test")

    def new_key(
        self, scope: Scope, project: str | None = None, permissions: frozenset[Permission] = ALL_PERMISSIONS
    ) -> str:
        """A key for the organization of `scope`, or for one of its projects."""

        async def made() -> str:
            project_id = None if project is None else (await self.core.projects.ensure(scope, project)).id
            _, secret = await self.core.access.create_key(scope, "test", project_id=project_id, permissions=permissions)
            return secret

        return self.run(made())


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, up: threading.Event) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()


def _alone(dialect: Dialect, core: Core, settings: Settings) -> Starlette:
    shared = share(core, settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await shared.close()
        await core.close()

    app = alone(dialect, shared)
    app.router.lifespan_context = lifespan
    return app


@contextmanager
def serving(settings: Settings, clock: Clock | None = None, dialect: Dialect | None = None) -> Iterator[Server]:
    """The gateway with these settings, or one dialect at the root, on a free port, until the block ends; on the
    machine's clock, if no other."""
    listener = listening_socket("127.0.0.1", 0)
    up = threading.Event()
    running: list[tuple[Server, uvicorn.Server]] = []

    async def serve() -> None:
        core = await open_core(settings, clock)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(core, settings) if dialect is None else _alone(dialect, core, settings)
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5)
        running.append((Server(url, core, asyncio.get_running_loop()), server := _Uvicorn(config, up)))
        await server.serve(sockets=[listener])

    def work() -> None:
        try:
            with event_loop() as runner:
                runner.run(serve())
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
