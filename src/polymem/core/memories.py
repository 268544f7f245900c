"""Keeping memories: add, get, list, revise, forget, restore, purge, history.

Every change is written as the memory's next version, together with what is derived from its text.
Embedding happens before the transaction and never inside it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from polymem.core.adding import Adding, derive
from polymem.core.chains import apply_planned, forgetting, next_version, restoring
from polymem.core.checks import check_page, checked_fields
from polymem.core.conflicts.detection import Detector, Similar
from polymem.core.errors import Conflict, InvalidInput, NotFound
from polymem.core.filters import Filter, Forgotten, Sort, active, predicate
from polymem.core.model import Added, Change, Draft, Duplicates, Memory, Page, Version
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.people.tenancy import Projects
from polymem.core.ports import Clock, Embedder, Purge, Store, Update, Write
from polymem.core.purging import purge_matching
from polymem.core.text import indexed_text

_REVISABLE = frozenset(field.name for field in fields(Draft)) - {
    "id", "created_at", "updated_at", "supersedes",
    "validations", "contradictions", "validated_at", "contradicted_at",
}  # fmt: skip


class Memories:
    """The verbs that keep and change memories. Every one checks the scope's permissions first."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        clock: Clock,
        projects: Projects,
        new_id: Callable[[], str],
        detector: Detector,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._projects = projects
        self._detector = detector
        self._adding = Adding(store, embedder, clock, projects, new_id, detector)

    # --- adding ------------------------------------------------------------------------------

    async def add(
        self,
        scope: Scope,
        draft: Draft,
        *,
        duplicates: Duplicates = Duplicates.KEEP,
        idempotency_key: str | None = None,
    ) -> Added:
        """Keep one memory; it is durable when this returns.

        Raises InvalidInput, NotFound (`supersedes`), Conflict (the idempotency key belongs to another
        request, the id is taken, or the superseded memory already is), Forbidden.
        """
        (added,) = await self.add_many(scope, [draft], duplicates=duplicates, idempotency_key=idempotency_key)
        return added

    async def add_compared(
        self, scope: Scope, draft: Draft, *, idempotency_key: str | None = None
    ) -> tuple[Added, list[Similar]]:
        """Keep one memory, and say which ones it resembles. Those it is in conflict with become open conflicts in the
        same transaction. Raises as `add`."""
        similar: dict[str, list[Similar]] = {}
        (added,) = await self._adding.add_many(scope, [draft], Duplicates.KEEP, idempotency_key, similar)
        return added, similar.get(added.memory.id, [])

    async def add_many(
        self,
        scope: Scope,
        drafts: Sequence[Draft],
        *,
        duplicates: Duplicates = Duplicates.KEEP,
        idempotency_key: str | None = None,
    ) -> list[Added]:
        """Keep all drafts in one transaction, or none of them; the outcomes are in the drafts' order.

        Raises as `add`; an InvalidInput carries the index of the draft it is about.
        """
        return await self._adding.add_many(scope, drafts, duplicates, idempotency_key)

    # --- reading -----------------------------------------------------------------------------

    async def get(self, scope: Scope, memory_id: str, *, hidden: bool = False) -> Memory:
        """One memory by id. Forgotten and expired ones only with `hidden`. Raises NotFound."""
        require(scope, Permission.READ)
        memory = (await self._store.get_many(scope, [memory_id])).get(memory_id)
        if memory is None or not (hidden or predicate(active(self._clock.now()))(memory)):
            raise NotFound("Memory", memory_id)
        return memory

    async def find(
        self,
        scope: Scope,
        filter: Filter = (),
        *,
        sort: Sort = Sort(),  # noqa: B008 - frozen
        limit: int = 50,
        offset: int = 0,
        hidden: bool = False,
    ) -> Page[Memory]:
        """A page of the memories that match, newest first by default, with the true total."""
        require(scope, Permission.READ)
        check_page(limit, offset)
        return await self._store.find(scope, self._visible(filter, hidden), sort, limit, offset)

    async def count(self, scope: Scope, filter: Filter = (), *, hidden: bool = False) -> int:
        """How many match."""
        require(scope, Permission.READ)
        return (await self._store.find(scope, self._visible(filter, hidden), Sort(), 0, 0)).total

    async def tags(self, scope: Scope, filter: Filter = (), *, hidden: bool = False) -> dict[str, int]:
        """Every tag of what matches, and how many carry it."""
        require(scope, Permission.READ)
        return await self._store.tags(scope, self._visible(filter, hidden))

    def scan(self, scope: Scope, filter: Filter = (), *, hidden: bool = False) -> AsyncIterator[list[Memory]]:
        """All that match, oldest first, in batches."""
        require(scope, Permission.READ)
        return self._store.scan(scope, self._visible(filter, hidden))

    def _visible(self, filter: Filter, hidden: bool) -> Filter:
        return filter if hidden else (*filter, *active(self._clock.now()))

    async def trash(self, scope: Scope, filter: Filter = (), *, limit: int = 50, offset: int = 0) -> Page[Memory]:
        """A page of what was forgotten and can be restored."""
        return await self.find(scope, (*filter, Forgotten(True)), limit=limit, offset=offset, hidden=True)

    async def count_use(self, scope: Scope, memory_ids: Sequence[str]) -> None:
        """Count one use of each, as being read or found is to whoever reads or finds."""
        require(scope, Permission.READ)
        await self._store.touch(scope, memory_ids, self._clock.now())

    async def history(self, scope: Scope, memory_id: str) -> list[Version]:
        """Every version, oldest first, of a memory that may be forgotten. Raises NotFound."""
        require(scope, Permission.READ)
        versions = await self._store.history(scope, memory_id)
        if not versions:
            raise NotFound("Memory", memory_id)
        return versions

    # --- changing ----------------------------------------------------------------------------

    async def revise(
        self,
        scope: Scope,
        memory_id: str,
        changes: Mapping[str, Any],
        *,
        expected_version: int | None = None,
        compare: bool | None = None,
    ) -> Memory:
        """Replace the named fields; a new text is embedded anew. A change of nothing appends no version.

        With `compare` a new text is compared with other memories, as when one is kept: what it is in conflict with now
        takes the place of its open conflicts. None compares where there are such; False leaves them as they are.

        Raises NotFound, InvalidInput, Conflict (when `expected_version` is given and is not the newest).
        """
        if unknown := set(changes) - _REVISABLE:
            raise InvalidInput(f"{sorted(unknown)[0]} is not a field that can be set", field=sorted(unknown)[0])
        canonical = checked_fields(changes)
        if "project" in canonical:
            require(scope, Permission.WRITE)
            key = canonical["project"]
            project = None if key is None else await self._projects.ensure(scope, key)
            if project is None and scope.projects is not None:
                raise InvalidInput("This credential cannot take a memory out of its project", field="project")
            canonical |= {"project": project and project.key, "project_id": project and project.id}

        async def revised(memory: Memory) -> list[Update]:
            if not predicate(active(self._clock.now()))(memory):
                raise NotFound("Memory", memory_id)
            if expected_version is not None and memory.version != expected_version:
                raise Conflict(f"Memory {memory_id} is at version {memory.version}, not {expected_version}")
            if all(getattr(memory, name) == value for name, value in canonical.items()):
                return []
            checked_fields(
                {"valid_from": memory.valid_from, "valid_to": memory.valid_to}
                | {name: canonical[name] for name in ("valid_from", "valid_to") if name in canonical}
            )
            update = next_version(memory, Change.REVISED, self._clock.now(), **canonical)
            if indexed_text(update.memory) == indexed_text(memory):
                return [update]
            (derived,) = await derive(self._embedder, [update.memory])
            findings = None
            if update.memory.content != memory.content and compare is not False:
                findings = await self._detector.findings_anew(scope, update.memory, derived, always=compare is True)
            return [replace(update, derived=derived, findings=findings)]

        return await self._change(scope, memory_id, revised)

    async def supersede(self, scope: Scope, memory_id: str, draft: Draft) -> Added:
        """Keep `draft` as the memory that replaces this one. Raises NotFound, Conflict, InvalidInput."""
        await self.get(scope, memory_id)
        return await self.add(scope, replace(draft, supersedes=memory_id))

    async def forget(self, scope: Scope, memory_id: str) -> Memory:
        """Hide a memory everywhere at once; it can be restored until it is purged. What it replaced is current again.

        Raises NotFound.
        """

        async def forgotten(memory: Memory) -> list[Update]:
            if not predicate(active(self._clock.now()))(memory):
                raise NotFound("Memory", memory_id)
            return await forgetting(self._store, scope, [memory], self._clock.now())

        return await self._change(scope, memory_id, forgotten)

    async def forget_matching(self, scope: Scope, filter: Filter, *, sort: Sort, limit: int) -> int:
        """Forget the first `limit` of what matches in this order, all of them in one transaction; returns how many."""
        require(scope, Permission.WRITE)

        async def plan() -> list[Update]:
            page = await self.find(scope, filter, sort=sort, limit=limit)
            return await forgetting(self._store, scope, page.items, self._clock.now())

        writes = await apply_planned(self._store, scope, self._clock, plan)
        return sum(isinstance(write, Update) and write.change is Change.FORGOTTEN for write in writes)

    async def restore(self, scope: Scope, memory_id: str) -> Memory:
        """Take a memory out of the trash. One that is not there stays as it is. Raises NotFound."""

        async def restored(memory: Memory) -> list[Update]:
            return [] if memory.forgotten_at is None else await restoring(self._store, scope, memory, self._clock.now())

        return await self._change(scope, memory_id, restored)

    async def purge_matching(self, scope: Scope, filter: Filter = ()) -> int:
        """Remove all that match for good, in one transaction, those in the trash included; how many were visible."""
        require(scope, Permission.WRITE)
        return await purge_matching(self._store, scope, self._clock, filter)

    async def purge(self, scope: Scope, memory_id: str) -> None:
        """Remove a memory, its versions and all derived from it, for good. What it superseded is
        current again. Raises NotFound."""
        require(scope, Permission.WRITE)

        async def plan() -> list[Write]:
            memory = await self.get(scope, memory_id, hidden=True)
            links = [other for other in (memory.supersedes, memory.superseded_by) if other is not None]
            found = await self._store.get_many(scope, links)
            writes: list[Write] = []
            at = self._clock.now()
            for other in found.values():
                if other.superseded_by == memory_id:
                    writes.append(next_version(other, Change.UNSUPERSEDED, at, superseded_by=None))
                elif other.supersedes == memory_id:
                    writes.append(next_version(other, Change.REVISED, at, supersedes=None))
            return [*writes, Purge(memory_id)]

        await apply_planned(self._store, scope, self._clock, plan)

    async def _change(
        self, scope: Scope, memory_id: str, change: Callable[[Memory], Awaitable[list[Update]]]
    ) -> Memory:
        require(scope, Permission.WRITE)

        async def plan() -> list[Update]:
            return await change(await self.get(scope, memory_id, hidden=True))

        await apply_planned(self._store, scope, self._clock, plan)
        return (await self._store.get_many(scope, [memory_id]))[memory_id]
