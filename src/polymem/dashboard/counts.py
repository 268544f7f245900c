"""What takes a look at every memory, counted once a minute for all who look at the same."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from polymem.core import Core
from polymem.core.overview import Activity, Health
from polymem.core.people import Scope
from polymem.core.ports import Stats

_FRESH = timedelta(minutes=1)
_ACTIVITY_DAYS = 30
_MOST_KEPT = 100

_Reach = tuple[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Use:
    """How memories are used, and in what state they are."""

    stats: Stats
    activity: Activity
    health: Health


class Counts:
    """Counts of the last minute, by what a scope reaches. Two who ask at once wait for the same count."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._kept: dict[_Reach, tuple[datetime, asyncio.Task[Use]]] = {}

    def is_fresh(self, scope: Scope) -> bool:
        """Whether a count is there and need not be waited for."""
        kept = self._kept.get(_reach(scope))
        return kept is not None and kept[1].done() and self._core.clock.now() - kept[0] < _FRESH

    async def use(self, scope: Scope) -> Use:
        """How memories are used, not longer ago than a minute. Raises as the core does."""
        now, reach = self._core.clock.now(), _reach(scope)
        kept = self._kept.get(reach)
        if kept is None or now - kept[0] >= _FRESH or _failed(kept[1]):
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            kept = (now, asyncio.create_task(self._count(scope)))
            self._kept[reach] = kept
        # Whoever goes away does not take the count from the others.
        return await asyncio.shield(kept[1])

    async def close(self) -> None:
        """Ends what is still being counted."""
        for _, task in self._kept.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self._kept.values()), return_exceptions=True)
        self._kept.clear()

    async def _count(self, scope: Scope) -> Use:
        overview = self._core.overview
        activity = await overview.activity(scope, _ACTIVITY_DAYS)
        return Use(await self._core.stats(scope), activity, await overview.health(scope))


def _reach(scope: Scope) -> _Reach:
    return scope.organization_id, scope.projects


def _failed(task: asyncio.Task[Use]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
