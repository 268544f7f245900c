"""One test body for both clients."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from polymem.client import AsyncClient, Client

T = TypeVar("T")
EitherClient = Client | AsyncClient


async def result(value: T | Awaitable[T]) -> T:
    """What a method of either client comes to."""
    if inspect.isawaitable(value):
        awaited: T = await value
        return awaited
    return value


async def everything(items: Iterator[T] | AsyncIterator[T]) -> list[T]:
    """All that an iterator of either client yields."""
    if isinstance(items, AsyncIterator):
        return [item async for item in items]
    return list(items)


async def attempt(act: Callable[[], Any]) -> None:
    """Do something whose outcome is an error."""
    await result(act())
