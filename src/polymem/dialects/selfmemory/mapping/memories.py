"""Messages ↔ memories.

tags ↔ the core's tags · people_mentioned, topic_category, user_id, createdBy ↔ entries of the core's metadata ·
a conversation ↔ a container
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from polymem.core.digest.compression import Passage
from polymem.core.digest.facts import Kept
from polymem.core.errors import InvalidInput
from polymem.core.filters import (
    AnyOf,
    Between,
    Clause,
    Filter,
    Instant,
    MetadataContains,
    MetadataIs,
    Superseded,
    TagsAll,
    TagsAny,
)
from polymem.core.intervals import to_interval
from polymem.core.model import Draft, Memory, Page
from polymem.core.people import Principal
from polymem.core.recall import Hit
from polymem.dialects.selfmemory.mapping.values import Json, from_instant
from polymem.dialects.selfmemory.wire.memories import (
    DEFAULT_LIMIT,
    MemoryChanges,
    Metadata,
    NewMemory,
    PeopleSearch,
    SearchFilters,
    SearchRequest,
    TagSearch,
    TemporalSearch,
)

CREATED_MESSAGE = "Memory created successfully"
CURRENT: Filter = (Superseded(False),)
"""What lists and counts show: not what another memory has replaced."""

_WEEK = timedelta(days=7)
_ROUTING = frozenset({"tags", "project_id", "organization_id"})
"""What callers send in the metadata that is not kept there."""
_AUTHOR = ("createdBy", "createdByEmail")


# --- in -------------------------------------------------------------------------------------------


def to_passages(request: NewMemory) -> list[Passage]:
    """The messages, as a conversation that is read. Raises InvalidInput when none says anything."""
    if not any(message.content.strip() for message in request.messages):
        raise InvalidInput("messages must hold at least one message with content", field="messages")
    return [Passage(message.content, message.role) for message in request.messages]


def to_drafts(request: NewMemory, kept: Sequence[Kept], principal: Principal, conversation: str) -> list[Draft]:
    """One memory for each text to keep, all with the same metadata.

    Those of one request are a `conversation`: found together with their neighbours.
    """
    metadata = request.metadata or Metadata()
    shared = _to_metadata(metadata) | _author(principal)
    shared["user_id"] = request.user_id or metadata.user_id or _caller(principal)
    return [
        Draft(
            content=one.text,
            tags=tuple(metadata.tags or ()),
            container=conversation if len(kept) > 1 else None,
            context=one.source or None,
            metadata=_role(request, one) | shared,
        )
        for one in kept
    ]


def _role(request: NewMemory, kept: Kept) -> Json:
    role = "user" if kept.is_fact else request.messages[kept.places[0]].role
    return {} if role == "user" else {"role": role}


def _to_metadata(metadata: Metadata) -> Json:
    kept = {name: value for name, value in (metadata.model_extra or {}).items() if name not in _AUTHOR}
    if metadata.people_mentioned:
        kept["people_mentioned"] = ",".join(metadata.people_mentioned)
    if metadata.topic_category and metadata.topic_category.strip():
        kept["topic_category"] = metadata.topic_category.strip()
    return kept


def _author(principal: Principal) -> Json:
    email = {} if principal.user is None else {"createdByEmail": principal.user.email}
    return {"createdBy": _caller(principal)} | email


def _caller(principal: Principal) -> str:
    return principal.actor if principal.user is None else principal.user.id


def to_changes(request: MemoryChanges, memory: Memory) -> Json:
    """The fields an update sets: a new text, and entries of the metadata over those that are there.

    Raises InvalidInput when it sets nothing.
    """
    changes: Json = {}
    if request.text is not None:
        changes["content"] = request.text
    if request.metadata is not None:
        named = request.metadata.model_fields_set
        entries = dict(memory.metadata)
        for name in named - {"user_id", *_ROUTING, *_AUTHOR}:
            entries.pop(name, None)
        entries |= {name: value for name, value in _to_metadata(request.metadata).items() if value is not None}
        if request.metadata.user_id:
            entries["user_id"] = request.metadata.user_id
        changes["metadata"] = entries
        if "tags" in named:
            changes["tags"] = tuple(request.metadata.tags or ())
    if not changes:
        raise InvalidInput("text or metadata is required")
    return changes


def to_user_filter(*user_ids: str | None) -> Filter:
    """Only what is kept on behalf of this user; of the ids given, those that say something."""
    return tuple(MetadataIs("user_id", user_id) for user_id in user_ids if user_id)


def to_search_filter(request: SearchRequest, now: datetime) -> Filter:
    """The conditions that a search sets, all of which must hold. Raises InvalidInput for an unknown time."""
    filters = request.filters or SearchFilters()
    clauses: list[Clause] = [*CURRENT, *to_user_filter(request.user_id, filters.user_id)]
    if filters.tags:
        tags = frozenset(filters.tags)
        clauses.append(TagsAll(tags) if filters.match_all_tags else TagsAny(tags))
    clauses += [_mentions(people) for people in (request.people_mentioned, filters.people_mentioned) if people]
    if filters.topic_category and filters.topic_category.strip():
        clauses.append(MetadataIs("topic_category", filters.topic_category.strip()))
    if filters.temporal_filter and filters.temporal_filter.strip():
        clauses.append(Between(Instant.CREATED, *to_interval(filters.temporal_filter, now)))
    return tuple(clauses)


def _mentions(people: Sequence[str]) -> Clause:
    # Stores compare ASCII letters without case; of other letters the usual forms are asked for one by one.
    forms = dict.fromkeys(form for name in people for form in (name, name.lower(), name.upper(), name.title()))
    wanted = {form.lower() if form.isascii() else form: None for form in forms}
    return AnyOf(tuple((MetadataContains("people_mentioned", form),) for form in wanted))


def to_limit(request: SearchRequest) -> int:
    """How many results a search returns at most."""
    return (request.filters and request.filters.limit) or DEFAULT_LIMIT


def from_temporal_search(request: TemporalSearch) -> SearchRequest:
    """The search that a search by time stands for."""
    filters = SearchFilters(temporal_filter=request.temporal_query, limit=request.limit)
    return SearchRequest(query=request.semantic_query or "", filters=filters)


def from_tag_search(request: TagSearch) -> SearchRequest:
    """The search that a search by tags stands for."""
    filters = SearchFilters(tags=request.tags, match_all_tags=request.match_all, limit=request.limit)
    return SearchRequest(query=request.semantic_query or "", filters=filters)


def from_people_search(request: PeopleSearch) -> SearchRequest:
    """The search that a search by people stands for."""
    filters = SearchFilters(people_mentioned=request.people, limit=request.limit)
    return SearchRequest(query=request.semantic_query or "", filters=filters)


def to_last_week(now: datetime) -> Filter:
    """What was kept in the last seven days."""
    return (*CURRENT, Between(Instant.CREATED, now - _WEEK))


# --- out ------------------------------------------------------------------------------------------


def from_memory(memory: Memory) -> Json:
    """A memory as SelfMemory shows it."""
    return {
        "id": memory.id,
        "content": memory.content,
        "metadata": _metadata(memory),
        "created_at": from_instant(memory.created_at),
    }


def _metadata(memory: Memory) -> Json:
    texts: dict[str, Any] = {"tags": ",".join(memory.tags), "people_mentioned": "", "topic_category": ""}
    instants = {"created_at": from_instant(memory.created_at), "updated_at": from_instant(memory.updated_at)}
    own = {name: value for name, value in memory.metadata.items() if name != "tags"}
    source = {"context": memory.context} if memory.context else {}
    return texts | source | own | instants


def from_added(memories: Sequence[Memory], *, unheard: bool = False) -> Json:
    """The answer to a create. `unheard` says that a chat model should have been asked, and did not answer."""
    note = {"note": "The chat model did not answer; every message is kept as it was sent"} if unheard else {}
    return {
        "success": True,
        "message": CREATED_MESSAGE,
        "memory_id": memories[0].id,
        "operations": [{"id": memory.id, "memory": memory.content, "event": "ADD"} for memory in memories],
    } | note


def from_page(page: Page[Memory]) -> Json:
    """The answer to a list."""
    return {"results": [from_memory(memory) for memory in page.items], "total": page.total}


def from_hits(hits: Sequence[Hit], *, metadata: bool) -> Json:
    """The answer to a search."""
    return {"results": [_hit(hit.memory, hit.score, metadata=metadata) for hit in hits]}


def from_listed(memories: Sequence[Memory], *, metadata: bool) -> Json:
    """The answer to a search for everything: all are as good."""
    return {"results": [_hit(memory, 1.0, metadata=metadata) for memory in memories]}


def _hit(memory: Memory, score: float, *, metadata: bool) -> Json:
    shown = from_memory(memory)
    hit = {"id": shown["id"], "content": shown["content"], "score": round(min(1.0, max(0.0, score)), 4)}
    if metadata:
        hit["metadata"] = shown["metadata"]
    return hit | {"created_at": shown["created_at"]}
