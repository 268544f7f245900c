"""The two clients: one table of operations, and two wires to carry them out."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Self, TypeVar

from polymem.client import contradictions, digests, operations, past
from polymem.client.calls import Call, Lines, Pages
from polymem.client.operation import AsyncRunner, Iteration, Operation, Runner
from polymem.client.session import Retry, Session
from polymem.client.wire import Address, AsyncWire, BlockingWire, completed

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8765"


class Operations:
    """What both clients can do. The functions of `operations` describe each."""

    add = Operation(operations.add)
    add_many = Operation(operations.add_many)
    get = Operation(operations.get)
    list = Operation(operations.list_)
    iterate = Iteration(operations.iterate)
    update = Operation(operations.update)
    forget = Operation(operations.forget)
    restore = Operation(operations.restore)
    purge = Operation(operations.purge)
    history = Operation(operations.history)
    changes = Operation(past.changes)
    validate = Operation(past.validate)
    contradict = Operation(past.contradict)
    supersede = Operation(past.supersede)
    supersede_by = Operation(past.supersede_by)
    trust = Operation(past.trust)
    trash = Operation(operations.trash)
    recall = Operation(operations.recall)
    answer = Operation(digests.answer)
    context = Operation(digests.context)
    conflicts = Operation(contradictions.conflicts)
    conflict = Operation(contradictions.conflict)
    detect_conflicts = Operation(contradictions.detect_conflicts)
    resolve_conflict = Operation(contradictions.resolve_conflict)
    chain = Operation(contradictions.chain)
    unsupersede = Operation(contradictions.unsupersede)
    why_not = Operation(operations.why_not)
    projects = Operation(operations.projects)
    project = Operation(operations.project)
    create_project = Operation(operations.create_project)
    update_project = Operation(operations.update_project)
    stats = Operation(operations.stats)
    recall_activity = Operation(operations.recall_activity)
    health = Operation(operations.health)
    export = Iteration(operations.export)
    keys = Operation(operations.keys)
    create_key = Operation(operations.create_key)
    revoke_key = Operation(operations.revoke_key)


class Client(Operations, Runner):
    """Talks to a polymem server and waits for its answers. May be shared by threads.

    `base_url` and `api_key` default to POLYMEM_URL and POLYMEM_API_KEY, and then to a server on this machine and no
    key. `timeout` is in seconds and counts for each part of a request (connecting, sending, waiting for the next
    bytes). `retries` is how often a call is tried again after a connection error or a 429 or 503; only calls that
    may safely arrive twice are repeated once they were sent, and adding is made one of them by an idempotency key.

        with Client() as memory:
            memory.add("Ann prefers tea", project="office")
            hits = memory.recall("What does Ann drink?").hits
    """

    import_ = Operation(operations.import_)

    def __init__(
        self, base_url: str | None = None, *, api_key: str | None = None, timeout: float = 30.0, retries: int = 2
    ) -> None:
        self._session = Session(BlockingWire(_address(base_url, api_key, timeout)), Retry(retries))

    def _run(self, call: Call[T]) -> T:
        return completed(self._session.run(call))

    def _each(self, source: Pages[T] | Lines[T]) -> Iterator[T]:
        results = self._session.each(source)
        try:
            while True:
                try:
                    yield completed(anext(results))
                except StopAsyncIteration:
                    return
        finally:
            completed(results.aclose())

    def close(self) -> None:
        """Lets go of all connections."""
        completed(self._session.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Operations, AsyncRunner):
    """Talks to a polymem server in coroutines; everything else is as with `Client`.

    async with AsyncClient() as memory:
        await memory.add("Ann prefers tea", project="office")
        hits = (await memory.recall("What does Ann drink?")).hits
    """

    import_ = Operation(operations.import_stream)

    def __init__(
        self, base_url: str | None = None, *, api_key: str | None = None, timeout: float = 30.0, retries: int = 2
    ) -> None:
        self._session = Session(AsyncWire(_address(base_url, api_key, timeout)), Retry(retries))

    async def _run(self, call: Call[T]) -> T:
        return await self._session.run(call)

    def _each(self, source: Pages[T] | Lines[T]) -> AsyncIterator[T]:
        return self._session.each(source)

    async def close(self) -> None:
        """Lets go of all connections."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _address(base_url: str | None, api_key: str | None, timeout: float) -> Address:
    return Address(
        base_url=base_url or os.environ.get("POLYMEM_URL") or DEFAULT_URL,
        api_key=api_key or os.environ.get("POLYMEM_API_KEY") or None,
        timeout=timeout,
    )
