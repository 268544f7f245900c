"""Memento's words for the core's, and entries as text."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.instants import to_rfc3339
from polymem.core.model import Memory
from polymem.core.quoting import visible
from polymem.mcp.access import Selection
from polymem.mcp.visit import Visit

GLOBAL = "__global__"
HIGH = 8
"""The importance that the priority of what is saved on purpose stands for."""

_SUMMARY = 100
_PREVIEW = 200
_PAGE = 500


def namespace_of(visit: Visit, given: Mapping[str, Any]) -> str:
    """The namespace that is meant: the one that is named, else the current project."""
    return given.get("namespace", "").strip() or visit.place.key or GLOBAL


def inside(namespace: str, **more: Any) -> Selection:
    """What is in a namespace."""
    if namespace == GLOBAL:
        return Selection(unassigned=True, **more)
    return Selection(project=namespace, **more)


def project_of(namespace: str) -> str | None:
    """The project of a namespace; the global one is none."""
    return None if namespace == GLOBAL else namespace


def contained(namespace: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The container that is asked for; an entry without one is in its namespace's."""
    container = given.get("container", "").strip()
    return {"container": container, "uncontained": container == namespace} if container else {}


def tags_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags without empty ones."""
    return tuple(tag for tag in given.get("tags", ()) if tag.strip())


def limit_of(given: Mapping[str, Any], usual: int = 10) -> int:
    """How many, between 1 and 100."""
    return min(max(int(given.get("limit", usual)), 1), 100)


def said(given: Mapping[str, Any], name: str) -> str:
    """An argument that must say something. Raises InvalidInput."""
    if not str(given.get(name, "")).strip():
        raise InvalidInput(f"{name} is required")
    return str(given[name])


async def all_of(visit: Visit, selection: Selection) -> AsyncIterator[Memory]:
    """Every memory of a selection, newest first."""
    offset = 0
    while True:
        page = await visit.access.list(selection, limit=_PAGE, offset=offset)
        for memory in page.items:
            yield memory
        offset += len(page.items)
        if not page.items or offset >= page.total:
            return


def summary_of(memory: Memory) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(visible(memory.summary or memory.title or memory.content).split())
    if len(line) <= _SUMMARY:
        return line
    space = line.rfind(" ", 0, _SUMMARY)
    return line[: space if space > 0 else _SUMMARY] + "..."


def preview_of(memory: Memory, most: int = _PREVIEW) -> str:
    """The beginning of a text."""
    text = visible(memory.content)
    return text if len(text) <= most else text[:most] + "..."


def block(heading: str, memory: Memory, *, score: float | None = None, namespace: bool = False, content: bool) -> str:
    """An entry as lines of name and value."""
    lines = [f"--- {heading} ---", f"ID: {memory.id}"]
    if score is not None:
        lines.append(f"Score: {score:.4f}")
    if namespace:
        lines.append(f"Namespace: {memory.project or GLOBAL}")
    lines.append(f"Summary: {summary_of(memory)}")
    if memory.tags:
        lines.append(f"Tags: {', '.join(memory.tags)}")
    lines.append(f"Timestamp: {to_rfc3339(memory.created_at)}")
    if memory.container:
        lines.append(f"Container: {memory.container}")
    if content:
        lines.append(f"Content: {preview_of(memory)}")
    return "\n".join(lines)


def entries(number: int) -> str:
    """So many memory entries, in words."""
    return f"{number} memory {'entry' if number == 1 else 'entries'}"


def listed(heading: str, blocks: Sequence[str]) -> str:
    """A heading and blocks, with empty lines between."""
    return "\n\n".join([heading, *blocks])
