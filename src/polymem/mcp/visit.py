"""What a call works with, and what it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polymem.mcp.access import Access
from polymem.mcp.project import Place

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One call: the memory as the caller sees it, the project that is meant where they name none, the server's address
    (None for the local store), and the directory whose files the caller may have read (None over HTTP)."""

    access: Access
    place: Place
    url: str | None = None
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answers: `structured` as its output schema says, `text` for a reader. Without a text the structured
    answer is written out."""

    structured: Json | None = None
    text: str | None = None


Call = Callable[[Visit, Mapping[str, Any]], Awaitable[Reply]]
"""Carries out a tool. It is given arguments that fit the tool's schema."""

Read = Callable[[Visit, str], Awaitable[str | None]]
"""Reads the resource with this address: its text, None where there is none."""

Ask = Callable[[Visit, Mapping[str, str]], Awaitable[str]]
"""Makes a prompt's text."""
