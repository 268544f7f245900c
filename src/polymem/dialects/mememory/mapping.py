"""From mememory's JSON to the core's values and back. Pure functions.

scope project          a memory of that project
scope global           a memory of no project; the project it may name all the same stands in its metadata
weight                 shown as 0.1 while the memory is superseded, as the original stores it; the core keeps its own
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from polymem.core.conflicts.detection import Similar
from polymem.core.delivery import Document
from polymem.core.durations import to_duration
from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import from_rfc3339, to_rfc3339
from polymem.core.filters import (
    AnyOf,
    Clause,
    DeliveryIn,
    Filter,
    IdIn,
    InProjects,
    KindIn,
    MetadataIs,
    Not,
    Superseded,
)
from polymem.core.model import MAX_LIMIT, Delivery, Draft, Memory
from polymem.core.ports import Stats
from polymem.core.recall import Hit, RecallQuery
from polymem.dialects.mememory import wire
from polymem.dialects.mememory.scoring import PROFILE

Json = dict[str, Any]

DEFAULT_TYPE = "fact"
SUPERSEDED_WEIGHT = 0.1
RELATED = "related"
"""The reason of a contradiction that is none: both memories can stand."""

GLOBAL = InProjects(frozenset(), unassigned=True)
_NOTHING = IdIn(frozenset())
_DELIVERED = frozenset({Delivery.BOOTSTRAP, Delivery.PINNED})

# How a global memory that names a project is told apart from one that does not.
_SCOPE, _PROJECT = "scope", "project"
NAMES_A_PROJECT: Filter = (GLOBAL, MetadataIs(_SCOPE, "global"))


# --- in ------------------------------------------------------------------------------------------


def to_draft(given: wire.MemoryInput, now: datetime) -> Draft:
    """What to keep. Raises InvalidInput for a ttl that means nothing, and a project scope without a project."""
    if given.scope == "project" and given.project is None:
        raise InvalidInput("project is required for the scope project", field="project")
    kind = given.type or DEFAULT_TYPE
    usual = Delivery.BOOTSTRAP if kind == "bootstrap" else Delivery.ON_DEMAND
    in_project = given.scope == "project"
    named = {} if in_project or given.project is None else {_SCOPE: "global", _PROJECT: given.project}
    return Draft(
        content=given.content,
        kind=kind,
        delivery=usual if given.delivery is None else Delivery(given.delivery),
        project=given.project if in_project else None,
        tags=tuple(given.tags or ()),
        weight=1.0 if given.weight is None else given.weight,
        metadata=named,
        expires_at=None if given.ttl is None else to_expiry(given.ttl, now),
        supersedes=given.supersedes,
    )


def to_expiry(ttl: str, now: datetime) -> datetime:
    """When a ttl ends: a duration from now on, or the instant an export holds. Raises InvalidInput."""
    if ttl[4:5] == "-" and "T" in ttl:
        return from_rfc3339(ttl, "ttl")
    try:
        return now + to_duration(ttl)
    except OverflowError:
        raise InvalidInput(f'invalid ttl "{ttl}": it ends outside the years 1 to 9999', field="ttl") from None


def to_filter(given: wire.Selection, project_id: str | None) -> Filter:
    """The conditions, where `project_id` is that of the project they name, None if there is no such project."""
    clauses: list[Clause] = []
    inside = InProjects(frozenset() if project_id is None else frozenset({project_id}))
    match given.scope or None:
        case None:
            pass
        case "global":
            clauses.append(GLOBAL)
        case "project":
            clauses.append(Not(GLOBAL))
        case _:
            clauses.append(_NOTHING)
    if given.project:
        clauses.append(AnyOf(((inside,), (*NAMES_A_PROJECT, MetadataIs(_PROJECT, given.project)))))
    if given.type:
        clauses.append(KindIn(frozenset({given.type})))
    if given.delivery:
        wanted = frozenset(delivery for delivery in Delivery if delivery == given.delivery)
        clauses.append(DeliveryIn(wanted))
        if wanted & _DELIVERED:
            clauses.append(Superseded(False))
    return tuple(clauses)


def to_delivery(delivery: Delivery, inside: InProjects) -> Filter:
    """What is delivered this way of some projects or of none."""
    return inside, DeliveryIn(frozenset({delivery})), Superseded(False)


def to_limit(text: str | None) -> int:
    """How many to list: the default for what is no positive number."""
    try:
        limit = int(text or "")
    except ValueError:
        return wire.LIST_LIMIT
    return min(limit, wire.EXPORT_LIMIT) if limit > 0 else wire.LIST_LIMIT


def to_query(given: wire.SearchInput, project_id: str | None) -> RecallQuery:
    """What to find. A project is searched together with what is global; an explicit scope narrows that to itself."""
    limit = given.limit if given.limit is not None and given.limit > 0 else wire.SEARCH_LIMIT
    return RecallQuery(
        text=given.query, filter=(_searched(given, project_id),), limit=min(limit, MAX_LIMIT), profile=PROFILE
    )


def _searched(given: wire.SearchInput, project_id: str | None) -> Clause:
    inside = frozenset() if project_id is None else frozenset({project_id})
    match given.scope, given.project:
        case "project", None:
            return Not(GLOBAL)
        case "project", _:
            return InProjects(inside)
        case None, str():
            return InProjects(inside, unassigned=True)
        case _:
            return GLOBAL


# --- out -----------------------------------------------------------------------------------------


def named_project(memory: Memory) -> str | None:
    """The project a memory belongs to, or names though it is global."""
    if memory.project is not None:
        return memory.project
    named = memory.metadata.get(_PROJECT)
    return named if memory.metadata.get(_SCOPE) == "global" and isinstance(named, str) else None


def from_memory(memory: Memory, there: Collection[str]) -> Json:
    """A memory. `there` holds the ids of those linked memories that can be seen; others are not named."""
    shown: Json = {
        "id": memory.id,
        "content": memory.content,
        "scope": "global" if memory.project_id is None else "project",
        "project": named_project(memory),
        "type": memory.kind,
        "delivery": memory.delivery.value,
        "tags": list(memory.tags) or None,
        "weight": memory.weight if memory.superseded_by is None else SUPERSEDED_WEIGHT,
        "supersedes": memory.supersedes if memory.supersedes in there else None,
        "superseded_by": memory.superseded_by if memory.superseded_by in there else None,
        "created_at": to_rfc3339(memory.created_at),
        "updated_at": to_rfc3339(memory.updated_at),
        "ttl": None if memory.expires_at is None else to_rfc3339(memory.expires_at),
    }
    return {name: value for name, value in shown.items() if value is not None}


def links(memories: Sequence[Memory]) -> list[str]:
    """The ids of the memories that these replace, and that replaced them."""
    linked = (other for memory in memories for other in (memory.supersedes, memory.superseded_by))
    return list(dict.fromkeys(other for other in linked if other is not None))


def from_created(memory: Json, similar: Sequence[tuple[Json, Similar]]) -> Json:
    """A new memory with those it resembles."""
    contradictions = [
        {
            "memory": shown,
            "similarity": one.similarity,
            "reason": RELATED if one.verdict.reason is None else one.verdict.reason.value,
            "judge": one.judge,
        }
        for shown, one in similar
    ]
    return {"memory": memory} | ({"contradictions": contradictions} if contradictions else {})


def from_hit(hit: Hit, there: Collection[str]) -> Json:
    """A memory found."""
    return {"memory": from_memory(hit.memory, there), "score": hit.score}


def from_stats(stats: Stats, named: Mapping[str, int]) -> Json:
    """The counts; `named` are those of global memories that name a project."""
    by_scope = {"global": stats.unassigned, "project": stats.memories - stats.unassigned}
    by_project = {key: stats.by_project.get(key, 0) + named.get(key, 0) for key in sorted({*stats.by_project, *named})}
    return {
        "total": stats.memories,
        "by_scope": {scope: count for scope, count in by_scope.items() if count},
        "by_project": by_project,
        "by_type": dict(stats.by_kind),
        "by_delivery": dict(stats.by_delivery),
    }


def from_pinned(document: Document, everywhere: int, in_project: int) -> Json:
    """What is pinned, as a text and in numbers."""
    stats = {"global": everywhere, "project": in_project, "tokens": document.tokens}
    return {"markdown": document.markdown, "stats": stats}
