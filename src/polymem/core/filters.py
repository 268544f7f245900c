"""The filter language: which memories a list, a recall or an export is about.

A `Filter` is a tuple of clauses that must all hold. The union of clauses is closed: each store
translates every clause into its own predicate, and `holds` says in plain Python what each one means,
which is what the conformance suite compares the stores against and what why-not reports from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from polymem.core.model import Delivery, Memory


class Instant(StrEnum):
    """The instants a memory can be filtered by."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    OCCURRED = "occurred_at"
    EXPIRES = "expires_at"
    VALID_FROM = "valid_from"
    VALID_TO = "valid_to"
    FORGOTTEN = "forgotten_at"
    USED = "last_accessed"


@dataclass(frozen=True, slots=True)
class InProjects:
    """In one of these projects (ids); `unassigned` also takes memories without a project."""

    project_ids: frozenset[str]
    unassigned: bool = False


@dataclass(frozen=True, slots=True)
class KindIn:
    """Of one of these kinds."""

    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeliveryIn:
    """Delivered in one of these ways."""

    deliveries: frozenset[Delivery]


@dataclass(frozen=True, slots=True)
class TagsAll:
    """Carries every one of these tags (exact, case-sensitive)."""

    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class TagsAny:
    """Carries at least one of these tags."""

    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class ContainerIs:
    """In this container; None takes memories without one."""

    container: str | None


@dataclass(frozen=True, slots=True)
class ImportanceBetween:
    """Importance within these bounds, both inclusive; None leaves a side open."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class ContainsText:
    """Content or title contains this text, ASCII letters compared without case."""

    text: str


@dataclass(frozen=True, slots=True)
class Between:
    """An instant within [since, until], both inclusive; a memory that lacks the instant never matches."""

    instant: Instant
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class MetadataIs:
    """A top-level metadata entry equals this string, number or boolean."""

    key: str
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class MetadataContains:
    """A top-level metadata entry is a string that contains this text, ASCII letters compared without case."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class IdIn:
    """One of these memories."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """In the trash (True) or not (False)."""

    forgotten: bool


@dataclass(frozen=True, slots=True)
class Expired:
    """Past its `expires_at` at the instant `at` (True) or not (False)."""

    expired: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Superseded:
    """Replaced by another memory (True) or not (False)."""

    superseded: bool


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these filters holds."""

    alternatives: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The clause does not hold."""

    clause: "Clause"


Clause = (
    InProjects
    | KindIn
    | DeliveryIn
    | TagsAll
    | TagsAny
    | ContainerIs
    | ImportanceBetween
    | ContainsText
    | Between
    | MetadataIs
    | MetadataContains
    | IdIn
    | Forgotten
    | Expired
    | Superseded
    | AnyOf
    | Not
)
Filter = tuple[Clause, ...]


class SortKey(StrEnum):
    """What a list can be ordered by. Ties are broken by id, so pages never overlap."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    OCCURRED = "occurred_at"
    IMPORTANCE = "importance"
    LAST_ACCESSED = "last_accessed"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Sort:
    """An order. Memories that lack the instant come last in both directions."""

    key: SortKey = SortKey.CREATED
    descending: bool = True


def active(at: datetime) -> Filter:
    """What is visible by default: not in the trash and not expired at `at`."""
    return (Forgotten(False), Expired(False, at))


def true_at(at: datetime) -> Filter:
    """What is true at `at`: its `valid_from` is not later, its `valid_to` not earlier or the same; one that says
    neither is always true. A period begins with `valid_from` and ends just before `valid_to`, so that of two periods
    that meet only one holds."""
    begun = AnyOf(((Not(Between(Instant.VALID_FROM)),), (Between(Instant.VALID_FROM, until=at),)))
    ended = Between(Instant.VALID_TO, until=at)
    return (begun, Not(ended))


def holds(clause: Clause, memory: Memory) -> bool:
    """Whether `clause` holds for `memory`: the meaning that every store's predicate must equal."""
    match clause:
        case InProjects(project_ids, unassigned):
            return unassigned if memory.project_id is None else memory.project_id in project_ids
        case KindIn(kinds):
            return memory.kind in kinds
        case DeliveryIn(deliveries):
            return memory.delivery in deliveries
        case TagsAll(tags):
            return tags <= set(memory.tags)
        case TagsAny(tags):
            return not tags.isdisjoint(memory.tags)
        case ContainerIs(container):
            return memory.container == container
        case ImportanceBetween(least, most):
            return (least is None or memory.importance >= least) and (most is None or memory.importance <= most)
        case ContainsText(text):
            wanted = _ascii_lower(text)
            return wanted in _ascii_lower(memory.content) or wanted in _ascii_lower(memory.title or "")
        case Between(instant, since, until):
            value: datetime | None = getattr(memory, instant.value)
            return value is not None and (since is None or value >= since) and (until is None or value <= until)
        case MetadataIs(key, wanted_value):
            return key in memory.metadata and _same_scalar(memory.metadata[key], wanted_value)
        case MetadataContains(key, text):
            entry = memory.metadata.get(key)
            return isinstance(entry, str) and _ascii_lower(text) in _ascii_lower(entry)
        case IdIn(wanted_ids):
            return memory.id in wanted_ids
        case Forgotten(forgotten):
            return (memory.forgotten_at is not None) == forgotten
        case Expired(expired, at):
            return (memory.expires_at is not None and memory.expires_at <= at) == expired
        case Superseded(superseded):
            return (memory.superseded_by is not None) == superseded
        case AnyOf(alternatives):
            return any(all(holds(inner, memory) for inner in alternative) for alternative in alternatives)
        case Not(inner):
            return not holds(inner, memory)
        case _:
            assert_never(clause)


def predicate(filter_: Filter) -> Callable[[Memory], bool]:
    """The whole filter as a function of a memory."""
    return lambda memory: all(holds(clause, memory) for clause in filter_)


_ASCII_LOWER = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _ascii_lower(text: str) -> str:
    return text.translate(_ASCII_LOWER)


def _same_scalar(stored: object, wanted: str | float | bool) -> bool:
    # JSON has one number type and a boolean that is none: True must not equal 1, while 1 equals 1.0.
    if isinstance(stored, bool) or isinstance(wanted, bool):
        return isinstance(stored, bool) and isinstance(wanted, bool) and stored == wanted
    return isinstance(stored, (str, int, float)) and stored == wanted
