"""What changed between two texts, and between two states of a memory. Pure functions."""

import re
from dataclasses import fields
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from polymem.core.model import Memory
from polymem.dashboard.parts.wording import when

Piece = tuple[Literal["same", "gone", "new"], str]

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_WORDS = 3000
"""Above this, comparing word by word would take seconds."""
_UNTOLD = frozenset(
    {"id", "organization_id", "project_id", "content", "version", "updated_at", "created_at", "access_count",
     "last_accessed"}
)  # fmt: skip


def differences(old: str, new: str) -> list[Piece]:
    """The new text in pieces, with what is gone in its place: word by word, or line by line when it is long."""
    before, after = _pieces(old), _pieces(new)
    if max(len(before), len(after)) > _MOST_WORDS:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if max(len(before), len(after)) > _MOST_WORDS:
        return [("gone", old), ("new", new)]
    found: list[Piece] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(before[i:j])))
            continue
        if i < j:
            found.append(("gone", "".join(before[i:j])))
        if k < m:
            found.append(("new", "".join(after[k:m])))
    return found


def changed_fields(old: Memory, new: Memory) -> list[tuple[str, str, str]]:
    """Every field but the text that differs: its name, what it was, what it is."""
    names = [field.name for field in fields(Memory) if field.name not in _UNTOLD]
    return [
        (name, told(getattr(old, name)), told(getattr(new, name)))
        for name in names
        if getattr(old, name) != getattr(new, name)
    ]


def told(value: object) -> str:
    """A value of a field, for people."""
    if value is None or value in ((), {}, ""):
        return "–"
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return str(value)


def _pieces(text: str) -> list[str]:
    return _WORDS.findall(text)
