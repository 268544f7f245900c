"""The JSON and the query parameters that say which memories a call is about."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from polymem.core.filters import SortKey
from polymem.dialects.native.wire.values import AS_OF, AS_WHOLE, Body, Instant, Term, Terms, Until, Whole

Importance = Annotated[int, Field(ge=1, le=10), AS_WHOLE]

Deliveries = list[Literal["on_demand", "bootstrap", "pinned"]]

_SINCE = "2026-01-01T00:00:00Z"
_UNTIL = "2026-01-31T23:59:59Z"


class Selection(BaseModel):
    """Conditions that must all hold. Left out, a condition always holds."""

    model_config = ConfigDict(extra="forbid")

    project: Term | None = Field(
        None,
        description="In the project with this key or id; one that does not exist holds nothing.",
        examples=["travel"],
    )
    projects: Terms | None = Field(None, description="In one of these projects.", examples=[["travel", "work"]])
    unassigned: bool = Field(False, description="In no project; beside project or projects: there or in none.")
    kinds: Terms | None = Field(None, description="Of one of these kinds.", examples=[["note"]])
    deliveries: Deliveries | None = Field(None, description="Delivered in one of these ways.", examples=[["pinned"]])
    tags: Terms | None = Field(None, description="With all of these tags.", examples=[["people"]])
    tags_any: Terms | None = Field(None, description="With at least one of these tags.", examples=[["people"]])
    container: Term | None = Field(None, description="In this container.", examples=["chat-2026-01-31"])
    importance_min: Importance | None = Field(None, description="At least this important.", examples=[3])
    importance_max: Importance | None = Field(None, description="At most this important.", examples=[10])
    text: Term | None = Field(
        None, description="With this in its text or title; ASCII letters of either case match.", examples=["Lisbon"]
    )
    created_since: Instant | None = Field(None, description="First kept then or later.", examples=[_SINCE])
    created_until: Instant | None = Field(None, description="First kept then or earlier.", examples=[_UNTIL])
    updated_since: Instant | None = Field(None, description="Last changed then or later.", examples=[_SINCE])
    updated_until: Instant | None = Field(None, description="Last changed then or earlier.", examples=[_UNTIL])
    occurred_since: Instant | None = Field(None, description="Happened then or later.", examples=[_SINCE])
    occurred_until: Instant | None = Field(None, description="Happened then or earlier.", examples=[_UNTIL])
    true_at: Instant | None = Field(
        None, description="True then, by valid_from and valid_to; one that says neither always is.", examples=[_SINCE]
    )
    ids: Terms | None = Field(None, description="One of these memories.")


Limit = Annotated[
    Whole, Field(description="Longest page, 1 to 1000.", json_schema_extra={"minimum": 1, "maximum": 1000})
]
Offset = Annotated[
    Whole,
    Field(description="How many to leave out before the page.", json_schema_extra={"minimum": 0, "maximum": 2**53}),
]


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = 50
    offset: Offset = 0


class ListQuery(Selection, PageQuery):
    """The query parameters of a list of memories."""

    kinds: Terms | None = Field(None, alias="kind", description="Of this kind; may be repeated.", examples=[["note"]])
    deliveries: Deliveries | None = Field(
        None, alias="delivery", description="Delivered this way; may be repeated.", examples=[["pinned"]]
    )
    superseded: bool | None = Field(None, description="true: only those another memory replaces; false: only others.")
    as_of: Until | None = Field(None, description=AS_OF, examples=["2026-01-31"])
    sort: SortKey = Field(SortKey.CREATED, description="What to order by; what lacks it comes last.")
    order: Literal["asc", "desc"] = Field("desc", description="Ascending or descending.")


class ExportSelection(Selection, Body):
    """Which memories to export; all of them when empty."""

    model_config = ConfigDict(extra="forbid", strict=True)

    superseded: bool | None = Field(None, description="true: only those another memory replaces; false: only others.")
