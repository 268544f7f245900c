"""A process that listens: one core, several sockets, an orderly end."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp

from polymem.app.background import chores
from polymem.app.banner import Place, announce
from polymem.app.composition import open_core
from polymem.app.gateway import alone, gateway, share
from polymem.app.logs import configure_logging
from polymem.app.options import to_retention
from polymem.app.waiting import Entrance, opened_at_last
from polymem.core import Core
from polymem.core.errors import PolymemError, StoreUnreachable
from polymem.dashboard import Dashboard
from polymem.dialects import DIALECTS, Dialect
from polymem.settings import InvalidSettings, Settings

_logger = structlog.get_logger("polymem.server")

_GRACE_SECONDS = 10
"""How long requests under way may take to finish once the server is told to stop."""


_WAITING_CONNECTIONS = 2048
"""Connections the system may hold that the server has not taken up yet."""


class CannotListen(Exception):
    """An address cannot be listened on. `str(error)` is a sentence that says which and what to do."""


@dataclass(frozen=True, slots=True)
class _Door:
    """A socket that is bound, and which dialect is behind it; None is the gateway with all of them."""

    dialect: Dialect | None
    socket: socket.socket

    @property
    def name(self) -> str | None:
        return None if self.dialect is None else self.dialect.name

    @property
    def url(self) -> str:
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever runs several of them, and says when it is up."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to accept."""
        await super().startup(sockets=sockets)
        self.up.set()


def run(settings: Settings) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM), on the fastest event loop there is.

    Raises CannotListen, InvalidSettings, or a PolymemError of the store or the embedder, before anything is served.
    """
    with event_loop() as runner:
        runner.run(serve(settings))


def event_loop() -> asyncio.Runner:
    """uvloop's event loop where that is installed, else asyncio's."""
    return asyncio.Runner(loop_factory=uvicorn.Config(app="", loop="auto", log_config=None).get_loop_factory())


async def serve(settings: Settings) -> None:
    """The same, on the event loop that runs."""
    configure_logging(settings)
    with ExitStack() as sockets:
        doors = [_Door(None, sockets.enter_context(_bind(settings.host, settings.port, "POLYMEM_PORT")))]
        for dialect, port in listeners(settings):
            doors.append(_Door(dialect, sockets.enter_context(_bind(settings.host, port, "POLYMEM_LISTEN"))))
        try:
            core = await open_core(settings)
        except StoreUnreachable as error:
            _logger.warning("there is no database yet; callers are asked to come back later", reason=str(error))
            core = None
        await _serve(core, settings, doors)


def listeners(settings: Settings) -> list[tuple[Dialect, int]]:
    """The dialects with a port of their own, and the port. Raises InvalidSettings for one that has none."""
    usual = {dialect.name: dialect.port for dialect in DIALECTS if dialect.port is not None}
    if settings.memento_port is not None:
        usual["memento"] = settings.memento_port
    wanted: dict[str, int] = {}
    for name, port in settings.listen:
        if name == "all":
            wanted = usual | wanted
        elif name not in usual:
            raise InvalidSettings(f"POLYMEM_LISTEN: there is no dialect {name!r}; there are {', '.join(usual)} and all")
        else:
            wanted[name] = usual[name] if port is None else port
    return [(dialect, wanted[dialect.name]) for dialect in DIALECTS if dialect.name in wanted]


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound TCP socket. Raises OSError.

    It names its protocol, unlike those of `socket.create_server`: asyncio switches Nagle's algorithm off only for
    sockets that do, and with it on an answer waits 40 ms for the client's acknowledgement.
    """
    ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_WAITING_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener


def _bind(host: str, port: int, setting: str) -> socket.socket:
    try:
        return listening_socket(host.strip("[]"), port)
    except OSError as error:
        reason = (
            "is in use by another program"
            if error.errno == errno.EADDRINUSE
            else f"cannot be listened on: {error.strerror}"
        )
        raise CannotListen(f"Port {port} of {host} {reason}; set another with {setting}") from None


async def _serve(core: Core | None, settings: Settings, doors: Sequence[_Door]) -> None:
    # Without a core, one is opened as soon as that can be, and the doors are opened then.
    entrances = [Entrance(door.dialect) for door in doors]
    servers = [_Server(entrance) for entrance in entrances]
    failure: PolymemError | None = None
    async with AsyncExitStack() as at_the_end:
        with _stopped_by_signals(servers) as stopping:
            async with asyncio.TaskGroup() as group:
                for server, door in zip(servers, doors, strict=True):
                    group.create_task(server.serve(sockets=[door.socket]))
                try:
                    core = core or await opened_at_last(settings, stopping)
                except PolymemError as error:
                    # The database is there, and is not for this program.
                    failure = error
                    for server in servers:
                        server.should_exit = True
                if core is not None:
                    at_the_end.push_async_callback(core.close)
                    await at_the_end.enter_async_context(chores(core, to_retention(settings)))
                    shared = share(core, settings)
                    at_the_end.push_async_callback(shared.close)
                    for entrance in entrances:
                        dialect = entrance.dialect
                        entrance.open(gateway(shared) if dialect is None else alone(dialect, shared))
                    for server in servers:
                        await server.up.wait()
                    announce(settings, core, [Place(door.name, door.url) for door in doors])
                    if shared.dashboard is not None:
                        group.create_task(_prepare(shared.dashboard))
    if failure is not None:
        raise failure
    _logger.info("stopped")


async def _prepare(dashboard: Dashboard) -> None:
    # So that the first visitor need not wait for what takes seconds to load.
    try:
        await dashboard.open()
    except Exception:
        _logger.exception("the dashboard could not be opened")


@contextmanager
def _stopped_by_signals(servers: Sequence[uvicorn.Server]) -> Iterator[asyncio.Event]:
    # What it yields is set once the process is told to stop.
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        for server in servers:
            # Asked twice, it no longer waits for requests under way.
            server.force_exit = server.should_exit
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield stopping
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
