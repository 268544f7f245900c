"""Summaries and compression."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from polymem.dialects.memanto.wire.memories import Message
from polymem.dialects.memanto.wire.values import Kinds, Members, MemoryIds, ScopeType, Text


def _messages(value: Any) -> Any:
    # A text alone is said by the user.
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    return [{"content": one} if isinstance(one, str) else one for one in value]


Conversation = Annotated[list[Message], BeforeValidator(_messages)]

_ID = "019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"


class ScopeMembers(Members):
    """Whose memories are meant: an agent's, or those of the session that is sent."""

    agent_id: Text | None = Field(None, description="The agent.", examples=["my-agent"])
    scope_type: ScopeType | None = Field(
        None, description="What `scope_id` names; all but a session name an agent.", examples=["agent"]
    )
    scope_id: Text | None = Field(None, description="The agent's id, or a session's.", examples=["my-agent"])
    actor_id: Text | None = Field(None, description="Who asks; kept with the summary.", examples=["alice"])


class SummarizeBody(ScopeMembers):
    """What to summarise."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"agent_id": "my-agent"}]})

    summary_title: Text | None = Field(
        None, max_length=100, description="Its title (default: Context Summary).", examples=["Context Summary"]
    )
    memory_types: Kinds | None = Field(None, description="Only memories of these types.", examples=[["decision"]])
    max_memories: int | None = Field(
        None, ge=1, le=100, description="The newest so many, 1 to 100 (default: 50).", examples=[50]
    )
    link_to_originals: bool | None = Field(
        None, description="Keep with the summary which memories it came from (default: true).", examples=[True]
    )
    max_tokens: int | None = Field(
        None, ge=20, le=8000, description="Addition: how long it may get, in tokens (default: 400).", examples=[400]
    )


class SummarizeCustomBody(ScopeMembers):
    """Which memories to summarise."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"agent_id": "my-agent", "memory_ids": [_ID]}]}
    )

    memory_ids: MemoryIds = Field(min_length=1, max_length=100, description="1 to 100 memories.", examples=[[_ID]])
    namespace: Text | None = Field(
        None, description="The agent's namespace, instead of its id.", examples=["memanto_agent_my-agent"]
    )
    summary_title: Text | None = Field(
        None, max_length=100, description="Its title (default: Context Summary).", examples=["Context Summary"]
    )
    link_to_originals: bool | None = Field(
        None, description="Keep with the summary which memories it came from (default: true).", examples=[True]
    )
    max_tokens: int | None = Field(
        None, ge=20, le=8000, description="Addition: how long it may get, in tokens (default: 400).", examples=[400]
    )


class CompressBody(ScopeMembers):
    """What to compress: a conversation that is sent, or stored memories."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "Well, we decided to ship on 12 May, I think."}]}]
        },
    )

    messages: Conversation | None = Field(
        None,
        max_length=2000,
        description="A conversation, or a text.",
        examples=[[{"role": "user", "content": "Hello"}]],
    )
    conversation: Conversation | None = Field(
        None,
        max_length=2000,
        description="Another name for `messages`.",
        examples=[[{"role": "user", "content": "Hello"}]],
    )
    text: Conversation | None = Field(
        None, max_length=2000, description="Another name for `messages`.", examples=["Well, we decided to ship."]
    )
    target_ratio: float | None = Field(
        None, gt=0, le=1, description="Addition: how much of it may be left (default: 0.5).", examples=[0.5]
    )
    days_to_compress: int | None = Field(
        None, ge=1, le=365, description="Stored memories of the last so many days (default: 7).", examples=[7]
    )
    keep_recent_count: int | None = Field(
        None, ge=0, le=50, description="Leave the newest so many alone (default: 10).", examples=[10]
    )


class ExtractBody(Members):
    """A conversation to take memories from."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "I prefer email."}], "dry_run": True}]
        },
    )

    messages: Conversation = Field(
        min_length=1,
        max_length=200,
        description="1 to 200 messages.",
        examples=[[{"role": "user", "content": "I prefer email."}]],
    )
    dry_run: bool | None = Field(None, description="Only tell what would be kept.", examples=[True])
    max_memories: int | None = Field(None, ge=1, le=100, description="At most so many (default: 20).", examples=[20])
    ai_model: Text | None = Field(
        None, max_length=200, description="Accepted; the server's own chat model reads.", examples=["any"]
    )
