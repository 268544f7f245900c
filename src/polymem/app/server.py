"""A process that listens: one core, several sockets, an orderly end."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.types import ASGIApp

from polymem.app.background import chores
from polymem.app.banner import Place, announce
from polymem.app.composition import open_core
from polymem.app.gateway import Pages, alone, gateway, share
from polymem.app.logs import configure_logging
from polymem.app.observability import Metrics
from polymem.app.options import to_retention
from polymem.app.waiting import Entrance, opened_at_last
from polymem.core import Core
from polymem.core.errors import PolymemError, StoreUnreachable
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
class BoundDoor:
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

    def __init__(self, app: ASGIApp, door: BoundDoor) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                # Through a socket in a private directory only our own workers come, who say whom they forward for.
                forwarded_allow_ips="*" if door.socket.family == socket.AF_UNIX else None,
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


class Stop:
    """Ends a server: in order the first time it is called, without waiting for requests under way the second time."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.servers: list[uvicorn.Server] = []

    def __call__(self) -> None:
        """End it."""
        self.asked.set()
        for server in self.servers:
            server.force_exit = server.should_exit
            server.should_exit = True


def event_loop() -> asyncio.Runner:
    """uvloop's event loop where that is installed, else asyncio's."""
    return asyncio.Runner(loop_factory=uvicorn.Config(app="", loop="auto", log_config=None).get_loop_factory())


async def serve(settings: Settings) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM).

    Raises CannotListen, InvalidSettings, or a PolymemError of the store or the embedder, before anything is served.
    """
    configure_logging(settings)
    with ExitStack() as sockets:
        doors = bind(settings, sockets)
        await serve_at(doors, settings, Metrics(), lambda model: announce(settings, model, to_places(doors)))


def bind(settings: Settings, sockets: ExitStack) -> list[BoundDoor]:
    """The doors the settings ask for, on sockets that `sockets` closes. Raises CannotListen and InvalidSettings."""
    doors = [BoundDoor(None, sockets.enter_context(_bind(settings.host, settings.port, "POLYMEM_PORT")))]
    for dialect, port in listeners(settings):
        doors.append(BoundDoor(dialect, sockets.enter_context(_bind(settings.host, port, "POLYMEM_LISTEN"))))
    return doors


def to_places(doors: Sequence[BoundDoor]) -> list[Place]:
    """Where they answer."""
    return [Place(door.name, door.url) for door in doors]


async def serve_at(
    doors: Sequence[BoundDoor],
    settings: Settings,
    metrics: Metrics,
    ready: Callable[[str | None], None],
    *,
    stop: Stop | None = None,
    dashboard_at: Path | None = None,
) -> None:
    """Serve at sockets that are bound already. `ready` is called with the model's name once callers are answered;
    beside signals, `stop` ends it. The dashboard is that of another worker, if one is given `dashboard_at` a socket.

    Raises a PolymemError of the store or the embedder.
    """
    try:
        core = await open_core(settings)
    except StoreUnreachable as error:
        _logger.warning("there is no database yet; callers are asked to come back later", reason=str(error))
        core = None
    stop = stop or Stop()
    with _on_signals(stop):
        await _serve(core, settings, doors, metrics, ready, stop, dashboard_at)


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


async def _serve(
    core: Core | None,
    settings: Settings,
    doors: Sequence[BoundDoor],
    metrics: Metrics,
    ready: Callable[[str | None], None],
    stop: Stop,
    dashboard_at: Path | None,
) -> None:
    # Without a core, one is opened as soon as that can be, and the doors are opened then.
    entrances = [Entrance(door.dialect) for door in doors]
    servers = [_Server(entrance, door) for entrance, door in zip(entrances, doors, strict=True)]
    stop.servers.extend(servers)
    failure: PolymemError | None = None
    async with AsyncExitStack() as at_the_end, asyncio.TaskGroup() as group:
        for server, door in zip(servers, doors, strict=True):
            group.create_task(server.serve(sockets=[door.socket]))
        try:
            core = core or await opened_at_last(settings, stop.asked)
        except PolymemError as error:
            # The database is there, and is not for this program.
            failure = error
            stop()
        if core is not None:
            at_the_end.push_async_callback(core.close)
            await at_the_end.enter_async_context(chores(core, to_retention(settings)))
            shared = share(core, settings, metrics, dashboard_at)
            at_the_end.push_async_callback(shared.close)
            for entrance in entrances:
                dialect = entrance.dialect
                entrance.open(gateway(shared) if dialect is None else alone(dialect, shared))
            for server in servers:
                await server.up.wait()
            model = core.embedder.model
            ready(None if model is None else model.name)
            if shared.dashboard is not None:
                group.create_task(_prepare(shared.dashboard))
    if failure is not None:
        raise failure
    _logger.info("stopped")


async def _prepare(dashboard: Pages) -> None:
    # So that the first visitor need not wait for what takes seconds to load.
    try:
        await dashboard.open()
    except Exception:
        _logger.exception("the dashboard could not be opened")


@contextmanager
def _on_signals(stop: Stop) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
