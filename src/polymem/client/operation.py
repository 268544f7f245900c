"""How one description of an operation becomes a method of both clients.

    class Operations:
        get = Operation(operations.get)        # a function from arguments to a Call[Memory]

`client.get(id)` is then a `Memory` on the synchronous client and a coroutine of one on the other, with the
parameters of the described function. A type checker follows this through the overloads of `__get__`.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

from polymem.client.calls import Call, Lines, Pages

P = ParamSpec("P")
T = TypeVar("T")


class Runner:
    """Carries calls out and waits for them."""

    def _run(self, call: Call[T]) -> T:
        raise NotImplementedError

    def _each(self, source: Pages[T] | Lines[T]) -> Iterator[T]:
        raise NotImplementedError


class AsyncRunner:
    """Carries calls out in coroutines."""

    async def _run(self, call: Call[T]) -> T:
        raise NotImplementedError

    def _each(self, source: Pages[T] | Lines[T]) -> AsyncIterator[T]:
        raise NotImplementedError


class Operation(Generic[P, T]):
    """A method that makes one call and returns its result."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Runner, owner: type[Any]) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: AsyncRunner, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: Runner | AsyncRunner | None, owner: type[Any]) -> Any:
        """The description itself on the class, the method on a client."""
        if instance is None:
            return self
        run = instance._run
        return update_wrapper(lambda *args, **kwargs: run(self.describe(*args, **kwargs)), self.describe)


class Iteration(Generic[P, T]):
    """A method that returns an iterator over all results, asking the server as it goes."""

    def __init__(self, describe: Callable[P, Pages[T] | Lines[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Runner, owner: type[Any]) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: AsyncRunner, owner: type[Any]) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: Runner | AsyncRunner | None, owner: type[Any]) -> Any:
        """The description itself on the class, the method on a client."""
        if instance is None:
            return self
        each = instance._each
        return update_wrapper(lambda *args, **kwargs: each(self.describe(*args, **kwargs)), self.describe)
