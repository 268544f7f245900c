"""Recalls: which memories are asked for, and how what was found is told."""

from collections.abc import Iterable
from datetime import datetime

from polymem.core.filters import Between, Clause, Expired, Filter, Instant, KindIn, TagsAll
from polymem.core.model import Memory
from polymem.core.ranking import trusting
from polymem.core.recall import Hit, RecallQuery
from polymem.dialects.memanto.mapping.memories import from_memory
from polymem.dialects.memanto.mapping.values import EVERYTHING, Flat, not_too_long, to_limit, to_optional_instant
from polymem.dialects.memanto.wire.recall import FilterMembers, RecallMembers


def is_everything(text: str | None) -> bool:
    """Whether a query asks for nothing in particular."""
    return text is None or not text.strip() or text.strip() == EVERYTHING


def to_filter(members: FilterMembers, now: datetime) -> Filter:
    """The conditions a recall sets. Raises InvalidInput."""
    clauses: list[Clause] = []
    kinds = [kind for given in (members.type, members.memory_type, members.memory_types) for kind in given or ()]
    if kinds:
        clauses.append(KindIn(frozenset(kinds)))
    if members.tags:
        clauses.append(TagsAll(frozenset(members.tags)))
    since = to_optional_instant(members.created_after, "created_after")
    until = to_optional_instant(members.created_before, "created_before", end_of_day=True)
    if since is not None or until is not None:
        clauses.append(Between(Instant.CREATED, since, until))
    if members.status == "expired":
        clauses.append(Expired(True, now))
    return tuple(clauses)


def to_recall(
    members: RecallMembers, text: str, now: datetime, *, as_of: datetime | None = None, superseded: bool = False
) -> RecallQuery:
    """The core's query. What scores low is told too, unless a floor is named. Raises LimitTooLarge, QueryTooLong."""
    ended = members.status in ("all", "expired")
    return RecallQuery(
        text=not_too_long(text),
        filter=to_filter(members, now),
        limit=to_limit(members.limit),
        offset=members.offset or 0,
        min_score=members.min_similarity or 0.0,
        superseded=superseded or ended,
        expired=ended,
        as_of=as_of,
        profile=trusting(members.trust_weight or 0.0),
    )


def from_hits(hits: Iterable[Hit], now: datetime) -> list[Flat]:
    """Memories found, with their scores."""
    return [from_memory(hit.memory, now, score=hit.score) for hit in hits]


def from_listed(memories: Iterable[Memory], now: datetime) -> list[Flat]:
    """Memories that no query ranked: each is as good as any other."""
    return [from_memory(memory, now, score=1.0) for memory in memories]
