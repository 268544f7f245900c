"""What commands print: JSON for programs, and for people text that knows the terminal's width and colours.

Results go to stdout; progress and remarks go to stderr, so that a pipe carries results only.
"""

import codecs
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from polymem.core.exchange.transfer import to_record
from polymem.core.instants import to_rfc3339
from polymem.core.model import Memory

_STEPS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(weeks=1), "week"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)
# What a memory holds must not command the terminal: control characters are shown, not sent.
_VISIBLE = {code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)} | {127: "\u2421"}
_VISIBLE |= dict.fromkeys(range(128, 160), "\ufffd")
_PREVIEW_LINES = 3
_ENDLESS = 1_000_000


def print_json(value: Any) -> None:
    """One JSON value on stdout, in letters that it can carry."""
    unicode = codecs.lookup(sys.stdout.encoding or "ascii").name.startswith("utf")
    json.dump(value, sys.stdout, ensure_ascii=not unicode, indent=2)
    sys.stdout.write("\n")


def show(*renderables: RenderableType) -> None:
    """Text for people on stdout. Where that is no terminal, no line is broken, so that grep and cut see whole ones."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _ENDLESS
    for renderable in renderables:
        console.print(renderable)


def remark(sentence: str) -> None:
    """A line on stderr for whoever is watching."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(plain(sentence)))


def plain(text: str) -> str:
    """The text with its control characters made visible."""
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def ago(instant: datetime | None, now: datetime | None = None) -> str:
    """How long since an instant, or until it."""
    if instant is None:
        return ""
    distance = (now or datetime.now(UTC)) - instant
    for step, unit in _STEPS:
        count = abs(distance) // step
        if count:
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{words} ago" if distance > timedelta(0) else f"in {words}"
    return "just now" if distance >= timedelta(0) else "in a moment"


def size(count: int | None) -> str:
    """A number of bytes, rounded."""
    if count is None:
        return "unknown"
    amount, unit = float(count), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"


def table(*columns: str, rows: Iterable[Sequence[str | Text]], right: Sequence[str] = ()) -> Table:
    """Rows under headings; the columns named `right` are numbers."""
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        # An id is for copying.
        made.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=column == "Id")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    return made


def fields(pairs: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values, one below the other."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in pairs:
        made.add_row(name, value if isinstance(value, Text) else Text(plain(value)))
    return made


def entry(memory: Memory, *, score: float | None = None) -> RenderableType:
    """A memory in a list: the beginning of its text, and under it where it belongs and its id."""
    text = Text(_preview(memory))
    if score is not None:
        text = Text.assemble((f"{score:.2f}  ", "bold green" if score >= 0.5 else "bold"), text)
    return Group(text, Padding(Text(_belongings(memory), style="dim"), (0, 0, 0, 2), expand=False))


def preview(memory: Memory) -> RenderableType:
    """The beginning of a memory's text, indented."""
    return Padding(Text(_preview(memory)), (0, 0, 0, 2), expand=False)


def _preview(memory: Memory) -> str:
    lines = plain(f"{memory.title}\n{memory.content}" if memory.title else memory.content).strip().split("\n")
    shown = [line[:300] + ("…" if len(line) > 300 else "") for line in lines[:_PREVIEW_LINES]]
    return "\n  ".join(shown) + (" …" if len(lines) > _PREVIEW_LINES else "")


def _belongings(memory: Memory) -> str:
    parts = [
        memory.id,
        memory.project,
        memory.kind,
        " ".join(f"#{tag}" for tag in memory.tags),
        memory.container and f"in {memory.container}",
        "superseded" if memory.superseded_by else None,
        ago(memory.forgotten_at) and f"forgotten {ago(memory.forgotten_at)}",
        f"happened {ago(memory.occurred_at)}" if memory.occurred_at else ago(memory.created_at),
    ]
    return plain(" · ".join(part for part in parts if part))


def whole(memory: Memory) -> RenderableType:
    """A memory with every field that says something."""
    pairs: list[tuple[str, str]] = []
    for name, value in to_record(memory).items():
        if name == "content" or value is None or value == [] or value == {}:
            continue
        instant = getattr(memory, name)
        if isinstance(instant, datetime):
            value = f"{value} ({ago(instant)})"
        elif isinstance(value, list):
            value = ", ".join(value)
        elif isinstance(value, dict):
            value = json.dumps(value, ensure_ascii=False)
        pairs.append((name, str(value)))
    if memory.forgotten_at is not None:
        pairs.append(("forgotten_at", f"{to_rfc3339(memory.forgotten_at)} ({ago(memory.forgotten_at)})"))
    return Group(fields(pairs), Text(), Text(plain(memory.content)))
