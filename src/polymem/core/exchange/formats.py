"""Other systems' exports, object by object: which system wrote it, and the records it becomes. Pure functions.

Memento     {"content", "metadata": {"namespace", …}}    its export holds them under `entries`
mem0        {"memory", "user_id", …}                     get_all's answer holds them under `results`
mememory    {"content", "scope", "type", …}              its export is a list of them
AI Memory   {"content", "memory_type", "project", …}     its list endpoint's answer
MEMANTO     {"content", "type", "title", "agent_id", …}  its recall answers
MCP         {"type": "entity" | "relation", …}           the reference server's memory.jsonl, a line for each
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.model import DEFAULT_IMPORTANCE

Record = dict[str, Any]
Entry = Mapping[str, Any]

_SCOPES = ("global", "project")
_MEMANTO_MARKS = ("agent_id", "memory_id", "provenance", "confidence")

SUMMARY_CHARACTERS = 100
"""Where Memento cuts off the summary it makes of a text."""

_HEAD = re.compile(rf".{{1,{SUMMARY_CHARACTERS}}}(?=\s)", re.DOTALL)
_MEMENTO_GLOBAL = ("__global__", "global")
_MEMENTO_PRIORITIES = {"low": 3, "normal": DEFAULT_IMPORTANCE, "medium": DEFAULT_IMPORTANCE, "high": 8}
_MEMENTO_READ = frozenset({"namespace", "tags", "container", "timestamp", "importance", "priority", "source", "kind"})
_MEMENTO_DERIVED = frozenset({"summary", "accessCount", "updatedAt", "version", "supersededBy"})


def is_memento(entry: Entry) -> bool:
    """Whether it looks like an entry of Memento: its facts stand in `metadata`, not beside the content."""
    metadata = entry.get("metadata")
    return (
        "created_at" not in entry
        and isinstance(metadata, Mapping)
        and any(isinstance(metadata.get(name), str) for name in ("namespace", "timestamp"))
    )


def from_memento(entry: Entry, namespace: str | None = None, *, everything: bool = False) -> Record | InvalidInput:
    """The record of a Memento entry; the InvalidInput that says why not, where its metadata is no object.

    The namespace becomes the project, the global one none; `namespace` is for entries that name none, or for
    `everything`. A container that is only the namespace again and what Memento makes or counts by itself are left
    out; unknown metadata is kept.
    """
    given = entry.get("metadata")
    if given is not None and not isinstance(given, Mapping):
        return InvalidInput("metadata must be an object", field="metadata")
    # Memento's own clients write some entries flat.
    flat = {name: entry[name] for name in _MEMENTO_READ if name in entry}
    metadata = {name: value for name, value in {**flat, **(given or {})}.items() if value is not None}
    content, summary, own = entry.get("content"), metadata.get("summary"), metadata.get("namespace")
    project = namespace if everything else own or namespace
    record: Record = {
        "id": entry.get("id"),
        "content": content,
        "project": None if project in _MEMENTO_GLOBAL else project,
        "tags": metadata.get("tags"),
        "container": None if metadata.get("container") == own else metadata.get("container"),
        "created_at": metadata.get("timestamp"),
        "importance": _memento_importance(metadata),
        "provenance": metadata.get("source"),
        "kind": metadata.get("kind"),
        "summary": None if isinstance(content, str) and summary == memento_summary(content) else summary,
        "metadata": {name: value for name, value in metadata.items() if name not in _MEMENTO_READ | _MEMENTO_DERIVED},
    }
    return {name: value for name, value in record.items() if value is not None}


def memento_summary(content: str) -> str:
    """The first 100 characters of a text, cut between words and marked as cut, as Memento sums up what it keeps."""
    text = content.strip()
    if len(text) <= SUMMARY_CHARACTERS:
        return text
    whole_words = _HEAD.match(text)
    return (whole_words[0] if whole_words else text[:SUMMARY_CHARACTERS]).rstrip() + "..."


def _memento_importance(metadata: Entry) -> int:
    # Memento measures importance from 0 to 1 and has a priority beside it; the finer of the two counts.
    importance = metadata.get("importance")
    if isinstance(importance, (int, float)) and not isinstance(importance, bool) and 0 <= importance <= 1:
        return max(1, round(importance * 10))
    priority = metadata.get("priority")
    return next((value for name, value in _MEMENTO_PRIORITIES.items() if name == priority), DEFAULT_IMPORTANCE)


def is_mem0(entry: Entry) -> bool:
    """Whether it is a memory of mem0, whose text is called `memory`."""
    return isinstance(entry.get("memory"), str) and "content" not in entry


def from_mem0(entry: Entry) -> list[Record]:
    """Its run becomes the container, its categories tags; whose it is stays in the metadata."""
    metadata = _object(entry.get("metadata"))
    owners = {name: entry[name] for name in ("user_id", "agent_id", "app_id") if entry.get(name) is not None}
    return [
        _filled(
            id=entry.get("id"),
            content=entry.get("memory"),
            tags=entry.get("categories"),
            container=entry.get("run_id"),
            metadata=metadata | owners,
            created_at=entry.get("created_at"),
            updated_at=entry.get("updated_at"),
            expires_at=entry.get("expiration_date"),
        )
    ]


def is_mememory(entry: Entry) -> bool:
    """Whether it is a memory of mememory, which has a scope."""
    return entry.get("scope") in _SCOPES and "content" in entry and "kind" not in entry


def from_mememory(entry: Entry) -> list[Record]:
    """Its scope becomes the project or none. The weight of one that was superseded is the original's own doing."""
    in_project = entry.get("scope") == "project"
    named = {} if in_project or not entry.get("project") else {"scope": "global", "project": entry["project"]}
    kind = entry.get("type")
    return [
        _filled(
            id=entry.get("id"),
            content=entry.get("content"),
            kind=kind or "fact",
            delivery=entry.get("delivery") or ("bootstrap" if kind == "bootstrap" else None),
            project=entry.get("project") if in_project else None,
            tags=entry.get("tags"),
            weight=None if entry.get("superseded_by") else entry.get("weight"),
            supersedes=entry.get("supersedes"),
            metadata=named,
            created_at=entry.get("created_at"),
            updated_at=entry.get("updated_at"),
            expires_at=entry.get("ttl"),
        )
    ]


def is_aimemory(entry: Entry) -> bool:
    """Whether it is a memory of AI Memory, whose type is called `memory_type`."""
    return "content" in entry and isinstance(entry.get("memory_type"), str) and "agent_id" not in entry


def from_aimemory(entry: Entry) -> list[Record]:
    """Nearly every field has one of the same meaning."""
    project = entry.get("project")
    if isinstance(project, Mapping):
        project = project.get("slug") or project.get("id")
    return [
        _filled(
            id=_text(entry.get("id")),
            content=entry.get("content"),
            kind=entry.get("memory_type"),
            project=_text(project),
            context=entry.get("context"),
            importance=entry.get("importance"),
            tags=entry.get("tags"),
            created_at=entry.get("created_at"),
            updated_at=entry.get("updated_at"),
        )
    ]


def is_memanto(entry: Entry) -> bool:
    """Whether it is a memory of MEMANTO, which knows an agent, a provenance or a confidence beside the type."""
    kind = entry.get("type", entry.get("memory_type"))
    return (
        "content" in entry
        and isinstance(kind, str)
        and "kind" not in entry
        and any(mark in entry for mark in _MEMANTO_MARKS)
    )


def from_memanto(entry: Entry) -> list[Record]:
    """Its agent becomes the project, its actor and source metadata."""
    kept = {name: entry[name] for name in ("actor_id", "source", "status") if entry.get(name) is not None}
    tags = entry.get("tags")
    return [
        _filled(
            id=entry.get("memory_id", entry.get("id")),
            content=entry.get("content"),
            title=entry.get("title"),
            kind=entry.get("type", entry.get("memory_type")),
            project=entry.get("agent_id"),
            tags=[tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else tags,
            confidence=entry.get("confidence"),
            provenance=entry.get("provenance"),
            supersedes=entry.get("supersedes"),
            metadata=_object(entry.get("metadata")) | kept,
            created_at=entry.get("created_at"),
            updated_at=entry.get("updated_at"),
            expires_at=entry.get("expires_at"),
        )
    ]


def is_mcp(entry: Entry) -> bool:
    """Whether it is a line of the MCP reference server's graph."""
    return ("content" not in entry) and (
        (entry.get("type") == "entity" and "name" in entry)
        or (entry.get("type") == "relation" and "from" in entry and "to" in entry)
    )


def from_mcp(entry: Entry) -> list[Record]:
    """An entity becomes a memory for each observation, a relation one of its own. The name is a tag of them all."""
    if entry.get("type") == "relation":
        start, end, verb = (_text(entry.get(name)) or "" for name in ("from", "to", "relationType"))
        content = f"{_words(start)} {_words(verb)} {_words(end)}."
        metadata = {"from": start, "to": end, "relation_type": verb}
        return [_filled(content=content, kind="relationship", tags=[start, end], metadata=metadata)]
    name, kind = _text(entry.get("name")) or "", _text(entry.get("entityType")) or ""
    metadata = {"entity": name, "entity_type": kind}
    observations = entry.get("observations")
    if not isinstance(observations, list) or not observations:
        return [_filled(content=f"{_words(name)}: {_words(kind)}", kind="entity", tags=[name], metadata=metadata)]
    return [
        _filled(content=f"{_words(name)}: {observation}", kind="observation", tags=[name], metadata=metadata)
        for observation in observations
    ]


FORMATS: Mapping[str, tuple[Callable[[Entry], bool], Callable[[Entry], list[Record]]]] = {
    "mcp": (is_mcp, from_mcp),
    "mem0": (is_mem0, from_mem0),
    "mememory": (is_mememory, from_mememory),
    "aimemory": (is_aimemory, from_aimemory),
    "memanto": (is_memanto, from_memanto),
}
"""Each system's two functions, in the order they are asked in."""


def to_records(entry: Entry, name: str | None) -> Iterable[Record] | InvalidInput | None:
    """The records of an object of the system called `name`, or of the first that recognises it; None where none does.

    An object that is not of the named system comes as the InvalidInput that says so.
    """
    if name == "memento" or (name is None and is_memento(entry)):
        record = from_memento(entry)
        return record if isinstance(record, InvalidInput) else [record]
    if name is not None:
        recognises, reads = FORMATS[name]
        if not recognises(entry):
            return InvalidInput(f"it is no entry of {name}")
        return reads(entry)
    return next((reads(entry) for recognises, reads in FORMATS.values() if recognises(entry)), None)


def _filled(**fields: Any) -> Record:
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
