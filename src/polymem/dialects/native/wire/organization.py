"""The JSON of projects, keys, statistics, imports and health."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from polymem.core.overview import MAX_DAYS
from polymem.dialects.native.wire.values import AS_WHOLE, Answer, Body, Instant, Name, Text

Stack = Annotated[
    list[Name],
    Field(description="The technologies it is made of.", examples=[["python", "postgresql"]], max_length=100),
]
Description = Annotated[
    Text,
    Field(
        description="What it is about; at most 16,384 characters.",
        examples=["Trips and bookings"],
        max_length=16384,
        json_schema_extra={"pattern": r"^[^\u0000]*$"},
    ),
]
ProjectName = Annotated[Name, Field(description="What it is called.", examples=["Travel"])]
PermissionName = Literal["read", "write"]
_AN_INSTANT = ["2026-01-31T12:00:00Z"]


class NewProject(Body):
    """A project to make."""

    key: Name = Field(description="What memories name it by, exact and unique.", examples=["travel"])
    name: ProjectName | None = Field(None, description="What it is called; the key, when left out.")
    description: Description = ""
    stack: Stack = Field(default_factory=list)


class ProjectChanges(Body):
    """Fields to change; one left out stays as it is."""

    name: ProjectName = Field(default_factory=str)
    description: Description = Field(default_factory=str)
    stack: Stack = Field(default_factory=list)


class Project(Answer):
    """A named part of the memory."""

    id: str = Field(description="Its id, a UUIDv7.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b53"])
    key: str = Field(description="What memories name it by.", examples=["travel"])
    slug: str = Field(description="The key in a form fit for addresses.", examples=["travel"])
    name: ProjectName
    description: Description
    stack: Stack
    created_at: Instant = Field(description="When it was made.", examples=_AN_INSTANT)
    updated_at: Instant = Field(description="When it was last changed.", examples=_AN_INSTANT)


class ProjectList(Answer):
    """All projects, oldest first."""

    items: list[Project]
    total: int = Field(description="How many there are.", examples=[1])


class NewKey(Body):
    """A key to make."""

    name: Name = Field(description="What it is for.", examples=["laptop"])
    project: Name | None = Field(
        None, description="Key or id of the only project it reaches; null for all.", examples=["travel"]
    )
    permissions: list[PermissionName] = Field(
        default=["read", "write"],
        min_length=1,
        max_length=2,
        description="What it allows.",
        examples=[["read", "write"]],
    )
    expires_in_days: Annotated[int, Field(ge=1, le=36500), AS_WHOLE] | None = Field(
        None, description="After how many days it ends; null for never.", examples=[90]
    )


class Key(Answer):
    """A key. Its secret is not kept."""

    id: str = Field(description="Its id, a UUIDv7.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"])
    name: str = Field(description="What it is for.", examples=["laptop"])
    prefix: str = Field(description="The beginning of its secret.", examples=["mk_3kTz9QpX"])
    project: str | None = Field(description="Key of the only project it reaches.", examples=["travel"])
    permissions: list[PermissionName] = Field(description="What it allows.", examples=[["read", "write"]])
    created_at: Instant = Field(description="When it was made.", examples=_AN_INSTANT)
    expires_at: Instant | None = Field(description="When it ends.")
    revoked_at: Instant | None = Field(description="When it was revoked.")
    last_used_at: Instant | None = Field(description="When it was last used, to the minute.")


class CreatedKey(Key):
    """A key just made."""

    secret: str = Field(
        description="What to send as the credential. It is shown this once.",
        examples=["mk_3kTz9QpXo1mR7s0bq2YcVdEfGhIjKlMnOpQrStUvWx"],
    )


class KeyList(Answer):
    """All keys, oldest first, revoked ones included."""

    items: list[Key]
    total: int = Field(description="How many there are.", examples=[1])


class Stats(Answer):
    """Counts of what the caller can see."""

    memories: int = Field(description="Visible memories.", examples=[42])
    forgotten: int = Field(description="Memories in the trash.", examples=[1])
    expired: int = Field(description="Memories past their expires_at.", examples=[0])
    superseded: int = Field(description="Visible memories that others replace.", examples=[2])
    unassigned: int = Field(description="Visible memories of no project.", examples=[5])
    by_kind: dict[str, int] = Field(description="Visible memories of each kind.", examples=[{"note": 42}])
    by_delivery: dict[str, int] = Field(
        description="Visible memories of each way of delivery.", examples=[{"on_demand": 42}]
    )
    by_project: dict[str, int] = Field(description="Visible memories of each project.", examples=[{"travel": 37}])
    without_vector: int = Field(description="Memories that only words find so far.", examples=[0])
    bytes_on_disk: int | None = Field(description="Size of the whole database; null if unknown.", examples=[1048576])
    embedding_model: str | None = Field(description="The embedding model; null if there is none.")


class RecallsQuery(BaseModel):
    """How far back to count."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(30, ge=1, le=MAX_DAYS, description="How many days, today included.", examples=[30])


class RecallsOfDay(Answer):
    """The recalls of a day."""

    day: date = Field(description="Which one, in UTC.", examples=["2026-01-31"])
    recalls: int = Field(description="How many were asked.", examples=[7])
    found_nothing: int = Field(description="How many of them found nothing.", examples=[1])


class RecallActivity(Answer):
    """The recalls of the last days."""

    recalls: int = Field(description="How many were asked.", examples=[120])
    found_nothing: int = Field(description="How many of them found nothing.", examples=[9])
    days: list[RecallsOfDay] = Field(description="The same for each day, oldest first; every day is there.")


class Skipped(Answer):
    """A record that was not imported."""

    position: int = Field(description="Which one, counted from 1.", examples=[3])
    reason: str = Field(description="Why.", examples=["content is required"])


class ImportReport(Answer):
    """What became of the records."""

    imported: int = Field(description="New memories.", examples=[40])
    existing: int = Field(description="Records that were there already.", examples=[2])
    skipped: list[Skipped] = Field(description="Records that could not be kept.")


class Health(Answer):
    """How the server is."""

    status: Literal["ok", "degraded", "unavailable"] = Field(
        description="degraded: it answers, but finds by words only."
    )
    version: str = Field(description="The server's version.", examples=["0.1.0"])
    storage: Literal["ok", "unavailable"] = Field(description="Whether memories can be read.")
    embedding: Literal["ok", "none"] = Field(description="Whether there is an embedding model.")


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = Field(description="Always ok.")
