"""What users and agents find out about a memory later: that it holds, that something speaks against it, that its time
is over. Each is a change like any other: it appends a version that says who found it, when, and why.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from polymem.core.chains import apply_planned, next_version
from polymem.core.checks import check_note
from polymem.core.errors import NotFound
from polymem.core.filters import active, predicate
from polymem.core.model import Change, Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, Store, Update

_INFERRED, _VALIDATED = "inferred", "validated"


class Judgements:
    """The verbs that record such findings. `trust.trust` is what becomes of the first two."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def validate(self, scope: Scope, memory_id: str, *, note: str | None = None) -> Memory:
        """Record that a memory was found to hold. It answers the contradictions there were so far.

        One that was inferred has been validated from then on (`provenance`). `note` says what it was held against.
        Raises NotFound (also in the trash, or expired), InvalidInput.
        """

        def validated(memory: Memory, at: datetime) -> Update:
            provenance = _VALIDATED if memory.provenance == _INFERRED else memory.provenance
            return next_version(
                memory,
                Change.VALIDATED,
                at,
                validations=memory.validations + 1,
                validated_at=at,
                contradicted_at=None,
                provenance=provenance,
            )

        return await self._judge(scope, memory_id, validated, note)

    async def contradict(self, scope: Scope, memory_id: str, *, note: str | None = None) -> Memory:
        """Record that something speaks against a memory; that stands until it is validated again.

        `note` says what. Raises NotFound (also in the trash, or expired), InvalidInput.
        """

        def contradicted(memory: Memory, at: datetime) -> Update:
            return next_version(
                memory,
                Change.CONTRADICTED,
                at,
                contradictions=memory.contradictions + 1,
                contradicted_at=at,
            )

        return await self._judge(scope, memory_id, contradicted, note)

    async def expire(self, scope: Scope, memory_id: str, *, note: str | None = None) -> Memory:
        """End a memory now, as if its `expires_at` had come; `unexpire` takes that back.

        Raises NotFound (also in the trash, or expired already), InvalidInput.
        """

        def expired(memory: Memory, at: datetime) -> Update:
            return next_version(memory, Change.EXPIRED, at, expires_at=at)

        return await self._judge(scope, memory_id, expired, note)

    async def unexpire(self, scope: Scope, memory_id: str, *, note: str | None = None) -> Memory:
        """Let a memory that is past its `expires_at` last for good. One that is not stays as it is.

        Raises NotFound (also in the trash), InvalidInput.
        """

        def renewed(memory: Memory, at: datetime) -> Update | None:
            if memory.expires_at is None or memory.expires_at > at:
                return None
            return next_version(memory, Change.RESTORED, at, expires_at=None)

        return await self._judge(scope, memory_id, renewed, note, expired=True)

    async def _judge(
        self,
        scope: Scope,
        memory_id: str,
        judged: Callable[[Memory, datetime], Update | None],
        note: str | None,
        *,
        expired: bool = False,
    ) -> Memory:
        require(scope, Permission.WRITE)
        checked = check_note("note", note)

        async def plan() -> list[Update]:
            at = self._clock.now()
            memory = (await self._store.get_many(scope, [memory_id])).get(memory_id)
            seen = memory is not None and (memory.forgotten_at is None if expired else predicate(active(at))(memory))
            if memory is None or not seen:
                raise NotFound("Memory", memory_id)
            update = judged(memory, at)
            return [] if update is None else [replace(update, note=checked)]

        await apply_planned(self._store, scope, self._clock, plan)
        return (await self._store.get_many(scope, [memory_id]))[memory_id]
