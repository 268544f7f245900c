"""What further workers bring: calls a second of several clients at once, on PostgreSQL.

Server, database and clients share this machine's processors, so the figures say how the work spreads, and not what a
database on a machine of its own would give. Clients are processes too: in threads of one they would be the limit.
"""

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from bench import corpus
from bench.cores import fill
from bench.report import Quantity, Row, ratio
from bench.servers import serving
from bench.setup import MODELS, Options, in_fresh_process, run_on_uvloop, scratch
from bench.store import new_database, server_url, settle

TITLE = "Workers on PostgreSQL (native API, new questions, local model)"

_CLIENTS = 4


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    memories = options.sized(10_000, 500)
    each = options.sized(100, 10)
    rows: list[Row] = []
    with server_url() as server, scratch() as data_dir:
        url = new_database(server, "bench_workers")
        in_fresh_process(_fill, url, memories)
        first: dict[str, Quantity] = {}
        for workers in (1, 2, 4):
            with serving(data_dir, MODELS, database_url=url, workers=str(workers), access_log="false") as served:
                _together(served.port, "recall", each // 5, seed=90 + workers)
                for call in ("recall", "add"):
                    rate = Quantity(_together(served.port, call, each, seed=workers), "calls/s")
                    what = f"{memories:,} memories, {workers} workers, {_CLIENTS} clients: {call}"
                    rows.append(ratio(what, rate, first.setdefault(call, rate), "one worker"))
        rows.append(Row(figure="processors that all of it shares", value=Quantity(os.cpu_count() or 1, "")))
    return rows


def _fill(url: str, memories: int) -> None:
    run_on_uvloop(fill(url, memories))
    settle(url)


def _together(port: int, call: str, each: int, seed: int) -> float:
    context = get_context("spawn")
    with ProcessPoolExecutor(
        _CLIENTS, mp_context=context, initializer=_meet_at, initargs=(context.Barrier(_CLIENTS),)
    ) as clients:
        seeds = range(seed, seed + 100 * _CLIENTS, 100)
        seconds = clients.map(_ask, [port] * _CLIENTS, [call] * _CLIENTS, [each] * _CLIENTS, seeds)
        return _CLIENTS * each / max(seconds)


_STARTING: list[Barrier] = []
"""Where the clients of a process's own wait for each other: filled as it is started."""


def _meet_at(barrier: Barrier) -> None:
    _STARTING.append(barrier)


def _ask(port: int, call: str, each: int, seed: int) -> float:
    _STARTING[-1].wait()
    start = time.perf_counter()
    # One client; a connection for every ten calls, as the workers get connections and not calls.
    connection = HTTPConnection("127.0.0.1", port)
    for number, text in enumerate(corpus.questions(each, seed=seed)):
        if number % 10 == 0:
            connection.close()
        path, body = (
            ("/v1/recall", {"query": text, "limit": 10}) if call == "recall" else ("/v1/memories", {"content": text})
        )
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201), content
    connection.close()
    return time.perf_counter() - start
