"""How far a memory can be trusted, as a number: pure functions of what is kept about it.

    trust = clamp(confidence × provenance + confirmation − age)      when nothing speaks against it
          = max(0.1, 0.3 × confidence)                               while a contradiction stands
          = 0                                                        once another memory supersedes it

confidence     the memory's own, 0.8 where it is unknown (what MEMANTO assumes of a new memory)
provenance     how it came to be known (`PROVENANCE_WEIGHTS`); a word that is not in the table counts 0.85
confirmation   0.03 for each validation more than there were contradictions, within ±0.15
age            0.1 after 30 days and 0.2 after 90 for the kinds that go stale (`FADING_KINDS`), counted from the last
               validation, or from the creation where there was none

A contradiction stands until a later validation. The numbers are those of the trust model that MEMANTO 0.0.8 carried
in its source and never switched on; that a validation makes a memory young again, that validations and contradictions
are weighed against each other, and the value of an unknown provenance are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from polymem.core.model import Memory

PROVENANCE_WEIGHTS: Mapping[str, float] = {
    "explicit_statement": 1.0,
    "validated": 0.95,
    "corrected": 0.9,
    "observed": 0.85,
    "imported": 0.8,
    "inferred": 0.7,
}
"""What each way of knowing leaves of the confidence."""

FADING_KINDS = frozenset({"preference", "observation"})
"""Kinds of memory that say how things are at the moment rather than how they are."""

_UNKNOWN_CONFIDENCE = 0.8
_UNKNOWN_PROVENANCE = 0.85
_CONFIRMATION = 0.03
_MOST_CONFIRMATION = 0.15
_CONTRADICTED = 0.3
_LEAST_CONTRADICTED = 0.1
_AGES = ((timedelta(days=90), 0.2), (timedelta(days=30), 0.1))


class TrustLevel(StrEnum):
    """A trust as a word: high from 0.8, medium from 0.5."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a memory can be trusted: 0 (not at all) to 1."""

    score: float

    @property
    def level(self) -> TrustLevel:
        """The score as a word."""
        return TrustLevel.HIGH if self.score >= 0.8 else TrustLevel.MEDIUM if self.score >= 0.5 else TrustLevel.LOW


def is_contradicted(memory: Memory) -> bool:
    """Whether a contradiction stands: one that no later validation has answered."""
    return memory.contradicted_at is not None


def trust(memory: Memory, at: datetime) -> Trust:
    """How far `memory` can be trusted at `at`; the module says by what formula."""
    confidence = _UNKNOWN_CONFIDENCE if memory.confidence is None else memory.confidence
    if memory.superseded_by is not None:
        return Trust(0.0)
    if is_contradicted(memory):
        return Trust(max(_LEAST_CONTRADICTED, _CONTRADICTED * confidence))
    net = _CONFIRMATION * (memory.validations - memory.contradictions)
    confirmation = max(-_MOST_CONFIRMATION, min(_MOST_CONFIRMATION, net))
    score = confidence * provenance_weight(memory.provenance) + confirmation - _age_penalty(memory, at)
    return Trust(max(0.0, min(1.0, score)))


def provenance_weight(provenance: str | None) -> float:
    """What this way of knowing leaves of a confidence, 0 to 1."""
    return _UNKNOWN_PROVENANCE if provenance is None else PROVENANCE_WEIGHTS.get(provenance, _UNKNOWN_PROVENANCE)


def _age_penalty(memory: Memory, at: datetime) -> float:
    if memory.kind not in FADING_KINDS:
        return 0.0
    age = at - (memory.validated_at or memory.created_at)
    return next((penalty for limit, penalty in _AGES if age > limit), 0.0)
