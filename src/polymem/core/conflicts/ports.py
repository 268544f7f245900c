"""Conflicts: memories that say the same or the opposite of one another, and what the core needs to keep them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from polymem.core.model import Memory, Page
from polymem.core.people import Scope


class Reason(StrEnum):
    """Why two memories cannot simply stand beside each other."""

    DUPLICATE = "duplicate"
    PARAPHRASE = "paraphrase"
    CHANGED_VALUE = "changed_value"
    NEGATION = "negation"


class Resolution(StrEnum):
    """What was decided about a conflict."""

    KEEP_OLD = "keep_old"
    KEEP_NEW = "keep_new"
    KEEP_BOTH = "keep_both"
    MERGE = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A conflict as it is found, before the newer memory is kept: with which older one, and why.

    `detail` is a sentence about the difference; `judge` names who decided: "rules", or a chat model.
    """

    id: str
    old_id: str
    reason: Reason
    detail: str
    similarity: float
    judge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two memories in conflict. It is open until `resolution` says what was decided."""

    id: str
    old: Memory
    new: Memory
    reason: Reason
    detail: str
    similarity: float
    judge: str
    created_at: datetime
    resolution: Resolution | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None


class ConflictStore(Protocol):
    """Keeps conflicts. They are written together with the newer memory (`ports.Insert`, `ports.Update`), and go with
    either one. Of two memories about which somebody has decided no new one is written."""

    async def find(self, scope: Scope, *, open: bool | None, at: datetime, limit: int, offset: int) -> Page[Conflict]:
        """A page, newest first, of those whose memories the scope both reaches.

        An open one is listed while both memories are visible at `at` and neither is superseded: what became of them
        otherwise has settled it. `open` None gives all.
        """
        ...

    async def put(self, scope: Scope, memory: Memory, findings: Sequence[Finding], at: datetime) -> None:
        """Keep what was found at `at` about a memory that is there."""
        ...

    async def opposed(self, scope: Scope, memory_id: str) -> frozenset[str]:
        """The memories with which this one is in an open conflict."""
        ...

    async def of(self, scope: Scope, memory_id: str) -> list[Conflict]:
        """All conflicts of one memory with others the scope reaches, newest first, those that are settled included."""
        ...

    async def get(self, scope: Scope, conflict_id: str) -> Conflict | None:
        """One conflict whose memories the scope both reaches."""
        ...

    async def resolve(self, scope: Scope, conflict_id: str, resolution: Resolution, at: datetime) -> bool:
        """Record what was decided; False when the conflict is not open any more."""
        ...
