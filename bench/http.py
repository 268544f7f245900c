"""What HTTP adds to a recall: a server in another process, connections that stay open."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

from bench import corpus
from bench.cores import fill, open_core
from bench.report import Goal, Quantity, Row, ratio
from bench.servers import Server, serving
from bench.setup import MODELS, Options, embedder, in_fresh_process, run_on_uvloop, scratch
from bench.timing import Timings, differences, interleaved, mean
from polymem.client import Client
from polymem.core.filters import InProjects
from polymem.core.recall import RecallQuery

TITLE = "Recall over HTTP (native API, keep-alive), minus the same recall in process"

_PROJECT = "project-0"
_CLIENTS = 8


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    memories = options.sized(10_000, 1000)
    with scratch() as data_dir:
        in_fresh_process(_fill, data_dir, memories)
        with serving(data_dir, MODELS) as server:
            timed = run_on_uvloop(_measure(data_dir, server, options.sized(400, 20)))
            together = _together(server, options.sized(50, 5))
    inside = Quantity(timed["inside"].p50, "ms", timed["inside"].p95)

    def row(figure: str, contender: str, goal: Goal | None = None) -> Row:
        value = Quantity(timed[contender].p50, "ms", timed[contender].p95)
        added = differences(timed[contender], timed["inside"]).p50
        return Row(
            figure=figure, value=value, baseline=inside, against="in process", result=added, unit="ms", goal=goal
        )

    alone = Quantity(1000 / mean(timed["http"].milliseconds), "recalls/s")
    return [
        row(f"{memories:,} memories, bare HTTP client", "http", Goal(2)),
        row("  the same, with polymem.client", "client"),
        ratio(f"  {_CLIENTS} clients at once", Quantity(together, "recalls/s"), alone, "one client"),
    ]


def _fill(data_dir: Path, memories: int) -> None:
    run_on_uvloop(fill(data_dir, memories))


class Connection:
    """A client that does as little as one can: `http.client` on a connection that stays open."""

    def __init__(self, server: Server) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port)

    def recall(self, question: str) -> None:
        """Asks, and checks that there are ten hits."""
        body = json.dumps({"query": question, "project": _PROJECT, "limit": 10, "min_score": 0})
        self._connection.request("POST", "/v1/recall", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        assert len(json.loads(content)["hits"]) == 10

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


async def _measure(data_dir: Path, server: Server, rounds: int) -> dict[str, Timings]:
    warm_up = 20
    # Inside and outside get the same questions, for each process has its own cache; the client asks a second set.
    asked = corpus.questions(2 * (rounds + warm_up))
    connection, client = Connection(server), Client(server.url)
    async with embedder() as model, open_core(data_dir, model) as opened:
        core, scope = opened.core, opened.scope
        project = await core.projects.get(scope, _PROJECT)
        await core.store.warm(scope, model.model)

        async def inside(index: int) -> object:
            filter_ = (InProjects(frozenset({project.id})),)
            return await core.recall(scope, RecallQuery(text=asked[index], filter=filter_, min_score=0))

        async def http(index: int) -> None:
            connection.recall(asked[index])

        async def through_client(index: int) -> object:
            return client.recall(asked[rounds + warm_up + index], project=_PROJECT, limit=10, min_score=0)

        timed = await interleaved({"inside": inside, "http": http, "client": through_client}, rounds, warm_up)
    client.close()
    connection.close()
    return timed


def _together(server: Server, each: int) -> float:
    """Recalls a second of several clients at once, each asking new questions one after the other."""
    asked = corpus.questions(_CLIENTS * each, seed=10)

    def ask(number: int) -> None:
        connection = Connection(server)
        for question in asked[number::_CLIENTS]:
            connection.recall(question)
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        list(clients.map(ask, range(_CLIENTS)))
    return len(asked) / (time.perf_counter() - start)
