"""What HTTP adds to a recall: a server in another process, one client, one connection that stays open."""

import json
from http.client import HTTPConnection
from pathlib import Path

from bench import corpus
from bench.cores import fill, open_core
from bench.report import Goal, Quantity, Row
from bench.servers import serving
from bench.setup import MODELS, Options, embedder, in_fresh_process, run_on_uvloop, scratch
from bench.timing import Timings, differences, interleaved
from polymem.client import Client
from polymem.core.filters import InProjects
from polymem.core.recall import RecallQuery

TITLE = "Recall over HTTP (native API, one client, keep-alive), minus the same recall in process"

_PROJECT = "project-0"


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    memories = options.sized(10_000, 1000)
    rounds = options.sized(400, 20)
    with scratch() as data_dir:
        in_fresh_process(_fill, data_dir, memories)
        with serving(data_dir, MODELS) as server:
            timed = run_on_uvloop(_measure(data_dir, server.url, server.port, rounds))
    inside = Quantity(timed["inside"].p50, "ms", timed["inside"].p95)

    def row(figure: str, contender: str, goal: Goal | None) -> Row:
        added = differences(timed[contender], timed["inside"])
        value = Quantity(timed[contender].p50, "ms", timed[contender].p95)
        return Row(
            figure=figure, value=value, baseline=inside, against="in process", result=added.p50, unit="ms", goal=goal
        )

    return [
        row(f"{memories:,} memories, bare HTTP client", "http", Goal(2)),
        row("  the same, with polymem.client", "client", None),
    ]


def _fill(data_dir: Path, memories: int) -> None:
    run_on_uvloop(fill(data_dir, memories))


async def _measure(data_dir: Path, url: str, port: int, rounds: int) -> dict[str, Timings]:
    warm_up = 20
    # The same questions for all: each process has its own cache of queries, and the client asks a second set.
    asked = corpus.questions(2 * (rounds + warm_up))
    connection = HTTPConnection("127.0.0.1", port)
    client = Client(url)
    async with embedder() as model, open_core(data_dir, model) as opened:
        core, scope = opened.core, opened.scope
        project = await core.projects.get(scope, _PROJECT)
        await core.store.warm(scope, model.model)

        async def inside(index: int) -> object:
            filter_ = (InProjects(frozenset({project.id})),)
            return await core.recall(scope, RecallQuery(text=asked[index], filter=filter_))

        async def http(index: int) -> object:
            body = json.dumps({"query": asked[index], "project": _PROJECT, "limit": 10})
            connection.request("POST", "/v1/recall", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            assert len(json.loads(content)["hits"]) == 10
            return content

        async def through_client(index: int) -> object:
            return client.recall(asked[rounds + warm_up + index], project=_PROJECT, limit=10)

        timed = await interleaved({"inside": inside, "http": http, "client": through_client}, rounds, warm_up)
    client.close()
    connection.close()
    return timed
