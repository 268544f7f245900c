"""Removing many memories for good, in one transaction."""

from dataclasses import replace

from polymem.core.errors import Conflict, NotFound
from polymem.core.filters import Filter, active, predicate
from polymem.core.model import Change, Memory
from polymem.core.people import Scope
from polymem.core.ports import Clock, Purge, Store, Update, Write

_ATTEMPTS = 8
"""How often it is tried again when another caller changed or removed one of them in between."""


async def purge_matching(store: Store, scope: Scope, clock: Clock, filter: Filter) -> int:
    """Remove all that match, those in the trash included; how many were visible.

    What they superseded and is not removed too is current again. Raises Conflict when others keep changing them.
    """
    for attempt in range(_ATTEMPTS):
        visible = 0
        links: dict[str, tuple[str | None, str | None]] = {}
        is_visible = predicate(active(clock.now()))
        async for batch in store.scan(scope, filter):
            visible += sum(is_visible(memory) for memory in batch)
            links |= {memory.id: (memory.supersedes, memory.superseded_by) for memory in batch}
        if not links:
            return 0
        outside = {other for pair in links.values() for other in pair if other is not None and other not in links}
        left = await store.get_many(scope, list(outside)) if outside else {}
        writes: list[Write] = [unlinked for memory in left.values() if (unlinked := _unlinked(memory, links, clock))]
        try:
            await store.apply(scope, [*writes, *map(Purge, links)], at=clock.now())
            return visible
        except (Conflict, NotFound):
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _unlinked(memory: Memory, gone: dict[str, tuple[str | None, str | None]], clock: Clock) -> Update | None:
    # Without its links to what is gone; None where it has none.
    current = memory.superseded_by in gone
    if not current and memory.supersedes not in gone:
        return None
    state = replace(
        memory,
        version=memory.version + 1,
        updated_at=max(clock.now(), memory.updated_at),
        superseded_by=None if current else memory.superseded_by,
        supersedes=None if memory.supersedes in gone else memory.supersedes,
    )
    return Update(state, Change.UNSUPERSEDED if current else Change.REVISED)
