"""From JSON values to the dataclasses of `models`, by their annotations. Pure functions."""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from polymem.client.errors import UnexpectedAnswer
from polymem.client.models import Page

T = TypeVar("T")
Parse = Callable[[Any], T]


def one(kind: type[T]) -> Parse[T]:
    """A parser of one JSON object. It raises UnexpectedAnswer for what is not a `kind`."""
    return lambda value: _decode(kind, value)


def many(kind: type[T], name: str = "items") -> Parse[tuple[T, ...]]:
    """A parser of a list, bare or under `name` in an object."""

    def parse(value: Any) -> tuple[T, ...]:
        items = value.get(name) if isinstance(value, dict) else value
        return tuple(_decode(kind, item) for item in _expect(list, items))

    return parse


def page(kind: type[T]) -> Parse[Page[T]]:
    """A parser of a page of `kind`."""

    def parse(value: Any) -> Page[T]:
        value = _expect(dict, value)
        counts = {name: _expect(int, value.get(name)) for name in ("total", "limit", "offset")}
        return Page(items=many(kind)(value), **counts)

    return parse


def nothing(_: Any) -> None:
    """A parser for an answer that says no more than that it worked."""


def _decode(kind: Any, value: Any) -> Any:
    if kind is Any:
        return value
    if isinstance(kind, type) and is_dataclass(kind):
        return _decode_object(kind, _expect(dict, value))
    if kind is datetime:
        try:
            return datetime.fromisoformat(_expect(str, value)).astimezone(UTC)
        except ValueError:
            raise UnexpectedAnswer(f"The server sent {value!r} where an instant belongs") from None
    if kind is date:
        try:
            return date.fromisoformat(_expect(str, value))
        except ValueError:
            raise UnexpectedAnswer(f"The server sent {value!r} where a day belongs") from None
    if kind is float:
        return float(_expect((int, float), value))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _decode(inner, value)
    if origin is tuple:
        return tuple(_decode(arguments[0], item) for item in _expect(list, value))
    if origin is Mapping:
        return {name: _decode(arguments[1], item) for name, item in _expect(dict, value).items()}
    return _expect(kind, value)


def _decode_object(kind: type, value: Mapping[str, Any]) -> Any:
    arguments = {}
    for name, (annotation, required) in _fields_of(kind).items():
        if name in value:
            arguments[name] = _decode(annotation, value[name])
        elif required:
            raise UnexpectedAnswer(f"The server sent a {kind.__name__} without {name}")
    return kind(**arguments)


@cache
def _fields_of(kind: type) -> Mapping[str, tuple[Any, bool]]:
    hints = get_type_hints(kind)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    }


def _expect(kind: Any, value: Any) -> Any:
    if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
        return value
    raise UnexpectedAnswer(f"The server sent {str(value)[:80]!r} where {getattr(kind, '__name__', 'a number')} belongs")
