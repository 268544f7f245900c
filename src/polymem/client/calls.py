"""A call as a value: the request it makes and how its answer is read. Pure; nothing here touches a socket."""

import json
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from polymem.client.errors import UnexpectedAnswer
from polymem.client.inputs import Record
from polymem.client.models import Page

T = TypeVar("T")

Records = Iterable[Record] | AsyncIterable[Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request and how to read its answer.

    `body` is sent as JSON; `records` instead as one JSON object a line. A `repeatable` call does no harm when it
    arrives twice, so it is tried again after a lost connection; a `keyed` one becomes repeatable by an idempotency
    key (`key`, or one made for it). An `unhurried` one sets no limit to the time between two bytes of its answer.
    """

    method: str
    path: str
    parse: Callable[[Any], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    records: Records | None = None
    repeatable: bool = False
    keyed: bool = False
    key: str | None = None
    unhurried: bool = False


@dataclass(frozen=True, slots=True)
class Pages(Generic[T]):
    """A list in several calls: `of(offset)` asks for the page that starts there."""

    of: Callable[[int], Call[Page[T]]]


@dataclass(frozen=True, slots=True)
class Lines(Generic[T]):
    """A list in one answer, which is read line by line, each of them JSON for `parse`."""

    call: Call[None]
    parse: Callable[[Any], T]


def to_json(value: Any) -> bytes:
    """A value as JSON text. Raises TypeError, ValueError for what JSON does not know."""
    return json.dumps(value, default=_to_plain, allow_nan=False, separators=(",", ":")).encode()


def to_line(record: Record) -> bytes:
    """A record as one line of NDJSON."""
    return to_json(record) + b"\n"


def to_query(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Parameters as they stand in an address: a list repeats its name, None leaves it out."""
    return [(name, text) for name, value in query.items() for text in _to_texts(value)]


def from_json(text: bytes | str) -> Any:
    """The value of an answer or a line of it; None for an empty one. Raises UnexpectedAnswer."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise UnexpectedAnswer(f"The server sent {text[:80]!r}…, which is not JSON") from None


def _to_plain(value: object) -> Any:
    match value:
        case datetime():
            return _to_instant(value)
        case date():
            return value.isoformat()
        case Mapping():
            return dict(value)
        case Iterable():
            return list(value)
        case _:
            raise TypeError(f"{value!r} cannot be sent as JSON")


def _to_texts(value: object) -> list[str]:
    match value:
        case None:
            return []
        case bool():
            return ["true" if value else "false"]
        case datetime():
            return [_to_instant(value)]
        case Iterable() if not isinstance(value, str):
            return [text for item in value for text in _to_texts(item)]
        case _:
            return [str(value)]


def _to_instant(value: datetime) -> str:
    # A time without a zone is the caller's local time, as everywhere in Python.
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
