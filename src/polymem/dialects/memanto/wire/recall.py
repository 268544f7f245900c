"""Finding memories, now and in the past, and answering questions from them."""

from typing import Literal

from pydantic import ConfigDict, Field

from polymem.dialects.memanto.wire.values import Kind, Kinds, Limit, Members, Share, Tags, Text

_LIMIT = "How many to return, 1 to 100 (default: 10)."
_INSTANT = "2026-01-31T12:00:00Z"


class FilterMembers(Members):
    """Which memories a recall is about."""

    limit: Limit | None = Field(None, description=_LIMIT, examples=[10])
    type: Kinds | None = Field(
        None, description="Only of one of these types; several by commas.", examples=[["fact", "decision"]]
    )
    memory_type: Kinds | None = Field(None, description="Another name for `type`.", examples=[["fact"]])
    memory_types: Kinds | None = Field(None, description="Another name for `type`.", examples=[["fact"]])
    tags: Tags | None = Field(None, description="Only with all of these tags; several by commas.", examples=[["a"]])
    created_after: Text | None = Field(
        None, description="Only created at or after this instant, or on or after this day.", examples=[_INSTANT]
    )
    created_before: Text | None = Field(
        None, description="Only created at or before this instant, or on or before this day.", examples=["2026-12-31"]
    )
    status: Literal["all", "active", "expired"] | None = Field(
        None,
        description="active (the default), expired, or all: with those that ended or were superseded.",
        examples=["active"],
    )


class RecallMembers(FilterMembers):
    """What to find."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"query": "What's the capital of France?", "limit": 10}]}
    )

    query: Text | None = Field(
        None,
        description="What you want to know, at most 1 000 characters; `*` is everything. Required.",
        examples=["What's the capital of France?"],
    )
    min_similarity: Share | None = Field(
        None, description="Leave out what scores less, 0 to 1 (default: 0).", examples=[0.2]
    )
    offset: int | None = Field(None, ge=0, le=2**53, description="Addition: how many to skip.", examples=[0])
    trust_weight: Share | None = Field(
        None, description="Addition: how much less memories score that cannot be trusted (default: 0).", examples=[0.5]
    )


class AsOfMembers(RecallMembers):
    """What was known at an instant."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"as_of": "2026-01-31"}]})

    query: Text | None = Field(
        None, description="What you want to know; all that was known without it.", examples=["capital of France"]
    )
    as_of: Text | None = Field(
        None, description="The instant; a day alone means its end. Required.", examples=["2026-01-31"]
    )


class ChangedSinceMembers(RecallMembers):
    """What changed since an instant."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"since": "2026-01-31"}]})

    query: Text | None = Field(
        None, description="Rank the changed memories by this; newest change first without it.", examples=["France"]
    )
    since: Text | None = Field(
        None, description="The instant; a day alone means its beginning. Required.", examples=["2026-01-31"]
    )
    changed_since: Text | None = Field(None, description="Another name for `since`.", examples=["2026-01-31"])


class CurrentMembers(RecallMembers):
    """What holds now."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"query": "capital of France"}]})

    query: Text | None = Field(
        None, description="What you want to know; the newest without it.", examples=["capital of France"]
    )


class AnswerMembers(Members):
    """A question, and how it is to be answered."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"question": "What is the capital of France?"}]}
    )

    question: Text | None = Field(
        None, description="The question, at most 1 000 characters. Required.", examples=["What is the capital?"]
    )
    query: Text | None = Field(None, description="Another name for `question`.", examples=["What is the capital?"])
    limit: Limit | None = Field(
        None, description="From how many memories to answer, 1 to 100 (default: 15).", examples=[15]
    )
    threshold: Share | None = Field(
        None, description="Leave out memories that score less; refuse if none is left.", examples=[0.25]
    )
    temperature: float | None = Field(
        None, ge=0, le=2, allow_inf_nan=False, description="Of the chat model (default: its own).", examples=[0.2]
    )
    ai_model: Text | None = Field(
        None, max_length=200, description="Accepted; the server's own chat model answers.", examples=["any"]
    )
    aiModel: Text | None = Field(  # noqa: N815 - a member's name
        None, max_length=200, description="Another name for `ai_model`.", examples=["any"]
    )
    kiosk_mode: bool | None = Field(
        None, description="Accepted; an answer is never made of anything but memories.", examples=[False]
    )
    header_prompt: Text | None = Field(
        None, max_length=20_000, description="Said to the chat model before the memories.", examples=["Be brief."]
    )
    footer_prompt: Text | None = Field(
        None, max_length=20_000, description="Said to the chat model after the question.", examples=["In French."]
    )
    type: Kinds | None = Field(None, description="Only from memories of these types.", examples=[["fact"]])
    tags: Tags | None = Field(None, description="Only from memories with all of these tags.", examples=[["a"]])


class ExportQuery(FilterMembers):
    """Which memories to export."""

    limit: Limit | None = Field(None, description="At most so many (default: all).", examples=[1000])
    include_inactive: bool = Field(False, description="Also those that ended or were superseded.", examples=[False])
    format: Literal["json", "jsonl"] = Field(
        "json", description="One JSON document, or one memory a line.", examples=["json"]
    )


KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]
"""The 13 types."""
