"""Keeping, changing and judging memories."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from polymem.dialects.memanto.wire.values import (
    MAX_BATCH,
    MAX_CONTENT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Kind,
    Members,
    Provenance,
    Share,
    Tags,
    Text,
)

_ID = "019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"
_EXPIRED_BY = "Who ended it; required for status expired."


class RememberMembers(Members):
    """A memory to keep, by query or by body."""

    content: Text | None = Field(
        None,
        max_length=MAX_CONTENT_CHARACTERS,
        description="What to remember, 1 to 10 000 characters. Required.",
        examples=["Paris is the capital of France"],
    )
    memory_type: Kind | None = Field(None, description="One of the 13 types (default: fact).", examples=["fact"])
    type: Kind | None = Field(None, description="Another name for `memory_type`.", examples=["fact"])
    title: Text | None = Field(
        None,
        max_length=MAX_TITLE_CHARACTERS,
        description="A title (default: the first 50 characters).",
        examples=["Capital of France"],
    )
    confidence: Share | None = Field(None, description="How sure it is, 0 to 1 (default: 0.8).", examples=[1.0])
    tags: Tags | None = Field(None, description="Tags, a list or separated by commas.", examples=[["geography"]])
    source: Text | None = Field(
        None, max_length=64, description="Where it comes from, a free label (default: agent).", examples=["agent"]
    )
    provenance: Provenance | None = Field(
        None, description="How it came to be known (default: explicit_statement).", examples=["explicit_statement"]
    )
    status: Literal["active", "expired"] | None = Field(
        None, description="expired keeps a memory whose time is over.", examples=["active"]
    )
    expired_at: Text | None = Field(
        None, description="When its time was over; required for status expired.", examples=["2026-01-31T12:00:00Z"]
    )
    expired_by: Text | None = Field(None, max_length=200, description=_EXPIRED_BY, examples=["alice"])
    expires_at: Text | None = Field(
        None, description="Addition: when it ends by itself.", examples=["2027-01-31T12:00:00Z"]
    )
    ttl_seconds: int | None = Field(
        None, ge=1, le=10**9, description="Addition: after how many seconds it ends by itself.", examples=[86400]
    )
    valid_from: Text | None = Field(None, description="Addition: since when it is true.", examples=["2026-01-01"])
    valid_to: Text | None = Field(None, description="Addition: until when it is true.", examples=["2026-12-31"])


class RememberBody(RememberMembers):
    """A memory to keep."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"content": "Paris is the capital of France", "memory_type": "fact"}]},
    )

    metadata: dict[str, JsonValue] | None = Field(
        None, description="Anything else to keep with it.", examples=[{"page": 3}]
    )


class BatchBody(BaseModel):
    """Memories to keep together. Each is judged by itself: a bad one does not sink the rest."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {"memories": [{"content": "Alice", "type": "fact"}, {"content": "Email", "type": "preference"}]}
            ]
        },
    )

    memories: list[Any] = Field(
        min_length=1,
        max_length=MAX_BATCH,
        description="1 to 100 memories, each with the members of `remember`.",
        examples=[[{"content": "Alice", "type": "fact"}]],
    )


class ChangeBody(Members):
    """What is to change of a memory. What is absent stays."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"content": "Lyon is in France"}]})

    content: Text | None = Field(
        None, max_length=MAX_CONTENT_CHARACTERS, description="The new text.", examples=["Lyon is in France"]
    )
    title: Text | None = Field(None, max_length=MAX_TITLE_CHARACTERS, description="The new title.", examples=["Lyon"])
    type: Kind | None = Field(None, description="The new type.", examples=["fact"])
    memory_type: Kind | None = Field(None, description="Another name for `type`.", examples=["fact"])
    confidence: Share | None = Field(None, description="The new confidence.", examples=[0.9])
    tags: Tags | None = Field(None, description="The new tags.", examples=[["geography"]])
    source: Text | None = Field(None, max_length=64, description="The new source.", examples=["agent"])


class JudgeMembers(Members):
    """What is said about a validation or an expiry."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"reason": "Checked"}]})

    reason: Text | None = Field(None, max_length=10_000, description="Why.", examples=["Checked with the user"])


class SupersedeMembers(Members):
    """What replaces a memory: one that is there, or a new text."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"new_content": "Bonn was the capital", "reason": "It moved"}]},
    )

    new_memory_id: Text | None = Field(None, description="The memory that replaces it.", examples=[_ID])
    new_content: Text | None = Field(
        None,
        max_length=MAX_CONTENT_CHARACTERS,
        description="The text of a new memory that replaces it, with the old one's type, title and tags.",
        examples=["Berlin is the capital of Germany"],
    )
    reason: Text | None = Field(None, max_length=10_000, description="Why.", examples=["The government moved"])


class ContradictMembers(Members):
    """What speaks against a memory."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"reason": "The user denied it"}]})

    reason: Text | None = Field(None, max_length=10_000, description="Why.", examples=["The user denied it"])
    content: Text | None = Field(
        None, max_length=MAX_CONTENT_CHARACTERS, description="What was said instead.", examples=["It is Bonn"]
    )
    contradicting_memory_id: Text | None = Field(None, description="The memory that says otherwise.", examples=[_ID])


class ResolveBody(Members):
    """How a conflict of the list is settled."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"conflict_index": 0, "action": "keep_new"}]}
    )

    conflict_index: int | None = Field(None, ge=0, description="Its place in the list, from 0.", examples=[0])
    conflict_id: Text | None = Field(None, description="Addition: its id, instead of the place.", examples=[_ID])
    action: Literal[
        "keep_old", "keep_new", "keep_both", "remove_both", "expire_old", "expire_new", "expire_both", "manual"
    ] = Field(description="What becomes of the two memories.", examples=["keep_new"])
    date: Text | None = Field(None, description="The day of the list (default: all days).", examples=["2026-01-31"])
    manual_content: Text | None = Field(
        None, max_length=MAX_CONTENT_CHARACTERS, description="The text to keep, for `manual`.", examples=["Both"]
    )
    manual_type: Kind | None = Field(None, description="The type of that text.", examples=["fact"])


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="ignore")

    role: Text = Field("user", max_length=200, description="Who says it.", examples=["user"])
    content: Text = Field(description="What is said.", examples=["We decided to ship on 12 May."])
