"""The data layer per operation, against the bare driver that runs the very same SQL in a thread.

The store runs once over a backend that writes down every statement with its values; the bare driver then
repeats these on a copy of the database. What is left between the two is what the data layer costs: making rows
and terms of memories and memories of rows, transactions, and the way to the thread and back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench import corpus
from bench.cores import fill, open_core, to_memory
from bench.report import Goal, Quantity, Row, ratio
from bench.setup import Options, embedder, in_fresh_process, run_on_uvloop, scratch
from bench.timing import interleaved
from polymem.core.filters import InProjects, Sort, active
from polymem.core.ports import Claim, Derived, Insert, Store
from polymem.storage import open_store
from polymem.storage.backend import Backend, Params, Search, Tenant, Transaction
from polymem.storage.backend import Row as DatabaseRow
from polymem.storage.search import IndexCache, IndexedRow, StateCache
from polymem.storage.sqlite import open_sqlite
from polymem.storage.sqlite.connection import _bound, connect, native
from polymem.storage.store import SqlStore

T = TypeVar("T")

TITLE = "Data layer (SQLite), one operation at a time"


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    memories = options.sized(10_000, 500)
    with scratch() as data_dir:
        in_fresh_process(_fill, data_dir / "store", memories)
        return run_on_uvloop(_measure(data_dir, options))


def _fill(data_dir: Path, memories: int) -> None:
    run_on_uvloop(fill(data_dir, memories))


@dataclass
class Statement:
    """One statement as the driver gets it: `params` is a list for executemany."""

    sql: str
    params: Any
    many: bool = False


@dataclass
class Recording:
    """Implements `backend.Backend` over another, and keeps the statements of each transaction."""

    backend: Backend
    transactions: list[list[Statement]] = field(default_factory=list)

    async def read(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return await self.backend.read(tenant, self._recorded(work))

    async def read_recent(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return await self.backend.read_recent(tenant, self._recorded(work))

    async def write(self, tenant: Tenant, work: Callable[[Transaction], T]) -> T:
        return await self.backend.write(tenant, self._recorded(work))

    def _recorded(self, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        def run(transaction: Transaction) -> T:
            recording = RecordingTransaction(transaction)
            result = work(recording)
            self.transactions.append(recording.statements)
            return result

        return run

    def search(self, tokens: StateCache[bytes], rows: StateCache[IndexedRow]) -> Search | None:
        return self.backend.search(tokens, rows)

    async def size(self) -> int | None:
        return await self.backend.size()

    async def damage(self) -> list[str]:
        return await self.backend.damage()

    async def backup(self, target: Path) -> None:
        await self.backend.backup(target)

    async def claim(self, job: str) -> Claim | None:
        return await self.backend.claim(job)

    async def alone(self) -> bool:
        return await self.backend.alone()

    async def close(self) -> None:
        await self.backend.close()


@dataclass
class RecordingTransaction:
    """Implements `backend.Transaction` over another."""

    transaction: Transaction
    statements: list[Statement] = field(default_factory=list)

    def query(self, statement: str, params: Params) -> list[DatabaseRow]:
        self._keep(statement, params)
        return self.transaction.query(statement, params)

    def execute(self, statement: str, params: Params) -> int:
        self._keep(statement, params)
        return self.transaction.execute(statement, params)

    def execute_many(self, statement: str, rows: Sequence[Params]) -> None:
        self.statements.append(Statement(native(statement)[0], list(rows), many=True))
        self.transaction.execute_many(statement, rows)

    def take_turn(self, line: str) -> None:
        self.transaction.take_turn(line)

    def _keep(self, statement: str, params: Params) -> None:
        sql, lists = native(statement)
        self.statements.append(Statement(sql, _bound(params, lists)))


class BareDriver:
    """`sqlite3` in a thread of its own, with the product's pragmas."""

    def __init__(self, file: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._connection = connect(file, writes=True)

    async def read(self, statements: Sequence[Statement]) -> object:
        """The rows of each statement."""
        return await self._call(lambda: [self._run(statement) for statement in statements])

    async def write(self, statements: Sequence[Statement]) -> object:
        """All statements in one transaction."""

        def transaction() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                self._run(statement)
            self._connection.execute("COMMIT")

        return await self._call(transaction)

    async def close(self) -> None:
        """Ends the thread."""
        await self._call(self._connection.close)
        self._thread.shutdown()

    def _run(self, statement: Statement) -> list[Any]:
        if statement.many:
            return self._connection.executemany(statement.sql, statement.params).fetchall()
        return self._connection.execute(statement.sql, statement.params).fetchall()

    async def _call(self, work: Callable[[], object]) -> object:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


async def _measure(data_dir: Path, options: Options) -> list[Row]:
    rounds, warm_up = options.sized(400, 20), 20
    every = rounds + warm_up
    async with embedder() as model, open_core(data_dir / "store", model) as opened:
        core, scope = opened.core, opened.scope
        (project,) = await core.projects.all(scope)
        page = await core.memories.find(scope, limit=1000)
        (vectors,) = await model.embed_documents(["one vector serves all, for only the store is measured here"])
        derived = Derived(model.model, vectors)
        for copy in ("store.db", "recorded.db", "bare.db"):
            await core.store.backup(data_dir / copy)
        now = core.clock.now()
    new = [to_memory(text, scope, project) for text in corpus.texts(every, seed=9)]
    ids = [page.items[index % len(page.items)].id for index in range(every)]
    current = (InProjects(frozenset({project.id})), *active(now))

    def get(store: Store, index: int) -> Awaitable[object]:
        return store.get_many(scope, [ids[index]])

    def find(store: Store, index: int) -> Awaitable[object]:
        return store.find(scope, current, Sort(), 20, 20 * (index % 10))

    def insert(store: Store, index: int) -> Awaitable[object]:
        return store.apply(scope, [Insert(new[index], derived)])

    store = await open_store(data_dir / "store.db")
    bare = BareDriver(data_dir / "bare.db")
    rows: list[Row] = []
    for name, operation, run in (
        ("get one", get, bare.read),
        ("page of 20 of a project, with total", find, bare.read),
        ("insert one, durable", insert, bare.write),
    ):
        recorded = await _recorded(data_dir / "recorded.db", operation, every)
        timed = await interleaved(
            {"store": partial(operation, store), "bare": partial(_repeated, run, recorded)}, rounds, warm_up
        )
        value = Quantity(timed["store"].p50, "ms", timed["store"].p95)
        baseline = Quantity(timed["bare"].p50, "ms", timed["bare"].p95)
        rows.append(ratio(name, value, baseline, f"bare sqlite3, {len(recorded[0])} statements", Goal(2)))
    await bare.close()
    await store.close()
    return rows


async def _repeated(
    run: Callable[[Sequence[Statement]], Awaitable[object]], recorded: Sequence[Sequence[Statement]], index: int
) -> object:
    return await run(recorded[index])


async def _recorded(
    file: Path, operation: Callable[[Store, int], Awaitable[object]], count: int
) -> list[list[Statement]]:
    """The statements of each of `count` operations, which are done in that database."""
    recording = Recording(await open_sqlite(file))
    store = SqlStore(recording, IndexCache(1))
    for index in range(count):
        await operation(store, index)
    await store.close()
    assert len(recording.transactions) == count
    return recording.transactions
