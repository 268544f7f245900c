"""Between Memento's words and the core's. Pure functions: no request, no I/O.

namespace ↔ project, `__global__` ↔ no project, priority ↔ importance, timestamp ↔ created_at.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from polymem.core.exchange.formats import memento_summary
from polymem.core.exchange.transfer import ImportReport
from polymem.core.filters import AnyOf, Between, Clause, ContainerIs, Filter, InProjects, Instant, TagsAll
from polymem.core.model import DEFAULT_IMPORTANCE, MAX_CONTENT_BYTES, Draft, Memory, Page
from polymem.core.people import Project
from polymem.core.ranking import Mode
from polymem.core.recall import Hit, Recalled, RecallQuery
from polymem.dialects.memento.wire import (
    Entry,
    EntryMetadata,
    ImportResponse,
    ListedEntry,
    ListResponse,
    Priority,
    Result,
    ResultsResponse,
    SaveRequest,
    SaveResponse,
    SearchRequest,
    SkippedEntry,
    UpdateRequest,
)

GLOBAL = "__global__"
"""Memento's name for what belongs to no project."""

MAX_LIMIT = 100
DEFAULT_LIMIT = 10
MAX_OFFSET = 2**53

EXPLICIT = "explicit"
"""Memento's word for an entry that somebody saved on purpose."""

_UNTOLD = timedelta(microseconds=999)
_LAST = datetime.max.replace(tzinfo=UTC)
_IMPORTANCE: dict[Priority, int] = {"low": 3, "normal": DEFAULT_IMPORTANCE, "high": 8}


# --- requests to the core -------------------------------------------------------------------------


def to_drafts(request: SaveRequest, namespace: str | None) -> list[Draft]:
    """The memories a save asks for; `namespace` None leaves the project to the core.

    It is one, unless the content is longer than the core keeps in one memory: then it is cut into parts which,
    joined again, are the content.
    """
    parts = to_parts(request.content)
    return [
        Draft(
            content=part,
            project=to_project(namespace),
            tags=to_tags(request.tags),
            importance=_IMPORTANCE[request.priority or "normal"],
            container=request.container or None,
            metadata={"chunkIndex": index, "chunkCount": len(parts)} if len(parts) > 1 else {},
        )
        for index, part in enumerate(parts)
    ]


def to_parts(content: str, most_bytes: int = MAX_CONTENT_BYTES) -> list[str]:
    """`content` cut into parts of at most `most_bytes` (8 or more) of UTF-8, after white space where there is some.

    The parts are about equally long, so that none is a mere remainder.
    """
    encoded = content.encode()
    parts, start = [], 0
    while (remaining := len(encoded) - start) > most_bytes:
        wanted = -(-remaining // most_bytes)
        end = start + -(-remaining // wanted)
        # A byte 0b10xxxxxx continues a character.
        while encoded[end] & 0b1100_0000 == 0b1000_0000:
            end -= 1
        white = max(encoded.rfind(b" ", start, end), encoded.rfind(b"\n", start, end))
        end = white + 1 if white > start else end
        parts.append(encoded[start:end].decode())
        start = end
    parts.append(encoded[start:].decode())
    return parts


def to_project(namespace: str | None) -> str | None:
    """The project key of a namespace; the global one is no project."""
    return None if namespace == GLOBAL else namespace


def to_tags(tags: Iterable[str] | None) -> tuple[str, ...]:
    """The tags without empty ones, which say nothing."""
    return tuple(tag for tag in tags or () if tag.strip())


def to_tags_of_list(tags: Iterable[str] | None) -> tuple[str, ...]:
    """The tags of a query string, where commas separate them."""
    return to_tags(tag.strip() for commas in tags or () for tag in commas.split(","))


def to_limit(limit: float | None) -> int:
    """A number of results between 1 and 100; 10 when none was asked for."""
    return DEFAULT_LIMIT if limit is None else int(min(max(limit, 1), MAX_LIMIT))


def to_offset(offset: float | None) -> int:
    """How many results to pass over, from 0."""
    return int(min(max(offset or 0, 0), MAX_OFFSET))


def to_membership(namespace: str, project: Project | None) -> InProjects:
    """The filter for one namespace; `project` is the one of that key, if there is one yet."""
    if namespace == GLOBAL:
        return InProjects(frozenset(), unassigned=True)
    return InProjects(frozenset({project.id} if project else ()))


def to_filter(
    *,
    membership: InProjects | None = None,
    namespace: str | None = None,
    container: str | None = None,
    tags: tuple[str, ...] = (),
    after: datetime | None = None,
    before: datetime | None = None,
) -> Filter:
    """The conditions that a request sets, all of which must hold."""
    clauses: list[Clause] = []
    if membership is not None:
        clauses.append(membership)
    if tags:
        clauses.append(TagsAll(frozenset(tags)))
    if container:
        inside: Clause = ContainerIs(container)
        # The container of an entry saved without one is its namespace.
        clauses.append(AnyOf(((inside,), (ContainerIs(None),))) if container == namespace else inside)
    if after is not None or before is not None:
        # Timestamps are told in milliseconds, and the one told must include its entry.
        clauses.append(Between(Instant.CREATED, after, before and before + min(_UNTOLD, _LAST - before)))
    return tuple(clauses)


def to_recall(request: SearchRequest, filter: Filter, *, counts_as_use: bool) -> RecallQuery:
    """The core's query for a recall or a search."""
    return RecallQuery(
        text=request.query,
        filter=filter,
        mode=Mode(request.searchMode or Mode.VECTOR),
        limit=to_limit(request.limit),
        min_score=0.0,
        record_access=counts_as_use,
    )


def to_changes(request: UpdateRequest) -> dict[str, Any]:
    """The fields an update sets."""
    changes: dict[str, Any] = {}
    if request.content is not None:
        changes["content"] = request.content
    if request.tags is not None:
        changes["tags"] = to_tags(request.tags)
    if request.namespace:
        changes["project"] = to_project(request.namespace)
    if request.container is not None:
        changes["container"] = request.container or None
    if request.priority is not None:
        changes["importance"] = _IMPORTANCE[request.priority]
    return changes


# --- the core's answers to Memento's --------------------------------------------------------------


def from_memory(memory: Memory) -> Entry:
    """A memory as an entry."""
    return Entry(id=memory.id, content=memory.content, metadata=_metadata(memory))


def from_memory_in_list(memory: Memory) -> ListedEntry:
    """A memory as an entry of a list."""
    metadata = _metadata(memory)
    return ListedEntry(
        id=memory.id,
        content=memory.content,
        metadata=metadata,
        summary=metadata.summary,
        tags=metadata.tags,
        timestamp=metadata.timestamp,
        namespace=metadata.namespace,
        importance=metadata.importance,
    )


def _metadata(memory: Memory) -> EntryMetadata:
    namespace = from_project(memory.project)
    known: dict[str, Any] = {
        "namespace": namespace,
        "tags": list(memory.tags),
        "timestamp": from_instant(memory.created_at),
        "summary": summary_of(memory),
        "container": memory.container or namespace,
        "priority": from_importance(memory.importance),
        "importance": memory.importance / 10,
        "accessCount": memory.access_count,
        "source": memory.provenance or EXPLICIT,
        "kind": memory.kind,
        "updatedAt": from_instant(memory.updated_at),
        "version": memory.version,
        "supersededBy": memory.superseded_by,
    }
    return EntryMetadata(**{**memory.metadata, **known})


def from_page(page: Page[Memory]) -> ListResponse:
    """The answer to a list."""
    entries = [from_memory_in_list(memory) for memory in page.items]
    return ListResponse(count=len(entries), total=page.total, offset=page.offset, entries=entries)


def from_project(project: str | None) -> str:
    """The namespace of a project key."""
    return GLOBAL if project is None else project


def from_importance(importance: int) -> Priority:
    """The priority whose importance lies nearest."""
    return min(_IMPORTANCE, key=lambda priority: abs(_IMPORTANCE[priority] - importance))


def from_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as JavaScript writes it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def summary_of(memory: Memory) -> str:
    """The memory's own summary, else its first 100 characters, cut between words and marked as cut."""
    return memory.summary or memento_summary(memory.content)


def from_ids(ids: Sequence[str]) -> SaveResponse:
    """The answer to a save."""
    count = len(ids)
    message = f"Saved {count} memory {'entry' if count == 1 else 'entries'}"
    return SaveResponse(count=count, ids=list(ids), message=message, saved=count)


def from_recalled(recalled: Recalled) -> ResultsResponse:
    """The answer to a recall or a search.

    Keyword scores are relative to the best hit, which has 1; the others are told as the core measures them.
    """
    best = recalled.hits[0].score if recalled.hits and recalled.mode is Mode.KEYWORD else 1.0
    results = [_result(hit, hit.score / best) for hit in recalled.hits]
    return ResultsResponse(count=len(results), results=results, searchMode=recalled.mode.value)


def _result(hit: Hit, score: float) -> Result:
    entry = from_memory(hit.memory)
    return Result(
        entry=entry,
        score=round(min(1.0, max(0.0, score)), 4),
        id=entry.id,
        content=entry.content,
        tags=entry.metadata.tags,
        timestamp=entry.metadata.timestamp,
        summary=entry.metadata.summary,
    )


# --- import ---------------------------------------------------------------------------------------


def from_report(report: ImportReport) -> ImportResponse:
    """The answer to an import."""
    skipped = [SkippedEntry(position=one.position, reason=one.reason) for one in report.skipped]
    return ImportResponse(imported=report.imported, existing=report.existing, skipped=skipped)
