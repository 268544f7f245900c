"""Near-duplicates and contradictions, found before a memory is kept.

a new text ─ embedded ─► the nearest visible memories of its project and of none
                             │ similarity above 0.75
                             ▼
              compared word by word (or by a chat model) ─► duplicate · paraphrase · changed value · negation
                             │                              (or nothing: they only share words)
                             ▼
              an open conflict, written in the transaction of the memory itself
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from polymem.core.contradiction import Verdict, compare
from polymem.core.errors import Unavailable
from polymem.core.filters import Filter, InProjects, Superseded, active
from polymem.core.model import Memory
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Clock, Derived, Store
from polymem.core.ports_conflicts import Finding

SIMILARITY = 0.75
"""Cosine above which two memories may be about the same thing (the threshold mememory documents)."""

MOST_SIMILAR = 5
"""How many similar memories a detection looks at, nearest first."""

RULES = "rules"
"""The judge that needs no model: `contradiction.compare`."""

_BYTES_PER_DIMENSION = 4


class Judge(Protocol):
    """A chat model that can tell a contradiction from a repetition."""

    @property
    def name(self) -> str:
        """What answers and records name it by."""
        ...

    async def compare(self, old: str, new: str) -> Verdict:
        """What the newer text is to the older one. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Similar:
    """A kept memory that a new one resembles: the raw cosine, and what the judge makes of the two texts."""

    memory: Memory
    similarity: float
    verdict: Verdict
    judge: str


class Detector:
    """Compares a memory that is about to be kept with those that are there."""

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str], judge: Judge | None = None) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._judge = judge

    async def similar(self, scope: Scope, memory: Memory, derived: Derived) -> list[Similar]:
        """Up to five visible memories of the same project and of none, nearest first. Without a vector only the same
        text counts as similar. A memory that this one is to replace is among them; one that was replaced is not.

        A long text is compared by its first window.
        """
        near = await self._near(scope, memory, derived)
        found = await self._store.get_many(scope, [memory_id for memory_id, _ in near])
        there = [(found[memory_id], similarity) for memory_id, similarity in near if memory_id in found]
        # At once: a model may take its time for each.
        verdicts = await asyncio.gather(*(self._verdict(one.content, memory.content, cosine) for one, cosine in there))
        return [
            Similar(one, similarity, verdict, judge)
            for (one, similarity), (verdict, judge) in zip(there, verdicts, strict=True)
        ]

    def findings(self, memory: Memory, similar: Sequence[Similar]) -> tuple[Finding, ...]:
        """Those that are in conflict with the memory, but for the one that it replaces."""
        return tuple(
            Finding(
                id=self._new_id(),
                old_id=one.memory.id,
                reason=one.verdict.reason,
                detail=one.verdict.detail,
                similarity=one.similarity,
                judge=one.judge,
            )
            for one in similar
            if one.verdict.reason is not None and one.memory.id != memory.supersedes
        )

    async def _near(self, scope: Scope, memory: Memory, derived: Derived) -> list[tuple[str, float]]:
        now = self._clock.now()
        projects = frozenset() if memory.project_id is None else frozenset({memory.project_id})
        if derived.model is None or derived.embedding is None:
            same = [
                await self._store.find_duplicate(scope, project_id, memory.content, now)
                for project_id in dict.fromkeys((memory.project_id, None))
            ]
            return [(one.id, 1.0) for one in same if one is not None]
        filter: Filter = (InProjects(projects, unassigned=True), *active(now), Superseded(False))
        found = await self._store.candidates(
            scope,
            CandidateQuery(
                text=None,
                vector=derived.embedding.vectors[: derived.model.dimensions * _BYTES_PER_DIMENSION],
                model=derived.model,
                filter=filter,
                depth=MOST_SIMILAR,
            ),
        )
        near = [(c.memory_id, c.cosine) for c in found.items if c.cosine is not None and c.cosine > SIMILARITY]
        near.sort(key=lambda one: (-one[1], one[0]))
        return near[:MOST_SIMILAR]

    async def _verdict(self, old: str, new: str, similarity: float) -> tuple[Verdict, str]:
        if self._judge is not None:
            try:
                return await self._judge.compare(old, new), self._judge.name
            except Unavailable:
                # A conflict judged by rules is better than a memory that cannot be kept.
                pass
        return compare(old, new, similarity), RULES
