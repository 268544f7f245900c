"""What the core asks of a store about the past: memories as they were known at an instant, and what changed since.

Known means recorded: the store answers from the versions whose `recorded_at` is not after the instant, which no
caller can set. What was purged is in no past.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from polymem.core.filters import Filter, Sort
from polymem.core.model import Change, Memory, Page, Version
from polymem.core.people import Scope


class TimeStore(Protocol):
    """Reads former states. A memory is in reach only if the scope reaches it as it stands now and as it stood then."""

    async def get_many(self, scope: Scope, ids: Sequence[str], at: datetime) -> dict[str, Memory]:
        """Those of `ids` that were known at `at`, as they stood then, forgotten ones included, by id."""
        ...

    async def find(
        self, scope: Scope, filter: Filter, sort: Sort, limit: int, offset: int, at: datetime
    ) -> Page[Memory]:
        """A page of what matched at `at`, with the true total. `limit` 0 only counts."""
        ...

    async def changes(
        self,
        scope: Scope,
        since: datetime,
        until: datetime,
        filter: Filter,
        kinds: Collection[Change] | None,
        limit: int,
        offset: int,
        descending: bool,
    ) -> Page[Version]:
        """A page of the changes recorded in [since, until] of memories that match `filter` as they stand now.

        Expiries that came by themselves are among them: `Change.EXPIRED`, recorded at the version's `expires_at`,
        without an actor. Ordered by instant, memory and version; with the true total.
        """
        ...
