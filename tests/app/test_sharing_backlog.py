"""Three servers, each a process of its own as on three machines, embed together what has no vector yet."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from polymem.app.composition import SystemClock, new_id
from polymem.core import Core
from polymem.core.model import Draft
from polymem.core.people import Scope
from polymem.core.people.tenancy import ensure_local_organization
from polymem.inference import EmbedderSpec, open_embedder
from polymem.storage import open_store
from tests.databases import Postgres, postgres
from tests.embedding import Answer, EmbeddingServer, vectors_for
from tests.processes import Process, process
from tests.serving import PATIENCE

TEXTS = 1000
LEASE_MICROSECONDS = 30_000_000
NAMES = ("one", "two", "three")


class Model(EmbeddingServer):
    """Knows who sends it what: each server has a key of its own. A gate that is shut lets nobody's texts pass."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._sent: list[tuple[str, list[str]]] = []
        self._gates: dict[str, threading.Event] = {name: threading.Event() for name in NAMES}

    def open_gates(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()

    def wait_until_asked_by(self, *names: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(names) <= {name for name, _ in self._sent}, PATIENCE)

    def sent(self, *names: str) -> Counter[str]:
        """How often each memory's text was sent by these servers, or by all."""
        with self._changed:
            return Counter(text for name, texts in self._sent for text in texts if not names or name in names)

    def respond(self, headers: dict[str, str], body: Any) -> Answer:
        name = headers["Authorization"].removeprefix("Bearer ")
        texts = [text for text in body["input"] if text.startswith("Number")]
        if texts:
            with self._changed:
                self._sent.append((name, texts))
                self._changed.notify_all()
            assert self._gates[name].wait(PATIENCE)
        return vectors_for(body)

    def close(self) -> None:
        self.open_gates(*NAMES)
        super().close()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    yield model
    model.close()


async def remember(database_url: str, folder: Path) -> None:
    """Memories kept while there was no model."""
    store = await open_store(database_url)
    organization = await ensure_local_organization(store, SystemClock(), new_id)
    core = Core(store, open_embedder(EmbedderSpec(kind="none"), folder), SystemClock(), new_id, None)
    scope = Scope(organization_id=organization.id, actor="test")
    await core.memories.add_many(scope, [Draft(content=f"Number {number}") for number in range(TEXTS)])
    await core.close()


@contextmanager
def servers(database_url: str, model: Model, folder: Path) -> Iterator[dict[str, Process]]:
    """A server for each name, over the same database."""
    settings = {"database_url": database_url, "embedder_url": model.url, "embedder_model": "m", "dashboard": "false"}
    with ExitStack() as stack:
        started = {}
        for name in NAMES:
            (folder / name).mkdir()
            own = {"embedder_api_key": name, "cache_dir": folder / name / "cache"}
            started[name] = stack.enter_context(process(folder / name, **settings, **own))
        yield started


def rows(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def wait_until_embedded(database_url: str, texts: int) -> None:
    """Returns once so many memories have vectors; fails when more have, or patience ends."""
    pause, end, count = threading.Event(), time.monotonic() + PATIENCE, 0
    while count < texts:
        assert time.monotonic() < end
        pause.wait(0.1)
        ((count,),) = rows(database_url, "SELECT count(DISTINCT memory_id) FROM memory_vectors")
    assert count == texts


def test_a_backlog_is_embedded_by_all_and_no_text_twice(server: Postgres, model: Model, tmp_path: Path) -> None:
    url = server.new_database()
    asyncio.run(remember(url, tmp_path))
    with servers(url, model, tmp_path):
        # Each has a batch in hand before the first is answered.
        model.wait_until_asked_by(*NAMES)
        model.open_gates(*NAMES)
        wait_until_embedded(url, TEXTS)
    assert set(model.sent().values()) == {1}
    assert len(model.sent()) == TEXTS
    shares = {name: model.sent(name).total() for name in NAMES}
    assert min(shares.values()) > 0
    assert sum(shares.values()) == TEXTS


def test_what_a_killed_server_had_taken_is_embedded_by_another(server: Postgres, model: Model, tmp_path: Path) -> None:
    url = server.new_database()
    asyncio.run(remember(url, tmp_path))
    with servers(url, model, tmp_path) as started:
        model.wait_until_asked_by(*NAMES)
        lost = model.sent("two")
        started["two"].popen.kill()
        model.open_gates("one", "three")
        wait_until_embedded(url, TEXTS - lost.total())
        assert rows(url, "SELECT sum(texts) FROM embedding_batches") == [(lost.total(),)]
        # Half a minute passes, by the only clock that counts.
        later = f"UPDATE embedding_batches SET free_at = free_at - {LEASE_MICROSECONDS} RETURNING texts"
        assert rows(url, later) == [(lost.total(),)]
        wait_until_embedded(url, TEXTS)
    assert model.sent("one", "three").total() == TEXTS
    assert {text for text, times in model.sent().items() if times > 1} == set(lost)
