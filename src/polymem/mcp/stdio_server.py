"""The SDK's server on a wire that a front has begun to talk on."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any, cast

import anyio
from anyio.to_thread import run_sync
from mcp.server.stdio import stdio_server

from polymem.mcp.catalog import Toolset
from polymem.mcp.server import Context, create_server
from polymem.mcp.stdio import Handover, Wire
from polymem.mcp.visit import Visit

OpenVisit = Callable[[], AbstractAsyncContextManager[Visit]]
"""Opens the memory, and closes it at the end of the conversation. Raises PolymemError."""

_LAST_ANSWERS_SECONDS = 30
"""How long calls under way may take once the client has closed its side."""


async def carry_on(toolset: Toolset, wire: Wire, handover: Handover, open_visit: OpenVisit) -> None:
    """Serve until the client ends the conversation. The memory is opened by the first call that needs it."""
    lock = anyio.Lock()
    opened: list[Visit] = []
    async with AsyncExitStack() as at_the_end:

        async def visits(_: Context) -> Visit:
            async with lock:
                if not opened:
                    opened.append(await at_the_end.enter_async_context(open_visit()))
            return opened[0]

        server = create_server(toolset, visits)
        # The SDK's types ask for a file; it only ever reads lines of one and writes lines to the other.
        pending = _Pending()
        incoming = cast(Any, _Incoming(wire, handover, pending))
        outgoing = cast(Any, _Outgoing(wire, handover, pending))
        async with stdio_server(incoming, outgoing) as (read, write):
            await server.run(read, write, server.create_initialization_options())


class _Pending:
    """The requests that are not answered yet."""

    def __init__(self) -> None:
        self._ids: set[Any] = set()
        self._none = anyio.Event()

    def asked(self, line: bytes) -> None:
        """Take note of a request."""
        with suppress(ValueError, RecursionError):
            message = json.loads(line)
            if isinstance(message, dict) and "method" in message and isinstance(message.get("id"), (str, int)):
                self._ids.add(message["id"])

    def answered(self, message: Any) -> None:
        """Take note of an answer."""
        if isinstance(message, dict) and "method" not in message:
            self._ids.discard(message.get("id"))
            if not self._ids:
                self._none.set()

    async def wait(self) -> None:
        """Until there are none."""
        while self._ids:
            self._none = anyio.Event()
            await self._none.wait()


class _Incoming:
    """What the client has sent, and then what it sends. Its end comes when all is answered: what was asked before
    stdin was closed is done, and told to whoever may still read."""

    def __init__(self, wire: Wire, handover: Handover, pending: _Pending) -> None:
        self._wire = wire
        self._handover = handover
        self._pending = pending

    async def __aiter__(self) -> AsyncIterator[str]:
        for line in self._handover.messages:
            yield self._noted(line)
        while line := await run_sync(self._wire.incoming.readline, abandon_on_cancel=True):
            yield self._noted(line)
        with anyio.move_on_after(_LAST_ANSWERS_SECONDS):
            await self._pending.wait()

    def _noted(self, line: bytes) -> str:
        self._pending.asked(line)
        return line.decode("utf-8", "replace")


class _Outgoing:
    """What the server answers, but for the answer that the client has had from the front."""

    def __init__(self, wire: Wire, handover: Handover, pending: _Pending) -> None:
        self._wire = wire
        self._had = handover.answered
        self._pending = pending

    async def write(self, line: str) -> None:
        """Send one message."""
        message = json.loads(line)
        if self._had is not None and message.get("id") == self._had and "method" not in message:
            self._had = None
        else:
            await run_sync(self._wire.outgoing.write, line.encode())
        self._pending.answered(message)

    async def flush(self) -> None:
        """See that it arrives."""
        await run_sync(self._wire.outgoing.flush)
