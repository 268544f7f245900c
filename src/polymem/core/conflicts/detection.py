"""Near-duplicates and contradictions, found before a memory is kept.

a new text ─ embedded ─► the visible memories of its project and of none that are nearest, by meaning or by words
                             │ similarity above 0.75: of meaning (cosine) or, where names keep vectors
                             │ apart, of what is said (contradiction.Statement)
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

from polymem.core.conflicts.contradiction import Statement, Verdict, compare
from polymem.core.conflicts.ports import Finding
from polymem.core.errors import Unavailable
from polymem.core.filters import Filter, InProjects, Superseded, active
from polymem.core.model import Memory
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Clock, Derived, Store

SIMILARITY = 0.75
"""Above which two memories may be about the same thing (the threshold mememory documents)."""

DEPTH = 10
"""How many of the nearest by meaning, and of the nearest by words, are looked at."""

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
    """A kept memory that a new one resembles: the raw cosine or, where that is not above the threshold, the agreement
    of the words; and what the judge makes of the two texts."""

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
        """Up to five visible memories of the same project and of none, most similar first. A memory that this one is to
        replace is among them; one that was replaced is not. Without a vector only words tell.

        A long text is compared by its first window.
        """
        return await self._judged(memory, (await self._near(scope, memory, derived))[:MOST_SIMILAR])

    async def findings_anew(
        self, scope: Scope, memory: Memory, derived: Derived, *, always: bool
    ) -> tuple[Finding, ...] | None:
        """The conflicts of a memory whose text has changed: with the most similar ones, and with those that its former
        text was in conflict with. None where there were none of these, unless `always`."""
        opposed = await self._store.conflicts.opposed(scope, memory.id)
        if not opposed and not always:
            return None
        near = await self._near(scope, memory, derived)
        again = [(one, how) for one, how in near[MOST_SIMILAR:] if one.id in opposed]
        return self.findings(memory, await self._judged(memory, near[:MOST_SIMILAR] + again))

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

    async def _judged(self, memory: Memory, near: Sequence[tuple[Memory, float]]) -> list[Similar]:
        # At once: a model may take its time for each.
        verdicts = await asyncio.gather(*(self._verdict(one.content, memory.content, how) for one, how in near))
        return [Similar(one, how, *verdict) for (one, how), verdict in zip(near, verdicts, strict=True)]

    async def _near(self, scope: Scope, memory: Memory, derived: Derived) -> list[tuple[Memory, float]]:
        statement = Statement(memory.content)
        cosines = await self._candidates(scope, memory, derived, statement)
        found = await self._store.get_many(scope, list(cosines))
        near = []
        for memory_id, one in found.items():
            # What another caller forgot or replaced meanwhile, or is this memory itself, is not compared.
            if memory_id == memory.id or one.forgotten_at is not None or one.superseded_by is not None:
                continue
            similarity = cosines[memory_id]
            if similarity <= SIMILARITY:
                similarity = statement.agreement(one.content)
            if similarity > SIMILARITY:
                near.append((one, similarity))
        near.sort(key=lambda pair: (-pair[1], pair[0].id))
        return near

    async def _candidates(
        self, scope: Scope, memory: Memory, derived: Derived, statement: Statement
    ) -> dict[str, float]:
        # What may resemble it, with its cosine; the very same text has one of 1 without a vector, too.
        now = self._clock.now()
        projects = frozenset() if memory.project_id is None else frozenset({memory.project_id})
        filter: Filter = (InProjects(projects, unassigned=True), *active(now), Superseded(False))
        vector = None
        if derived.model is not None and derived.embedding is not None:
            vector = derived.embedding.vectors[: derived.model.dimensions * _BYTES_PER_DIMENSION]
        # "Uses PostgreSQL" is to find "Uses SQLite", with which it shares no word worth searching for.
        text = " ".join([memory.content, *statement.alternatives]) if statement.is_short else None
        cosines: dict[str, float] = {}
        if text is not None or vector is not None:
            model = None if vector is None else derived.model
            query = CandidateQuery(text=text, vector=vector, model=model, filter=filter, depth=DEPTH)
            found = await self._store.candidates(scope, query)
            cosines = {one.memory_id: one.cosine or 0.0 for one in found.items}
        if vector is None:
            for project_id in dict.fromkeys((memory.project_id, None)):
                same = await self._store.find_duplicate(scope, project_id, memory.content, now)
                if same is not None:
                    cosines[same.id] = 1.0
        return cosines

    async def _verdict(self, old: str, new: str, similarity: float) -> tuple[Verdict, str]:
        if self._judge is not None:
            try:
                return await self._judge.compare(old, new), self._judge.name
            except Unavailable:
                # A conflict judged by rules is better than a memory that cannot be kept.
                pass
        return compare(old, new, similarity), RULES
