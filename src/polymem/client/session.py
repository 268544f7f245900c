"""How a call is carried out: headers, repetition, errors, paging and streaming. Written once, over any `Wire`."""

import random
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from polymem.client.calls import Call, Lines, Pages, from_json
from polymem.client.errors import ApiError, ConnectionFailed, TimedOut, UnexpectedAnswer, error_of
from polymem.client.wire import Wire

T = TypeVar("T")

_FIRST_PAUSE = 0.1
"""Seconds before the first repetition. Each later one waits twice as long, and up to half of it is added by chance,
so that many clients do not come back at the same moment."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is tried again, and the longest wait, in seconds, that a server may ask for."""

    times: int = 2
    longest: float = 30.0


class Session:
    """Carries calls out over a wire. Every method raises ClientError."""

    def __init__(self, wire: Wire, retry: Retry) -> None:
        self._wire = wire
        self._retry = retry

    async def run(self, call: Call[T]) -> T:
        """The result of a call."""
        response = await self._answer(call)
        return call.parse(from_json(response.content))

    async def each(self, source: Pages[T] | Lines[T]) -> AsyncGenerator[T]:
        """All results of a list, whichever way it comes."""
        if isinstance(source, Pages):
            offset, total = 0, 1
            while offset < total:
                page = await self.run(source.of(offset))
                for item in page.items:
                    yield item
                offset, total = offset + len(page.items), page.total if page.items else 0
            return
        response = await self._answer(source.call, stream=True)
        try:
            async with aclosing(self._wire.chunks(response)) as chunks:
                # By hand: a str's own idea of lines also ends them at characters that JSON texts may hold.
                rest = b""
                async for chunk in chunks:
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in filter(None, lines):
                        yield source.parse(from_json(line))
        except httpx2.TransportError as error:
            raise ConnectionFailed(f"The answer to {source.call.path} broke off: {error}") from error
        if rest:
            yield source.parse(from_json(rest))

    async def close(self) -> None:
        """Lets go of all connections."""
        await self._wire.close()

    async def _answer(self, call: Call[Any], *, stream: bool = False) -> httpx2.Response:
        repeatable = call.repeatable or call.keyed
        headers = {"idempotency-key": call.key or uuid.uuid4().hex} if call.keyed else {}
        for attempt in range(self._retry.times + 1):
            last = attempt == self._retry.times
            pause = _FIRST_PAUSE * 2**attempt * random.uniform(1.0, 1.5)
            try:
                response = await self._wire.send(call, headers, stream=stream)
            except httpx2.TransportError as error:
                # Where no connection came about nothing was sent, so every call may try again.
                nothing_sent = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout))
                broken = isinstance(error, (httpx2.NetworkError, httpx2.RemoteProtocolError))
                if last or not (nothing_sent or (repeatable and broken)):
                    raise _failure(call, error) from error
            except httpx2.InvalidURL as error:
                raise ConnectionFailed(f"The server's address is not valid: {error}") from error
            else:
                if response.is_success:
                    return response
                refusal = _refusal(response)
                pause = pause if refusal.retry_after is None else refusal.retry_after
                if last or not repeatable or refusal.status not in (429, 503) or pause > self._retry.longest:
                    raise refusal
            await self._wire.wait(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")


def _refusal(response: httpx2.Response) -> ApiError:
    if response.status_code < 400:
        raise UnexpectedAnswer(
            f"{response.url} answered with status {response.status_code}; is the address of the server right?"
        )
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"title": f"{response.status_code} {response.reason_phrase}".strip()}
    return error_of(response.status_code, problem, _seconds(response.headers.get("retry-after")))


def _seconds(retry_after: str | None) -> float | None:
    # RFC 9110 allows a number of seconds or a date.
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _failure(call: Call[Any], error: httpx2.TransportError) -> ConnectionFailed:
    if isinstance(error, httpx2.TimeoutException):
        return TimedOut(f"No answer to {call.method} {call.path} in time ({type(error).__name__})")
    return ConnectionFailed(f"No answer to {call.method} {call.path}: {str(error) or type(error).__name__}")
