"""Several processes behind the same sockets: started together, replaced when one ends, stopped together.

The sockets are bound once, by the process that looks after the others; the system gives each connection to one of
them. What they share is in the store, or in Redis. The dashboard's pages live in one process each, so the first worker
draws them all and the others forward to it.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import structlog

from polymem.app.banner import announce
from polymem.app.composition import open_core
from polymem.app.logs import configure_logging
from polymem.app.observability import Metrics
from polymem.app.server import BoundDoor, Stop, bind, event_loop, serve, serve_at, to_places
from polymem.core.errors import StoreUnreachable
from polymem.dialects import DIALECTS
from polymem.settings import Settings

_logger = structlog.get_logger("polymem.workers")

_LONGEST_PAUSE = 30.0
"""Seconds before a worker that ends again and again is started again, at most."""

_LEAST_INDEX_MB = 64
_SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"


def run(settings: Settings) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM), with as many workers as the settings say.

    Raises CannotListen, InvalidSettings, or a PolymemError of the store or the embedder, before anything is served.
    """
    if settings.workers == 1:
        with event_loop() as runner:
            runner.run(serve(settings))
        return
    configure_logging(settings)
    with ExitStack() as at_the_end:
        doors = bind(settings, at_the_end)
        asyncio.run(_prepare(settings))
        _warn(settings)
        directory = Path(at_the_end.enter_context(tempfile.TemporaryDirectory(prefix="polymem-")))
        _Crew(settings, doors, directory, at_the_end).serve()


async def _prepare(settings: Settings) -> None:
    # What can go wrong is told once, the schema is made and the model is built once, before many want them.
    try:
        core = await open_core(settings)
    except StoreUnreachable as error:
        _logger.warning("there is no database yet; callers are asked to come back later", reason=str(error))
    else:
        await core.close()


def _warn(settings: Settings) -> None:
    if settings.redis_url is None and settings.rate_limits:
        _logger.warning(
            "each worker counts calls for itself, so that limits are up to so many times as high; "
            "set POLYMEM_REDIS_URL to have them counted together",
            times=settings.workers,
        )
    if settings.database_url is None:
        _logger.warning(
            "the workers share one SQLite file: they answer side by side and write one after the other; "
            "processes on other machines need POLYMEM_DATABASE_URL"
        )


@dataclass(slots=True)
class _Worker:
    """A process, its end of the pipe, and when and after what pause it was started."""

    number: int
    process: SpawnProcess
    pipe: Connection
    started: float
    pause: float
    is_ready: bool = False


class _Crew:
    """The workers of one server."""

    def __init__(self, settings: Settings, doors: Sequence[BoundDoor], directory: Path, at_the_end: ExitStack) -> None:
        self._settings = settings
        self._doors = doors
        self._places = to_places(doors)
        self._spawn = multiprocessing.get_context("spawn")
        self._metrics = directory / "metrics"
        self._metrics.mkdir()
        self._dashboard = directory / "dashboard"
        self._inside = at_the_end.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self._inside.bind(str(self._dashboard))
        self._inside.listen()
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, tuple[float, float]] = dict.fromkeys(range(settings.workers), (0.0, 0.0))
        self._announced = False
        self._signals = 0
        # Woken through, so that a signal ends the waiting.
        self._woken, self._wake = os.pipe()

    def serve(self) -> None:
        """Starts the workers, and returns once all have ended."""
        former = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self._signals or self._workers:
                self._start_due()
                self._wait()
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            os.close(self._woken)
            os.close(self._wake)
        _logger.info("all workers have stopped")

    def _on_signal(self, *_: Any) -> None:
        self._signals += 1
        os.write(self._wake, b"!")

    def _start_due(self) -> None:
        if self._signals:
            return
        now = time.monotonic()
        for number, (at, pause) in list(self._due.items()):
            if at <= now:
                del self._due[number]
                self._start(number, pause)

    def _start(self, number: int, pause: float) -> None:
        ours, theirs = self._spawn.Pipe()
        sockets = [(door.name, door.socket) for door in self._doors]
        if number == 0:
            sockets.append((None, self._inside))
        job = _Job(
            settings=_share_of(self._settings),
            sockets=sockets,
            pipe=theirs,
            metrics=self._metrics,
            dashboard_at=None if number == 0 else self._dashboard,
        )
        process = self._spawn.Process(target=_work, args=[job], name=f"polymem-worker-{number}")
        os.environ[_SHARED_METRICS] = str(self._metrics)
        try:
            process.start()
        finally:
            del os.environ[_SHARED_METRICS]
        theirs.close()
        self._workers[number] = _Worker(number, process, ours, time.monotonic(), pause)

    def _wait(self) -> None:
        waited = [self._woken, *(worker.process.sentinel for worker in self._workers.values())]
        waited += [worker.pipe for worker in self._workers.values() if not worker.is_ready]  # type: ignore[misc]
        due = min((at for at, _ in self._due.values()), default=None)
        patience = None if due is None or self._signals else max(0.0, due - time.monotonic())
        happened = set(wait(waited, patience))
        if self._woken in happened:
            os.read(self._woken, 1)
            for worker in self._workers.values():
                # A worker that is told twice does not wait for requests under way.
                worker.process.terminate()
        for worker in list(self._workers.values()):
            if worker.pipe in happened and not worker.is_ready:
                self._listen(worker)
            if worker.process.sentinel in happened:
                self._bury(worker)

    def _listen(self, worker: _Worker) -> None:
        try:
            model = worker.pipe.recv()
        except EOFError:
            # It is ending; its sentinel tells.
            return
        worker.is_ready = True
        worker.pause = 0.0
        ready = sum(one.is_ready for one in self._workers.values())
        if ready == self._settings.workers and not self._announced:
            self._announced = True
            announce(self._settings, model, self._places)

    def _bury(self, worker: _Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        del self._workers[worker.number]
        if self._signals:
            return
        pause = 0.0 if worker.is_ready else min(_LONGEST_PAUSE, 2 * worker.pause or 0.5)
        _logger.error("a worker has ended and is started again", code=worker.process.exitcode, pause=pause)
        self._due[worker.number] = (time.monotonic() + pause, pause)


def _share_of(settings: Settings) -> Settings:
    # What the settings say of memory and processors is meant for the machine.
    cores = os.cpu_count() or 1
    return settings.model_copy(
        update={
            "index_memory_mb": max(_LEAST_INDEX_MB, settings.index_memory_mb // settings.workers),
            "embedder_threads": settings.embedder_threads or max(1, min(4, cores // settings.workers)),
        }
    )


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker is given."""

    settings: Settings
    sockets: list[tuple[str | None, socket.socket]]
    pipe: Connection
    metrics: Path
    dashboard_at: Path | None


def _work(job: _Job) -> None:
    configure_logging(job.settings)
    with event_loop() as runner:
        runner.run(_serve(job))


async def _serve(job: _Job) -> None:
    dialects = {dialect.name: dialect for dialect in DIALECTS}
    doors = [BoundDoor(None if name is None else dialects[name], socket_) for name, socket_ in job.sockets]
    stop = Stop()
    # The other end says nothing: it closes when the process that looks after us has ended, however it did.
    asyncio.get_running_loop().add_reader(job.pipe.fileno(), _orphaned, job.pipe, stop)
    await serve_at(doors, job.settings, Metrics(job.metrics), job.pipe.send, stop=stop, dashboard_at=job.dashboard_at)


def _orphaned(pipe: Connection, stop: Stop) -> None:
    asyncio.get_running_loop().remove_reader(pipe.fileno())
    stop()
