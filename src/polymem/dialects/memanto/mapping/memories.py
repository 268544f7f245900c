"""Memories: what is to be kept, and how what is kept is told."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from polymem.core.conflicts.detection import Similar
from polymem.core.errors import InvalidInput
from polymem.core.history.trust import is_contradicted, trust
from polymem.core.instants import to_rfc3339
from polymem.core.model import Change, Draft, Memory
from polymem.dialects.memanto.errors import NothingToChange
from polymem.dialects.memanto.mapping.values import Flat, from_optional_instant, required, to_optional_instant
from polymem.dialects.memanto.wire.memories import ChangeBody, RememberBody, RememberMembers

DEFAULT_KIND = "fact"
DEFAULT_CONFIDENCE = 0.8
DEFAULT_SOURCE = "agent"
DEFAULT_PROVENANCE = "explicit_statement"
TITLE_CHARACTERS = 50

SOURCE = "source"
EXPIRED_BY = "expired_by"
_OWN_METADATA = (SOURCE, EXPIRED_BY)
"""What MEMANTO tells beside a memory, and the core keeps in its metadata."""

_CHANGES = {Change.REVISED: "updated", Change.UNSUPERSEDED: "updated"}


# --- requests to the core -------------------------------------------------------------------------


def to_draft(members: RememberMembers, project: str, now: datetime) -> Draft:
    """The memory to keep. Raises InvalidRequest, InvalidInput."""
    metadata: dict[str, Any] = {}
    if isinstance(members, RememberBody) and members.metadata is not None:
        metadata |= members.metadata
    if members.source is not None:
        metadata[SOURCE] = members.source
    expires_at = to_optional_instant(members.expires_at, "expires_at", end_of_day=True)
    if members.ttl_seconds is not None:
        expires_at = now + timedelta(seconds=members.ttl_seconds)
    if members.status == "expired":
        by = required(members.expired_by, "expired_by", "body")
        expires_at = to_optional_instant(required(members.expired_at, "expired_at", "body"), "expired_at")
        if expires_at is not None and expires_at > now:
            raise InvalidInput("expired_at must not lie in the future", field="expired_at")
        metadata[EXPIRED_BY] = by
    return Draft(
        content=required(members.content, "content", "body"),
        kind=members.memory_type or members.type or DEFAULT_KIND,
        project=project,
        title=members.title,
        confidence=DEFAULT_CONFIDENCE if members.confidence is None else members.confidence,
        tags=tuple(members.tags or ()),
        provenance=members.provenance or DEFAULT_PROVENANCE,
        metadata=metadata,
        expires_at=expires_at,
        valid_from=to_optional_instant(members.valid_from, "valid_from"),
        valid_to=to_optional_instant(members.valid_to, "valid_to", end_of_day=True),
    )


def to_changes(body: ChangeBody, memory: Memory) -> dict[str, Any]:
    """The fields of a memory that a change sets. Raises NothingToChange."""
    changes: dict[str, Any] = {
        name: value for name in ("content", "title", "confidence") if (value := getattr(body, name)) is not None
    }
    if (kind := body.type or body.memory_type) is not None:
        changes["kind"] = kind
    if body.tags is not None:
        changes["tags"] = tuple(body.tags)
    if body.source is not None:
        changes["metadata"] = {**memory.metadata, SOURCE: body.source}
    if not changes:
        raise NothingToChange
    return changes


def from_changes(changes: dict[str, Any]) -> list[str]:
    """The names MEMANTO has for changed fields."""
    names = {"kind": "type", "metadata": SOURCE}
    return [names.get(name, name) for name in changes]


def to_replacement(memory: Memory, content: str, reason: str | None) -> Draft:
    """The memory that replaces another: what the new text says, in all else as the old one."""
    return Draft(
        content=content,
        kind=memory.kind,
        project=memory.project,
        title=memory.title,
        tags=memory.tags,
        confidence=memory.confidence,
        provenance="corrected",
        importance=memory.importance,
        context=reason,
        metadata={name: value for name, value in memory.metadata.items() if name != EXPIRED_BY},
    )


# --- the core's answers ---------------------------------------------------------------------------


def title_of(memory: Memory) -> str:
    """The memory's own title, else its first 50 characters, marked as cut."""
    if memory.title:
        return memory.title
    head = memory.content[:TITLE_CHARACTERS]
    return head if len(memory.content) <= TITLE_CHARACTERS else head + "..."


def status_of(memory: Memory, now: datetime) -> str:
    """In which of MEMANTO's states a memory is."""
    if memory.forgotten_at is not None:
        return "deleted"
    if memory.expires_at is not None and memory.expires_at <= now:
        return "expired"
    return "active" if memory.superseded_by is None else "superseded"


def source_of(memory: Memory) -> str:
    """Where the memory comes from, as a label."""
    source = memory.metadata.get(SOURCE)
    return source if isinstance(source, str) else DEFAULT_SOURCE


def from_memory(memory: Memory, now: datetime, *, score: float | None = None, change: Change | None = None) -> Flat:
    """A memory with all that any generation of clients reads of it."""
    title, status = title_of(memory), status_of(memory, now)
    found = trust(memory, now)
    ttl = None if memory.expires_at is None else round((memory.expires_at - memory.created_at).total_seconds())
    tags = f"\n\nTags: {', '.join(memory.tags)}" if memory.tags else ""
    item: Flat = {
        "id": memory.id,
        "memory_id": memory.id,
        "title": title,
        "content": memory.content,
        "text": f"[{memory.kind.upper()}] {title}\n\n{memory.content}{tags}",
        "type": memory.kind,
        "memory_type": memory.kind,
        "confidence": DEFAULT_CONFIDENCE if memory.confidence is None else memory.confidence,
        "status": status,
        "tags": list(memory.tags),
        "created_at": to_rfc3339(memory.created_at),
        "updated_at": to_rfc3339(memory.updated_at),
        "expires_at": from_optional_instant(memory.expires_at),
        "ttl_seconds": ttl,
        "expired_at": from_optional_instant(memory.expires_at) if status == "expired" else None,
        "expired_by": memory.metadata.get(EXPIRED_BY),
        "valid_from": from_optional_instant(memory.valid_from),
        "valid_to": from_optional_instant(memory.valid_to),
        "actor_id": memory.metadata.get("actor_id"),
        "source": source_of(memory),
        "source_ref": memory.metadata.get("source_ref"),
        "scope_type": "agent",
        "scope_id": memory.project,
        "agent_id": memory.project,
        "provenance": memory.provenance or DEFAULT_PROVENANCE,
        "validation_count": memory.validations,
        "validated_at": from_optional_instant(memory.validated_at),
        "contradiction_detected": is_contradicted(memory),
        "contradiction_count": memory.contradictions,
        "superseded_by": memory.superseded_by,
        "supersedes": memory.supersedes,
        "computed_confidence": round(found.score, 4),
        "trust_score": round(found.score, 4),
        "trust_level": found.level.value,
        "metadata": {name: value for name, value in memory.metadata.items() if name not in _OWN_METADATA},
        "version": memory.version,
    }
    if score is not None:
        item["score"] = round(min(1.0, max(0.0, score)), 4)
    if change is not None:
        item["change_type"] = from_change(change)
    return item


def from_change(change: Change) -> str:
    """The kind of a change."""
    return _CHANGES.get(change, change.value)


def from_similar(similar: Iterable[Similar]) -> list[Flat]:
    """Those memories that a new one is in conflict with."""
    return [
        {
            "memory_id": one.memory.id,
            "content": one.memory.content,
            "reason": one.verdict.reason.value,
            "detail": one.verdict.detail,
            "similarity": round(one.similarity, 4),
        }
        for one in similar
        if one.verdict.reason is not None
    ]
