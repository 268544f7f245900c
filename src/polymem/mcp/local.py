"""`Access` to the core in this process, as one caller: every verb asks for the right it needs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from polymem.core import Core
from polymem.core.context.context import ContextQuery
from polymem.core.digest.digest import FALLBACK, AnswerQuery
from polymem.core.filters import (
    AnyOf,
    Between,
    Clause,
    ContainerIs,
    DeliveryIn,
    Filter,
    IdIn,
    InProjects,
    Instant,
    KindIn,
    MetadataContains,
    MetadataIs,
    Not,
    Superseded,
    TagsAll,
)
from polymem.core.model import Delivery, Draft, Memory, Page, Version
from polymem.core.people import Permission, Project, Scope
from polymem.core.ports import Stats
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery
from polymem.mcp.access import Answered, Found, Hit, Kept, Selection, Similar, Told

ScopeFor = Callable[[Permission], Awaitable[Scope]]
"""What the caller reaches with a permission. Raises Forbidden, InvalidInput, NotFound."""


class CoreAccess:
    """`mcp.access.Access` over a core."""

    def __init__(self, core: Core, scope_for: ScopeFor) -> None:
        self._core = core
        self._scope_for = scope_for

    def now(self) -> datetime:
        """The present instant."""
        return self._core.clock.now()

    async def add(self, draft: Mapping[str, Any], *, once: bool = False) -> Kept:
        """Keep a memory, and say which ones it resembles."""
        scope = await self._scope_for(Permission.WRITE)
        memory = to_draft(draft)
        if once and (existing := await self._existing(scope, memory)) is not None:
            return Kept(existing, created=False)
        added, similar = await self._core.memories.add_compared(scope, memory)
        if Permission.READ not in scope.permissions:
            similar = []
        found = tuple(Similar(one.memory, one.similarity, _reason(one.verdict.reason)) for one in similar)
        return Kept(added.memory, added.created, found)

    async def _existing(self, scope: Scope, draft: Draft) -> Memory | None:
        project = None
        if draft.project is not None:
            project = await self._core.projects.ensure(scope, draft.project)
        elif scope.projects is not None:
            return None
        project_id = None if project is None else project.id
        return await self._core.store.find_duplicate(scope, project_id, draft.content, self._core.clock.now())

    async def get(self, memory_id: str) -> Memory:
        """One memory."""
        scope = await self._scope_for(Permission.READ)
        memory = await self._core.memories.get(scope, memory_id)
        await self._core.memories.count_use(scope, [memory_id])
        return memory

    async def recall(
        self,
        query: str,
        selection: Selection,
        *,
        limit: int,
        mode: str = "hybrid",
        min_score: float | None = None,
        as_of: datetime | None = None,
    ) -> Found:
        """The memories that answer a query."""
        scope = await self._scope_for(Permission.READ)
        asked = RecallQuery(
            text=query,
            filter=await self._filter(scope, selection),
            mode=Mode(mode),
            limit=limit,
            min_score=min_score,
            superseded=selection.superseded is None,
            as_of=as_of,
        )
        found = await self._core.recall(scope, asked)
        hits = tuple(Hit(hit.memory, hit.score) for hit in found.hits)
        return Found(hits, found.mode.value, found.matched, found.considered)

    async def list(
        self, selection: Selection, *, limit: int, offset: int = 0, as_of: datetime | None = None
    ) -> Page[Memory]:
        """A page of what matches."""
        scope = await self._scope_for(Permission.READ)
        filter = await self._filter(scope, selection)
        if as_of is not None:
            return await self._core.timeline.find_as_of(scope, as_of, filter, limit=limit, offset=offset)
        return await self._core.memories.find(scope, filter, limit=limit, offset=offset)

    async def update(
        self, memory_id: str, changes: Mapping[str, Any], *, expected_version: int | None = None
    ) -> Memory:
        """Replace fields."""
        scope = await self._scope_for(Permission.WRITE)
        return await self._core.memories.revise(scope, memory_id, changes, expected_version=expected_version)

    async def forget(self, memory_id: str) -> None:
        """Hide a memory."""
        await self._core.memories.forget(await self._scope_for(Permission.WRITE), memory_id)

    async def context(
        self, project: str, *, max_tokens: int, query: str | None = None, since: datetime | None = None
    ) -> Told:
        """The context document of a project."""
        scope = await self._scope_for(Permission.READ)
        asked = ContextQuery(project=project, max_tokens=max_tokens, query=query, since=since)
        document = await self._core.context(scope, asked)
        return Told(document.markdown, document.tokens, document.left_out)

    async def answer(
        self, question: str, selection: Selection, *, limit: int, as_of: datetime | None = None
    ) -> Answered:
        """An answer from memories."""
        scope = await self._scope_for(Permission.READ)
        filter = await self._filter(scope, selection)
        asked = AnswerQuery(question=question, filter=filter, limit=limit, as_of=as_of)
        answer = await self._core.digest.answer(scope, asked)
        return Answered(
            answer.text,
            answer.mode.value,
            answer.refused,
            answer.citations,
            tuple(Hit(hit.memory, hit.score) for hit in answer.sources),
            None if answer.trouble is None else FALLBACK,
        )

    async def changes(
        self, since: datetime, until: datetime | None, selection: Selection, *, limit: int, offset: int = 0
    ) -> Page[Version]:
        """Every change in a span of time."""
        scope = await self._scope_for(Permission.READ)
        filter = await self._filter(scope, selection)
        return await self._core.timeline.changed_since(scope, since, until, filter, limit=limit, offset=offset)

    async def projects(self) -> Sequence[Project]:
        """All projects."""
        return await self._core.projects.all(await self._scope_for(Permission.READ))

    async def stats(self) -> Stats:
        """Counts."""
        return await self._core.stats(await self._scope_for(Permission.READ))

    async def _filter(self, scope: Scope, selection: Selection) -> Filter:
        clauses: list[Clause] = []
        if selection.project is not None or selection.unassigned:
            project = None if selection.project is None else await self._core.projects.find(scope, selection.project)
            # A project that does not exist holds nothing.
            ids = frozenset() if project is None else frozenset({project.id})
            clauses.append(InProjects(ids, unassigned=selection.unassigned))
        elif selection.assigned:
            clauses.append(Not(InProjects(frozenset(), unassigned=True)))
        if selection.ids is not None:
            clauses.append(IdIn(frozenset(selection.ids)))
        if selection.kinds:
            clauses.append(KindIn(frozenset(selection.kinds)))
        if selection.deliveries:
            clauses.append(DeliveryIn(frozenset(Delivery(delivery) for delivery in selection.deliveries)))
        if selection.tags:
            clauses.append(TagsAll(frozenset(selection.tags)))
        if selection.container is not None:
            inside: Clause = ContainerIs(selection.container)
            clauses.append(AnyOf(((inside,), (ContainerIs(None),))) if selection.uncontained else inside)
        clauses += [MetadataIs(name, value) for name, value in selection.metadata.items()]
        for name, texts in selection.mentions.items():
            if texts:
                clauses.append(AnyOf(tuple((MetadataContains(name, text),) for text in texts)))
        if selection.since is not None or selection.until is not None:
            clauses.append(Between(Instant.CREATED, selection.since, selection.until))
        if selection.superseded is not None:
            clauses.append(Superseded(selection.superseded))
        return tuple(clauses)


def to_draft(fields: Mapping[str, Any]) -> Draft:
    """A draft of its fields by name."""
    values = dict(fields)
    values["tags"] = tuple(values.get("tags", ()))
    values["delivery"] = Delivery(values.get("delivery", Delivery.ON_DEMAND))
    return Draft(**values)


def _reason(reason: Any) -> str | None:
    return None if reason is None else str(reason.value)
