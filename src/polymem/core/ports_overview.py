"""What the core asks of a store about a memory as a whole: how it grew, how it is used, and in what state it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from polymem.core.filters import Filter, Instant
from polymem.core.people import Scope
from polymem.core.ports_embedding import EmbeddingModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many memories are visible, by kind and by the key of their project, how many of them are in none; and how
    many are in the trash."""

    memories: int
    by_kind: Mapping[str, int]
    by_project: Mapping[str, int]
    unassigned: int
    forgotten: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of some memories: all of them, those that expire within a span of time, those that were never found or
    read since they were kept, how often the others were altogether, and the copies: current memories beyond the first
    with the same text in the same project."""

    memories: int
    expiring: int
    unused: int
    uses: int
    copies: int


@dataclass(frozen=True, slots=True)
class RecallCount:
    """How many recalls were asked, and how many of them found nothing."""

    recalls: int = 0
    found_nothing: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A memory on the map: where its text lies on the two axes along which the drawn ones differ most, both -1 to 1.

    `title` is the memory's, or the beginning of its text."""

    memory_id: str
    kind: str
    project: str | None
    title: str
    x: float
    y: float


class OverviewStore(Protocol):
    """Counts."""

    async def position(self, scope: Scope) -> int:
        """The number of the newest change to the organization's memories: it grows with each, and says no more."""
        ...

    async def census(self, scope: Scope, at: datetime) -> Census:
        """What is visible at an instant, counted. Reads an index alone, which is several times as fast as `stats`."""
        ...

    async def by_day(self, scope: Scope, filter: Filter, instant: Instant) -> Mapping[date, int]:
        """How many of what matches have this instant on each day, in UTC."""
        ...

    async def most_used(self, scope: Scope, filter: Filter, limit: int) -> list[str]:
        """The ids of what was used most often, most often first; what was never used is not among them."""
        ...

    async def count_recall(
        self, scope: Scope, project_id: str | None, ids: Sequence[str], found_nothing: bool, at: datetime
    ) -> None:
        """Count a recall on the day of `at`, in UTC, and a use of each memory of `ids`, both or neither. `project_id`
        is the project it was asked in, None for none and for several; one the scope does not reach is not counted."""
        ...

    async def recalls(self, scope: Scope, since: datetime) -> Mapping[date, RecallCount]:
        """The recalls of each day that had any, from that of `since` on, in UTC: those asked in the projects that the
        scope is limited to, or all of the organization."""
        ...

    async def tally(self, scope: Scope, filter: Filter, soon: datetime) -> Tally:
        """Counts of what matches; `expiring` has its end before `soon`."""
        ...

    async def copies(self, scope: Scope, filter: Filter, limit: int) -> list[str]:
        """The ids of what matches and has the text of an older one that does, in the same project."""
        ...

    async def spots(self, scope: Scope, filter: Filter, model: EmbeddingModel, limit: int) -> list[Spot]:
        """The newest of what matches and `model` has embedded, laid out on a plane; the same for the same memories."""
        ...
