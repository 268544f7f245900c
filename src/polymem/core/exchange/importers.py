"""Reading files of memories: bytes in, records as `transfer` knows them out. Pure functions over what is given.

A file is lines of JSON objects (NDJSON), or one JSON document: an array of objects, one object, or an object that
holds them under `entries`, `memories`, `items` or `results`; or it is Markdown. Entries of other systems are recognised
by their fields: see `formats`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.exchange.formats import to_records
from polymem.core.exchange.markdown import read_markdown
from polymem.core.exchange.transfer import Record

_HOLDERS = ("entries", "memories", "items", "results")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Format(StrEnum):
    """What a file holds. `auto` looks at it; the name of a system takes every object for an entry of that one."""

    AUTO = "auto"
    NDJSON = "ndjson"
    JSON = "json"
    MEMENTO = "memento"
    MEM0 = "mem0"
    MEMEMORY = "mememory"
    AIMEMORY = "aimemory"
    MEMANTO = "memanto"
    MCP = "mcp"
    MARKDOWN = "markdown"


def read_records(
    lines: Iterable[bytes], format: Format = Format.AUTO, *, name: str = "notes"
) -> Iterator[Record | InvalidInput]:
    """The records of a file, given as its lines; NDJSON is read line by line, anything else is held as a whole.

    `name` is that of the file, without its ending; of use for Markdown only, which nothing but `format` tells.

    An object that cannot be read comes as the InvalidInput that says why, in its place. Raises InvalidInput for a file
    that is neither NDJSON nor JSON, or not of the given format.
    """
    if format is Format.MARKDOWN:
        yield from _markdown(b"".join(lines), name)
        return
    for value in _values(_without_mark(lines), format):
        if not isinstance(value, Mapping) or format in (Format.NDJSON, Format.JSON):
            yield value
        else:
            records = to_records(value, None if format is Format.AUTO else format.value)
            if isinstance(records, InvalidInput):
                yield records
            else:
                yield from [dict(value)] if records is None else records


def _markdown(text: bytes, name: str) -> Iterator[Record | InvalidInput]:
    try:
        yield from read_markdown(text.decode(), name)
    except UnicodeDecodeError:
        raise InvalidInput("The file is not UTF-8 text") from None


def _values(lines: Iterator[bytes], format: Format) -> Iterator[Any]:
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return
    if format is Format.NDJSON or (format is not Format.JSON and _is_whole_object(first)):
        for line in chain([first], lines):
            if line.strip():
                yield from _items(_parsed(line))
        return
    whole = _parsed(first + b"".join(lines))
    if isinstance(whole, InvalidInput):
        kind = "not JSON" if format is Format.JSON else "neither NDJSON nor JSON"
        raise InvalidInput(f"The file is {kind}: {whole}")
    yield from _items(whole)


def _is_whole_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and not isinstance(_parsed(line), InvalidInput)


def _items(value: Any) -> list[Any]:
    if isinstance(value, Mapping) and "content" not in value and "memory" not in value:
        value = next((value[name] for name in _HOLDERS if isinstance(value.get(name), list)), value)
    return value if isinstance(value, list) else [value]


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError:
        return InvalidInput("it is not UTF-8 text")
    except json.JSONDecodeError as error:
        return InvalidInput(f"it is not valid JSON: {error}")
    except RecursionError:
        return InvalidInput("it is nested too deeply")
    except ValueError as error:
        # Python refuses to read integers of thousands of digits.
        return InvalidInput(f"it is not valid JSON: {error}")


def _without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    iterator = iter(lines)
    for first in iterator:
        yield first.removeprefix(_BYTE_ORDER_MARK)
        break
    yield from iterator
