"""What the work on a project leaves behind: sessions, tasks, and code snippets. Each belongs to one project."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

DEFAULT_PRIORITY = 5


class TaskStatus(StrEnum):
    """How far a task is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OPEN = frozenset({TaskStatus.PENDING, TaskStatus.IN_PROGRESS})
"""The states in which a task still waits for somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSession:
    """A period of work: what it was about, what was done, what comes next, and what was in the way.

    `project` is the key of the project `project_id`. `version` counts its states, from 1.
    """

    id: str
    organization_id: str
    project_id: str
    project: str
    summary: str = ""
    accomplished: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to be done. `priority` is 1–10. `completed_at` is set while the status is completed."""

    id: str
    organization_id: str
    project_id: str
    project: str
    title: str
    description: str = ""
    status: TaskStatus = TaskStatus.PENDING
    priority: int = DEFAULT_PRIORITY
    due_date: datetime | None = None
    tags: tuple[str, ...] = ()
    completed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of code, kept byte for byte, and where it comes from. Lines count from 1, the last one included."""

    id: str
    organization_id: str
    project_id: str
    project: str
    name: str
    code: str
    language: str = ""
    file_path: str = ""
    line_start: int | None = None
    line_end: int | None = None
    description: str = ""
    created_at: datetime
    updated_at: datetime
    version: int = 1


Work = WorkSession | Task | Snippet


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilter:
    """Which entries are meant; what is None does not matter. `statuses` and `least_priority` are about tasks and
    `language` (ASCII letters compared without case) about snippets; the other kinds pass over them.

    `changed_after` takes what was made or changed after that instant.
    """

    project_ids: frozenset[str] | None = None
    statuses: frozenset[str] | None = None
    least_priority: int | None = None
    language: str | None = None
    changed_after: datetime | None = None
