"""Recall inside the process, the embedding of the query included, against the bare embedding of the same query."""

import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench import corpus
from bench.cores import fill, open_core
from bench.embedding import BareModel
from bench.report import Goal, Quantity, Row, ratio
from bench.setup import Options, embedder, in_fresh_process, run_on_uvloop, scratch
from bench.timing import Timings, interleaved
from polymem.core.filters import InProjects
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery
from polymem.storage.store import SqlStore

TITLE = "Recall in process (the 10 best, hybrid unless said otherwise, every query new)"


@dataclass(frozen=True, slots=True)
class Case:
    """A corpus, and how many times as long as the bare embedding a recall in it may take."""

    memories: int
    projects: int
    goal: float

    @property
    def name(self) -> str:
        """What the rows of this case are called."""
        where = "one project" if self.projects == 1 else f"one of {self.projects} projects"
        return f"{self.memories:,} memories, {where}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a case; sizes in bytes per memory."""

    bare: Timings
    embedding: Timings
    recall: dict[Mode, Timings]
    load_seconds: float
    resident: float
    index: float
    disk: float


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    tenth = 10 if options.quick else 1
    cases = (Case(10_000 // tenth, 1, 4), Case(100_000 // tenth, 100, 6), Case(100_000 // tenth, 1, 8))
    rows: list[Row] = []
    for case in cases:
        with scratch() as data_dir:
            # Each in a process of its own, so that what filling leaves in memory is not measured.
            in_fresh_process(_fill, data_dir, case)
            rows += _rows(case, in_fresh_process(_measure, data_dir, case, options))
    return rows


def _fill(data_dir: Path, case: Case) -> None:
    run_on_uvloop(fill(data_dir, case.memories, case.projects))


def _measure(data_dir: Path, case: Case, options: Options) -> Measured:
    return run_on_uvloop(_measured(data_dir, case, options))


async def _measured(data_dir: Path, case: Case, options: Options) -> Measured:
    rounds, warm_up = options.sized(300, 20), 20
    every = rounds + warm_up
    # Four different sets of questions: no contender finds what another has left in a cache.
    asked = corpus.questions(4 * every)
    bare = BareModel(asked[:every])
    async with embedder() as model, open_core(data_dir, model) as opened:
        core, scope = opened.core, opened.scope
        project = await core.projects.get(scope, f"project-{case.projects // 2}")

        async def recall(text: str, mode: Mode) -> object:
            # Without the floor, so that there are always ten memories to fetch.
            filter_ = (InProjects(frozenset({project.id})),)
            query = RecallQuery(text=text, filter=filter_, mode=mode, min_score=0)
            answer = await core.recall(scope, query)
            assert answer.mode is mode
            assert len(answer.hits) == query.limit or mode is Mode.KEYWORD
            return answer

        async def embed(index: int) -> object:
            return await model.embed_query(asked[every + index])

        gc.collect()
        before, start = _resident_bytes(), time.perf_counter()
        await core.store.warm(scope, model.model)
        load_seconds = time.perf_counter() - start
        resident = _resident_bytes() - before
        timed = await interleaved(
            {
                "bare": bare.run,
                "embed": embed,
                "hybrid": lambda index: recall(asked[index], Mode.HYBRID),
                "vector": lambda index: recall(asked[2 * every + index], Mode.VECTOR),
                "keyword": lambda index: recall(asked[3 * every + index], Mode.KEYWORD),
            },
            rounds,
            warm_up,
        )
        stats = await core.stats(scope)
        assert stats.memories == case.memories
        assert stats.without_vector == 0
        return Measured(
            bare=timed["bare"],
            embedding=timed["embed"],
            recall={mode: timed[mode.value] for mode in Mode},
            load_seconds=load_seconds,
            resident=resident / case.memories,
            index=cast("SqlStore", core.store)._cache.nbytes / case.memories,
            disk=(stats.bytes_on_disk or 0) / case.memories,
        )


def _rows(case: Case, measured: Measured) -> list[Row]:
    bare = Quantity(measured.bare.p50, "ms", measured.bare.p95)
    embedding = Quantity(measured.embedding.p50, "ms", measured.embedding.p95)

    def taken(mode: Mode) -> Quantity:
        return Quantity(measured.recall[mode].p50, "ms", measured.recall[mode].p95)

    return [
        ratio(case.name, taken(Mode.HYBRID), bare, "bare onnxruntime, same tokens", Goal(case.goal)),
        ratio("  the same, against the embedder", taken(Mode.HYBRID), embedding, "embed_query"),
        ratio("  by vector only", taken(Mode.VECTOR), embedding, "embed_query"),
        Row(figure="  by keyword only (nothing is embedded)", value=taken(Mode.KEYWORD)),
        Row(figure="  loading the index", value=Quantity(measured.load_seconds * 1000, "ms")),
        Row(figure="  resident memory per memory", value=Quantity(measured.resident, "bytes")),
        Row(figure="  of which the index counts", value=Quantity(measured.index, "bytes")),
        Row(figure="  disk per memory", value=Quantity(measured.disk, "bytes")),
    ]


def _resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
