"""Removing many memories for good, in one transaction."""

from polymem.core.chains import ATTEMPTS, next_version
from polymem.core.errors import Conflict, NotFound
from polymem.core.filters import Filter, active, predicate
from polymem.core.model import Change, Memory
from polymem.core.people import Scope
from polymem.core.ports import Clock, Purge, Store, Update, Write

Links = dict[str, tuple[str | None, str | None]]
"""What each memory supersedes and what superseded it, by its id."""


async def purge_matching(store: Store, scope: Scope, clock: Clock, filter: Filter) -> int:
    """Remove all that match, those in the trash included; how many were visible.

    What they superseded and is not removed too is current again. Raises Conflict when others keep changing them.
    """
    for attempt in range(ATTEMPTS):
        visible = 0
        gone: Links = {}
        is_visible = predicate(active(clock.now()))
        async for batch in store.scan(scope, filter):
            visible += sum(is_visible(memory) for memory in batch)
            gone |= {memory.id: (memory.supersedes, memory.superseded_by) for memory in batch}
        if not gone:
            return 0
        linked = {other for pair in gone.values() for other in pair if other is not None and other not in gone}
        left = await store.get_many(scope, list(linked)) if linked else {}
        writes: list[Write] = [write for memory in left.values() if (write := _unlinked(memory, gone, clock))]
        try:
            await store.apply(scope, [*writes, *map(Purge, gone)], at=clock.now())
            return visible
        except (Conflict, NotFound):
            # Another caller changed one of them, or removed it, in between.
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _unlinked(memory: Memory, gone: Links, clock: Clock) -> Update | None:
    # Without its links to what is gone; None where it has none.
    ends = {name: None for name in ("supersedes", "superseded_by") if getattr(memory, name) in gone}
    if not ends:
        return None
    change = Change.UNSUPERSEDED if "superseded_by" in ends else Change.REVISED
    return next_version(memory, change, clock.now(), **ends)
