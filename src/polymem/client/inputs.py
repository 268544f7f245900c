"""What callers send, as typed keyword arguments. A name left out is not sent; None is sent as null."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal, Required, TypedDict

Mode = Literal["hybrid", "vector", "keyword"]
Duplicates = Literal["keep", "return_existing"]
SortKey = Literal["created_at", "updated_at", "occurred_at", "importance", "last_accessed", "id"]
Permission = Literal["read", "write"]
Delivery = Literal["on_demand", "bootstrap", "pinned"]
Order = Literal["asc", "desc"]
ChangeKind = Literal[
    "created", "revised", "superseded", "unsuperseded", "forgotten", "restored", "validated", "contradicted", "expired"
]
When = datetime | date
"""An instant, or a day: what a day stands for, each call says."""

Record = Mapping[str, Any]
"""A memory as JSON values, as export writes and import reads it."""


class Fields(TypedDict, total=False):
    """What can be said of a memory besides its text; `models.Memory` explains each."""

    project: str | None
    kind: str
    delivery: Delivery
    tags: Iterable[str]
    importance: int
    weight: float
    confidence: float | None
    provenance: str | None
    container: str | None
    context: str | None
    title: str | None
    summary: str | None
    metadata: Mapping[str, Any]
    occurred_at: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    expires_at: datetime | None


class Details(Fields, total=False):
    """What can be said of a new memory; `supersedes` is the id of the one it replaces."""

    supersedes: str | None


class Draft(Details):
    """A new memory, for `add_many`."""

    content: Required[str]


class Changes(Fields, total=False):
    """What can be changed of a memory."""

    content: str


class ProjectChanges(TypedDict, total=False):
    """What can be changed of a project."""

    name: str
    description: str
    stack: Iterable[str]


class Filters(TypedDict, total=False):
    """Which memories a call is about: all conditions must hold, and None or a name left out sets none.

    `project` and `projects` take keys or ids; `unassigned` takes memories without a project, beside those or alone.
    `kinds` and `tags_any` need one match, `tags` all of them. `text` is part of the text or the title. `…_since` and
    `…_until` are inclusive. `true_at` takes what is true then, by `valid_from` and `valid_to`.
    """

    project: str | None
    projects: Iterable[str] | None
    unassigned: bool
    kinds: Iterable[str] | None
    deliveries: Iterable[Delivery] | None
    tags: Iterable[str] | None
    tags_any: Iterable[str] | None
    container: str | None
    importance_min: int | None
    importance_max: int | None
    text: str | None
    created_since: datetime | None
    created_until: datetime | None
    updated_since: datetime | None
    updated_until: datetime | None
    occurred_since: datetime | None
    occurred_until: datetime | None
    true_at: datetime | None
    ids: Iterable[str] | None


class Narrowing(Filters, total=False):
    """Filters of lists and exports; `superseded` takes only memories that others replace, or (False) only others."""

    superseded: bool | None


class Asking(Filters, total=False):
    """Filters and the ways to rank. `superseded` finds memories that others replace, too.

    `min_score` leaves out what scores less, 0..1; `limit` is 10 unless given. `trust_weight` is how much
    less memories score that cannot be trusted, 0..1 (0 unless given). `as_of` asks for what was known then; a
    day means its end.
    """

    mode: Mode
    limit: int
    offset: int
    min_score: float
    superseded: bool
    trust_weight: float
    as_of: When | None
