"""The shapes of Memento's REST API: requests as they may be sent, answers as documented, and a few additions.

Requests are strict in types and lenient otherwise: null counts as absent, unknown fields are ignored, page numbers out
of range are clamped by `mapping`. What the published reference does not name is marked as an addition.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from polymem.core.checks import MAX_NAME_CHARACTERS
from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import from_rfc3339
from polymem.dialects import kit

MAX_QUERY_BYTES = 4 * 1024
"""Longest search query, in UTF-8 bytes."""

MAX_BATCH = 1000
"""Most entries that one batch saves."""

Priority = Literal["low", "normal", "high"]
SearchMode = Literal["vector", "keyword", "hybrid"]


# --- what a text, a name and a number may be ------------------------------------------------------


def _required(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("is required")
    return value


def _without_nul(value: str) -> str:
    # PostgreSQL can neither keep a NUL nor be asked for one.
    if "\x00" in value:
        raise ValueError("contains a NUL character, which cannot be kept")
    return value


def _short(value: str) -> str:
    if len(value) > MAX_NAME_CHARACTERS:
        raise ValueError(f"is longer than {MAX_NAME_CHARACTERS} characters")
    return _without_nul(value)


def _not_blank(value: str) -> str:
    if value and not value.strip():
        raise ValueError("must not be blank")
    return value


def _query(value: str) -> str:
    if len(value.encode()) > MAX_QUERY_BYTES:
        raise ValueError("is longer than 4 KB")
    return _without_nul(value)


def _given(value: object) -> object:
    # In a query string, empty is the only way to say nothing.
    return None if value == "" else value


def _instant(value: object) -> datetime:
    try:
        return from_rfc3339(value, "")
    except InvalidInput as error:
        raise ValueError(str(error).strip()) from None


def _schema(pattern: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"pattern": f"^{pattern}$", **more}


Content = Annotated[
    str, BeforeValidator(_required), AfterValidator(_without_nul), Field(json_schema_extra=_schema(kit.NOT_BLANK))
]
QueryText = Annotated[
    str, BeforeValidator(_required), AfterValidator(_query), Field(json_schema_extra=_schema(kit.NOT_BLANK))
]
Tag = Annotated[
    str, AfterValidator(_short), Field(json_schema_extra=_schema(r"[^\u0000]*", maxLength=MAX_NAME_CHARACTERS))
]
Name = Annotated[
    str,
    AfterValidator(_short),
    AfterValidator(_not_blank),
    Field(json_schema_extra=_schema(f"({kit.NOT_BLANK})?", maxLength=MAX_NAME_CHARACTERS)),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=Annotated[str, Field(json_schema_extra={"format": "date-time"})]),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
CommaSeparated = Annotated[
    list[Annotated[str, AfterValidator(_without_nul)]],
    WithJsonSchema({"type": "string", **_schema(r"[^\u0000]*")}),
]
NumberText = Annotated[
    Annotated[float, Field(allow_inf_nan=False)] | None,
    BeforeValidator(_given),
    # Empty is as good as left out.
    WithJsonSchema({"anyOf": [{"type": "number"}, {"const": ""}]}),
]
InstantText = Annotated[Instant | None, BeforeValidator(_given)]

_NAMESPACE = "Project namespace, compared exactly; detected when omitted. `__global__` is the global one."
_LIMIT = "Max results, 1–100. A number outside is brought inside."
_MODE = "Search strategy. Without an embedding model, a request that names none is answered by keywords."
_AFTER = "Addition: only entries saved at or after this instant."
_BEFORE = "Addition: only entries saved at or before this instant."


# --- requests -------------------------------------------------------------------------------------


class SaveRequest(BaseModel):
    """A memory entry to save."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "content": "Use PostgreSQL for production",
                    "tags": ["decision", "architecture"],
                    "namespace": "myproject",
                    "priority": "high",
                }
            ]
        }
    )

    content: Content = Field(description="Memory content to save, kept byte for byte.")
    tags: list[Tag] | None = Field(None, description="Semantic tags.")
    namespace: Name | None = Field(None, description=_NAMESPACE)
    global_: Annotated[bool, Field(strict=True)] | None = Field(
        None, alias="global", description="Save to the global namespace, whatever `namespace` says (default: false)."
    )
    container: Name | None = Field(None, description="Container for scoping (default: the namespace).")
    priority: Priority | None = Field(None, description="Priority level (default: normal).")


class SaveBatchRequest(BaseModel):
    """Addition: several entries, saved together or not at all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"memories": [{"content": "First fact"}, {"content": "Second", "tags": ["b"]}]}]
        }
    )

    memories: list[SaveRequest] = Field(max_length=MAX_BATCH)


class UpdateRequest(BaseModel):
    """Addition: what is to change of an entry. What is absent or null stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "Use PostgreSQL 17", "priority": "high"}]})

    content: Content | None = Field(None, description="The new content.")
    tags: list[Tag] | None = Field(None, description="All tags from now on.")
    namespace: Name | None = Field(None, description="The namespace to move the entry to.")
    container: Name | None = Field(None, description='The new container; "" for the namespace.')
    priority: Priority | None = Field(None, description="The new priority.")


class SearchRequest(BaseModel):
    """A search across all namespaces."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "authentication OAuth", "limit": 10}]})

    query: QueryText = Field(description="Search query (natural language or keywords), at most 4 KB.")
    tags: list[Tag] | None = Field(None, description="Only entries with every one of these tags.")
    limit: Number | None = Field(None, description=f"{_LIMIT} Default 10.")
    searchMode: SearchMode | None = Field(None, description=_MODE)  # noqa: N815 - the name on the wire
    after: Instant | None = Field(None, description=_AFTER)
    before: Instant | None = Field(None, description=_BEFORE)


class RecallRequest(SearchRequest):
    """A search in one namespace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "database architecture decisions",
                    "namespace": "myproject",
                    "limit": 5,
                    "searchMode": "hybrid",
                }
            ]
        }
    )

    namespace: Name | None = Field(None, description=_NAMESPACE)
    container: Name | None = Field(None, description="Only entries of this container.")


class ListParameters(BaseModel):
    """The query string of a list."""

    namespace: Name | None = Field(None, description=_NAMESPACE)
    tags: CommaSeparated | None = Field(
        None, description="Comma-separated tags, all of which an entry must have. Example: `decision,architecture`."
    )
    limit: NumberText = Field(None, description=f"{_LIMIT} Default 10.")
    offset: NumberText = Field(None, description="Pagination offset, default 0. A negative one counts as 0.")
    container: Name | None = Field(None, description="Only entries of this container.")
    after: InstantText = Field(None, description=_AFTER)
    before: InstantText = Field(None, description=_BEFORE)


class ImportRequest(BaseModel):
    """Addition: entries as `GET /api/export` (or Memento's own export) gives them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"entries": [{"content": "Kept", "metadata": {"namespace": "myproject"}}]}]}
    )

    entries: list[dict[str, Any]] = Field(description="Bad ones are skipped, with the reason, and stop nothing.")
    namespace: Name | None = Field(None, description="Take all of them into this namespace.")


# --- answers --------------------------------------------------------------------------------------


class Answer(BaseModel):
    """What all answers share: every documented field is always there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class EntryMetadata(Answer):
    """What is known of an entry besides its content. Further keys are those its writer gave it."""

    model_config = ConfigDict(extra="allow")

    namespace: str
    tags: list[str]
    timestamp: str = Field(description="When it was saved, ISO 8601 in UTC.", examples=["2026-03-20T10:30:00.000Z"])
    summary: str = Field(description="Its summary, else how its content begins.")
    container: str
    priority: Priority
    importance: float = Field(description="0–1.", ge=0, le=1)
    accessCount: int = Field(description="How often a recall returned it.", ge=0)  # noqa: N815
    source: str
    kind: str
    updatedAt: str  # noqa: N815
    version: int = Field(description="Counts its changes, from 1.", ge=1)
    supersededBy: str | None = Field(None, description="The entry that replaced it, if one did.")  # noqa: N815


class Entry(Answer):
    """One memory entry."""

    id: str
    content: str
    metadata: EntryMetadata


class ListedEntry(Entry):
    """An entry with some of its metadata beside it, where Memento's own clients look for them."""

    summary: str
    tags: list[str]
    timestamp: str
    namespace: str
    importance: float


class Result(Answer):
    """An entry found, with its score; some of the entry stands beside it, where Memento's own clients look."""

    entry: Entry
    score: float = Field(description="0–1; the results are in its descending order.", ge=0, le=1)
    id: str
    content: str
    tags: list[str]
    timestamp: str
    summary: str


class SaveResponse(Answer):
    """What was saved. An entry too long to be kept as one becomes several."""

    success: Literal[True] = True
    count: int
    ids: list[str]
    message: str = Field(examples=["Saved 1 memory entry"])
    saved: int = Field(description="Addition: the same as count.")


class ResultsResponse(Answer):
    """What a search found."""

    success: Literal[True] = True
    count: int = Field(description="Length of results.")
    results: list[Result]
    searchMode: SearchMode = Field(description="Addition: the strategy that was used.")  # noqa: N815


class ListResponse(Answer):
    """A page of entries, newest first."""

    success: Literal[True] = True
    count: int = Field(description="Length of this page.")
    total: int = Field(description="All entries that match.")
    offset: int
    entries: list[ListedEntry]


class HealthConfig(Answer):
    """How the server is set up."""

    storageType: str  # noqa: N815
    embeddingProvider: str  # noqa: N815
    embeddingModel: str  # noqa: N815
    namespace: str = Field(description="The namespace of requests that name none.")


class HealthStats(Answer):
    """How much is kept."""

    entriesInNamespace: int  # noqa: N815
    globalEntries: int = Field(description="Entries of the global namespace.")  # noqa: N815
    autoCapture: bool  # noqa: N815


class ServerInfo(Answer):
    """The program that answers."""

    name: str
    version: str


class HealthResponse(Answer):
    """The state of the server."""

    success: Literal[True] = True
    status: Literal["healthy"] = "healthy"
    version: str = Field(description="The version of Memento's API that is spoken.")
    config: HealthConfig
    stats: HealthStats
    entries: int = Field(description="Addition: all entries within reach.")
    server: ServerInfo = Field(description="Addition.")


class DeleteResponse(Answer):
    """The entry is gone."""

    success: Literal[True] = True
    message: str
    deleted: Literal[True] = True


class EntryResponse(Answer):
    """Addition: one entry, and what was done to it."""

    success: Literal[True] = True
    entry: Entry
    message: str


class SkippedEntry(Answer):
    """An entry that was not imported."""

    position: int = Field(description="Counted from 1.")
    reason: str


class ImportResponse(Answer):
    """Addition: what became of the entries. Those whose id or text is known already count as existing."""

    success: Literal[True] = True
    imported: int
    existing: int
    skipped: list[SkippedEntry]


class ExportResponse(Answer):
    """Addition: all entries asked for, oldest first."""

    success: Literal[True] = True
    entries: list[Entry]
    count: int


class ErrorResponse(Answer):
    """What every failure looks like."""

    success: Literal[False] = False
    error: str = Field(examples=["query is required"])
    code: Literal["INVALID_REQUEST", "NOT_FOUND", "INTERNAL_ERROR", "UNAUTHORIZED"]
