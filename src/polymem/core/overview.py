"""A memory as a whole: how it grew, how it is used, and what in it wants looking after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from polymem.core.errors import InvalidInput
from polymem.core.filters import Between, Instant, Sort, Superseded, active
from polymem.core.model import Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, EmbeddingModel, Store
from polymem.core.ports_overview import Census, RecallCount, Spot, Tally

MAX_DAYS = 3660
MAX_SPOTS = 20_000
MAX_COPIES = 10_000


@dataclass(frozen=True, slots=True)
class Growth:
    """How many visible memories were made on each of the last days, oldest first, and how many `before` them."""

    days: Mapping[date, int]
    before: int


@dataclass(frozen=True, slots=True)
class Activity:
    """How many visible memories were last found or read on each of the last days, oldest first; and which ones were
    most often, most often first."""

    days: Mapping[date, int]
    most_used: tuple[Memory, ...]


@dataclass(frozen=True, slots=True)
class Recalls:
    """How many recalls were asked on each of the last days, oldest first, and how many of them found nothing."""

    days: Mapping[date, RecallCount]

    @property
    def total(self) -> RecallCount:
        """Those of all these days."""
        counts = self.days.values()
        return RecallCount(sum(day.recalls for day in counts), sum(day.found_nothing for day in counts))

    @property
    def share_without_result(self) -> float:
        """The share of them that found nothing, 0 to 1; 0 where there were none."""
        total = self.total
        return total.found_nothing / total.recalls if total.recalls else 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """What wants looking after among the visible memories: see `Tally`; and the conflicts that are open."""

    tally: Tally
    conflicts: int


class Overview:
    """Counts for whoever looks at the whole."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def position(self, scope: Scope) -> int:
        """A number that grows with every change to the organization's memories: what was shown is fresh while it
        stays the same."""
        require(scope, Permission.READ)
        return await self._store.overview.position(scope)

    async def census(self, scope: Scope) -> Census:
        """What is visible now, by kind and project."""
        require(scope, Permission.READ)
        return await self._store.overview.census(scope, self._clock.now())

    async def growth(self, scope: Scope, days: int = 90) -> Growth:
        """What was made during the last `days` days, today included, in UTC. Raises InvalidInput."""
        require(scope, Permission.READ)
        now, span = self._clock.now(), self._days(days)
        filter = active(now)
        since = _start(span[0])
        counts = await self._store.overview.by_day(scope, (*filter, Between(Instant.CREATED, since)), Instant.CREATED)
        older = (*filter, Between(Instant.CREATED, until=since - timedelta(microseconds=1)))
        before = (await self._store.find(scope, older, Sort(), 0, 0)).total
        return Growth({day: counts.get(day, 0) for day in span}, before)

    async def activity(self, scope: Scope, days: int = 30, most: int = 5) -> Activity:
        """What was used during the last `days` days, today included, in UTC. Raises InvalidInput."""
        require(scope, Permission.READ)
        span = self._days(days)
        filter = active(self._clock.now())
        used = Between(Instant.USED, _start(span[0]))
        counts = await self._store.overview.by_day(scope, (*filter, used), Instant.USED)
        ids = await self._store.overview.most_used(scope, filter, most)
        memories = await self._store.get_many(scope, ids)
        return Activity({day: counts.get(day, 0) for day in span}, tuple(memories[id] for id in ids if id in memories))

    async def recalls(self, scope: Scope, days: int = 30) -> Recalls:
        """The recalls of the last `days` days, today included, in UTC. Raises InvalidInput.

        A scope that is limited to projects sees those asked in each of them; see `Recall.record`.
        """
        require(scope, Permission.READ)
        span = self._days(days)
        counts = await self._store.overview.recalls(scope, _start(span[0]))
        return Recalls({day: counts.get(day, RecallCount()) for day in span})

    async def health(self, scope: Scope, soon: timedelta = timedelta(days=7)) -> Health:
        """What wants looking after; `soon` is how far ahead an expiry counts."""
        require(scope, Permission.READ)
        now = self._clock.now()
        tally = await self._store.overview.tally(scope, (*active(now), Superseded(False)), now + soon)
        conflicts = await self._store.conflicts.find(scope, open=True, at=now, limit=0, offset=0)
        return Health(tally, conflicts.total)

    async def copies(self, scope: Scope) -> list[str]:
        """The ids of the copies that `health` counts; at most MAX_COPIES."""
        require(scope, Permission.READ)
        wanted = (*active(self._clock.now()), Superseded(False))
        return await self._store.overview.copies(scope, wanted, MAX_COPIES)

    async def map(self, scope: Scope, model: EmbeddingModel, limit: int = MAX_SPOTS) -> list[Spot]:
        """The newest current memories on a plane where like lies near like; at most MAX_SPOTS. Raises InvalidInput."""
        require(scope, Permission.READ)
        if not 1 <= limit <= MAX_SPOTS:
            raise InvalidInput(f"limit must be between 1 and {MAX_SPOTS}", field="limit")
        wanted = (*active(self._clock.now()), Superseded(False))
        return await self._store.overview.spots(scope, wanted, model, limit)

    def _days(self, days: int) -> list[date]:
        if not 1 <= days <= MAX_DAYS:
            raise InvalidInput(f"days must be between 1 and {MAX_DAYS}", field="days")
        today = self._clock.now().astimezone(UTC).date()
        return [today - timedelta(days=back) for back in reversed(range(days))]


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
