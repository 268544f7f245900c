"""The context verb: gathers what is kept of a project and has the context document made of it."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from polymem.core.checks import check_query
from polymem.core.context.document import Material, compose
from polymem.core.context.parts import (
    Block,
    Section,
    memory_blocks,
    session_blocks,
    snippet_blocks,
    task_blocks,
)
from polymem.core.errors import InvalidInput
from polymem.core.filters import Between, Filter, Forgotten, InProjects, Instant, Sort, SortKey, Superseded, active
from polymem.core.model import Memory
from polymem.core.people import Permission, Project, Scope
from polymem.core.people.access import require
from polymem.core.people.tenancy import Projects
from polymem.core.ports import Clock, Embedder, Store
from polymem.core.recall import Recall, RecallQuery
from polymem.core.work import OPEN, WorkFilter
from polymem.core.work.worklog import Worklog

DEFAULT_TOKENS = 8000
LEAST_TOKENS = 256
MOST_TOKENS = 1_000_000

_MOST_MEMORIES = 1000
_NEWEST_MEMORIES = 500
_MOST_FOUND = 100
_MOST_SESSIONS = 100
_MOST_TASKS = 500
_MOST_SNIPPETS = 200
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextQuery:
    """Which document is wanted: of a project (id or key), at most so many tokens long.

    `query` brings what it asks for to the front. `since` asks for what changed after that instant only. `snippets`
    adds the code snippets.
    """

    project: str
    max_tokens: int = DEFAULT_TOKENS
    query: str | None = None
    since: datetime | None = None
    snippets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDocument:
    """A document and what it is worth knowing about it.

    `tokens` is its length as the local tokenizer counts. `digest` is the same for the same text. `as_of` is the
    instant of the newest change it knows of: the `since` of the next call. `left_out` counts by section what did not
    fit.
    """

    project: Project
    markdown: str
    tokens: int
    digest: str
    as_of: datetime
    left_out: Mapping[str, int]


class Context:
    """`await context(scope, query)` makes the document."""

    def __init__(
        self, store: Store, embedder: Embedder, clock: Clock, projects: Projects, recall: Recall, worklog: Worklog
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._projects = projects
        self._recall = recall
        self._worklog = worklog

    async def __call__(self, scope: Scope, query: ContextQuery) -> ContextDocument:
        """The document. It counts as no use of any memory. Raises NotFound (the project), InvalidInput, Forbidden."""
        require(scope, Permission.READ)
        if not LEAST_TOKENS <= query.max_tokens <= MOST_TOKENS:
            raise InvalidInput(f"max_tokens must be from {LEAST_TOKENS} to {MOST_TOKENS}", field="max_tokens")
        if query.query is not None:
            check_query(query.query, limit=1, offset=0)
        if query.since is not None and query.since.tzinfo is None:
            raise InvalidInput("since needs a time zone", field="since")
        project = await self._projects.get(scope, query.project)
        material = await self._gather(scope, project, query)
        composed = await asyncio.to_thread(compose, material, query.max_tokens, self._embedder.count_tokens)
        return ContextDocument(
            project=project,
            markdown=composed.markdown,
            tokens=composed.tokens,
            digest=hashlib.sha256(composed.markdown.encode()).hexdigest()[:32],
            as_of=material.as_of,
            left_out={section.name.lower(): number for section, number in composed.left_out.items()},
        )

    async def _gather(self, scope: Scope, project: Project, query: ContextQuery) -> Material:
        inside = WorkFilter(project_ids=frozenset({project.id}), changed_after=query.since)
        open_only = None if query.since is not None else OPEN
        waiting = WorkFilter(project_ids=inside.project_ids, changed_after=query.since, statuses=open_only)
        store = self._store.work
        worklog = self._worklog
        sessions = await store.find(scope, worklog.sessions.kind, inside, _MOST_SESSIONS, 0)
        tasks = await store.find(scope, worklog.tasks.kind, waiting, _MOST_TASKS, 0)
        wanted = _MOST_SNIPPETS if query.snippets else 0
        snippets = await store.find(scope, worklog.snippets.kind, inside, wanted, 0)
        memories, total = await self._memories(scope, project, query)
        scores = await self._scores(scope, project, query, memories)
        blocks: list[Block] = [
            *session_blocks(sessions.items, query.query),
            *memory_blocks(list(memories.values()), scores),
            *task_blocks(tasks.items, query.query),
            *snippet_blocks(snippets.items, query.query),
        ]
        changed = [project.updated_at, *await self._last_changes(scope, project)]
        return Material(
            project=project,
            blocks=blocks,
            totals={
                Section.SESSIONS: sessions.total,
                Section.MEMORIES: total,
                Section.TASKS: tasks.total,
                Section.SNIPPETS: snippets.total,
            },
            as_of=max((*changed, *([] if query.since is None else [query.since]))).astimezone(UTC),
            query=query.query,
            since=query.since,
            removed=await self._removed(scope, project, query),
            snippets_asked=query.snippets,
        )

    def _filter(self, project: Project, query: ContextQuery) -> Filter:
        return (*_inside(project, query.since), Superseded(False), *active(self._clock.now()))

    async def _memories(self, scope: Scope, project: Project, query: ContextQuery) -> tuple[dict[str, Memory], int]:
        # Of very many, those that could be chosen at all: the most important, and the newest.
        filter = self._filter(project, query)
        page = await self._store.find(scope, filter, Sort(SortKey.IMPORTANCE), _MOST_MEMORIES, 0)
        memories = {memory.id: memory for memory in page.items}
        if page.total > len(memories):
            newest = await self._store.find(scope, filter, Sort(SortKey.UPDATED), _NEWEST_MEMORIES, 0)
            memories |= {memory.id: memory for memory in newest.items}
        return memories, page.total

    async def _scores(
        self, scope: Scope, project: Project, query: ContextQuery, memories: dict[str, Memory]
    ) -> dict[str, float] | None:
        if query.query is None:
            return None
        asked = RecallQuery(
            text=query.query, filter=_inside(project, query.since), limit=_MOST_FOUND, record_access=False
        )
        found = await self._recall(scope, asked)
        for hit in found.hits:
            memories.setdefault(hit.memory.id, hit.memory)
        return {hit.memory.id: hit.score for hit in found.hits}

    async def _last_changes(self, scope: Scope, project: Project) -> list[datetime]:
        # Of everything, told or not: what was forgotten or finished counts too, since its absence is news.
        newest = await self._store.find(scope, _inside(project, None), Sort(SortKey.UPDATED), 1, 0)
        worked = await self._store.work.last_change(scope, project.id)
        return [memory.updated_at for memory in newest.items] + ([] if worked is None else [worked])

    async def _removed(self, scope: Scope, project: Project, query: ContextQuery) -> int:
        if query.since is None:
            return 0
        inside = _inside(project, query.since)
        forgotten = await self._store.find(scope, (*inside, Forgotten(True)), Sort(), 0, 0)
        replaced = await self._store.find(scope, (*inside, Superseded(True), *active(self._clock.now())), Sort(), 0, 0)
        return forgotten.total + replaced.total


def _inside(project: Project, since: datetime | None) -> Filter:
    changed = () if since is None else (Between(Instant.UPDATED, since=since + _TICK),)
    return (InProjects(frozenset({project.id})), *changed)
