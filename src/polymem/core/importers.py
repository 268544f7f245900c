"""Reading files of memories: bytes in, records as `transfer` knows them out. Pure functions over what is given.

A file is lines of JSON objects (NDJSON), or one JSON document: an array of objects, one object, or an object that
holds them under `entries`, `memories`, `items` or `results`; or it is Markdown. Entries of other systems are recognised
by their fields: Memento's here, the others' in `formats`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.formats import to_records
from polymem.core.markdown import read_markdown
from polymem.core.model import DEFAULT_IMPORTANCE
from polymem.core.transfer import Record

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
        elif format is Format.MEMENTO or (format is Format.AUTO and is_memento(value)):
            yield from_memento(value)
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


# --- Memento ------------------------------------------------------------------------------------

_GLOBAL = ("__global__", "global")
_PRIORITIES = {"low": 3, "normal": DEFAULT_IMPORTANCE, "medium": DEFAULT_IMPORTANCE, "high": 8}
_MAPPED = frozenset(
    {"namespace", "tags", "container", "timestamp", "importance", "priority", "source", "kind", "summary"}
)
_DERIVED = frozenset({"accessCount", "updatedAt", "version"})


def is_memento(value: Mapping[str, Any]) -> bool:
    """Whether an object looks like an entry of Memento: its facts stand in `metadata`, not beside the content."""
    metadata = value.get("metadata")
    return (
        "created_at" not in value
        and isinstance(metadata, Mapping)
        and any(isinstance(metadata.get(name), str) for name in ("namespace", "timestamp"))
    )


def from_memento(entry: Mapping[str, Any]) -> Record | InvalidInput:
    """The record of a Memento entry; the InvalidInput that says why not, where its metadata is no object.

    The namespace becomes the project, the global one none. A container that is only the namespace again, and what
    Memento counts by itself, are left out; unknown metadata is kept.
    """
    metadata = entry.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        return InvalidInput("metadata must be an object", field="metadata")
    namespace, container = metadata.get("namespace"), metadata.get("container")
    record: Record = {
        "id": entry.get("id"),
        "content": entry.get("content"),
        "project": None if namespace in _GLOBAL else namespace,
        "tags": metadata.get("tags"),
        "container": None if container == namespace else container,
        "created_at": metadata.get("timestamp"),
        "importance": _importance(metadata),
        "provenance": metadata.get("source"),
        "kind": metadata.get("kind"),
        "summary": metadata.get("summary"),
        "metadata": {name: value for name, value in metadata.items() if name not in _MAPPED | _DERIVED},
    }
    return {name: value for name, value in record.items() if value is not None}


def _importance(metadata: Mapping[str, Any]) -> int:
    # Memento measures importance from 0 to 1 and has a priority beside it; the finer of the two counts.
    importance = metadata.get("importance")
    if isinstance(importance, (int, float)) and not isinstance(importance, bool) and 0 <= importance <= 1:
        return max(1, round(importance * 10))
    return next((value for name, value in _PRIORITIES.items() if name == metadata.get("priority")), DEFAULT_IMPORTANCE)
