"""The JSON of changes, and of what was found out about memories."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from polymem.dialects.native.wire.filters import PageQuery, Selection
from polymem.dialects.native.wire.memories import MemoryDetails, MemoryId, Version
from polymem.dialects.native.wire.values import A_NAME, Answer, Body, Since, Until

Change = Literal[
    "created", "revised", "superseded", "unsuperseded", "forgotten", "restored", "validated", "contradicted", "expired"
]
Changes = Annotated[list[Change], Field(max_length=9)]

Note = Annotated[
    str,
    Field(
        description="Why; kept with the version. At most 64 KiB.",
        examples=["Ana said so on the phone"],
        json_schema_extra={"pattern": r"^[^\u0000]*$", "maxLength": 16384},
    ),
]


class ChangesQuery(Selection, PageQuery):
    """Which changes, of which memories as they stand now."""

    since: Since = Field(
        description="Recorded then or later. A date alone means its first instant in UTC.", examples=["2026-01-31"]
    )
    until: Until | None = Field(
        None,
        description="Recorded then or earlier; now, when left out. A date alone means its last instant in UTC.",
        examples=["2026-02-28"],
    )
    changes: Changes | None = Field(
        None, alias="change", description="Of this kind; may be repeated.", examples=[["superseded"]]
    )
    order: Literal["asc", "desc"] = Field("desc", description="Oldest or newest first.")


class ChangePage(Answer):
    """A page of changes."""

    items: list[Version]
    total: int = Field(description="How many there are on all pages.", examples=[1])
    limit: int = Field(description="The page's greatest length.", examples=[50])
    offset: int = Field(description="How many were left out before it.", examples=[0])


class Finding(Body):
    """What was found out about a memory."""

    note: Note | None = None


class Replacement(MemoryDetails):
    """The memory that replaces another: a new one, of which only the text must be sent, or one that exists.

    A new one is of the old one's project, kind, delivery, tags, importance, weight and container where it does not
    say otherwise.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["content"]}, {"required": ["memory_id"], "maxProperties": 1}]}
    )

    memory_id: str = Field(
        default_factory=str,
        description="Id of a memory that exists, instead of a new one.",
        examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b53"],
        json_schema_extra=A_NAME,
    )


class Trust(Answer):
    """How far a memory can be trusted, and what that was made of."""

    memory_id: MemoryId
    score: float = Field(description="0, not at all, to 1.", examples=[0.83])
    level: Literal["high", "medium", "low"] = Field(description="high from 0.8, medium from 0.5.")
    confidence: float | None = Field(description="What its author said; null when unknown.", examples=[0.8])
    provenance: str | None = Field(description="How it came to be known.", examples=["explicit_statement"])
    validations: int = Field(description="How often it was found to hold.", examples=[1])
    contradictions: int = Field(description="How often something spoke against it.", examples=[0])
    contradicted: bool = Field(description="Whether a contradiction stands, unanswered by a validation.")
