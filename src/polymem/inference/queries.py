"""Remembers the vectors of recent queries, and asks the model once for a query that several wait for."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")

CACHED_QUERIES = 4096
"""How many queries are remembered: 6 MB of 384-dimensional vectors, and 12 MB with those of eight tokens each."""

CACHED_CHARACTERS = 2048
"""Longer queries are rare and big, and are not remembered."""


class QueryCache(Generic[T]):
    """Least-recently-used memory of `embed`, a function from a query to its vector or vectors."""

    def __init__(self, embed: Callable[[str], Awaitable[T]], size: int = CACHED_QUERIES) -> None:
        self._embed = embed
        self._size = size
        self._known: OrderedDict[str, T] = OrderedDict()
        self._pending: dict[str, asyncio.Future[T]] = {}

    async def get(self, text: str) -> T:
        """The vector of a query. An error of `embed` reaches all who wait for it, and is not remembered."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        answer = self._pending.get(text)
        if answer is None or answer.done() or answer.get_loop() is not asyncio.get_running_loop():
            answer = asyncio.ensure_future(self._embed(text))
            self._pending[text] = answer
            answer.add_done_callback(partial(self._finish, text))
        # Shielded: one caller that gives up must not fail the others.
        return await asyncio.shield(answer)

    def _finish(self, text: str, answer: asyncio.Future[T]) -> None:
        self._pending.pop(text, None)
        # Asking for the exception also keeps asyncio from reporting it as lost when every caller has given up.
        if answer.cancelled() or answer.exception() is not None or len(text) > CACHED_CHARACTERS:
            return
        self._known[text] = answer.result()
        if len(self._known) > self._size:
            self._known.popitem(last=False)
