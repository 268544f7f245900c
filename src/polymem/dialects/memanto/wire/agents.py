"""Agents and sessions."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from polymem.dialects.memanto.wire.values import Limit, Members, Pattern, Text

AGENT_ID_PATTERN = r"^[A-Za-z0-9_-]+$"
MAX_AGENT_ID_CHARACTERS = 200

AgentId = Annotated[
    str,
    Field(
        pattern=AGENT_ID_PATTERN,
        min_length=1,
        max_length=MAX_AGENT_ID_CHARACTERS,
        description="The agent's id: letters, digits, `_` and `-`.",
        examples=["my-agent"],
    ),
]


class AgentCreate(BaseModel):
    """An agent to make."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"agent_id": "my-agent", "pattern": "support", "description": "Helps users"}]},
    )

    agent_id: AgentId
    pattern: Pattern = Field("support", description="What kind of agent it is.", examples=["support"])
    description: Text | None = Field(None, max_length=10_000, description="What it is for.", examples=["Helps users"])
    metadata: dict[str, Any] | None = Field(None, description="Anything else.", examples=[{"team": "blue"}])


class AgentsQuery(BaseModel):
    """Which page of the agents."""

    limit: Limit = Field(10, description="Results per page, at most 100.", examples=[10])
    offset: int = Field(0, ge=0, le=2**53, description="How many results to skip.", examples=[0])
    sort: Literal["created", "name", "recent"] = Field(
        "created", description="Newest first, by name, or last active first.", examples=["created"]
    )
    include_counts: bool = Field(True, description="Accepted; counts are always told.", examples=[True])


class ActivateMembers(Members):
    """How a session is to be."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"duration_hours": 6}]})

    agent_id: Text | None = Field(None, description="Accepted; the path names the agent.", examples=["my-agent"])
    duration_hours: float | None = Field(
        None, gt=0, le=8760, allow_inf_nan=False, description="Hours the session lasts (default: 6).", examples=[6]
    )


class ExtendMembers(Members):
    """How much longer a session is to last."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"extend_hours": 6}]})

    extend_hours: float | None = Field(
        None, gt=0, le=8760, allow_inf_nan=False, description="Hours to add (default: 6).", examples=[6]
    )
    additional_hours: float | None = Field(
        None, gt=0, le=8760, allow_inf_nan=False, description="Another name for `extend_hours`.", examples=[6]
    )
