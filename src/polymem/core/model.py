"""What a memory is: the values every door reads and writes.

All classes are frozen: a change is a new value, and the store keeps each one as a version.
Instants are timezone-aware UTC datetimes with microseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

MAX_CONTENT_BYTES = 1024 * 1024
"""Longest text of one memory, in UTF-8 bytes (1 MiB)."""

MAX_QUERY_BYTES = 16 * 1024
"""Longest recall query, in UTF-8 bytes."""

MAX_BATCH = 10_000
"""Most memories one `add_many` takes."""

MAX_LIMIT = 1000
"""Largest page a list or recall returns."""

DEFAULT_KIND = "note"
DEFAULT_IMPORTANCE = 5
DEFAULT_WEIGHT = 1.0

Metadata = Mapping[str, Any]

T = TypeVar("T")


class Change(StrEnum):
    """Why a version was appended."""

    CREATED = "created"
    REVISED = "revised"
    SUPERSEDED = "superseded"
    UNSUPERSEDED = "unsuperseded"
    FORGOTTEN = "forgotten"
    RESTORED = "restored"
    VALIDATED = "validated"
    CONTRADICTED = "contradicted"
    EXPIRED = "expired"


class Delivery(StrEnum):
    """When a memory reaches an agent unasked: never, at the start of a session, or with every prompt."""

    ON_DEMAND = "on_demand"
    BOOTSTRAP = "bootstrap"
    PINNED = "pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One memory as it stands in its newest (or a named) version.

    `project` is the project's key, unique in the organization; both project fields are None for a
    memory that belongs to no project. `importance` is 1–10. `weight` is a ranking multiplier,
    0.1–1.0. `confidence` is 0–1 or unknown. `valid_from`/`valid_to` say when the text is true,
    `occurred_at` when what it tells happened; neither is when it was recorded. `superseded_by` is
    set while another memory replaces this one. `forgotten_at` is set while it is in the trash.
    `validations` and `contradictions` count such findings, `validated_at` is the last one's instant;
    `contradicted_at` is set while a contradiction stands. `version` counts from 1.
    """

    id: str
    organization_id: str
    content: str
    kind: str = DEFAULT_KIND
    delivery: Delivery = Delivery.ON_DEMAND
    project_id: str | None = None
    project: str | None = None
    tags: tuple[str, ...] = ()
    importance: int = DEFAULT_IMPORTANCE
    weight: float = DEFAULT_WEIGHT
    confidence: float | None = None
    provenance: str | None = None
    container: str | None = None
    context: str | None = None
    title: str | None = None
    summary: str | None = None
    metadata: Metadata = field(default_factory=dict)
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
    created_at: datetime
    updated_at: datetime
    forgotten_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a caller asks to be kept. `Memories.add` checks it and gives it an id and a time.

    `project` is a project key; a project that does not exist yet is made. `created_at`, `updated_at`,
    `id` and what was found about it are for imports only and stay as they are here otherwise.
    `supersedes` names the memory this one replaces.
    """

    content: str
    kind: str = DEFAULT_KIND
    delivery: Delivery = Delivery.ON_DEMAND
    project: str | None = None
    tags: tuple[str, ...] = ()
    importance: int = DEFAULT_IMPORTANCE
    weight: float = DEFAULT_WEIGHT
    confidence: float | None = None
    provenance: str | None = None
    container: str | None = None
    context: str | None = None
    title: str | None = None
    summary: str | None = None
    metadata: Metadata = field(default_factory=dict)
    occurred_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None
    supersedes: str | None = None
    id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    validations: int = 0
    contradictions: int = 0
    validated_at: datetime | None = None
    contradicted_at: datetime | None = None


class Duplicates(StrEnum):
    """What `add` does with a text that the same project already holds, byte for byte."""

    KEEP = "keep"
    RETURN_EXISTING = "return_existing"


@dataclass(frozen=True, slots=True)
class Added:
    """The outcome of keeping one draft: the memory, and whether this call made it."""

    memory: Memory
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One immutable entry of a memory's history: the memory as this change left it.

    `recorded_at` is the store's own clock and never lies before that of the version before. `note` is what was said
    about the change.
    """

    memory: Memory
    change: Change
    recorded_at: datetime
    actor: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of results. `total` counts all that match, whatever `limit` and `offset` are."""

    items: tuple[T, ...]
    total: int
    limit: int
    offset: int
