"""What every benchmark is given, and the cores and embedders they open."""

import asyncio
import importlib
import multiprocessing
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import uvloop

from bench.report import Row
from polymem.inference import EmbedderSpec, WarmEmbedder, open_embedder

P = ParamSpec("P")
T = TypeVar("T")

MODELS = Path(sys.prefix) / ".bench-models"
"""Where the embedding model is built, once for all runs of this environment."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure. `quick` makes everything small, to see that it works: its figures mean nothing.

    `locomo` is the benchmark's file, None to do without.
    """

    quick: bool = False
    locomo: Path | None = None

    def sized(self, full: int, quick: int) -> int:
        """The one of two sizes that is asked for."""
        return quick if self.quick else full


def measure(name: str, options: Options) -> tuple[str, list[Row]]:
    """The title and rows of the benchmark `bench.<name>`."""
    # By name, so that a benchmark that is not asked for need not be able to import what it measures.
    module = importlib.import_module(f"bench.{name}")
    return module.TITLE, module.run(options)


def in_fresh_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` returns, run in a process of its own: it inherits no caches, threads or memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *args, **kwargs).result()


def run_on_uvloop(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on the event loop the server uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="polymem-bench-") as directory:
        yield Path(directory)


@asynccontextmanager
async def embedder(threads: int | None = None) -> AsyncIterator[WarmEmbedder]:
    """The bundled embedding model, loaded."""
    opened = open_embedder(EmbedderSpec(threads=threads), MODELS)
    await opened.warm()
    try:
        yield opened
    finally:
        await opened.close()
