"""Removing for good what nobody can see any more: what was forgotten or has expired, once it was kept long enough; and
idempotency keys, once nobody sends their requests again."""

from datetime import datetime, timedelta

from polymem.core.errors import InvalidInput
from polymem.core.filters import AnyOf, Between, Filter, IdIn, Instant
from polymem.core.memories import Memories
from polymem.core.people import Scope
from polymem.core.ports import Clock, Store

ACTOR = "retention"
"""Who a history says made the changes that a removal makes to other memories."""

REQUESTS_KEPT = timedelta(days=7)
"""How long an idempotency key answers with its first outcome. Whoever repeats a request does it within minutes; a week
also covers a queue that stood still over some holidays."""


class Retention:
    """Sweeps all organizations. Visibility never waits for it: what is forgotten or expired is hidden at once."""

    def __init__(self, store: Store, memories: Memories, clock: Clock) -> None:
        self._store = store
        self._memories = memories
        self._clock = clock

    async def sweep(self, keep: timedelta) -> int:
        """Purge what was forgotten, or expired, longer than `keep` ago; returns how many memories.

        What a purged memory replaced is current again, as after any purge: a replacement with an end ends there.
        Raises InvalidInput, and Conflict where others keep changing the same memories.
        """
        if keep < timedelta(0):
            raise InvalidInput("retention must not be negative")
        purged = 0
        for organization in await self._store.organizations():
            purged += await self._sweep(Scope(organization_id=organization.id, actor=ACTOR), self._clock.now() - keep)
        return purged

    async def drop_requests(self) -> int:
        """Forget idempotency keys first used longer than REQUESTS_KEPT ago; returns how many. They can be used anew."""
        before = self._clock.now() - REQUESTS_KEPT
        return sum(
            [
                await self._store.drop_requests(Scope(organization_id=organization.id, actor=ACTOR), before)
                for organization in await self._store.organizations()
            ]
        )

    async def _sweep(self, scope: Scope, until: datetime) -> int:
        purged = 0
        over: Filter = (AnyOf(((Between(Instant.FORGOTTEN, until=until),), (Between(Instant.EXPIRES, until=until),))),)
        # Batch by batch, each in a transaction of its own, so that others get their turn.
        async for batch in self._store.scan(scope, over):
            ids = frozenset(memory.id for memory in batch)
            # Asked again with the ids: what was restored in the meantime stays.
            await self._memories.purge_matching(scope, (IdIn(ids), *over))
            purged += len(ids)
        return purged
