"""Export and import: a memory as a plain record, one JSON object a line, and back.

A record has the field names of `model.Memory` (instants as RFC 3339 text). Reading is lenient about
fields that are missing and strict about those that are there.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from polymem.core.access import require
from polymem.core.checks import checked
from polymem.core.errors import Conflict, InvalidInput, NotFound
from polymem.core.filters import Filter
from polymem.core.instants import from_rfc3339 as from_rfc3339
from polymem.core.instants import to_rfc3339 as to_rfc3339
from polymem.core.memories import Memories
from polymem.core.model import Draft, Duplicates, Memory
from polymem.core.people import Permission, Scope
from polymem.core.ports import Clock, Store
from polymem.core.worklog_transfer import WorklogTransfer, is_work_record

_BATCH = 200
_DRAFT_FIELDS = frozenset(field.name for field in fields(Draft))
_INSTANTS = frozenset(
    {
        "occurred_at", "valid_from", "valid_to", "expires_at", "created_at", "updated_at",
        "validated_at", "contradicted_at",
    }
)  # fmt: skip
_NOT_EXPORTED = frozenset({"organization_id", "project_id", "forgotten_at"})

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that was not imported: its position from 1, and why."""

    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`imported` new memories, `existing` that were there already, and what was skipped."""

    imported: int = 0
    existing: int = 0
    skipped: tuple[Skipped, ...] = ()


def to_record(memory: Memory) -> Record:
    """The memory as JSON values."""
    record: Record = {}
    for field in fields(Memory):
        if field.name not in _NOT_EXPORTED:
            value = getattr(memory, field.name)
            record[field.name] = (
                to_rfc3339(value) if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
            )
    return record


def from_record(record: Mapping[str, Any], *, keep_id: bool) -> Draft:
    """The draft a record asks to be kept. Raises InvalidInput."""
    if not isinstance(record, Mapping):
        raise InvalidInput("a record must be a JSON object")
    if "content" not in record:
        raise InvalidInput("content is required", field="content")
    values: dict[str, Any] = {}
    for name in _DRAFT_FIELDS & record.keys():
        value = record[name]
        if name in _INSTANTS and value is not None:
            value = from_rfc3339(value, name)
        if value is not None:
            values[name] = value
    if not keep_id:
        values.pop("id", None)
    if isinstance(tags := values.get("tags"), list):
        values["tags"] = tuple(tags)
    return checked(Draft(**values))


class Transfer:
    """Moves memories, sessions, tasks and snippets out and in, streaming: neither direction holds more than a batch
    in memory."""

    def __init__(self, store: Store, memories: Memories, clock: Clock, worklog: WorklogTransfer) -> None:
        self._worklog = worklog
        self._store = store
        self._memories = memories
        self._clock = clock

    async def export(self, scope: Scope, filter: Filter = ()) -> AsyncIterator[Record]:
        """Every visible memory as a record, oldest first. Superseded ones are part of it; forgotten ones are not.

        Where the filter is about projects only, their sessions, tasks and snippets follow.
        """
        async for batch in self._memories.scan(scope, filter):
            for memory in batch:
                yield to_record(memory)
        async for record in self._worklog.export(scope, filter):
            yield record

    async def import_(
        self, scope: Scope, records: AsyncIterable[Any], *, keep_ids: bool = True, project: str | None = None
    ) -> AsyncIterator[ImportReport]:
        """Keeps the records, yielding the report so far after each batch; the last one is the whole.

        A record whose id is known already, or whose text its project holds already, counts as existing, so
        importing twice does not double. Bad ones are skipped with their reason and never stop the rest.
        With `project` all go into that one. `supersedes` is kept where the older memory is there or came along.
        """
        require(scope, Permission.WRITE)
        renamed: dict[str, str] = {}
        report = ImportReport()
        batch: list[tuple[int, Any]] = []
        position = 0
        async for record in records:
            position += 1
            if is_work_record(record):
                report = await self._import_work(scope, position, record, report, keep_ids, project)
                continue
            batch.append((position, record))
            if len(batch) == _BATCH:
                report = await self._import_batch(scope, batch, report, renamed, keep_ids, project)
                batch = []
                yield report
        yield await self._import_batch(scope, batch, report, renamed, keep_ids, project)

    async def _import_work(
        self, scope: Scope, position: int, record: Record, report: ImportReport, keep_id: bool, project: str | None
    ) -> ImportReport:
        try:
            new = await self._worklog.import_one(scope, record, keep_id=keep_id, project=project)
        except InvalidInput as error:
            return replace(report, skipped=(*report.skipped, Skipped(position, str(error))))
        return replace(report, imported=report.imported + new, existing=report.existing + (not new))

    async def _import_batch(
        self,
        scope: Scope,
        batch: list[tuple[int, Any]],
        report: ImportReport,
        renamed: dict[str, str],
        keep_ids: bool,
        project: str | None,
    ) -> ImportReport:
        skipped = list(report.skipped)
        drafts: list[tuple[int, str | None, Draft]] = []
        for position, record in batch:
            try:
                if isinstance(record, InvalidInput):
                    raise record
                draft = from_record(record, keep_id=keep_ids)
                draft = replace(draft, project=project) if project is not None else draft
                drafts.append((position, record.get("id") if isinstance(record.get("id"), str) else None, draft))
            except InvalidInput as error:
                skipped.append(Skipped(position, str(error)))
        known = await self._store.get_many(scope, [draft.id for _, _, draft in drafts if draft.id is not None])
        imported, existing = report.imported, report.existing + len(known)
        plain = [entry for entry in drafts if entry[2].id not in known and entry[2].supersedes is None]
        try:
            added = await self._memories.add_many(
                scope, [draft for _, _, draft in plain], duplicates=Duplicates.RETURN_EXISTING
            )
        except Conflict:
            # One taken id (another organization's or one repeated in the file) must not sink the batch.
            added = []
            one_by_one = plain
        else:
            one_by_one = []
            for (_, old_id, _), outcome in zip(plain, added, strict=True):
                if old_id is not None:
                    renamed[old_id] = outcome.memory.id
            imported += sum(outcome.created for outcome in added)
            existing += sum(not outcome.created for outcome in added)
        one_by_one += [entry for entry in drafts if entry[2].id not in known and entry[2].supersedes is not None]
        for position, old_id, draft in one_by_one:
            older = draft.supersedes and renamed.get(draft.supersedes, draft.supersedes)
            try:
                outcome = await self._memories.add(
                    scope, replace(draft, supersedes=older), duplicates=Duplicates.RETURN_EXISTING
                )
            except NotFound:
                outcome = await self._memories.add(
                    scope, replace(draft, supersedes=None), duplicates=Duplicates.RETURN_EXISTING
                )
            except Conflict as error:
                skipped.append(Skipped(position, str(error)))
                continue
            if old_id is not None:
                renamed[old_id] = outcome.memory.id
            imported += outcome.created
            existing += not outcome.created
        return ImportReport(imported, existing, tuple(skipped))
