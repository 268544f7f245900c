"""Memories: messages in, memory objects out."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from polymem.core.model import MAX_LIMIT
from polymem.dialects.selfmemory.wire.values import (
    Answer,
    Body,
    Content,
    Name,
    NewText,
    OptionalText,
    Query,
    Required,
    SomeTerms,
    Terms,
)

DEFAULT_LIMIT = 10
MAX_LIST = 10_000
"""Most memories that one list returns."""
MAX_MESSAGES = 1000


def _topic(value: object) -> object:
    # A list of topics is joined, as the original does.
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return value


Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Topic = Annotated[Name, BeforeValidator(_topic)]

_PROJECT = "The project, for accounts; a key has its own."
_USER = "Only memories of this user id."
_PEOPLE = "Only memories that mention one of these people: part of a name is enough, case does not matter."


class Message(Body):
    """One turn of a conversation."""

    role: Required = Field(description="Who says it: user, assistant, system …", examples=["user"])
    content: Content = Field(
        description="What is said. Blank messages are passed over.", examples=["I have a meeting with Alice on Friday"]
    )


class Metadata(Body):
    """What is known of a memory besides its text. Further entries are kept and come back as they were sent."""

    model_config = ConfigDict(extra="allow")

    tags: Terms | None = Field(None, description="Tags, with commas or as a list.", examples=["work,meeting"])
    people_mentioned: Terms | None = Field(None, description="People, with commas or as a list.", examples=["Alice"])
    topic_category: Topic | None = Field(None, description="The topic.", examples=["schedule"])
    user_id: Name | None = Field(None, description="On whose behalf it is kept; the caller's own id otherwise.")
    project_id: Name | None = Field(None, description=_PROJECT)
    organization_id: Name | None = Field(None, description="The organization of the project.")


class NewMemory(Body):
    """What to keep: every message, or the facts in it."""

    messages: list[Message] = Field(max_length=MAX_MESSAGES)
    metadata: Metadata | None = None
    user_id: Name | None = Field(None, description="On whose behalf it is kept; the caller's own id otherwise.")


class MemoryChanges(Body):
    """What is to change of a memory. Metadata entries that are not named stay; null removes one."""

    text: NewText | None = Field(None, description="The new text.")
    metadata: Metadata | None = Field(None, description="The entries to set.")


class ListQuery(BaseModel):
    """The query string of a list."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIST, description="Most results to return.")
    offset: int = Field(0, ge=0, le=2**53, description="How many to pass over.")
    user_id: OptionalText = Field(None, description=_USER)
    project_id: OptionalText = Field(None, description=_PROJECT)
    organization_id: OptionalText = Field(None, description="The organization of the project.")


class SearchFilters(Body):
    """What the memories found must be. Filters with other names are ignored."""

    limit: Limit | None = Field(None, description="Most results; 10 when left out.")
    tags: Terms | None = Field(None, description="Only memories with one of these tags.")
    match_all_tags: bool | None = Field(None, description="All of the tags instead.")
    people_mentioned: Terms | None = Field(None, description=_PEOPLE)
    topic_category: Topic | None = Field(None, description="Only memories of exactly this topic.")
    temporal_filter: Name | None = Field(
        None, description="When it was kept: today, yesterday, this_week, last_month, last_7_days, 2026-02-22 … (UTC)."
    )
    threshold: float | None = Field(None, ge=0, le=1, description="Least score, instead of the server's own floor.")
    sort_by: Literal["relevance", "score", "timestamp"] | None = Field(
        None, description="timestamp: newest first, of all that is relevant."
    )
    include_metadata: bool | None = Field(None, description="false leaves the metadata out of the results.")
    user_id: Name | None = Field(None, description=_USER)
    project_id: Name | None = Field(None, description=_PROJECT)
    organization_id: Name | None = Field(None, description="The organization of the project.")


class SearchRequest(Body):
    """What to find."""

    query: Query = Field(description='What to look for; "" lists everything, newest first.', examples=["meetings"])
    people_mentioned: Terms | None = Field(None, description=_PEOPLE)
    filters: SearchFilters | None = None
    project_id: Name | None = Field(None, description=_PROJECT)
    user_id: Name | None = Field(None, description=_USER)


class TemporalSearch(Body):
    """What to find, by when it was kept."""

    temporal_query: Required = Field(description="today, yesterday, this_week …", examples=["this_week"])
    semantic_query: Query | None = None
    limit: Limit | None = None


class TagSearch(Body):
    """What to find, by tags."""

    tags: SomeTerms = Field(description="Tags, one of which a memory must have.")
    semantic_query: Query | None = None
    match_all: bool | None = Field(None, description="All of the tags instead.")
    limit: Limit | None = None


class PeopleSearch(Body):
    """What to find, by the people mentioned."""

    people: SomeTerms = Field(description=_PEOPLE)
    semantic_query: Query | None = None
    limit: Limit | None = None


# --- answers --------------------------------------------------------------------------------------


class Operation(Answer):
    """What became of one message."""

    id: str
    memory: str
    event: Literal["ADD", "UPDATE", "DELETE"]


class Created(Answer):
    """What was kept. `memory_id` is that of the first memory, `note` says when a chat model did not answer."""

    success: Literal[True] = True
    message: str = Field(examples=["Memory created successfully"])
    memory_id: str
    operations: list[Operation]
    note: str | None = None


class Memory(Answer):
    """One memory."""

    id: str
    content: str
    metadata: dict[str, Any] = Field(
        examples=[{"tags": "work,meeting", "people_mentioned": "Alice", "topic_category": "schedule"}]
    )
    created_at: str = Field(examples=["2026-02-22T10:30:00Z"])


class MemoryList(Answer):
    """A page of memories, newest first."""

    results: list[Memory]
    total: int = Field(description="All that match, on all pages.")


class Hit(Answer):
    """A memory found."""

    id: str
    content: str
    score: float = Field(ge=0, le=1)
    metadata: dict[str, Any] | None = None
    created_at: str


class Hits(Answer):
    """What a search found, best first."""

    results: list[Hit]


class Deleted(Answer):
    """It is gone."""

    message: str


class DeletedAll(Answer):
    """They are gone."""

    message: str
    deleted_count: int


class Stats(Answer):
    """Counts of a project's memories."""

    total: int
    this_week: int = Field(description="Kept in the last seven days.")
    tag_count: int = Field(description="Different tags.")
