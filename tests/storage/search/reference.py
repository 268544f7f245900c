"""What the index must answer, worked out the slow and obvious way, and the rows to try it on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from polymem.core.filters import Filter, predicate
from polymem.core.model import Memory
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, EmbeddingModel
from polymem.storage.search import IndexedRow, Terms, analyse
from polymem.storage.search.analysis import analyse_query

MODEL = EmbeddingModel("test", 8)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCOPE = Scope(organization_id="o")


def at(seconds: int) -> int:
    """Microseconds since the epoch of so many seconds after NOW."""
    return (NOW - EPOCH) // timedelta(microseconds=1) + seconds * 1_000_000


def vectors(*rows: Sequence[float]) -> bytes:
    """The entry of these vectors, each normalised."""
    array = np.array(rows, np.float64)
    entry: bytes = (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float16).tobytes()
    return entry


def random_vectors(seed: int, count: int, dimensions: int = MODEL.dimensions) -> list[list[float]]:
    """Vectors that depend on the seed alone."""
    drawn: list[list[float]] = np.random.default_rng(seed).normal(size=(count, dimensions)).tolist()
    return drawn


def row(memory_id: str, seq: int, text: str = "", **fields: object) -> IndexedRow:
    """A row with plain defaults; `text` stands for its terms."""
    values: dict[str, object] = {
        "memory_id": memory_id,
        "seq": seq,
        "arrival": seq,
        "project_id": None,
        "kind": "note",
        "importance": 5,
        "weight": 1.0,
        "created_at": at(0),
        "updated_at": at(0),
        "occurred_at": None,
        "expires_at": None,
        "container": None,
        "superseded": False,
        "forgotten": False,
        "words": len(text.split()),
        "is_question": text.endswith("?"),
        "speaker": None,
        "terms": analyse(text).encode(),
        "vectors": None,
        "vector_count": 0,
    }
    return IndexedRow(**(values | fields))  # type: ignore[arg-type]


def query(
    text: str | None = None, vector: Sequence[float] | None = None, filter_: Filter = (), **fields: object
) -> CandidateQuery:
    """A query for everything it can find, unless a depth is given."""
    unit = None
    if vector is not None:
        array = np.array(vector, np.float64)
        unit = (array / np.linalg.norm(array)).astype(np.float32).tobytes()
    values: dict[str, object] = {"text": text, "vector": unit, "model": MODEL, "filter": filter_, "depth": 10_000}
    return CandidateQuery(**(values | fields))  # type: ignore[arg-type]


def to_memory(known: IndexedRow) -> Memory:
    """The memory such a row stands for, as far as filters can tell."""
    return Memory(
        id=known.memory_id,
        organization_id="o",
        content="",
        kind=known.kind,
        project_id=known.project_id,
        project=known.project_id,
        importance=known.importance,
        weight=known.weight,
        container=known.container,
        occurred_at=_instant(known.occurred_at),
        expires_at=_instant(known.expires_at),
        superseded_by="other" if known.superseded else None,
        created_at=EPOCH + timedelta(microseconds=known.created_at),
        updated_at=EPOCH + timedelta(microseconds=known.updated_at),
        forgotten_at=NOW if known.forgotten else None,
    )


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


@dataclass
class Signals:
    """The signals of one candidate."""

    keyword: float = 0.0
    context_keyword: float = 0.0
    coverage: float = 0.0
    cosine: float | None = None
    context_cosine: float | None = None
    in_conversation: bool = False


@dataclass
class Reference:
    """All memories of an organization by id, and the signals each must have for a query."""

    rows: dict[str, IndexedRow] = field(default_factory=dict)

    def live(self) -> list[IndexedRow]:
        return [known for known in self.rows.values() if not known.forgotten]

    def admitted(self, scope: Scope, filter_: Filter) -> set[str]:
        holds = predicate(filter_)
        return {
            known.memory_id
            for known in self.live()
            if holds(to_memory(known)) and (scope.projects is None or known.project_id in scope.projects)
        }

    def signals(self, asked: CandidateQuery) -> dict[str, Signals]:
        rows = {known.memory_id: known for known in self.live()}
        around = self._around(rows)
        found = {id_: Signals(in_conversation=any(near is not None for near in around[id_][1:])) for id_ in rows}
        if asked.text is not None:
            self._keywords(asked.text, rows, around, found)
        if asked.vector is not None:
            self._cosines(np.frombuffer(asked.vector, np.float32), rows, around, found)
        return found

    @staticmethod
    def _around(rows: dict[str, IndexedRow]) -> dict[str, list[str | None]]:
        """Each memory with its neighbours 1, 2, 3 before and 1, 2 after."""
        conversations: dict[tuple[str | None, str], list[IndexedRow]] = {}
        for known in rows.values():
            if known.container is not None:
                conversations.setdefault((known.project_id, known.container), []).append(known)
        around: dict[str, list[str | None]] = {id_: [id_] + [None] * 5 for id_ in rows}
        for members in conversations.values():
            members.sort(key=lambda r: (r.created_at if r.occurred_at is None else r.occurred_at, r.arrival))
            for place, known in enumerate(members):
                for slot, step in enumerate((-1, -2, -3, 1, 2), start=1):
                    if 0 <= place + step < len(members):
                        around[known.memory_id][slot] = members[place + step].memory_id
        return around

    @staticmethod
    def _keywords(
        text: str, rows: dict[str, IndexedRow], around: dict[str, list[str | None]], found: dict[str, Signals]
    ) -> None:
        terms = {id_: Terms.decode(known.terms or analyse("").encode()) for id_, known in rows.items()}
        counts = {id_: dict(zip(entry.ids, entry.counts, strict=True)) for id_, entry in terms.items()}
        mean = sum(entry.length for entry in terms.values()) / max(1, len(rows))
        sought = analyse_query(text)
        frequency = {term: sum(term in count for count in counts.values()) for term in sought.ids}
        groups: dict[object, list[int]] = {}
        for term, group in zip(sought.ids, sought.groups, strict=True):
            groups.setdefault(("word", term) if group < 0 else group, []).append(term)
        total = 0.0
        for members in groups.values():
            for term in [term for term in members if frequency[term]] or members[:1]:
                idf = math.log(1 + (len(rows) - frequency[term] + 0.5) / (frequency[term] + 0.5))
                total += idf
                saturation: dict[str | None, float] = {None: 0.0}
                for id_ in rows:
                    count = counts[id_].get(term, 0)
                    room = 1.2 * (0.6 + 0.4 * terms[id_].length / (mean or 1))
                    saturation[id_] = count / (count + room)
                for id_, signals in found.items():
                    offers = zip((1, 0.5, 0.3, 0.15, 0.25, 0.1), around[id_], strict=True)
                    signals.keyword += idf * saturation[id_]
                    signals.context_keyword += idf * max(weight * saturation[near] for weight, near in offers)
                    signals.coverage += idf * (saturation[id_] > 0)
        for signals in found.values():
            signals.keyword /= total or 1
            signals.context_keyword /= total or 1
            signals.coverage /= total or 1

    @staticmethod
    def _cosines(
        vector: npt.NDArray[np.float32],
        rows: dict[str, IndexedRow],
        around: dict[str, list[str | None]],
        found: dict[str, Signals],
    ) -> None:
        cosines: dict[str | None, float | None] = {None: None}
        for id_, known in rows.items():
            stored = np.frombuffer(known.vectors or b"", np.float16).reshape(-1, len(vector)).tolist()
            similarities = [sum(a * b for a, b in zip(one, vector.tolist(), strict=True)) for one in stored]
            cosines[id_] = max(similarities, default=None)
        for id_, signals in found.items():
            own = signals.cosine = cosines[id_]
            if own is None:
                continue
            blended, weights = own, 1.0
            for weight, near in zip((0.4, 0.3, 0, 0.2, 0), around[id_][1:], strict=True):
                if (similarity := cosines[near]) is not None:
                    blended += weight * similarity
                    weights += weight
            signals.context_cosine = blended / weights**0.8
