"""Expiry policies and daily summaries."""

from pydantic import BaseModel, ConfigDict, Field

from polymem.dialects.memanto.wire.values import Kind, Members, Text

_DAYS = "How many days memories of a type last; a type that is not named lasts for good."


class PolicyBody(BaseModel):
    """How long an agent's memories last."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"ttl_days": {"observation": 30}, "purge_after_days": 90}]}
    )

    ttl_days: dict[Kind, int] = Field(default_factory=dict, description=_DAYS, examples=[{"observation": 30}])
    purge_after_days: int | None = Field(
        None, ge=0, le=36_500, description="How many days after its end a memory may be purged.", examples=[90]
    )


class PresetBody(BaseModel):
    """A policy by its name."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"name": "balanced"}]})

    name: Text = Field(description="The preset's name.", examples=["balanced"])


class DryRunMembers(Members):
    """Whether anything is to happen."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"dry_run": True}]})

    dry_run: bool | None = Field(None, description="Only tell what would happen (default: false).", examples=[True])


class DayMembers(Members):
    """A day."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"date": "2026-01-31"}]})

    date: Text | None = Field(None, description="The day, in UTC (default: today).", examples=["2026-01-31"])
    output_path: Text | None = Field(
        None, description="Accepted; this server writes no files.", examples=["summary.md"]
    )


class ConflictsQuery(Members):
    """Which conflicts."""

    date: Text | None = Field(
        None,
        description="Only those found on this day, in UTC, or whose newer memory is of it.",
        examples=["2026-01-31"],
    )
