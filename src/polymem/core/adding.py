"""Keeping new memories, all of a call or none of them.

checked ─ given id, time and project ─┬─ embedded (the cores are the model's) ──────┬─ written in one transaction
                                      └─ drawn up by the store, between two texts ──┘
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence, Set
from dataclasses import asdict, fields, replace
from typing import Any

from polymem.core.chains import ATTEMPTS, next_version
from polymem.core.checks import check_name, checked
from polymem.core.conflicts.detection import Detector, Similar
from polymem.core.errors import Conflict, EmbeddingUnavailable, InvalidInput, NotFound, TooLarge
from polymem.core.model import MAX_BATCH, Added, Change, Draft, Duplicates, Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.people.tenancy import Projects
from polymem.core.ports import Clock, Derived, Embedder, Idempotency, Insert, Store, Write
from polymem.core.text import indexed_text

_DRAFT_FIELDS = tuple(field.name for field in fields(Draft))


class Adding:
    """The way of new memories into the store."""

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
        self._new_id = new_id
        self._detector = detector

    async def add_many(
        self,
        scope: Scope,
        drafts: Sequence[Draft],
        duplicates: Duplicates,
        idempotency_key: str | None,
        similar: dict[str, list[Similar]] | None = None,
    ) -> list[Added]:
        """As `Memories.add_many`. Given `similar`, each new memory is compared with those it resembles: they are put
        there under its id, and conflicts with them are kept."""
        require(scope, Permission.WRITE)
        if len(drafts) > MAX_BATCH:
            raise TooLarge(f"A batch holds at most {MAX_BATCH} memories")
        batch = len(drafts) > 1
        canonical = [checked(draft, index=index if batch else None) for index, draft in enumerate(drafts)]
        if not canonical:
            return []
        idempotency = _idempotency(idempotency_key, canonical)
        if idempotency is not None:
            earlier = await self._store.replay(scope, idempotency)
            if earlier is not None:
                # The ids of superseded memories follow those of the new ones.
                return await self._read_back(scope, earlier[: len(canonical)], created=frozenset())
        memories = await self._to_memories(scope, canonical)
        once = duplicates is Duplicates.RETURN_EXISTING
        existing = await self._existing(scope, memories) if once else {}
        # What is there already replaces nothing; what replaces something is kept whatever else is there.
        memories = [replace(memory, supersedes=None) if memory.id in existing else memory for memory in memories]
        fresh = [memory for memory in memories if memory.id not in existing]
        derived, drawn_up = await self._derive(fresh)
        if similar is not None:
            for memory in fresh:
                similar[memory.id] = await self._detector.similar(scope, memory, derived[memory.id])
                findings = self._detector.findings(memory, similar[memory.id])
                derived[memory.id] = replace(derived[memory.id], findings=findings)

        for attempt in range(ATTEMPTS):
            writes: list[Write] = [
                Insert(
                    memory,
                    derived.get(memory.id) or Derived(),
                    unless_duplicate=once and memory.supersedes is None,
                    drawn_up=drawn_up.get(memory.id),
                )
                for memory in memories
            ]
            writes += await self._supersessions(scope, fresh)
            try:
                ids = await self._store.apply(scope, writes, idempotency=idempotency, at=self._clock.now())
                break
            except Conflict:
                # Only the change to a superseded memory can be stale and worth another look.
                if attempt == ATTEMPTS - 1 or len(writes) == len(memories):
                    raise
        if idempotency is None and not once:
            # Every outcome is what was just written.
            return [Added(memory, created=True) for memory in memories]
        return await self._read_back(scope, ids[: len(memories)], created={memory.id for memory in memories})

    async def _read_back(self, scope: Scope, ids: Sequence[str], created: Set[str]) -> list[Added]:
        kept = await self._store.get_many(scope, ids)
        if missing := [memory_id for memory_id in ids if memory_id not in kept]:
            raise Conflict(f"Memory {missing[0]}, kept by this call, was purged meanwhile")
        return [Added(kept[memory_id], created=memory_id in created) for memory_id in ids]

    async def _to_memories(self, scope: Scope, drafts: Sequence[Draft]) -> list[Memory]:
        keys = dict.fromkeys(draft.project for draft in drafts if draft.project is not None)
        projects = {key: await self._projects.ensure(scope, key) for key in keys}
        only = None
        if scope.projects is not None and any(draft.project is None for draft in drafts):
            only = await self._only_project(scope)
        now = self._clock.now()
        memories = []
        for draft in drafts:
            project = only if draft.project is None else projects[draft.project]
            values = {name: getattr(draft, name) for name in _DRAFT_FIELDS}
            values["id"] = draft.id or self._new_id()
            values["project"] = project.key if project else None
            values["created_at"] = draft.created_at or now
            values["updated_at"] = draft.updated_at or draft.created_at or now
            memories.append(
                Memory(organization_id=scope.organization_id, project_id=project.id if project else None, **values)
            )
        return memories

    async def _only_project(self, scope: Scope) -> Any:
        # A credential of one project need not name it; with several, silence would be a guess.
        projects = await self._store.projects(scope)
        if len(projects) != 1:
            raise InvalidInput("project is required: this credential reaches several", field="project")
        return projects[0]

    async def _existing(self, scope: Scope, memories: Sequence[Memory]) -> dict[str, Memory]:
        # A look before the transaction saves embedding what will not be written; the store looks again inside it.
        found = {}
        for memory in memories:
            duplicate = await self._store.find_duplicate(scope, memory.project_id, memory.content, self._clock.now())
            if duplicate is not None:
                found[memory.id] = duplicate
        return found

    async def _derive(self, memories: Sequence[Memory]) -> tuple[dict[str, Derived], dict[str, object]]:
        # The model sets the pace; what the store can do meanwhile costs nothing but the gaps it leaves.
        embedding = asyncio.ensure_future(derive(self._embedder, memories))
        try:
            # So that the model has begun before the store takes this thread.
            await asyncio.sleep(0)
            drawn_up = await self._store.draw_up(memories)
            derived = await embedding
        finally:
            embedding.cancel()
        ids = [memory.id for memory in memories]
        return dict(zip(ids, derived, strict=True)), dict(zip(ids, drawn_up, strict=True))

    async def _supersessions(self, scope: Scope, memories: Sequence[Memory]) -> list[Write]:
        replacements = {memory.supersedes: memory for memory in memories if memory.supersedes is not None}
        if len(replacements) < sum(memory.supersedes is not None for memory in memories):
            raise Conflict("Two memories of this request supersede the same memory")
        if not replacements:
            return []
        old = await self._store.get_many(scope, list(replacements))
        writes: list[Write] = []
        for old_id, new in replacements.items():
            if old_id not in old or old[old_id].forgotten_at is not None:
                raise NotFound("Memory", old_id)
            if old[old_id].superseded_by is not None:
                raise Conflict(f"Memory {old_id} is already superseded by {old[old_id].superseded_by}")
            # An import brings back when that was; else it is now.
            writes.append(next_version(old[old_id], Change.SUPERSEDED, new.updated_at, superseded_by=new.id))
        return writes


async def derive(embedder: Embedder, memories: Sequence[Memory]) -> list[Derived]:
    """The vectors of these memories' texts, in order; none where there is no model or it does not answer."""
    model = embedder.model
    if model is None or not memories:
        return [Derived()] * len(memories)
    try:
        embeddings = await embedder.embed_documents([indexed_text(memory) for memory in memories])
    except EmbeddingUnavailable:
        # Losing the text because a model is down would be worse than finding it by keyword
        # until `reindex` (or the server's own catch-up) adds the vector.
        return [Derived()] * len(memories)
    return [Derived(embedder.model or model, embedding) for embedding in embeddings]


def _idempotency(key: str | None, drafts: Sequence[Draft]) -> Idempotency | None:
    if key is None:
        return None
    check_name("idempotency key", key)
    canonical = json.dumps([asdict(draft) for draft in drafts], sort_keys=True, default=str)
    return Idempotency(key, hashlib.sha256(canonical.encode()).hexdigest())
