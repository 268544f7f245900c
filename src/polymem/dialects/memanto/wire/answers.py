"""What is answered. These models document the answers; `mapping` builds them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_INSTANT = "2026-01-31T12:00:00Z"
_ID = "019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"
_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…"


class Answer(BaseModel):
    """The envelope, and beside it the same members flat."""

    model_config = ConfigDict(extra="allow")

    status: str = Field(description="success.", examples=["success"])
    data: dict[str, Any] = Field(description="The members again, with their own status.", examples=[{}])
    timestamp: str = Field(description="When, in UTC.", examples=[_INSTANT])


class AgentItem(BaseModel):
    """An agent."""

    agent_id: str = Field(examples=["my-agent"])
    namespace: str = Field(examples=["memanto_agent_my-agent"])
    pattern: str = Field(examples=["support"])
    description: str | None = Field(examples=["Helps users"])
    created_at: str = Field(examples=[_INSTANT])
    last_session: str | None = Field(examples=[_INSTANT])
    last_active: str | None = Field(examples=[_INSTANT])
    memory_count: int = Field(examples=[42])
    session_count: int = Field(examples=[3])
    metadata: dict[str, Any] = Field(examples=[{}])


class AgentAnswer(Answer, AgentItem):
    """One agent."""

    memory_breakdown: dict[str, int] = Field(description="Memories by type.", examples=[{"fact": 40, "event": 2}])


class AgentsAnswer(Answer):
    """A page of agents."""

    agents: list[AgentItem]
    total: int = Field(description="How many there are, on all pages.", examples=[1])
    count: int = Field(description="How many are on this page.", examples=[1])
    limit: int = Field(examples=[10])
    offset: int = Field(examples=[0])


class SessionAnswer(Answer):
    """A session."""

    session_id: str = Field(examples=["sess_0123456789ab"])
    session_token: str | None = Field(None, description="Only when it is new.", examples=[_TOKEN])
    agent_id: str = Field(examples=["my-agent"])
    namespace: str = Field(examples=["memanto_agent_my-agent"])
    started_at: str = Field(examples=[_INSTANT])
    expires_at: str = Field(examples=[_INSTANT])
    time_remaining_seconds: int = Field(examples=[21600])
    pattern: str = Field(examples=["support"])


class EndedSessionAnswer(Answer):
    """A session that is over."""

    session_id: str = Field(examples=["sess_0123456789ab"])
    agent_id: str = Field(examples=["my-agent"])
    started_at: str = Field(examples=[_INSTANT])
    ended_at: str = Field(examples=[_INSTANT])
    duration_hours: float = Field(examples=[1.5])
    memories_created: int = Field(examples=[12])
    memories_recalled: int = Field(examples=[30])


class RememberAnswer(Answer):
    """A memory was kept."""

    memory_id: str = Field(examples=[_ID])
    agent_id: str = Field(examples=["my-agent"])
    session_id: str | None = Field(examples=["sess_0123456789ab"])
    namespace: str = Field(examples=["memanto_agent_my-agent"])
    type: str = Field(examples=["fact"])
    provenance: str = Field(examples=["explicit_statement"])
    confidence: float = Field(examples=[1.0])
    conflicts: list[dict[str, Any]] = Field(
        description="Memories that it repeats or contradicts.",
        examples=[[{"memory_id": _ID, "reason": "changed_value", "detail": "Paris ≠ Lyon", "similarity": 0.91}]],
    )


class BatchItem(BaseModel):
    """What became of one memory of a batch."""

    id: str | None = Field(examples=[_ID])
    status: str = Field(description="queued or failed.", examples=["queued"])
    action: str = Field(examples=["store"])
    reason: str | None = Field(examples=[None])
    error: str | None = Field(description="Why it failed.", examples=[None])
    type: str | None = Field(examples=["fact"])


class BatchAnswer(Answer):
    """What became of a batch."""

    total_submitted: int = Field(examples=[2])
    successful: int = Field(examples=[2])
    failed: int = Field(examples=[0])
    results: list[BatchItem]


class MemoryItem(BaseModel):
    """A memory."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(examples=[_ID])
    title: str = Field(examples=["Capital of France"])
    content: str = Field(examples=["Paris is the capital of France"])
    text: str = Field(examples=["[FACT] Capital of France\n\nParis is the capital of France"])
    type: str = Field(examples=["fact"])
    confidence: float = Field(examples=[1.0])
    status: str = Field(description="active, expired, superseded or deleted.", examples=["active"])
    tags: list[str] = Field(examples=[["geography"]])
    created_at: str = Field(examples=[_INSTANT])
    updated_at: str = Field(examples=[_INSTANT])
    source: str = Field(examples=["agent"])
    provenance: str = Field(examples=["explicit_statement"])
    validation_count: int = Field(examples=[0])
    contradiction_detected: bool = Field(examples=[False])
    superseded_by: str | None = Field(examples=[None])
    supersedes: str | None = Field(examples=[None])
    trust_score: float = Field(description="How far it can be trusted, 0 to 1.", examples=[0.8])
    score: float | None = Field(None, description="How well it answers the query, 0 to 1.", examples=[0.93])


class RecallAnswer(Answer):
    """Memories found."""

    agent_id: str = Field(examples=["my-agent"])
    session_id: str | None = Field(examples=["sess_0123456789ab"])
    query: str | None = Field(examples=["What's the capital of France?"])
    memories: list[MemoryItem]
    count: int = Field(examples=[1])


class MemoryAnswer(Answer):
    """What was done with a memory."""

    memory_id: str = Field(examples=[_ID])
    agent_id: str = Field(examples=["my-agent"])
    session_id: str | None = Field(examples=["sess_0123456789ab"])


class SupersedeAnswer(Answer):
    """What replaces what."""

    old_memory_id: str = Field(examples=[_ID])
    new_memory_id: str = Field(examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b53"])
    message: str = Field(examples=["Memory a is superseded by b"])


class Source(MemoryItem):
    """A memory an answer was made from."""


class GroundedAnswer(Answer):
    """An answer made of memories."""

    question: str = Field(examples=["What is the capital of France?"])
    answer: str = Field(examples=[f"Paris is the capital of France. [{_ID}]"])
    mode: str = Field(
        description="generated by a chat model, extractive without one, or refused when no memory fits.",
        examples=["extractive"],
    )
    citations: list[str] = Field(description="The memories the answer names.", examples=[[_ID]])
    sources: list[Source] = Field(description="The memories it was made from, with their scores.")


class SummaryAnswer(Answer):
    """A summary, kept as a memory."""

    summary_id: str | None = Field(examples=[_ID])
    summary: str = Field(examples=[f"The team decided to ship on 12 May. [{_ID}]"])
    summary_preview: str = Field(description="The first 200 characters.", examples=["The team decided to ship …"])
    summarized_count: int = Field(examples=[12])
    original_memory_ids: list[str] = Field(examples=[[_ID]])
    mode: str = Field(examples=["extractive"])


class CompressAnswer(Answer):
    """What is left of a conversation, or of stored memories."""

    compressed: bool = Field(examples=[True])
    reason: str | None = Field(description="Why nothing was compressed.", examples=[None])
    compressed_text: str | None = Field(examples=["user: We decided to ship on 12 May."])
    original_tokens: int = Field(examples=[120])
    compressed_tokens: int = Field(examples=[48])
    ratio: float = Field(examples=[0.4])
    mode: str = Field(examples=["extractive"])
