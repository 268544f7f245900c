"""The JSON of conflicts between memories."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from polymem.dialects.native.wire.filters import PageQuery, Selection
from polymem.dialects.native.wire.memories import Content, Memory
from polymem.dialects.native.wire.values import Answer, Body, Instant

Resolution = Literal["keep_old", "keep_new", "keep_both", "merge"]
Status = Literal["open", "resolved", "all"]
ConflictId = Annotated[str, Field(description="The conflict's id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b55"])]


class ConflictQuery(PageQuery):
    """Which conflicts to list."""

    status: Status = Field("open", description="open: not settled, and both memories are still current.")


class DetectRequest(Selection):
    """Which memories to compare with older ones."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"project": "api"}]})


class Detected(Answer):
    """What came of it."""

    compared: int = Field(description="How many memories were compared: the newest 1,000 at most.", examples=[42])
    open: int = Field(description="How many conflicts are open now, of all memories.", examples=[3])


class ResolveRequest(Body):
    """What is to become of a conflict."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"resolution": "keep_new"}]})

    resolution: Resolution = Field(
        description="keep_old forgets the newer memory; keep_new makes it supersede the older one; keep_both changes "
        "neither; merge gives the newer one `content` and makes it supersede the older one."
    )
    content: Content | None = Field(None, description="For merge, and only for it: the text of both.")


class Conflict(Answer):
    """Two memories that say the same, or contradict each other."""

    id: ConflictId
    reason: Literal["duplicate", "paraphrase", "changed_value", "negation"] = Field(description="Why.")
    detail: str = Field(description="A sentence about the difference.", examples=["8080 became 9090."])
    similarity: float = Field(
        description="When it was found: cosine of meaning, or agreement of words.", examples=[0.93]
    )
    judge: str = Field(description="Who found the reason: rules, or a chat model.", examples=["rules"])
    old: Memory = Field(description="The older memory, as it stands now.")
    new: Memory = Field(description="The newer one.")
    created_at: Instant = Field(description="When it was found.", examples=["2026-01-31T12:00:00Z"])
    resolution: Resolution | None = Field(description="What was decided; null while it is open.")
    resolved_at: Instant | None = Field(description="When.")
    resolved_by: str | None = Field(description="Who decided: local, or key: and the key's id.", examples=["local"])


class ConflictPage(Answer):
    """A page of conflicts, newest first."""

    items: list[Conflict]
    total: int = Field(description="How many match on all pages.", examples=[1])
    limit: int = Field(description="The page's greatest length.", examples=[50])
    offset: int = Field(description="How many were left out before it.", examples=[0])


class Chain(BaseModel):
    """The memories that replaced one another, oldest first."""

    items: list[Memory]
