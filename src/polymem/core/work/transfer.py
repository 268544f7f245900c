"""Export and import of sessions, tasks and snippets: records beside those of memories, told apart by `record`."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from polymem.core.checks import check_name
from polymem.core.errors import Conflict, InvalidInput
from polymem.core.filters import Filter, InProjects
from polymem.core.instants import from_rfc3339, to_rfc3339
from polymem.core.people import Scope
from polymem.core.people.tenancy import Projects
from polymem.core.work import Work, WorkFilter
from polymem.core.work.worklog import Entries, Worklog

_KIND = "record"
_NOT_EXPORTED = frozenset({"organization_id", "project_id", "version"})
_INSTANTS = ("due_date", "completed_at", "created_at")


def is_work_record(record: object) -> bool:
    """Whether it is a record of this module's; those of memories carry no kind."""
    return isinstance(record, Mapping) and _KIND in record


class WorklogTransfer:
    """Moves sessions, tasks and snippets out and in."""

    def __init__(self, worklog: Worklog, projects: Projects) -> None:
        self._verbs: Mapping[str, Entries[Any]] = {
            "session": worklog.sessions,
            "task": worklog.tasks,
            "snippet": worklog.snippets,
        }
        self._projects = projects

    async def export(self, scope: Scope, filter: Filter) -> AsyncIterator[dict[str, Any]]:
        """Everything of the projects the filter is about, oldest first; nothing where it is about memories alone."""
        inside = [clause for clause in filter if isinstance(clause, InProjects)]
        if len(inside) < len(filter):
            return
        wanted = WorkFilter(
            project_ids=frozenset.intersection(*(clause.project_ids for clause in inside)) if inside else None
        )
        for name, verbs in self._verbs.items():
            async for batch in verbs.scan(scope, wanted):
                for entry in batch:
                    yield _to_record(name, entry)

    async def import_one(
        self, scope: Scope, record: Mapping[str, Any], *, keep_id: bool, project: str | None = None
    ) -> bool:
        """Keep a record; False when its id is known already. Raises InvalidInput, Forbidden."""
        kind = record[_KIND]
        verbs = self._verbs.get(kind) if isinstance(kind, str) else None
        if verbs is None:
            raise InvalidInput(f"record must be one of {', '.join(self._verbs)}", field=_KIND)
        place = project if project is not None else record.get("project")
        if not isinstance(place, str):
            raise InvalidInput("project is required", field="project")
        instants = {name: _instant(record, name) for name in _INSTANTS}
        values = {name: record[name] for name in verbs.fields if record.get(name) is not None}
        if "due_date" in values:
            values["due_date"] = instants["due_date"]
        found = await self._projects.ensure(scope, place)
        try:
            await verbs.add(
                scope,
                found.id,
                values,
                id=check_name("id", record["id"]) if keep_id and isinstance(record.get("id"), str) else None,
                created_at=instants["created_at"],
                completed_at=instants["completed_at"],
            )
        except Conflict:
            return False
        return True


def _instant(record: Mapping[str, Any], name: str) -> datetime | None:
    value = record.get(name)
    return None if value is None else from_rfc3339(value, name)


def _to_record(kind: str, entry: Work) -> dict[str, Any]:
    values = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name not in _NOT_EXPORTED}
    return {_KIND: kind} | {
        name: to_rfc3339(value) if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }
