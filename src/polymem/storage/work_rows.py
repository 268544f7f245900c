"""Sessions, tasks and snippets as rows, and back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from polymem.core.work import Snippet, Task, TaskStatus, Work, WorkSession
from polymem.storage.backend import Row
from polymem.storage.rows import from_micros, from_optional_micros, to_json, to_micros, to_optional_micros


@dataclass(frozen=True, slots=True)
class WorkTable:
    """Where one kind of entry is kept. `columns` are the fields of its class but the project's key, in their order."""

    name: str
    columns: tuple[str, ...]


def _table(name: str, kind: type[Work]) -> WorkTable:
    return WorkTable(name, tuple(field.name for field in fields(kind) if field.name != "project"))


TABLES: Mapping[type, WorkTable] = {
    WorkSession: _table("work_sessions", WorkSession),
    Task: _table("tasks", Task),
    Snippet: _table("snippets", Snippet),
}
"""The table of each kind."""

_LISTS = frozenset({"accomplished", "next_steps", "blockers", "tags"})
_INSTANTS = frozenset({"created_at", "updated_at"})
_OPTIONAL_INSTANTS = frozenset({"due_date", "completed_at"})

_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_LISTS, lambda text: tuple(json.loads(text))),
    **dict.fromkeys(_INSTANTS, from_micros),
    **dict.fromkeys(_OPTIONAL_INSTANTS, from_optional_micros),
    "status": TaskStatus,
}
_WRITE: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_LISTS, to_json),
    **dict.fromkeys(_INSTANTS, to_micros),
    **dict.fromkeys(_OPTIONAL_INSTANTS, to_optional_micros),
    "status": lambda status: status.value,
}


def to_work_params(entry: Work) -> dict[str, Any]:
    """Every column of the entry's row."""
    return {name: _written(name, getattr(entry, name)) for name in TABLES[type(entry)].columns}


def _written(name: str, value: object) -> Any:
    write = _WRITE.get(name)
    return value if write is None else write(value)


def from_work_row(kind: type[Work], row: Row) -> Any:
    """An entry of this kind from the columns of its table and the project's key."""
    *values, project = row
    read = {
        name: _READ[name](value) if name in _READ else value
        for name, value in zip(TABLES[kind].columns, values, strict=True)
    }
    return kind(**read, project=project)
