"""Filter → SQL. Each clause becomes a predicate over `memories m` that equals `core.filters.holds`.

Below a NOT, predicates are two-valued: never NULL, so that NOT means the same in SQL as in the core. Elsewhere NULL
counts as false anyway, and the plain form is the one that indexes serve.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, assert_never

from polymem.core.filters import (
    AnyOf,
    Between,
    Clause,
    ContainerIs,
    ContainsText,
    DeliveryIn,
    Expired,
    Filter,
    Forgotten,
    IdIn,
    ImportanceBetween,
    InProjects,
    Instant,
    KindIn,
    MetadataContains,
    MetadataIs,
    Not,
    Sort,
    SortKey,
    Superseded,
    TagsAll,
    TagsAny,
)
from polymem.core.model import Delivery
from polymem.core.people import Scope
from polymem.storage.rows import is_storable, metadata_entry, storable, to_micros, to_optional_micros

TRUE, FALSE = "1 = 1", "1 = 0"

_LEAST_INTEGER, _MOST_INTEGER = -(2**31), 2**31 - 1
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

_COLUMNS = {instant: f"m.{instant.value}" for instant in Instant}
_ALWAYS_SET = frozenset({Instant.CREATED, Instant.UPDATED})
_SORT_ALWAYS_SET = frozenset({SortKey.CREATED, SortKey.UPDATED, SortKey.IMPORTANCE})


@dataclass(slots=True)
class Predicate:
    """An SQL condition over `memories m` and the values of its parameters."""

    sql: str = TRUE
    params: dict[str, Any] = field(default_factory=dict)


def to_predicate(scope: Scope, filter_: Filter) -> Predicate:
    """What `scope` reaches and `filter_` admits. Equal shapes give equal SQL, so statements are prepared once."""
    translation = _Translation()
    conditions = ["m.organization_id = :organization_id", *translation.reach(scope), *translation.all_of(filter_)]
    translation.params["organization_id"] = scope.organization_id
    return Predicate(" AND ".join(conditions), translation.params)


def to_order(sort: Sort) -> str:
    """The ORDER BY list of `memories m`: missing instants last, ties by id in the direction of the sort."""
    direction = "DESC" if sort.descending else "ASC"
    if sort.key is SortKey.ID:
        return f"m.id {direction}"
    column = f"m.{sort.key.value}"
    # A column that is never NULL is sorted without the test for it, which an index could not serve.
    missing = "" if sort.key in _SORT_ALWAYS_SET else f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END, "
    return f"{missing}{column} {direction}, m.id {direction}"


class _Translation:
    """Turns clauses into SQL and numbers their parameters as it meets them."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._negations = 0

    def reach(self, scope: Scope) -> list[str]:
        if scope.projects is None:
            return []
        return [self._is_one_of("m.project_id", scope.projects, nullable=True)]

    def all_of(self, filter_: Filter) -> list[str]:
        return [self.condition(clause) for clause in filter_]

    def condition(self, clause: Clause) -> str:
        match clause:
            case InProjects(project_ids, unassigned):
                assigned = self._is_one_of("m.project_id", project_ids, nullable=True)
                if not unassigned:
                    return assigned
                return "m.project_id IS NULL" if assigned == FALSE else f"(m.project_id IS NULL OR {assigned})"
            case KindIn(kinds):
                return self._is_one_of("m.kind", kinds)
            case DeliveryIn(deliveries):
                return self._delivered(deliveries)
            case TagsAll(tags):
                return self._tags_all(tags)
            case TagsAny(tags):
                return self._tags_any(tags)
            case ContainerIs(container):
                if container is None:
                    return "m.container IS NULL"
                return self._is_one_of("m.container", [container], nullable=True)
            case ImportanceBetween(least, most):
                return self._bounds("m.importance", _clamped(least), _clamped(most))
            case ContainsText(text):
                return self._contains(text)
            case Between(instant, since, until):
                column = _COLUMNS[instant]
                bounds = self._bounds(column, to_optional_micros(since), to_optional_micros(until))
                # Even plainly it must be set: there may be no bound at all.
                return bounds if instant in _ALWAYS_SET else f"({column} IS NOT NULL AND {bounds})"
            case MetadataIs(key, value):
                return self._metadata_is(key, value)
            case MetadataContains(key, text):
                return self._metadata_contains(key, text)
            case IdIn(ids):
                return self._is_one_of("m.id", ids)
            case Forgotten(forgotten):
                return "m.forgotten_at IS NOT NULL" if forgotten else "m.forgotten_at IS NULL"
            case Expired(True, at):
                return f"(m.expires_at IS NOT NULL AND m.expires_at <= {self._value(to_micros(at))})"
            case Expired(_, at):
                return f"(m.expires_at IS NULL OR m.expires_at > {self._value(to_micros(at))})"
            case Superseded(superseded):
                return "m.superseded_by IS NOT NULL" if superseded else "m.superseded_by IS NULL"
            case AnyOf(alternatives):
                every = [" AND ".join(self.all_of(alternative) or [TRUE]) for alternative in alternatives]
                return "(" + " OR ".join(f"({one})" for one in every or [FALSE]) + ")"
            case Not(inner):
                self._negations += 1
                negated = f"NOT ({self.condition(inner)})"
                self._negations -= 1
                return negated
            case _:
                assert_never(clause)

    def _value(self, value: str | int | list[str]) -> str:
        name = f"f{len(self.params)}"
        self.params[name] = value
        return f":{name}..." if isinstance(value, list) else f":{name}"

    def _is_one_of(self, column: str, texts: Iterable[str], *, nullable: bool = False) -> str:
        wanted = sorted(storable(frozenset(texts)))
        if not wanted:
            return FALSE
        if len(wanted) == 1:
            # An equality, unlike a list, lets an index give the order too.
            condition = f"{column} = {self._value(wanted[0])}"
        else:
            condition = f"{column} IN ({self._value(wanted)})"
        return f"({column} IS NOT NULL AND {condition})" if nullable and self._negations else condition

    def _delivered(self, deliveries: frozenset[Delivery]) -> str:
        condition = self._is_one_of("m.delivery", deliveries)
        # As it stands in the index of the few that are not on demand, so that planners may use it.
        return condition if Delivery.ON_DEMAND in deliveries else f"(m.delivery <> 'on_demand' AND {condition})"

    def _bounds(self, column: str, least: int | None, most: int | None) -> str:
        conditions = [] if least is None else [f"{column} >= {self._value(least)}"]
        conditions += [] if most is None else [f"{column} <= {self._value(most)}"]
        return "(" + (" AND ".join(conditions) or TRUE) + ")"

    def _tags_any(self, tags: frozenset[str]) -> str:
        wanted = storable(tags)
        if not wanted:
            return FALSE
        return f"m.id IN ({self._tagged(wanted)})"

    def _tags_all(self, tags: frozenset[str]) -> str:
        wanted = storable(tags)
        if len(wanted) < len(tags):
            return FALSE
        if not wanted:
            return TRUE
        return f"m.id IN ({self._tagged(wanted)} GROUP BY t.memory_id HAVING count(*) = {self._value(len(wanted))})"

    def _tagged(self, tags: list[str]) -> str:
        return (
            "SELECT t.memory_id FROM memory_tags t WHERE t.organization_id = :organization_id"
            f" AND t.tag IN ({self._value(sorted(tags))})"
        )

    def _contains(self, text: str) -> str:
        if not text:
            return TRUE
        if not is_storable(text):
            return FALSE
        # lower() folds ASCII letters only: of an embedded database by nature, of a server by the columns' collation.
        # LIKE would need escapes and has a limit on its pattern.
        wanted = self._value(text.translate(_LOWER))
        return (
            f"(replace(lower(m.content), {wanted}, '') <> lower(m.content)"
            f" OR (m.title IS NOT NULL AND replace(lower(m.title), {wanted}, '') <> lower(m.title)))"
        )

    def _metadata_is(self, key: str, value: str | float | bool) -> str:
        entry = metadata_entry(key, value)
        if entry is None:
            return FALSE
        return (
            "m.id IN (SELECT e.memory_id FROM memory_metadata e WHERE e.organization_id = :organization_id"
            f" AND e.entry = {self._value(entry)})"
        )

    def _metadata_contains(self, key: str, text: str) -> str:
        if not (is_storable(key) and is_storable(text)):
            return FALSE
        entry = f"metadata_text(m.metadata, {self._value(key)})"
        if not text:
            return f"{entry} IS NOT NULL"
        found = f"replace(lower({entry}), {self._value(text.translate(_LOWER))}, '') <> lower({entry})"
        return f"({entry} IS NOT NULL AND {found})"


def _clamped(bound: int | None) -> int | None:
    return None if bound is None else max(_LEAST_INTEGER, min(bound, _MOST_INTEGER))
