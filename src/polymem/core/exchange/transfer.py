"""Export and import: a memory as a plain record, one JSON object a line, and back.

A record has the field names of `model.Memory` (instants as RFC 3339 text). Reading is lenient about
fields that are missing and strict about those that are there.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from polymem.core.chains import Chains
from polymem.core.checks import checked
from polymem.core.errors import Conflict, InvalidInput, NotFound
from polymem.core.filters import Filter
from polymem.core.instants import from_rfc3339 as from_rfc3339
from polymem.core.instants import to_rfc3339 as to_rfc3339
from polymem.core.memories import Memories
from polymem.core.model import Added, Draft, Duplicates, Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Clock, Store
from polymem.core.work.transfer import WorklogTransfer, is_work_record

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

    def __init__(
        self, store: Store, memories: Memories, chains: Chains, clock: Clock, worklog: WorklogTransfer
    ) -> None:
        self._worklog = worklog
        self._chains = chains
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
        self,
        scope: Scope,
        records: AsyncIterable[Any],
        *,
        keep_ids: bool = True,
        merge: bool = True,
        project: str | None = None,
    ) -> AsyncIterator[ImportReport]:
        """Keeps the records with their times, yielding the report so far after each batch; the last one is the whole.

        A record whose id is known already counts as existing; with `merge` also one whose text its project holds
        already, so importing twice does not double. Bad ones are skipped with their reason and never stop the rest.
        With `project` all go into that one. `supersedes` is kept where the older memory is there or comes along.
        """
        require(scope, Permission.WRITE)
        running = _Import(scope, keep_ids, Duplicates.RETURN_EXISTING if merge else Duplicates.KEEP, project)
        batch: list[tuple[int, Any]] = []
        position = 0
        async for record in records:
            position += 1
            if is_work_record(record):
                await self._import_work(running, position, record)
                continue
            batch.append((position, record))
            if len(batch) == _BATCH:
                await self._import_batch(running, batch)
                batch = []
                yield running.report()
        await self._import_batch(running, batch)
        for older, new_id in running.unlinked:
            await self._chains.link(scope, running.renamed.get(older, older), new_id)
        yield running.report()

    async def _import_work(self, running: "_Import", position: int, record: Record) -> None:
        try:
            new = await self._worklog.import_one(
                running.scope, record, keep_id=running.keep_ids, project=running.project
            )
        except InvalidInput as error:
            running.skipped.append(Skipped(position, str(error)))
        else:
            running.imported += new
            running.existing += not new

    async def _import_batch(self, running: "_Import", batch: list[tuple[int, Any]]) -> None:
        entries = [entry for position, record in batch if (entry := running.read(position, record)) is not None]
        known = await self._store.get_many(
            running.scope, [entry.draft.id for entry in entries if entry.draft.id is not None]
        )
        running.existing += len(known)
        fresh = [entry for entry in entries if entry.draft.id not in known]
        await self._keep(running, [entry for entry in fresh if entry.draft.supersedes is None])
        # What they replace may be in this very batch, so they come after it.
        await self._keep_replacing(running, [entry for entry in fresh if entry.draft.supersedes is not None])

    async def _keep_replacing(self, running: "_Import", entries: list["_Entry"]) -> None:
        wanted = {e.position: running.renamed.get(e.draft.supersedes or "", e.draft.supersedes or "") for e in entries}
        there = await self._store.get_many(running.scope, list(set(wanted.values())))
        taken: set[str] = set()
        replacing, plain = [], []
        for entry in entries:
            older = wanted[entry.position]
            if older in there and there[older].superseded_by is None and older not in taken:
                taken.add(older)
                replacing.append(replace(entry, draft=replace(entry.draft, supersedes=older)))
            else:
                plain.append(replace(entry, draft=replace(entry.draft, supersedes=None), older=entry.draft.supersedes))
        await self._keep(running, replacing)
        await self._keep(running, plain)

    async def _keep(self, running: "_Import", entries: list["_Entry"]) -> None:
        if not entries:
            return
        try:
            added = await self._memories.add_many(
                running.scope, [entry.draft for entry in entries], duplicates=running.duplicates
            )
        except (Conflict, InvalidInput, NotFound) as error:
            # One that cannot be kept (an id another project has, say) must not sink the batch.
            if len(entries) == 1:
                running.skipped.append(Skipped(entries[0].position, str(error)))
                return
            for entry in entries:
                await self._keep(running, [entry])
            return
        for entry, outcome in zip(entries, added, strict=True):
            running.kept(entry, outcome)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A record that can be kept: its position, its own id, and the older memory it could not be joined with yet."""

    position: int
    own_id: str | None
    draft: Draft
    older: str | None = None


class _Import:
    """An import under way."""

    def __init__(self, scope: Scope, keep_ids: bool, duplicates: Duplicates, project: str | None) -> None:
        self.scope = scope
        self.keep_ids = keep_ids
        self.duplicates = duplicates
        self.project = project
        self.imported = 0
        self.existing = 0
        self.skipped: list[Skipped] = []
        self.renamed: dict[str, str] = {}
        self.unlinked: list[tuple[str, str]] = []

    def read(self, position: int, record: Any) -> _Entry | None:
        try:
            if isinstance(record, InvalidInput):
                raise record
            draft = from_record(record, keep_id=self.keep_ids)
        except InvalidInput as error:
            self.skipped.append(Skipped(position, str(error)))
            return None
        if self.project is not None:
            draft = replace(draft, project=self.project)
        own_id = record.get("id")
        return _Entry(position, own_id if isinstance(own_id, str) else None, draft)

    def kept(self, entry: _Entry, outcome: Added) -> None:
        self.imported += outcome.created
        self.existing += not outcome.created
        if entry.own_id is not None:
            self.renamed[entry.own_id] = outcome.memory.id
        if entry.older is not None and outcome.created:
            self.unlinked.append((entry.older, outcome.memory.id))

    def report(self) -> ImportReport:
        return ImportReport(self.imported, self.existing, tuple(sorted(self.skipped, key=lambda skip: skip.position)))
