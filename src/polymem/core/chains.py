"""What replaces what: chains of memories, from the oldest to the one that is current.

    new ──supersedes──► old          old ──superseded_by──► new

A memory replaces at most one and is replaced by at most one, so every memory stands in one chain. Recall leaves out
all but the last. What is in the trash replaces nothing: forgetting a memory makes the one before it current again,
and restoring it replaces that one again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from polymem.core.errors import Conflict, NotFound
from polymem.core.filters import active, predicate
from polymem.core.model import Change, Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, Store, Update, Write

ATTEMPTS = 8
"""How often a change is tried again when another caller changed the same memory in between."""


def next_version(memory: Memory, change: Change, at: datetime, **values: Any) -> Update:
    """The write that changes these fields of a memory."""
    state = replace(memory, version=memory.version + 1, updated_at=max(at, memory.updated_at), **values)
    return Update(state, change)


async def apply_planned(
    store: Store, scope: Scope, clock: Clock, plan: Callable[[], Awaitable[Sequence[Write]]]
) -> Sequence[Write]:
    """Do the writes that `plan` makes of the present state, and return them; no lock is held while it thinks.

    When another caller was faster it is asked again. Raises Conflict when that happens time after time.
    """
    for attempt in range(ATTEMPTS):
        writes = await plan()
        try:
            await store.apply(scope, writes, at=clock.now())
            break
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
    return writes


async def forgetting(store: Store, scope: Scope, memories: Sequence[Memory], at: datetime) -> list[Update]:
    """The writes that put these memories into the trash and make what they replaced current again."""
    writes = {memory.id: next_version(memory, Change.FORGOTTEN, at, forgotten_at=at) for memory in memories}
    replaced = {memory.supersedes: memory.id for memory in memories if memory.supersedes is not None}
    older = await store.get_many(scope, list(replaced))
    for old_id, old in older.items():
        if old.superseded_by != replaced[old_id]:
            continue
        if (own := writes.get(old_id)) is not None:
            writes[old_id] = replace(own, memory=replace(own.memory, superseded_by=None))
        else:
            writes[old_id] = next_version(old, Change.UNSUPERSEDED, at, superseded_by=None)
    return list(writes.values())


async def restoring(store: Store, scope: Scope, memory: Memory, at: datetime) -> list[Update]:
    """The writes that take a memory out of the trash. It replaces again what it replaced, unless another one does."""
    old_id = memory.supersedes
    old = None if old_id is None else (await store.get_many(scope, [old_id])).get(old_id)
    again = old is not None and old.superseded_by in (None, memory.id)
    writes = [
        next_version(memory, Change.RESTORED, at, forgotten_at=None, supersedes=old_id if again else None),
    ]
    if old is not None and old.superseded_by is None:
        writes.append(next_version(old, Change.SUPERSEDED, at, superseded_by=memory.id))
    return writes


class Chains:
    """Reads and changes chains."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def chain(self, scope: Scope, memory_id: str) -> tuple[Memory, ...]:
        """All memories of the chain this one stands in, oldest first; those in the trash are left out.

        Raises NotFound.
        """
        require(scope, Permission.READ)
        memory = await self._visible(scope, memory_id)
        older = await self._walk(scope, memory, "supersedes")
        newer = await self._walk(scope, memory, "superseded_by")
        return (*reversed(older), memory, *newer)

    async def supersede(self, scope: Scope, old_id: str, new_id: str) -> Memory:
        """Make the chain that ends in `new_id` go on with the memory `old_id`, and return the new one.

        Where the new one replaces something already, the old one goes to the far end of its chain. Raises NotFound,
        Conflict (the old one is replaced already, or is newer in the same chain).
        """
        require(scope, Permission.WRITE)

        async def plan() -> list[Update]:
            old, new = await self._visible(scope, old_id), await self._visible(scope, new_id)
            tail = (await self._walk(scope, new, "supersedes") or [new])[-1]
            if old.superseded_by == tail.id and tail.supersedes == old.id:
                return []
            if old.superseded_by is not None:
                raise Conflict(f"Memory {old_id} is already superseded by {old.superseded_by}")
            if old_id == new_id or old_id in {memory.id for memory in await self._walk(scope, new, "superseded_by")}:
                raise Conflict(f"Memory {old_id} is newer than {new_id} in the same chain")
            at = self._clock.now()
            return [
                next_version(tail, Change.REVISED, at, supersedes=old.id),
                next_version(old, Change.SUPERSEDED, at, superseded_by=tail.id),
            ]

        await apply_planned(self._store, scope, self._clock, plan)
        return await self._visible(scope, new_id)

    async def link(self, scope: Scope, old_id: str, new_id: str) -> bool:
        """Join two memories that were imported apart, as if the newer one had come with its `supersedes`; their times
        stay. False when either is missing, or stands in such a relation already."""
        require(scope, Permission.WRITE)
        linked = False

        async def plan() -> list[Update]:
            nonlocal linked
            found = await self._store.get_many(scope, [old_id, new_id])
            old, new = found.get(old_id), found.get(new_id)
            newer = [] if new is None else await self._walk(scope, new, "superseded_by")
            linked = (
                old is not None
                and new is not None
                and old_id not in {new_id, *(memory.id for memory in newer)}
                and old.superseded_by is None
                and new.supersedes is None
            )
            if old is None or new is None or not linked:
                return []
            return [
                next_version(new, Change.REVISED, new.updated_at, supersedes=old_id),
                next_version(old, Change.SUPERSEDED, old.updated_at, superseded_by=new_id),
            ]

        await apply_planned(self._store, scope, self._clock, plan)
        return linked

    async def unsupersede(self, scope: Scope, memory_id: str) -> Memory:
        """Make a replaced memory current again; the one that replaced it stays, beside it. One that is not replaced
        stays as it is. Raises NotFound."""
        require(scope, Permission.WRITE)

        async def plan() -> list[Update]:
            old = await self._visible(scope, memory_id)
            if old.superseded_by is None:
                return []
            at = self._clock.now()
            writes = [next_version(old, Change.UNSUPERSEDED, at, superseded_by=None)]
            new = (await self._store.get_many(scope, [old.superseded_by])).get(old.superseded_by)
            if new is not None and new.supersedes == old.id:
                writes.append(next_version(new, Change.REVISED, at, supersedes=None))
            return writes

        await apply_planned(self._store, scope, self._clock, plan)
        return await self._visible(scope, memory_id)

    async def _visible(self, scope: Scope, memory_id: str) -> Memory:
        memory = (await self._store.get_many(scope, [memory_id])).get(memory_id)
        if memory is None or not predicate(active(self._clock.now()))(memory):
            raise NotFound("Memory", memory_id)
        return memory

    async def _walk(self, scope: Scope, memory: Memory, link: str) -> list[Memory]:
        # The memories behind this one along `link`, nearest first.
        found: dict[str, Memory] = {}
        following: str | None = getattr(memory, link)
        while following is not None and following != memory.id and following not in found:
            step = (await self._store.get_many(scope, [following])).get(following)
            if step is None:
                break
            if step.forgotten_at is None:
                found[step.id] = step
            following = getattr(step, link)
        return list(found.values())
