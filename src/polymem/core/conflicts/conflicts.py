"""Conflicts between memories: listed, and settled by whoever knows which one is right."""

from datetime import datetime

from polymem.core.adding import derive
from polymem.core.chains import Chains
from polymem.core.checks import check_page
from polymem.core.conflicts.detection import Detector
from polymem.core.conflicts.ports import Conflict, Resolution
from polymem.core.errors import Conflict as Refused
from polymem.core.errors import InvalidInput, NotFound
from polymem.core.filters import Filter, Superseded
from polymem.core.memories import Memories
from polymem.core.model import Memory, Page
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, Embedder, Store

MOST_LOOKED_AT = 1000
"""How many memories are compared in one call of `look_for`."""

_SLICE = 50


class Conflicts:
    """Looks for conflicts, lists them and settles them."""

    def __init__(
        self,
        store: Store,
        memories: Memories,
        chains: Chains,
        clock: Clock,
        embedder: Embedder,
        detector: Detector,
    ) -> None:
        self._store = store
        self._memories = memories
        self._chains = chains
        self._clock = clock
        self._embedder = embedder
        self._detector = detector

    async def look_for(self, scope: Scope, filter: Filter = ()) -> int:
        """Compare the newest 1,000 memories that match with older ones, as it is done when one memory is kept: those
        that came in a batch, by an import or through a door that does not compare were not yet. What is found is an
        open conflict, unless it is known or was settled already. Returns how many memories were compared."""
        require(scope, Permission.WRITE)
        page = await self._memories.find(scope, (*filter, Superseded(False)), limit=MOST_LOOKED_AT)
        for start in range(0, len(page.items), _SLICE):
            memories = page.items[start : start + _SLICE]
            for memory, derived in zip(memories, await derive(self._embedder, memories), strict=True):
                similar = await self._detector.similar(scope, memory, derived)
                older = [one for one in similar if _age(one.memory) < _age(memory)]
                if findings := self._detector.findings(memory, older):
                    await self._store.conflicts.put(scope, memory, findings, self._clock.now())
        return len(page.items)

    async def find(self, scope: Scope, *, open: bool | None = True, limit: int = 50, offset: int = 0) -> Page[Conflict]:
        """A page of the open (or the resolved, or all) conflicts, newest first."""
        require(scope, Permission.READ)
        check_page(limit, offset)
        return await self._store.conflicts.find(scope, open=open, at=self._clock.now(), limit=limit, offset=offset)

    async def of(self, scope: Scope, memory_id: str) -> list[Conflict]:
        """Every conflict a memory is or was in, newest first."""
        require(scope, Permission.READ)
        return await self._store.conflicts.of(scope, memory_id)

    async def get(self, scope: Scope, conflict_id: str) -> Conflict:
        """One conflict. Raises NotFound."""
        require(scope, Permission.READ)
        conflict = await self._store.conflicts.get(scope, conflict_id)
        if conflict is None:
            raise NotFound("Conflict", conflict_id)
        return conflict

    async def resolve(
        self, scope: Scope, conflict_id: str, resolution: Resolution, *, content: str | None = None
    ) -> Conflict:
        """Settle an open conflict.

        keep_old forgets the newer memory, keep_new makes it replace the older one, keep_both changes neither, and
        merge gives the newer memory `content`, the text of both, and makes it replace the older one. What is put away
        can be brought back: from the trash, or by ending the replacement. Raises NotFound (also when one of the
        memories is gone), Conflict (it is settled already), InvalidInput.
        """
        require(scope, Permission.WRITE)
        conflict = await self.get(scope, conflict_id)
        if conflict.resolution is not None:
            raise Refused(f"Conflict {conflict_id} was settled already: {conflict.resolution.value}")
        if (content is None) == (resolution is Resolution.MERGE):
            wrong = "content is required to merge" if content is None else "content is only for merge"
            raise InvalidInput(wrong, field="content")
        old_id, new_id = conflict.old.id, conflict.new.id
        # The memories first: should this be cut short, the conflict is still open, and settling it again ends it.
        match resolution:
            case Resolution.KEEP_OLD:
                await self._memories.get(scope, old_id)
                if conflict.new.forgotten_at is None:
                    await self._memories.forget(scope, new_id)
            case Resolution.KEEP_NEW:
                await self._chains.supersede(scope, old_id, new_id)
            case Resolution.MERGE:
                for memory_id in (old_id, new_id):
                    await self._memories.get(scope, memory_id)
                await self._memories.revise(scope, new_id, {"content": content}, compare=False)
                await self._chains.supersede(scope, old_id, new_id)
            case Resolution.KEEP_BOTH:
                pass
        await self._store.conflicts.resolve(scope, conflict_id, resolution, self._clock.now())
        return await self.get(scope, conflict_id)


def _age(memory: Memory) -> tuple[datetime, str]:
    return memory.created_at, memory.id
