"""What the server answers, as frozen values. Instants are timezone-aware datetimes in UTC.

A field that a newer server adds is ignored, so an older client goes on working.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One memory in its newest version (in a `Version`: as that change left it).

    `project` is a project's key, None outside any project. `importance` is 1–10, `weight` a ranking multiplier
    0.1–1.0, `confidence` 0–1 or unknown. `valid_from`/`valid_to` say when the text is true, `occurred_at` when what
    it tells happened. `superseded_by` is set while another memory replaces this one. `validations` and
    `contradictions` count what was found out about it; `contradicted_at` is set while a contradiction stands.
    `version` counts from 1.
    """

    id: str
    content: str
    created_at: datetime
    updated_at: datetime
    project: str | None = None
    kind: str = "note"
    delivery: str = "on_demand"
    tags: tuple[str, ...] = ()
    importance: int = 5
    weight: float = 1.0
    confidence: float | None = None
    provenance: str | None = None
    container: str | None = None
    context: str | None = None
    title: str | None = None
    summary: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None
    supersedes: str | None = None
    superseded_by: str | None = None
    validations: int = 0
    contradictions: int = 0
    validated_at: datetime | None = None
    contradicted_at: datetime | None = None
    access_count: int = 0
    last_accessed: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One entry of a memory's history, or one change. `change` is created, revised, superseded, forgotten, restored,
    validated or the like; `note` says why, where somebody said so."""

    version: int
    memory: Memory
    change: str
    recorded_at: datetime
    actor: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How far a memory can be trusted: `score` 0..1, `level` high, medium or low, and what they are made of.

    `contradicted` says whether a contradiction stands that no validation has answered.
    """

    memory_id: str
    score: float
    level: str
    confidence: float | None = None
    provenance: str | None = None
    validations: int = 0
    contradictions: int = 0
    contradicted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of results. `total` counts all that match, whatever `limit` and `offset` are."""

    items: tuple[T, ...]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A memory found, with its score 0..1. `explain` says how it came there, when that was asked for."""

    memory: Memory
    score: float
    explain: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """The answer to a recall, best hit first.

    `mode` is the one that ran: keyword, when the server could make no vector for a hybrid query. `matched` counts the
    hits above the floor, `considered` the memories that the filters admitted, `took_ms` the server's milliseconds.
    """

    hits: tuple[Hit, ...]
    mode: str
    took_ms: float
    matched: int = 0
    considered: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer made of memories. `mode` is generated (a chat model wrote it) or extractive (quoted); one that was
    `refused` says that no memory answers. `citations` are the ids its text names, `sources` all it could be made from.
    """

    answer: str
    mode: str
    refused: bool
    citations: tuple[str, ...] = ()
    sources: tuple[Hit, ...] = ()
    model: str | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDocument:
    """What a model should know of a project: Markdown, its length, the newest change it knows of, and how much of each
    section did not fit."""

    markdown: str
    tokens: int
    as_of: datetime
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryConflict:
    """Two memories that say the same, or contradict each other. `reason` is duplicate, paraphrase, changed_value or
    negation, `similarity` how alike they were when it was found, 0..1, `judge` who found it: rules, or a chat model;
    `resolution` is None while it is open."""

    id: str
    reason: str
    detail: str
    similarity: float
    old: Memory
    new: Memory
    created_at: datetime
    judge: str = "rules"
    resolution: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Which stage lost a memory (returned, if none did), why, and the smallest change that brings it back."""

    stage: str
    sentence: str
    remedy: str | None = None
    rank: int | None = None
    score: float | None = None
    explain: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A named part of the memory. `key` is what a memory's `project` names."""

    id: str
    key: str
    slug: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    stack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Counts of what the caller can see. `without_vector` counts memories that only words find so far."""

    memories: int
    forgotten: int = 0
    expired: int = 0
    superseded: int = 0
    unassigned: int = 0
    by_kind: Mapping[str, int] = field(default_factory=dict)
    by_delivery: Mapping[str, int] = field(default_factory=dict)
    by_project: Mapping[str, int] = field(default_factory=dict)
    without_vector: int = 0
    bytes_on_disk: int | None = None
    embedding_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallsOfDay:
    """How many recalls were asked on a day (UTC), and how many of them found nothing."""

    day: date
    recalls: int
    found_nothing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallActivity:
    """How many recalls were asked, and how many of them found nothing: altogether, and on each day, oldest first."""

    recalls: int
    found_nothing: int
    days: tuple[RecallsOfDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A record that was not imported: its position from 1, and why."""

    position: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """`imported` new memories, `existing` that were there already, and what was skipped."""

    imported: int
    existing: int
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as the server lists it. `prefix` is the start of its secret; the rest is not kept."""

    id: str
    name: str
    prefix: str
    created_at: datetime
    project: str | None = None
    permissions: tuple[str, ...] = ()
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(ApiKey):
    """A key just made, with its `secret`, which cannot be shown again."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the server is: ok, degraded (found by words only) or unavailable; and the version it runs."""

    status: str
    version: str
    storage: str
    embedding: str
