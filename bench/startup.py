"""How long things take to begin: the command line, the server with and without a built model, the imports."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.cores import fill
from bench.report import Quantity, Row, ratio
from bench.servers import serving
from bench.setup import MODELS, Options, in_fresh_process, run_on_uvloop, scratch
from bench.timing import Timings, interleaved

TITLE = "Start-up"

_IMPORTS = ("polymem.core", "polymem.client", "polymem.inference", "polymem.storage", "polymem.app", "polymem.cli")


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    with scratch() as directory:
        return run_on_uvloop(_commands(options)) + _servers(directory, options)


async def _commands(options: Options) -> list[Row]:
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "version": [sys.executable, "-m", "polymem", "version"],
    } | {name: [sys.executable, "-c", f"import {name}"] for name in _IMPORTS}

    async def run(command: Sequence[str], index: int) -> None:
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        assert await process.wait() == 0

    timed = await interleaved(
        {name: partial(run, command) for name, command in commands.items()}, options.sized(10, 2), warm_up=1
    )
    python = _milliseconds(timed["python"])
    return [
        ratio("polymem version", _milliseconds(timed["version"]), python, "python -c pass"),
        *(ratio(f"import {name}", _milliseconds(timed[name]), python, "python -c pass") for name in _IMPORTS),
    ]


def _servers(directory: Path, options: Options) -> list[Row]:
    memories = options.sized(10_000, 1000)
    data_dir = directory / "filled"
    in_fresh_process(_fill, data_dir, memories)
    starts = [_start(data_dir, MODELS) for _ in range(options.sized(5, 1))]
    ready = Timings(tuple(start.ready for start in starts))
    answered = Timings(tuple(start.answered for start in starts))
    first = _start(directory / "new", directory / "models")
    return [
        Row(figure=f"server ready, {memories:,} memories", value=Quantity(ready.p50, "ms")),
        Row(figure="  its first recall answered", value=Quantity(answered.p50, "ms")),
        Row(figure="very first start: server ready, nothing kept, model not built", value=Quantity(first.ready, "ms")),
        Row(figure="  its first recall answered", value=Quantity(first.answered, "ms")),
    ]


def _fill(data_dir: Path, memories: int) -> None:
    run_on_uvloop(fill(data_dir, memories))


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds from starting a server's process until it said it was ready, and until it answered a recall."""

    ready: float
    answered: float


def _start(data_dir: Path, models: Path) -> Start:
    begun = time.perf_counter()
    with serving(data_dir, models) as server:
        body = json.dumps({"query": "What did Ann paint in Lisbon?"}).encode()
        request = urllib.request.Request(f"{server.url}/v1/recall", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        return Start(1000 * server.ready_seconds, 1000 * (time.perf_counter() - begun))


def _milliseconds(timings: Timings) -> Quantity:
    return Quantity(timings.p50, "ms", timings.p95)
