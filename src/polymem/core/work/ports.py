"""What sessions, tasks and snippets need from a store."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, TypeVar

from polymem.core.model import Page
from polymem.core.people import Scope
from polymem.core.work import Snippet, Task, Work, WorkFilter, WorkSession

W = TypeVar("W", WorkSession, Task, Snippet)


class WorkStore(Protocol):
    """Keeps the entries of a worklog durably. Each method is one transaction; `scope` is a predicate of every
    statement. The kind of entry meant is named by its class."""

    async def add(self, scope: Scope, entry: Work) -> bool:
        """Whether it was kept; not when its id is taken. Raises NotFound when the scope reaches no such project."""
        ...

    async def replace(self, scope: Scope, entry: Work) -> bool:
        """Whether it took the place of the state with version `entry.version - 1`. Raises NotFound as `add`."""
        ...

    async def get(self, scope: Scope, kind: type[W], id: str) -> W | None:
        """The one with this id, if the scope reaches it."""
        ...

    async def find(self, scope: Scope, kind: type[W], filter: WorkFilter, limit: int, offset: int) -> Page[W]:
        """A page of what matches, newest first, with the true total. `limit` 0 only counts."""
        ...

    def scan(self, scope: Scope, kind: type[W], filter: WorkFilter, batch: int = 500) -> AsyncIterator[list[W]]:
        """All that matches, in the order of ids, in batches."""
        ...

    async def last_change(self, scope: Scope, project_id: str) -> datetime | None:
        """When an entry of any kind of this project was last made or changed; None where there is none."""
        ...

    async def remove(self, scope: Scope, kind: type[W], id: str) -> bool:
        """Whether there was one; it is gone for good."""
        ...
