"""The history of a memory, readable: what each change did."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from polymem.cli.output import ago, plain
from polymem.core.exchange.transfer import to_record, to_rfc3339
from polymem.core.model import Memory, Version

# What changes with every version, or without one.
_NOT_SHOWN = {"content", "version", "updated_at", "access_count", "last_accessed", "organization_id", "project_id"}


def to_json(version: Version) -> dict[str, Any]:
    """An entry of a history, as the native API answers it."""
    return {
        "version": version.memory.version,
        "change": version.change.value,
        "recorded_at": to_rfc3339(version.recorded_at),
        "actor": version.actor,
        "note": version.note,
        "memory": to_record(version.memory),
    }


def timeline(versions: Sequence[Version]) -> Iterator[RenderableType]:
    """A heading for each version, and under it how it differs from the one before."""
    before: Memory | None = None
    for version in versions:
        if before is not None:
            yield Text()
        yield heading(version)
        yield from _first(version.memory) if before is None else _difference(before, version.memory)
        before = version.memory


def heading(version: Version) -> Text:
    """Which version, what happened, when, by whom and why."""
    note = f": {plain(version.note)}" if version.note else ""
    return Text.assemble(
        (f"version {version.memory.version}", "bold"),
        f"  {version.change.value}{note}  ",
        (f"{ago(version.recorded_at)} by {plain(version.actor or 'unknown')}", "dim"),
    )


def _first(memory: Memory) -> Iterator[Text]:
    yield from (Text(f"  + {line}", style="green") for line in plain(memory.content).split("\n"))


def _difference(before: Memory, after: Memory) -> Iterator[Text]:
    for field in fields(Memory):
        if field.name not in _NOT_SHOWN and getattr(before, field.name) != getattr(after, field.name):
            old, new = _value(getattr(before, field.name)), _value(getattr(after, field.name))
            yield Text.assemble(f"  {field.name}: ", (old, "red"), " → ", (new, "green"))
    if before.content != after.content:
        lines = difflib.ndiff(plain(before.content).split("\n"), plain(after.content).split("\n"))
        styles = {"+": "green", "-": "red"}
        # Lines with a question mark only point at letters of the line above.
        yield from (Text(f"  {line}", style=styles.get(line[0], "")) for line in lines if line[0] != "?")


def _value(value: object) -> str:
    if value is None or value in ((), {}):
        return "nothing"
    if isinstance(value, datetime):
        return to_rfc3339(value)
    return plain(", ".join(value) if isinstance(value, tuple) else str(value))
