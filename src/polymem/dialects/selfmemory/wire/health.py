"""How the server is."""

from typing import Any, Literal

from pydantic import Field

from polymem.dialects.selfmemory.wire.values import Answer

Status = Literal["healthy", "degraded", "unhealthy"]


class Check(Answer):
    """One part."""

    status: Status
    message: str | None = None
    latency_ms: float | None = None
    details: dict[str, Any]


class Checks(Answer):
    """All parts."""

    database: Check
    memory: Check
    disk: Check


class Health(Answer):
    """The whole."""

    status: Status
    timestamp: str
    checks: Checks
    user_id: str | None = Field(None, description="Whose credential was sent, where one was.")
    project_id: str | None = Field(None, description="The credential's project.")
    organization_id: str | None = Field(None, description="The credential's organization.")


class Alive(Answer):
    """The process answers."""

    status: Literal["alive"] = "alive"
    timestamp: str


class Ready(Answer):
    """Whether requests can be answered."""

    status: Literal["ready", "not_ready"]
    timestamp: str
