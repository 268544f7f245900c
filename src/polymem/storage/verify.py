"""Holding every row against what is derived from it, and rebuilding what can be rebuilt.

A problem is what a caller would meet as a wrong answer: a hole in a history, a tag no filter finds, terms that are
not those of the text, vectors of the wrong size, rows of memories that are gone. A missing vector is no problem but
work for `reindex`, and counted apart.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from polymem.core.model import Memory
from polymem.core.ports import EmbeddingModel, Verification
from polymem.core.text import indexed_text
from polymem.storage import embeddings, people, statements
from polymem.storage.backend import EVERY_ORGANIZATION, Backend, Row, Search, Transaction
from polymem.storage.embeddings import BYTES_PER_VALUE, bytes_per_token
from polymem.storage.rows import from_memory_row, from_snapshot, metadata_entries, to_memory_params
from polymem.storage.search import analyse
from polymem.storage.writes import put_entries, put_tags

BATCH = 200
MOST_SENTENCES = 1000
"""Problems that are told one by one; the counts in `detail` are of all."""

_WIDTH = len(statements.MEMORY_ROW)


@dataclass(slots=True)
class Problem:
    """One thing that is wrong; `repair` rebuilds it, None where nothing can."""

    kind: str
    sentence: str
    organization_id: str
    memory_id: str | None = None
    repair: Callable[[Transaction], object] | None = None


@dataclass(slots=True)
class _Tally:
    memories: int = 0
    problems: list[str] = field(default_factory=list)
    repaired: int = 0
    detail: Counter[str] = field(default_factory=Counter)


async def verify(backend: Backend, search: Search, *, repair: bool, model: EmbeddingModel | None) -> Verification:
    """Looks at everything in short transactions, so that others go on meanwhile; repairs batch by batch."""
    tally = _Tally()
    for sentence in await backend.damage():
        tally.problems.append(sentence)
        tally.detail["damage"] += 1
    for organization in await backend.read(EVERY_ORGANIZATION, people.organizations):
        before = tally.detail.total()
        await _settle(
            backend,
            organization.id,
            tally,
            await backend.read(organization.id, partial(_orphans, organization.id)),
            repair,
        )
        after = ""
        while batch := await backend.read(organization.id, partial(_batch, organization.id, after, model)):
            ids, problems = batch
            tally.memories += len(ids)
            await _settle(backend, organization.id, tally, problems, repair)
            after = ids[-1]
        anew = partial(search.start_anew, organization_id=organization.id)
        if tally.detail.total() == before:
            if (differs := await search.disagreement(organization.id)) is not None:
                problem = Problem("search", differs, organization.id, repair=anew)
                await _settle(backend, organization.id, tally, [problem], repair)
        elif repair:
            # Of what was wrong something may have been taken in there.
            await backend.write(organization.id, anew)
    without_vector = 0
    if model is not None:
        without_vector = await backend.read(EVERY_ORGANIZATION, lambda tx: embeddings.count_pending(tx, model))
    return Verification(
        memories=tally.memories,
        problems=tuple(tally.problems),
        repaired=tally.repaired,
        without_vector=without_vector,
        detail=dict(sorted(tally.detail.items())),
    )


async def _settle(
    backend: Backend, organization_id: str, tally: _Tally, problems: Sequence[Problem], repair: bool
) -> None:
    for problem in problems:
        tally.detail[problem.kind] += 1
        if len(tally.problems) < MOST_SENTENCES:
            tally.problems.append(problem.sentence)
    mendable = [problem for problem in problems if problem.repair is not None]
    if repair and mendable:
        await backend.write(organization_id, partial(_mend, mendable))
        tally.repaired += len(mendable)


def _mend(problems: Sequence[Problem], tx: Transaction) -> None:
    for problem in problems:
        assert problem.repair is not None
        problem.repair(tx)
    for organization_id, memory_id in dict.fromkeys((p.organization_id, p.memory_id) for p in problems):
        if memory_id is not None:
            ((seq,),) = tx.query(statements.ADVANCE, {"organization_id": organization_id, "steps": 1})
            of_memory = {"organization_id": organization_id, "memory_id": memory_id}
            tx.execute(statements.ADVANCE_MEMORY, {**of_memory, "seq": seq})


def _orphans(organization_id: str, tx: Transaction) -> list[Problem]:
    problems = []
    scope = {"organization_id": organization_id}
    for table in statements.PARTS:
        ((count,),) = tx.query(statements.COUNT_ORPHANS.format(table=table), scope)
        if count:
            statement = statements.DELETE_ORPHANS.format(table=table)
            sentence = f"{count} rows of {table} belong to no memory"
            problems.append(Problem("orphan", sentence, organization_id, repair=partial(_execute, statement, scope)))
    return problems


def _execute(statement: str, params: Mapping[str, Any], tx: Transaction) -> None:
    tx.execute(statement, params)


def _batch(
    organization_id: str, after: str, model: EmbeddingModel | None, tx: Transaction
) -> tuple[list[str], list[Problem]] | None:
    rows = tx.query(statements.CHECKED, {"organization_id": organization_id, "after": after, "limit": BATCH})
    if not rows:
        return None
    of_batch = {"organization_id": organization_id, "ids": [row[0] for row in rows]}
    versions = _grouped(tx.query(statements.CHECKED_VERSIONS, of_batch))
    tags = _grouped(tx.query(statements.CHECKED_TAGS, of_batch))
    entries = _grouped(tx.query(statements.CHECKED_ENTRIES, of_batch))
    vectors = _grouped(tx.query(statements.CHECKED_VECTORS, of_batch))
    problems: list[Problem] = []
    for row in rows:
        memory = from_memory_row(row[:_WIDTH])
        found = _Checked(memory, row[_WIDTH:])
        problems += found.history(versions[memory.id])
        problems += found.derived()
        problems += found.side_rows({tag for _, tag in tags[memory.id]}, {entry for _, entry in entries[memory.id]})
        problems += found.vectors(vectors[memory.id], model)
    return [row[0] for row in rows], problems


def _torn(space: str, size: int, model: EmbeddingModel | None) -> bool:
    # Whether a memory's tokens are none it can have: without a space, or not whole ones of the model's.
    if not space:
        return size > 0
    return (
        model is not None
        and model.tokens is not None
        and model.tokens.name == space
        and size % bytes_per_token(model.tokens) != 0
    )


def _grouped(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


class _Checked:
    """One memory and what its row says of itself."""

    def __init__(self, memory: Memory, extra: Row) -> None:
        self.memory = memory
        self.indexed_version, self.seq, self.last_seq, self.terms, *self.of_text = extra
        self.of_memory = {"organization_id": memory.organization_id, "memory_id": memory.id}

    def problem(self, kind: str, what: str, repair: Callable[[Transaction], object] | None = None) -> Problem:
        memory = self.memory
        return Problem(kind, f"Memory {memory.id} {what}", memory.organization_id, memory.id, repair)

    def history(self, versions: Sequence[Row]) -> list[Problem]:
        memory = self.memory
        numbers = [version for _, version, _, _ in versions]
        if numbers != list(range(1, memory.version + 1)):
            return [self.problem("history", f"is at version {memory.version}, and its history has {numbers}")]
        content = None
        for _, _, _, text in versions:
            content = content if text is None else text
        if content is None:
            return [self.problem("history", "has a history without a text")]
        if memory.project_id is not None and memory.project is None:
            return [self.problem("project", f"is in project {memory.project_id}, which is not there")]
        keys = {} if memory.project_id is None else {memory.project_id: memory.project or ""}
        newest = from_snapshot(
            versions[-1][2],
            organization_id=memory.organization_id,
            memory_id=memory.id,
            version=memory.version,
            content=content,
            keys=keys,
        )
        # Uses are counted apart from the versions.
        same = replace(newest, access_count=memory.access_count, last_accessed=memory.last_accessed)
        return [] if same == memory else [self.problem("history", "differs from its newest version")]

    def derived(self) -> list[Problem]:
        memory, problems = self.memory, []
        terms = analyse(indexed_text(memory)).encode()
        if self.terms is None or bytes(self.terms) != terms:
            params = {**self.of_memory, "version": self.indexed_version, "terms": terms}
            repair = partial(_execute, statements.PUT_TERMS, params)
            problems.append(self.problem("terms", "has terms that are not those of its text", repair))
        right = to_memory_params(memory)
        names = ("speaker", "is_question", "words", "content_hash")
        if self.of_text != [right[name] for name in names]:
            params = {**self.of_memory, **{name: right[name] for name in names}}
            repair = partial(_execute, statements.REPAIR_DERIVED, params)
            problems.append(self.problem("row", "has a row that does not fit its text", repair))
        if self.seq > self.last_seq:
            params = {"organization_id": memory.organization_id}
            repair = partial(_execute, statements.REPAIR_LAST_SEQ, params)
            problems.append(self.problem("order", "is newer than its organization's newest change", repair))
        return problems

    def side_rows(self, tags: set[str], entries: set[str]) -> list[Problem]:
        memory, problems = self.memory, []
        if tags != set(memory.tags):
            repair = partial(self._again, statements.DELETE_TAGS, put_tags)
            problems.append(self.problem("tags", "has tags that filters do not see", repair))
        if entries != metadata_entries(memory.metadata):
            repair = partial(self._again, statements.DELETE_ENTRIES, put_entries)
            problems.append(self.problem("metadata", "has metadata that filters do not see", repair))
        return problems

    def _again(self, delete: str, put: Callable[[Transaction, Iterable[Memory]], None], tx: Transaction) -> None:
        tx.execute(delete, self.of_memory)
        put(tx, [self.memory])

    def vectors(self, vectors: Sequence[Row], model: EmbeddingModel | None) -> list[Problem]:
        problems = []
        for _, version, name, dimensions, count, size, token_space, token_size in vectors:
            wrong_space = model is not None and name == model.name and dimensions != model.dimensions
            if (
                wrong_space
                or count < 1
                or size != count * dimensions * BYTES_PER_VALUE
                or _torn(token_space, token_size, model)
                or version > self.memory.version
            ):
                params = {**self.of_memory, "version": version, "model": name, "dimensions": dimensions}
                repair = partial(_execute, statements.DELETE_VECTORS, params)
                problems.append(self.problem("vectors", f"has vectors of {name} that cannot be right", repair))
        return problems
