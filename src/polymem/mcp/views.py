"""Memories as tools tell them. Pure functions."""

from datetime import datetime
from typing import Any

from polymem.core.instants import to_rfc3339
from polymem.core.model import Delivery, Memory
from polymem.core.quoting import visible

Json = dict[str, Any]

_TITLE = 100
"""Characters of a text that stand for it where a title is wanted."""

_OPTIONAL = (
    "title",
    "summary",
    "container",
    "context",
    "confidence",
    "provenance",
    "occurred_at",
    "valid_from",
    "valid_to",
    "expires_at",
    "supersedes",
    "superseded_by",
    "contradicted_at",
)


MOST_CHARACTERS = 4000
"""How much of a text a list tells; the whole is a call away."""


def from_memory(memory: Memory, score: float | None = None, *, whole: bool = False) -> Json:
    """A memory with what is set of it: a model pays for every word. Characters that nobody sees are shown as U+FFFD.

    A text that is longer than `MOST_CHARACTERS` is cut, which it says, unless it is wanted `whole`.
    """
    told: Json = {"id": memory.id, "content": visible(memory.content), "project": memory.project, "kind": memory.kind}
    if not whole and len(told["content"]) > MOST_CHARACTERS:
        told |= {"content": told["content"][:MOST_CHARACTERS] + "…", "truncated": True}
    if score is not None:
        told["score"] = round(score, 4)
    if memory.tags:
        told["tags"] = list(memory.tags)
    told["importance"] = memory.importance
    if memory.delivery is not Delivery.ON_DEMAND:
        told["delivery"] = memory.delivery.value
    for name in _OPTIONAL:
        value = getattr(memory, name)
        if value is not None:
            told[name] = to_rfc3339(value) if isinstance(value, datetime) else value
    if memory.metadata:
        told["metadata"] = dict(memory.metadata)
    told["created_at"] = to_rfc3339(memory.created_at)
    if memory.updated_at != memory.created_at:
        told["updated_at"] = to_rfc3339(memory.updated_at)
    told["version"] = memory.version
    return told


def title_of(memory: Memory) -> str:
    """Its title or the beginning of its text, on one line."""
    line = " ".join(visible(memory.title or memory.content).split())
    return line if len(line) <= _TITLE else line[: _TITLE - 1].rstrip() + "…"
