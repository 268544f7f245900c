"""The shapes of mememory's Admin API: requests as they may be sent, answers as documented, and a few additions.

Requests are strict in types and lenient otherwise: "" and null count as left out, unknown fields are ignored. What the
published reference does not name is marked as an addition; its real clients need most of it.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from polymem.dialects import kit

Scope = Literal["global", "project"]
Type = Literal["fact", "rule", "decision", "feedback", "context", "bootstrap"]
Delivery = Literal["on_demand", "bootstrap", "pinned"]

EXPORT_LIMIT = 10_000
"""Most memories that one list or export holds."""

DELETE_LIMIT = 1000
"""Most memories that one bulk delete removes."""

LIST_LIMIT = 50
SEARCH_LIMIT = 5


def _given(value: object) -> object:
    return None if value == "" else value


def _weight(value: object) -> object:
    # Clients of the original send 0 for "not set".
    if isinstance(value, bool):
        return value
    return None if value in (0, "") else value


def _limit(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _content(value: object) -> object:
    if value is None or value == "":
        raise ValueError("content is required")
    return value


def _query(value: object) -> object:
    if value is None or value == "":
        raise ValueError("query is required")
    return value


_SAYS_SOMETHING: dict[str, JsonValue] = {"pattern": f"^{kit.NOT_BLANK}$"}
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DURATION = r"[+-]?(0|([0-9]{1,4}(\.[0-9]{1,3})?(ns|us|ms|s|m|h|d|w))+)"


def _optional(schema: dict[str, Any]) -> WithJsonSchema:
    # "" and null count as left out.
    return WithJsonSchema({"anyOf": [schema, {"const": ""}, {"type": "null"}]})


def _one_of(*values: str) -> WithJsonSchema:
    return _optional({"type": "string", "enum": list(values)})


Content = Annotated[str, BeforeValidator(_content), Field(strict=True, json_schema_extra=_SAYS_SOMETHING)]
_Text = Annotated[Annotated[str, Field(strict=True)] | None, BeforeValidator(_given)]
Text = Annotated[_Text, _optional({"type": "string", "maxLength": 500, **_SAYS_SOMETHING})]
WantedText = Annotated[_Text, _optional({"type": "string", **_SAYS_SOMETHING})]
MemoryId = Annotated[_Text, _optional({"type": "string", "pattern": f"^{_UUID}$"})]
Duration = Annotated[_Text, _optional({"type": "string", "pattern": f"^{_DURATION}$"})]
Tag = Annotated[str, Field(strict=True, json_schema_extra={"maxLength": 500, **_SAYS_SOMETHING})]

_CONTENT = "The text to keep."
_EXAMPLE: JsonValue = {
    "content": "Uses PostgreSQL 17 with pgvector",
    "scope": "project",
    "project": "mememory",
    "type": "fact",
}


_NEEDS_PROJECT: dict[str, JsonValue] = {
    "if": {"required": ["scope"], "properties": {"scope": {"const": "project"}}},
    "then": {"required": ["project"], "properties": {"project": {"type": "string", **_SAYS_SOMETHING}}},
}


class MemoryInput(BaseModel):
    """A memory to keep."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE], **_NEEDS_PROJECT})

    content: Content = Field(description=_CONTENT)
    scope: Annotated[Scope | None, BeforeValidator(_given), _one_of("global", "project")] = Field(
        None, description="global (the default) or project, which needs `project`."
    )
    project: Text = Field(None, description="Project name. A global memory may name one too.")
    type: Annotated[Type | None, BeforeValidator(_given), _one_of(*get_args(Type))] = Field(
        None, description="Default fact."
    )
    delivery: Annotated[Delivery | None, BeforeValidator(_given), _one_of(*get_args(Delivery))] = Field(
        None, description="Addition. Default on_demand; bootstrap for the type bootstrap."
    )
    tags: list[Tag] | None = Field(None, description="Labels, at most 100.", json_schema_extra={"maxItems": 100})
    weight: Annotated[
        Annotated[float, Field(strict=True, ge=0.1, le=1.0)] | None,
        BeforeValidator(_weight),
        _optional({"anyOf": [{"type": "number", "minimum": 0.1, "maximum": 1}, {"const": 0}]}),
    ] = Field(None, description="0.1 to 1.0, default 1.0; 0 counts as left out.")
    ttl: Duration = Field(
        None, description='How long it lives: "24h", "1h30m", "7d", "2w". An export\'s instant is understood too.'
    )
    supersedes: MemoryId = Field(None, description="Id of the memory that this one replaces.")


class ContentInput(BaseModel):
    """The new text of a memory."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "Uses PostgreSQL 17 with HNSW indexing"}]})

    content: Content = Field(description=_CONTENT)


class SearchInput(BaseModel):
    """A search."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "database architecture", "project": "mememory", "limit": 5}]}
    )

    query: Annotated[str, BeforeValidator(_query), Field(strict=True, json_schema_extra=_SAYS_SOMETHING)] = Field(
        description="What is looked for, at most 16 KiB."
    )
    scope: Annotated[Scope | None, BeforeValidator(_given), _one_of("global", "project")] = Field(
        None, description="Only this scope. Left out: global, and the project if one is named."
    )
    project: WantedText = Field(None, description="The project whose memories are searched beside the global ones.")
    limit: Annotated[Annotated[int, Field(strict=True)] | None, BeforeValidator(_limit)] = Field(
        None, description="Longest answer, default 5, at most 1000."
    )


class Selection(BaseModel):
    """Which memories a list or a bulk delete is about: all conditions must hold. An unknown value matches nothing."""

    scope: str | None = Field(None, description="global or project.")
    project: str | None = Field(None, description="Project name.")
    type: str | None = Field(None, description="fact, rule, decision, feedback, context, bootstrap.")
    delivery: str | None = Field(
        None,
        description="Addition: on_demand, bootstrap, pinned. What was superseded is not delivered, so the last two "
        "leave it out.",
    )


class ListParameters(Selection):
    """The query string of a list."""

    limit: str | None = Field(None, description="Longest answer, default 50; at most 10,000.")


# --- answers --------------------------------------------------------------------------------------


class Memory(BaseModel):
    """One memory. What is marked optional is left out when there is nothing to say."""

    id: str
    content: str
    scope: Scope
    project: str | None = Field(None, description="Optional.")
    type: str
    delivery: Delivery = Field(description="Addition.")
    tags: list[str] | None = Field(None, description="Optional.")
    weight: float = Field(description="0.1 while another memory supersedes it.")
    supersedes: str | None = Field(None, description="Optional.")
    superseded_by: str | None = Field(None, description="Optional. Addition: the memory that replaced it.")
    created_at: str = Field(examples=["2025-03-15T10:30:00Z"])
    updated_at: str = Field(examples=["2025-03-15T10:30:00Z"])
    ttl: str | None = Field(None, description="Optional. The instant from which on it is gone.")


class Contradiction(BaseModel):
    """A kept memory that resembles a new one."""

    memory: Memory
    similarity: float = Field(description="Cosine of meaning, above 0.75.")
    reason: str = Field(
        description="Addition: duplicate, paraphrase, changed_value or negation, which are kept as open conflicts; "
        "related, where both can stand."
    )
    judge: str = Field(description="Addition: who said so; rules, or a chat model.")


class Created(BaseModel):
    """A new memory, and those it resembles."""

    memory: Memory
    contradictions: list[Contradiction] | None = Field(None, description="Only when there are some.")


class Result(BaseModel):
    """A memory found."""

    memory: Memory
    score: float = Field(description="Similarity × scope weight × weight × decay.", examples=[0.718])


class Stats(BaseModel):
    """Counts of what is there."""

    total: int
    by_scope: dict[str, int]
    by_project: dict[str, int]
    by_type: dict[str, int]
    by_delivery: dict[str, int] = Field(description="Addition.")


class Deleted(BaseModel):
    """How many memories were deleted."""

    deleted: int


class Imported(BaseModel):
    """How many memories were imported; bad items are passed over."""

    imported: int


class Ok(BaseModel):
    """It is gone."""

    ok: Literal[True] = True


class PinnedStats(BaseModel):
    """How much is pinned."""

    model_config = ConfigDict(populate_by_name=True)

    global_: int = Field(alias="global")
    project: int
    tokens: int


class Pinned(BaseModel):
    """Addition: what accompanies every prompt."""

    markdown: str
    stats: PinnedStats


class Error(BaseModel):
    """What every failure looks like."""

    error: str = Field(examples=["content is required"])


Json = dict[str, Any]
