"""What tools need of a memory, as a protocol: the core in this process, or a server that is asked over its API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from polymem.core.model import Memory, Page, Version
    from polymem.core.people import Project
    from polymem.core.ports import Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which memories a call is about: those for which all hold.

    `project` is a key or an id. `unassigned` adds memories of no project to those of `project`, or takes them alone;
    `assigned` takes those of any project. None of the three takes all. `container` takes those in it and, with
    `uncontained`, those in none. `metadata` are entries that must be equal, `mentions` entries one of whose texts must
    be contained, letters compared without case. `superseded` False leaves out what others replace, True takes only
    that, None takes both.
    """

    project: str | None = None
    unassigned: bool = False
    assigned: bool = False
    ids: Sequence[str] | None = None
    kinds: Sequence[str] = ()
    deliveries: Sequence[str] = ()
    tags: Sequence[str] = ()
    container: str | None = None
    uncontained: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    mentions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    superseded: bool | None = False


@dataclass(frozen=True, slots=True)
class Similar:
    """A kept memory that a new one resembles: the cosine, and in what way they differ, where they contradict."""

    memory: "Memory"
    similarity: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A memory that was kept; not `created`, if it was there already; and those it resembles."""

    memory: "Memory"
    created: bool = True
    similar: tuple[Similar, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory found, and its score 0..1."""

    memory: "Memory"
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a recall found, best first. `matched` counts all that are relevant, `considered` those that were looked at;
    `mode` is the one that ran."""

    hits: tuple[Hit, ...]
    mode: str
    matched: int
    considered: int


@dataclass(frozen=True, slots=True)
class Told:
    """The context document of a project."""

    markdown: str
    tokens: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer made of memories; `refused`, when none answers. `citations` are ids."""

    text: str
    mode: str
    refused: bool
    citations: tuple[str, ...] = ()
    sources: tuple[Hit, ...] = ()
    notice: str | None = None


class Access(Protocol):
    """A memory, as one caller sees it. Every method raises the errors of `polymem.core.errors`."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    async def add(self, draft: Mapping[str, Any], *, once: bool = False) -> Kept:
        """Keep a memory, given by the fields of `core.model.Draft`; with `once` a text that its project holds already
        is not kept again."""
        ...

    async def get(self, memory_id: str) -> "Memory":
        """One memory. Raises NotFound."""
        ...

    async def recall(
        self,
        query: str,
        selection: Selection,
        *,
        limit: int,
        mode: str = "hybrid",
        min_score: float | None = None,
        as_of: datetime | None = None,
    ) -> Found:
        """The memories that answer a query, best first, if they score `min_score` or, left out, what is usual."""
        ...

    async def list(
        self, selection: Selection, *, limit: int, offset: int = 0, as_of: datetime | None = None
    ) -> "Page[Memory]":
        """A page of what matches, newest first."""
        ...

    async def update(
        self, memory_id: str, changes: Mapping[str, Any], *, expected_version: int | None = None
    ) -> "Memory":
        """Replace the named fields. Raises NotFound, Conflict."""
        ...

    async def forget(self, memory_id: str) -> None:
        """Hide a memory; it can be restored. Raises NotFound."""
        ...

    async def context(
        self, project: str, *, max_tokens: int, query: str | None = None, since: datetime | None = None
    ) -> Told:
        """The context document of a project. Raises NotFound."""
        ...

    async def answer(
        self, question: str, selection: Selection, *, limit: int, as_of: datetime | None = None
    ) -> Answered:
        """An answer from memories, or a refusal."""
        ...

    async def changes(
        self, since: datetime, until: datetime | None, selection: Selection, *, limit: int, offset: int = 0
    ) -> "Page[Version]":
        """A page of every change in a span of time, newest first."""
        ...

    async def projects(self) -> "Sequence[Project]":
        """All projects, oldest first."""
        ...

    async def stats(self) -> "Stats":
        """Counts of what the caller can see."""
        ...
