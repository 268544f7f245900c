"""Embedding what has no vector, alone and together with other processes."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from polymem.app.composition import SystemClock, new_id
from polymem.core import Core
from polymem.core.errors import EmbeddingUnavailable
from polymem.core.model import Draft
from polymem.core.people import Scope
from polymem.core.people.tenancy import ensure_local_organization
from polymem.core.ports import EmbeddingModel
from polymem.core.reindex import Progress
from polymem.inference import EmbedderSpec, open_embedder
from polymem.inference.remote import Patience, RemoteEmbedder
from polymem.storage import open_store
from tests.embedding import Answer, EmbeddingServer, vectors_for
from tests.serving import PATIENCE

NAMED = "a-model"
HASTY = Patience(timeout=5.0, attempts=1, pause=0.0)
UNREADABLE = "Number 7"

Open = Callable[[], Awaitable[Core]]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    server.answer = vectors_for
    yield server
    server.close()


@pytest.fixture
async def open_core(server: EmbeddingServer, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same store each time, like another process would, with a model behind the server."""
    cores: list[Core] = []

    async def open_() -> Core:
        store = await open_store(tmp_path / "data")
        folder = tmp_path / f"cache-{len(cores)}"
        embedder = RemoteEmbedder(server.url, NAMED, None, folder, for_queries=HASTY, for_documents=HASTY)
        cores.append(Core(store, embedder, SystemClock(), new_id, None))
        return cores[-1]

    yield open_
    for core in cores:
        await core.close()


async def remember(tmp_path: Path, count: int) -> None:
    """Memories kept while there is no model."""
    store = await open_store(tmp_path / "data")
    organization = await ensure_local_organization(store, SystemClock(), new_id)
    core = Core(store, open_embedder(EmbedderSpec(kind="none"), tmp_path), SystemClock(), new_id, None)
    scope = Scope(organization_id=organization.id, actor="test")
    await core.memories.add_many(scope, [Draft(content=f"Number {number}") for number in range(count)])
    await core.close()


def asked(server: EmbeddingServer) -> Counter[str]:
    """How often each memory's text was sent."""
    return Counter(text for _, _, body in server.requests for text in body["input"] if text.startswith("Number"))


def refuses(text: str) -> Callable[[Any], Answer]:
    """A model that cannot read one text, and then nothing of what is sent with it."""

    def answer(request: Any) -> Answer:
        if text in request["input"]:
            return 400, {}, json.dumps({"error": "cannot read this"}).encode()
        return vectors_for(request)

    return answer


async def progress_of(core: Core, **options: bool) -> list[Progress]:
    return [progress async for progress in core.reindex.run(**options)]


async def test_all_is_embedded_once_and_told_in_steps(open_core: Open, server: EmbeddingServer, tmp_path: Path) -> None:
    await remember(tmp_path, 150)
    core = await open_core()
    told = await progress_of(core)
    assert [(one.done, one.total) for one in told] == [(0, 150), (64, 150), (128, 150), (150, 150), (150, 150)]
    assert set(asked(server).values()) == {1}
    assert len(asked(server)) == 150
    assert await core.reindex.pending() == 0
    assert await progress_of(core) == [Progress(0, 0)]


async def test_what_others_embed_meanwhile_counts_as_done(
    open_core: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    await remember(tmp_path, 400)
    one, two, three = [await open_core() for _ in range(3)]
    assert await one.reindex.plan() == 400

    async def take_part(core: Core) -> int:
        return sum([texts async for texts in core.reindex.take_part()])

    told, *others = await asyncio.gather(progress_of(one), take_part(two), take_part(three))
    assert told[-1] == Progress(400, 400)
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert sum(others) > 0
    assert len(asked(server)) == 400
    assert set(asked(server).values()) == {1}


async def test_former_vectors_go_when_the_others_have_ended_too(open_core: Open, tmp_path: Path) -> None:
    await remember(tmp_path, 100)
    former = EmbeddingModel("former", 3)
    one, two = await open_core(), await open_core()
    await one.store.backlog.plan(former, 100)
    old = await one.store.backlog.take(former, timedelta(minutes=1))
    assert old is not None
    vectors = await one.embedder.embed_documents([text.text for text in old.texts])
    await one.store.backlog.keep(
        former, old, list(zip(old.texts, vectors, strict=True)), retry_after=timedelta(hours=1)
    )
    model = one.embedder.model
    assert model is not None
    await one.reindex.plan()
    held = await two.store.backlog.take(model, timedelta(minutes=1))
    assert held is not None
    running = one.reindex.run(drop_former=True)
    while (await anext(running)).done < 100 - len(held.texts):
        pass
    # Looks again and again, and ends no sooner.
    assert [(await anext(running)).done for _ in range(2)] == [100 - len(held.texts)] * 2
    assert await one.store.count_pending(former) == 0
    await two.store.backlog.keep(
        model, held, list(zip(held.texts, vectors, strict=False)), retry_after=timedelta(hours=1)
    )
    assert [progress async for progress in running][-1] == Progress(100, 100)
    assert await one.store.count_pending(former) == 100


async def test_a_text_that_cannot_be_embedded_keeps_no_other_from_it(
    open_core: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    await remember(tmp_path, 100)
    core = await open_core()
    server.answer = refuses(UNREADABLE)
    assert (await progress_of(core))[-1] == Progress(100, 100)
    assert await core.reindex.pending() == 1
    # It is left alone for a while …
    server.requests.clear()
    assert await core.reindex.plan() == 0
    assert [texts async for texts in core.reindex.take_part()] == []
    assert asked(server) == Counter()
    # … but not when somebody asks for it.
    server.answer = vectors_for
    assert (await progress_of(core))[-1] == Progress(1, 1)
    assert await core.reindex.pending() == 0


async def test_a_model_that_does_not_answer_makes_no_text_unreadable(
    open_core: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    await remember(tmp_path, 3)
    core, other = await open_core(), await open_core()
    assert await core.reindex.plan() == 3
    server.answer = lambda _: (401, {}, b"{}")
    with pytest.raises(EmbeddingUnavailable):
        await anext(core.reindex.take_part())
    server.answer = vectors_for
    # Another may take it at once.
    assert [texts async for texts in other.reindex.take_part()] == [3]
    assert await other.reindex.pending() == 0


async def test_who_is_stopped_gives_back_what_it_had_taken(
    open_core: Open, server: EmbeddingServer, tmp_path: Path
) -> None:
    await remember(tmp_path, 3)
    core, other = await open_core(), await open_core()
    assert await core.reindex.plan() == 3
    asked, goes_on = threading.Event(), threading.Event()

    def hang(request: Any) -> Answer:
        asked.set()
        assert goes_on.wait(PATIENCE)
        return vectors_for(request)

    server.answer = hang
    stopped = asyncio.ensure_future(anext(core.reindex.take_part()))
    assert await asyncio.to_thread(asked.wait, PATIENCE)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    server.answer = vectors_for
    goes_on.set()
    assert [texts async for texts in other.reindex.take_part()] == [3]


async def test_without_a_model_there_is_nothing_to_embed_with(tmp_path: Path) -> None:
    await remember(tmp_path, 1)
    store = await open_store(tmp_path / "data")
    core = Core(store, open_embedder(EmbedderSpec(kind="none"), tmp_path), SystemClock(), new_id, None)
    assert await core.reindex.pending() == 0
    with pytest.raises(EmbeddingUnavailable):
        await progress_of(core)
    await core.close()
