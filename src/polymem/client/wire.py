"""What the two clients do differently: send, wait, read. Everything else is written once, in `session`.

Both wires have the same asynchronous methods. Those of `BlockingWire` never suspend, so that what is written over
them runs from start to end when it is asked for its result (see `completed`).
"""

import asyncio
import ipaddress
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import httpx2

from polymem.client.calls import Call, to_json, to_line, to_query

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server is, the secret that opens it, and how many seconds each part of a request may take."""

    base_url: str
    api_key: str | None = field(repr=False)
    timeout: float

    def options(self) -> dict[str, Any]:
        """The arguments of an httpx2 client for it."""
        headers = {"accept": "application/json, application/x-ndjson, application/problem+json"}
        if self.api_key is not None:
            headers["authorization"] = f"Bearer {self.api_key}"
        # A proxy has no business between a caller and its own machine.
        return {
            "base_url": self.base_url,
            "headers": headers,
            "timeout": self.timeout,
            "trust_env": not _is_loopback(httpx2.URL(self.base_url).host),
        }


class Wire(Protocol):
    """Carries requests to the server and answers back. All methods may raise `httpx2.TransportError`."""

    async def send(self, call: Call[Any], headers: dict[str, str], *, stream: bool) -> httpx2.Response:
        """The answer to a call; with `stream` only its head, unless it is an error."""
        ...

    def chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        """A streamed answer's bytes as they come. It is closed at the end."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class BlockingWire:
    """A wire whose methods return when they are done. They are coroutines that never suspend."""

    def __init__(self, address: Address) -> None:
        self._http = httpx2.Client(**address.options())
        self._timeout = address.timeout

    async def send(self, call: Call[Any], headers: dict[str, str], *, stream: bool) -> httpx2.Response:
        """See `Wire`."""
        content = None if call.records is None else _to_blocking_lines(call.records)
        request = self._http.build_request(**_request(call, headers, self._timeout, content))
        response = self._http.send(request, stream=stream)
        if stream and not response.is_success:
            response.read()
        return response

    async def chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        """See `Wire`."""
        try:
            for chunk in response.iter_bytes():
                yield chunk
        finally:
            response.close()

    async def wait(self, seconds: float) -> None:
        """See `Wire`."""
        time.sleep(seconds)  # noqa: ASYNC251 - blocking is what this wire is for

    async def close(self) -> None:
        """See `Wire`."""
        self._http.close()


class AsyncWire:
    """A wire for asyncio."""

    def __init__(self, address: Address) -> None:
        self._http = httpx2.AsyncClient(**address.options())
        self._timeout = address.timeout

    async def send(self, call: Call[Any], headers: dict[str, str], *, stream: bool) -> httpx2.Response:
        """See `Wire`."""
        content = None if call.records is None else _to_async_lines(call.records)
        request = self._http.build_request(**_request(call, headers, self._timeout, content))
        response = await self._http.send(request, stream=stream)
        if stream and not response.is_success:
            await response.aread()
        return response

    async def chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        """See `Wire`."""
        try:
            async for chunk in response.aiter_bytes():
                yield chunk
        finally:
            await response.aclose()

    async def wait(self, seconds: float) -> None:
        """See `Wire`."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """See `Wire`."""
        await self._http.aclose()


def completed(awaitable: Awaitable[T]) -> T:
    """The result of something that awaits nothing but a `BlockingWire`."""
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a blocking wire does not suspend")


def _request(call: Call[Any], headers: dict[str, str], timeout: float, content: Any) -> dict[str, Any]:
    if call.body is not None:
        headers = headers | {"content-type": "application/json"}
        content = to_json(call.body)
    elif call.records is not None:
        headers = headers | {"content-type": "application/x-ndjson"}
    return {
        "method": call.method,
        "url": call.path,
        "params": to_query(call.query),
        "headers": headers,
        "content": content,
        "timeout": httpx2.Timeout(timeout, read=None) if call.unhurried else timeout,
    }


def _to_blocking_lines(records: Any) -> Iterator[bytes]:
    for record in records:
        yield to_line(record)


async def _to_async_lines(records: AsyncIterable[Any] | Iterable[Any]) -> AsyncIterator[bytes]:
    if isinstance(records, AsyncIterable):
        async for record in records:
            yield to_line(record)
    else:
        for record in records:
            yield to_line(record)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
