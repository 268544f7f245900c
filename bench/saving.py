"""Saving one memory durably: what that takes beside its embedding and an fsync, and what concurrent writers share."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

from bench import corpus
from bench.cores import open_core, to_draft, to_memory
from bench.report import Goal, Quantity, Row, ratio
from bench.setup import Options, embedder, run_on_uvloop, scratch
from bench.timing import interleaved
from polymem.core.ports import Derived, Insert
from polymem.core.text import indexed_text
from polymem.storage.sqlite.backend import SqliteBackend
from polymem.storage.store import SqlStore

TITLE = "Saving one memory at a time (answered when it is on disk)"

_WRITERS = (1, 8, 32)


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    with scratch() as data_dir:
        return run_on_uvloop(_measure(data_dir, options))


async def _measure(data_dir: Path, options: Options) -> list[Row]:
    rounds, warm_up = options.sized(300, 20), 20
    every = rounds + warm_up
    texts = corpus.texts(every, seed=6)
    others = corpus.texts(every, seed=7)
    many = corpus.texts(options.sized(1000, 64), seed=8)
    async with embedder() as model, open_core(data_dir, model) as opened:
        core, scope = opened.core, opened.scope
        await core.projects.ensure(scope, "bench")

        async def save_text(text: corpus.Text) -> object:
            return await core.memories.add(scope, to_draft(text, "bench"))

        async def save(index: int) -> object:
            return await save_text(texts[index])

        async def embed(index: int) -> object:
            return await model.embed_documents([indexed_text(to_memory(others[index], scope))])

        with (data_dir / "fsync.bin").open("wb") as file:

            async def sync(index: int) -> None:
                file.write(index.to_bytes(4) * 1024)
                file.flush()
                os.fsync(file.fileno())

            timed = await interleaved({"save": save, "embed": embed, "fsync": sync}, rounds, warm_up)
        whole = {
            writers: await _saves_per_second(writers, texts[: options.sized(200, 16)], save_text)
            for writers in _WRITERS
        }
        (vectors,) = await model.embed_documents(["one vector serves all, for only the store is measured here"])
        derived = Derived(model.model, vectors)

        async def store(text: corpus.Text) -> object:
            return await core.store.apply(scope, [Insert(to_memory(text, scope), derived)])

        backend = cast("SqliteBackend", cast("SqlStore", core.store)._backend)
        stored, commits = {}, {}
        for writers in _WRITERS:
            before = backend.commits
            stored[writers] = await _saves_per_second(writers, many, store)
            commits[writers] = backend.commits - before

    floor = Quantity(timed["embed"].p50 + timed["fsync"].p50, "ms")
    saved = Quantity(timed["save"].p50, "ms", timed["save"].p95)
    one = _WRITERS[0]
    return [
        Row(
            figure="memories.add",
            value=saved,
            baseline=floor,
            against=f"= embedding {timed['embed'].p50:.2f} + fsync {timed['fsync'].p50:.2f}",
            result=saved.value - floor.value,
            unit="ms",
            goal=Goal(3),
        ),
        *(
            ratio(f"memories.add, {writers} writers", _rate(whole[writers]), _rate(whole[one]), "one writer")
            for writers in _WRITERS[1:]
        ),
        *(
            ratio(
                f"the store alone, {writers} writers ({len(many) / commits[writers]:.1f} saves a commit)",
                _rate(stored[writers]),
                _rate(stored[one]),
                "one writer",
            )
            for writers in _WRITERS[1:]
        ),
    ]


async def _saves_per_second(
    writers: int, texts: Sequence[corpus.Text], save: Callable[[corpus.Text], Awaitable[object]]
) -> float:
    waiting = iter(texts)

    async def write() -> None:
        for text in waiting:
            await save(text)

    start = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(writers)))
    return len(texts) / (time.perf_counter() - start)


def _rate(saves_per_second: float) -> Quantity:
    return Quantity(saves_per_second, "saves/s")
