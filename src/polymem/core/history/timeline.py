"""Memory through time: what was known at an instant, and what changed since one.

Two axes. *Known*: when the store recorded a version; it is the store's own clock, and nothing a caller sends sets it.
*True*: a memory's `valid_from` and `valid_to`, which a caller may set (`filters.true_at`). This module asks along the
first; both can be asked at once. docs/time.md says what every verb does to each axis.
"""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time

from polymem.core.checks import check_page
from polymem.core.errors import InvalidInput, NotFound
from polymem.core.exchange.transfer import from_rfc3339
from polymem.core.filters import Filter, Sort, active, predicate
from polymem.core.model import Change, Memory, Page, Version
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, Store

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def from_date_or_instant(text: str, name: str, *, end_of_day: bool) -> datetime:
    """An instant from RFC 3339 text, or from a date alone: its first microsecond in UTC, or its last.

    What was known "as of 31 January" includes that day, and what changed "since 31 January" does too, so a date ends
    a day where it closes a past and begins one where it opens a list of changes. Raises InvalidInput.
    """
    if _DATE.fullmatch(text.strip()):
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            raise InvalidInput(f"{name} must be a date that exists", field=name) from None
        return datetime.combine(day, time.max if end_of_day else time.min, UTC)
    return from_rfc3339(text, name)


def past(at: datetime | None, now: datetime, name: str = "as_of") -> datetime | None:
    """`at` where it lies before `now`, else None: what will be known later, nobody can ask.

    Raises InvalidInput for an instant without a time zone.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise InvalidInput(f"{name} needs a time zone", field=name)
    return at if at < now else None


class Timeline:
    """The verbs that ask for former states and for changes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def as_of(self, scope: Scope, memory_id: str, at: datetime, *, hidden: bool = False) -> Memory:
        """One memory as it was known at `at`. Forgotten and expired at that instant only with `hidden`.

        An instant to come counts as now. Raises NotFound (not known then, or purged since), InvalidInput.
        """
        require(scope, Permission.READ)
        now = self._clock.now()
        then = past(at, now)
        if then is None:
            found = await self._store.get_many(scope, [memory_id])
        else:
            found = await self._store.time.get_many(scope, [memory_id], then)
        memory = found.get(memory_id)
        if memory is None or not (hidden or predicate(active(then or now))(memory)):
            raise NotFound("Memory", memory_id)
        return memory

    async def find_as_of(
        self,
        scope: Scope,
        at: datetime,
        filter: Filter = (),
        *,
        sort: Sort = Sort(),  # noqa: B008 - frozen
        limit: int = 50,
        offset: int = 0,
        hidden: bool = False,
    ) -> Page[Memory]:
        """A page of the memories that matched at `at`, as they stood then, with the true total.

        Superseded ones are among them, as in any list; add `Superseded(False)` to leave out what was superseded at
        that instant. Raises InvalidInput.
        """
        require(scope, Permission.READ)
        check_page(limit, offset)
        now = self._clock.now()
        then = past(at, now)
        wanted = filter if hidden else (*filter, *active(then or now))
        if then is None:
            return await self._store.find(scope, wanted, sort, limit, offset)
        return await self._store.time.find(scope, wanted, sort, limit, offset, then)

    async def changed_since(
        self,
        scope: Scope,
        since: datetime,
        until: datetime | None = None,
        filter: Filter = (),
        *,
        kinds: Collection[Change] | None = None,
        limit: int = 50,
        offset: int = 0,
        descending: bool = True,
    ) -> Page[Version]:
        """A page of every change recorded from `since` to `until` (now, when left out), both included, newest first.

        Each is the version the change left, with its kind, instant, actor and note; changes of what was forgotten
        since are among them, those of what was purged are gone. An expiry that came by itself is listed as
        `Change.EXPIRED` at the instant it came, with the version that expired. `filter` is about the memories as they
        stand now, `kinds` restricts the changes. Raises InvalidInput.
        """
        require(scope, Permission.READ)
        check_page(limit, offset)
        now = self._clock.now()
        past(since, now, "since")
        end = past(until, now, "until") or now
        return await self._store.time.changes(scope, since, end, filter, kinds, limit, offset, descending)
