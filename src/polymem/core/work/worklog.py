"""Sessions, tasks and snippets: make, read, list, revise, remove."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Generic

from polymem.core.checks import check_page
from polymem.core.errors import Conflict, InvalidInput, NotFound
from polymem.core.model import Page
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.people.tenancy import Projects
from polymem.core.ports import Clock
from polymem.core.work import Snippet, Task, TaskStatus, WorkFilter, WorkSession
from polymem.core.work.checks import checked_work
from polymem.core.work.ports import W, WorkStore

_ATTEMPTS = 8
"""How often a change is tried again when another caller changed the same entry in between."""

NAMES: Mapping[type, str] = {WorkSession: "Session", Task: "Task", Snippet: "Snippet"}
"""What a person calls each kind of entry."""

_OWN = frozenset({"id", "organization_id", "project_id", "project", "created_at", "updated_at", "version"})


@dataclass(frozen=True, slots=True)
class Entries(Generic[W]):
    """The verbs for one kind of entry. `fields` are the names of what a caller may set, beside the project."""

    kind: type[W]
    store: WorkStore
    clock: Clock
    projects: Projects
    new_id: Callable[[], str]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(field.name for field in fields(self.kind)) - _OWN - {"completed_at"}

    async def add(
        self,
        scope: Scope,
        project: str,
        values: Mapping[str, Any],
        *,
        id: str | None = None,
        created_at: datetime | None = None,
        completed_at: datetime | None = None,
    ) -> W:
        """Keep an entry of a project (key or id). `id` and the instants are for imports only.

        Raises NotFound (the project), InvalidInput, Forbidden, Conflict (the id is taken).
        """
        require(scope, Permission.WRITE)
        found = await self.projects.get(scope, project)
        now = self.clock.now()
        entry = self.kind(
            id=id or self.new_id(),
            organization_id=scope.organization_id,
            project_id=found.id,
            project=found.key,
            created_at=created_at or now,
            updated_at=created_at or now,
            **checked_work(self.kind, self._settable(values)),
        )
        if isinstance(entry, Task):
            entry = _completed(entry, completed_at or now)
        if not await self.store.add(scope, entry):
            raise Conflict(f"{NAMES[self.kind]} {entry.id} exists already")
        return entry

    async def get(self, scope: Scope, id: str) -> W:
        """The entry with this id. Raises NotFound."""
        require(scope, Permission.READ)
        entry = await self.store.get(scope, self.kind, id)
        if entry is None:
            raise NotFound(NAMES[self.kind], id)
        return entry

    async def find(
        self,
        scope: Scope,
        filter: WorkFilter = WorkFilter(),  # noqa: B008 - frozen
        *,
        limit: int = 50,
        offset: int = 0,
    ) -> Page[W]:
        """A page of the entries that match, newest first, with the true total."""
        require(scope, Permission.READ)
        check_page(limit, offset)
        return await self.store.find(scope, self.kind, filter, limit, offset)

    def scan(self, scope: Scope, filter: WorkFilter = WorkFilter()) -> AsyncIterator[list[W]]:  # noqa: B008 - frozen
        """All that match, oldest first, in batches."""
        require(scope, Permission.READ)
        return self.store.scan(scope, self.kind, filter)

    async def revise(self, scope: Scope, id: str, changes: Mapping[str, Any], *, project: str | None = None) -> W:
        """Replace the named fields, and move it to another project if one is named (key or id).

        Raises NotFound, InvalidInput, Forbidden.
        """
        require(scope, Permission.WRITE)
        canonical = checked_work(self.kind, self._settable(changes), complete=False)
        if project is not None:
            found = await self.projects.get(scope, project)
            canonical |= {"project_id": found.id, "project": found.key}
        for _ in range(_ATTEMPTS):
            entry = await self.get(scope, id)
            if all(getattr(entry, name) == value for name, value in canonical.items()):
                return entry
            now = max(self.clock.now(), entry.updated_at)
            revised = replace(entry, **canonical, updated_at=now, version=entry.version + 1)
            checked_work(self.kind, {name: getattr(revised, name) for name in self.fields})
            if isinstance(revised, Task):
                revised = _completed(revised, now)
            if await self.store.replace(scope, revised):
                return revised
        raise Conflict(f"{NAMES[self.kind]} {id} is being changed by others; try again")

    async def remove(self, scope: Scope, id: str) -> None:
        """Remove it for good. Raises NotFound."""
        require(scope, Permission.WRITE)
        if not await self.store.remove(scope, self.kind, id):
            raise NotFound(NAMES[self.kind], id)

    def _settable(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        if unknown := sorted(set(values) - self.fields):
            raise InvalidInput(f"{unknown[0]} is not a field that can be set", field=unknown[0])
        return values


def _completed(task: Task, at: datetime) -> Task:
    if task.status is not TaskStatus.COMPLETED:
        return replace(task, completed_at=None)
    return task if task.completed_at is not None else replace(task, completed_at=at)


class Worklog:
    """`sessions`, `tasks` and `snippets`: the same verbs for each."""

    def __init__(self, store: WorkStore, clock: Clock, projects: Projects, new_id: Callable[[], str]) -> None:
        self.sessions: Entries[WorkSession] = Entries(WorkSession, store, clock, projects, new_id)
        self.tasks: Entries[Task] = Entries(Task, store, clock, projects, new_id)
        self.snippets: Entries[Snippet] = Entries(Snippet, store, clock, projects, new_id)
