"""Remembers the vectors of recent queries, and asks the model once for a query that several wait for."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

CACHED_QUERIES = 4096
"""How many queries are remembered: about 6 MB of 384-dimensional vectors."""

CACHED_CHARACTERS = 2048
"""Longer queries are rare and big, and are not remembered."""


class QueryCache:
    """Least-recently-used memory of `embed`, a function from a query to its vector."""

    def __init__(self, embed: Callable[[str], Awaitable[bytes]], size: int = CACHED_QUERIES) -> None:
        self._embed = embed
        self._size = size
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._pending: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, text: str) -> bytes:
        """The vector of a query. An error of `embed` reaches all who wait for it, and is not remembered."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        task = self._pending.get(text)
        if task is None or task.done():
            task = asyncio.ensure_future(self._ask(text))
            task.add_done_callback(_look_at_error)
            self._pending[text] = task
        # Shielded: one caller that gives up must not fail the others.
        return await asyncio.shield(task)

    async def _ask(self, text: str) -> bytes:
        try:
            vector = await self._embed(text)
        finally:
            self._pending.pop(text, None)
        if len(text) <= CACHED_CHARACTERS:
            self._known[text] = vector
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return vector


def _look_at_error(task: asyncio.Task[bytes]) -> None:
    """Keeps asyncio from reporting an error as lost when every caller has given up."""
    if not task.cancelled():
        task.exception()
