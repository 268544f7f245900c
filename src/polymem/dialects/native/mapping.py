"""From the native API's JSON to the core's values and back. Pure functions.

Answers are dictionaries in the order of the documented fields; instants stay datetimes for the serialiser.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from polymem.core.conflicts.ports import Conflict
from polymem.core.exchange.transfer import ImportReport
from polymem.core.filters import (
    Between,
    Clause,
    ContainerIs,
    ContainsText,
    DeliveryIn,
    Filter,
    IdIn,
    ImportanceBetween,
    InProjects,
    Instant,
    KindIn,
    Sort,
    Superseded,
    TagsAll,
    TagsAny,
    true_at,
)
from polymem.core.history.trust import Trust, is_contradicted
from polymem.core.model import Change, Delivery, Draft, Memory, Page, Version
from polymem.core.overview import Recalls
from polymem.core.people import ApiKey, Permission, Project
from polymem.core.ports import EmbeddingModel, Stats
from polymem.core.ports_overview import RecallCount
from polymem.core.ranking import Mode, Ranked, trusting
from polymem.core.recall import Hit, Recalled, RecallQuery, WhyNot
from polymem.dialects.native.wire.filters import ListQuery, Selection
from polymem.dialects.native.wire.memories import MemoryDetails, MemoryFields
from polymem.dialects.native.wire.organization import ProjectChanges
from polymem.dialects.native.wire.recall import RecallRequest

Json = dict[str, Any]

_INTERVALS = (
    (Instant.CREATED, "created_since", "created_until"),
    (Instant.UPDATED, "updated_since", "updated_until"),
    (Instant.OCCURRED, "occurred_since", "occurred_until"),
)
# What null means for a field that is empty in some other way than by being null.
_EMPTY: Mapping[str, Any] = {"tags": (), "metadata": {}}
_INHERITED = ("project", "kind", "delivery", "tags", "importance", "weight", "container")


# --- in ------------------------------------------------------------------------------------------


def to_draft(wire: MemoryFields) -> Draft:
    """What to keep."""
    values = {name: getattr(wire, name) for name in MemoryFields.model_fields}
    return Draft(**values | {"tags": tuple(wire.tags), "delivery": Delivery(wire.delivery)})


def to_replacement(wire: MemoryDetails, old: Memory) -> Draft:
    """The new memory that replaces `old`: what was sent, in the old one's place and of its sort."""
    sent = to_changes(wire)
    sent |= {name: tuple(sent[name]) for name in ("tags",) if name in sent}
    return Draft(**{name: getattr(old, name) for name in _INHERITED} | sent)


def to_change_kinds(names: list[Any] | None) -> list[Change] | None:
    """The kinds of changes that are asked for."""
    return None if names is None else [Change(name) for name in names]


def to_changes(wire: MemoryDetails) -> Json:
    """The fields that were sent, by the core's names."""
    sent = {name: getattr(wire, name) for name in wire.model_fields_set & MemoryDetails.model_fields.keys()}
    return {name: _EMPTY.get(name) if value is None else value for name, value in sent.items()}


def named_projects(wire: Selection) -> frozenset[str]:
    """The keys or ids of the projects a selection names."""
    return frozenset((*(wire.projects or ()), *(() if wire.project is None else (wire.project,))))


def to_filter(wire: Selection, project_ids: frozenset[str], superseded: bool | None = None) -> Filter:
    """The conditions, where `project_ids` are those of `named_projects` that exist."""
    clauses: list[Clause] = []
    if wire.project is not None or wire.projects is not None or wire.unassigned:
        clauses.append(InProjects(project_ids, unassigned=wire.unassigned))
    if wire.kinds is not None:
        clauses.append(KindIn(frozenset(wire.kinds)))
    if wire.deliveries is not None:
        clauses.append(DeliveryIn(frozenset(Delivery(delivery) for delivery in wire.deliveries)))
    if wire.tags:
        clauses.append(TagsAll(frozenset(wire.tags)))
    if wire.tags_any is not None:
        clauses.append(TagsAny(frozenset(wire.tags_any)))
    if wire.container is not None:
        clauses.append(ContainerIs(wire.container))
    if wire.importance_min is not None or wire.importance_max is not None:
        clauses.append(ImportanceBetween(wire.importance_min, wire.importance_max))
    if wire.text:
        clauses.append(ContainsText(wire.text))
    for instant, since, until in _INTERVALS:
        if getattr(wire, since) is not None or getattr(wire, until) is not None:
            clauses.append(Between(instant, getattr(wire, since), getattr(wire, until)))
    if wire.true_at is not None:
        clauses += true_at(wire.true_at)
    if wire.ids is not None:
        clauses.append(IdIn(frozenset(wire.ids)))
    if superseded is not None:
        clauses.append(Superseded(superseded))
    return tuple(clauses)


def to_sort(wire: ListQuery) -> Sort:
    """The order of a list."""
    return Sort(wire.sort, descending=wire.order == "desc")


def to_recall_query(wire: RecallRequest, filter: Filter) -> RecallQuery:
    """What to find, among what `filter` lets through."""
    return RecallQuery(
        text=wire.query,
        filter=filter,
        mode=Mode(wire.mode),
        limit=wire.limit,
        offset=wire.offset,
        min_score=wire.min_score,
        superseded=wire.superseded,
        as_of=wire.as_of,
        profile=trusting(wire.trust_weight),
    )


def to_permissions(names: list[Any]) -> frozenset[Permission]:
    """The permissions a key is to have."""
    return frozenset(Permission(name) for name in names)


def to_lifetime(days: int | None) -> timedelta | None:
    """How long a key is to last."""
    return None if days is None else timedelta(days=days)


def to_project_changes(wire: ProjectChanges) -> Json:
    """The fields of a project that were sent."""
    sent = {name: getattr(wire, name) for name in wire.model_fields_set}
    return sent | ({"stack": tuple(wire.stack)} if "stack" in sent else {})


# --- out -----------------------------------------------------------------------------------------


def from_memory(memory: Memory) -> Json:
    """A memory."""
    return {
        "id": memory.id,
        "project": memory.project,
        "content": memory.content,
        "kind": memory.kind,
        "delivery": memory.delivery.value,
        "tags": memory.tags,
        "importance": memory.importance,
        "weight": memory.weight,
        "confidence": memory.confidence,
        "provenance": memory.provenance,
        "container": memory.container,
        "context": memory.context,
        "title": memory.title,
        "summary": memory.summary,
        "metadata": memory.metadata,
        "occurred_at": memory.occurred_at,
        "valid_from": memory.valid_from,
        "valid_to": memory.valid_to,
        "expires_at": memory.expires_at,
        "supersedes": memory.supersedes,
        "superseded_by": memory.superseded_by,
        "validations": memory.validations,
        "contradictions": memory.contradictions,
        "validated_at": memory.validated_at,
        "contradicted_at": memory.contradicted_at,
        "access_count": memory.access_count,
        "last_accessed": memory.last_accessed,
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
        "version": memory.version,
    }


def from_page(page: Page[Memory]) -> Json:
    """A page of memories."""
    items = [from_memory(memory) for memory in page.items]
    return {"items": items, "total": page.total, "limit": page.limit, "offset": page.offset}


def from_version(version: Version) -> Json:
    """One entry of a history."""
    return {
        "version": version.memory.version,
        "change": version.change.value,
        "recorded_at": version.recorded_at,
        "actor": version.actor,
        "note": version.note,
        "memory": from_memory(version.memory),
    }


def from_change_page(page: Page[Version]) -> Json:
    """A page of changes."""
    items = [from_version(version) for version in page.items]
    return {"items": items, "total": page.total, "limit": page.limit, "offset": page.offset}


def from_trust(memory: Memory, trust: Trust) -> Json:
    """How far a memory can be trusted, and why."""
    return {
        "memory_id": memory.id,
        "score": trust.score,
        "level": trust.level.value,
        "confidence": memory.confidence,
        "provenance": memory.provenance,
        "validations": memory.validations,
        "contradictions": memory.contradictions,
        "contradicted": is_contradicted(memory),
    }


def from_recalled(recalled: Recalled, *, explain: bool, took_ms: float) -> Json:
    """The answer to a recall."""
    return {
        "hits": [from_hit(hit, explain=explain) for hit in recalled.hits],
        "mode": recalled.mode.value,
        "matched": recalled.matched,
        "considered": recalled.considered,
        "took_ms": round(took_ms, 3),
    }


def from_hit(hit: Hit, *, explain: bool) -> Json:
    """A memory found."""
    found = {"memory": from_memory(hit.memory), "score": hit.score}
    return found | {"explain": from_ranked(hit.why, hit.rank)} if explain else found


def from_ranked(ranked: Ranked, rank: int) -> Json:
    """How a hit came to its place."""
    candidate = ranked.candidate
    return {
        "rank": rank,
        "total": ranked.total,
        "factors": ranked.factors,
        "cosine": candidate.cosine,
        "context_cosine": candidate.context_cosine,
        "keyword": candidate.keyword,
        "context_keyword": candidate.context_keyword,
        "coverage": candidate.coverage,
        "tokens": candidate.tokens,
        "context_tokens": candidate.context_tokens,
        "names": candidate.names,
        "first_rank": candidate.first_rank,
        "dense_rank": candidate.dense_rank,
        "keyword_rank": candidate.keyword_rank,
    }


def from_why_not(why: WhyNot) -> Json:
    """Why a memory was not found."""
    ranked = why.ranked is not None and why.rank is not None
    return {
        "stage": why.stage.value,
        "sentence": why.sentence,
        "remedy": why.remedy,
        "rank": why.rank,
        "score": why.score,
        "explain": from_ranked(why.ranked, why.rank) if ranked else None,  # type: ignore[arg-type]
    }


def from_conflict(conflict: Conflict) -> Json:
    """Two memories in conflict."""
    return {
        "id": conflict.id,
        "reason": conflict.reason.value,
        "detail": conflict.detail,
        "similarity": conflict.similarity,
        "judge": conflict.judge,
        "old": from_memory(conflict.old),
        "new": from_memory(conflict.new),
        "created_at": conflict.created_at,
        "resolution": None if conflict.resolution is None else conflict.resolution.value,
        "resolved_at": conflict.resolved_at,
        "resolved_by": conflict.resolved_by,
    }


def from_project(project: Project) -> Json:
    """A project."""
    return {
        "id": project.id,
        "key": project.key,
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "stack": project.stack,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    }


def from_key(key: ApiKey, project: str | None) -> Json:
    """A key, with its project's key instead of its id."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "project": project,
        "permissions": sorted(permission.value for permission in key.permissions),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def from_stats(stats: Stats, model: EmbeddingModel | None) -> Json:
    """Counts of what the caller can see."""
    counts = {field.name: getattr(stats, field.name) for field in fields(Stats)}
    return counts | {"embedding_model": None if model is None else model.name}


def from_recalls(recalls: Recalls) -> Json:
    """How many recalls were asked, altogether and on each day."""
    days = [{"day": day, **_from_recall_count(count)} for day, count in recalls.days.items()]
    return {**_from_recall_count(recalls.total), "days": days}


def _from_recall_count(count: RecallCount) -> Json:
    return {"recalls": count.recalls, "found_nothing": count.found_nothing}


def from_report(report: ImportReport) -> Json:
    """What became of an import."""
    skipped = [{"position": skip.position, "reason": skip.reason} for skip in report.skipped]
    return {"imported": report.imported, "existing": report.existing, "skipped": skipped}


def from_health(version: str, *, stored: bool, embeds: bool) -> Json:
    """How the server is."""
    status = "unavailable" if not stored else "ok" if embeds else "degraded"
    return {
        "status": status,
        "version": version,
        "storage": "ok" if stored else "unavailable",
        "embedding": "ok" if embeds else "none",
    }
