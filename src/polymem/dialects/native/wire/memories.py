"""The JSON of memories: new ones, changes to them, pages and histories of them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from polymem.core.checks import checked_fields
from polymem.core.errors import InvalidInput
from polymem.core.model import DEFAULT_IMPORTANCE, DEFAULT_KIND, DEFAULT_WEIGHT
from polymem.dialects.native.wire.values import A_NAME, SAYS_SOMETHING, Answer, Body, Instant, Whole, refusal

Content = Annotated[
    str,
    Field(
        description="The text to remember, at most 1 MiB of UTF-8; kept byte for byte.",
        examples=["Ana prefers window seats and flies from Lisbon."],
        json_schema_extra=SAYS_SOMETHING,
    ),
]
Kind = Annotated[
    str,
    Field(description="What sort of memory it is, in words of your own.", examples=["note"], json_schema_extra=A_NAME),
]
Delivery = Annotated[
    Literal["on_demand", "bootstrap", "pinned"],
    Field(
        description="Whether an agent gets it unasked: never, when a session starts, or with every prompt.",
        examples=["on_demand"],
    ),
]
ProjectKey = Annotated[
    str,
    Field(
        description="Key of the project it belongs to; made when new.", examples=["travel"], json_schema_extra=A_NAME
    ),
]
Tag = Annotated[str, Field(json_schema_extra=A_NAME)]
Tags = Annotated[
    list[Tag],
    Field(description="Labels, at most 100.", examples=[["people", "travel"]], json_schema_extra={"maxItems": 100}),
]
Importance = Annotated[
    Whole, Field(description="From 1 to 10.", examples=[7], json_schema_extra={"minimum": 1, "maximum": 10})
]
Weight = Annotated[
    float,
    Field(
        description="Multiplies its rank in recall, 0.1 to 1.",
        examples=[1.0],
        json_schema_extra={"minimum": 0.1, "maximum": 1},
    ),
]
Confidence = Annotated[
    float,
    Field(
        description="How sure it is, 0 to 1; null when unknown.",
        examples=[0.9],
        json_schema_extra={"minimum": 0, "maximum": 1},
    ),
]
Provenance = Annotated[
    str, Field(description="Where it comes from; part of exports.", examples=["import"], json_schema_extra=A_NAME)
]
Container = Annotated[
    str,
    Field(
        description="The conversation, document or session it is part of. Memories of one container are each "
        "other's context in recall.",
        examples=["chat-2026-01-31"],
        json_schema_extra=A_NAME,
    ),
]
Context = Annotated[
    str,
    Field(
        description="In what circumstances it was said; at most 64 KiB.",
        examples=["Planning the spring trip"],
        json_schema_extra={"pattern": r"^[^\u0000]*$", "maxLength": 16384},
    ),
]
Title = Annotated[str, Field(description="A headline.", examples=["Ana's flights"], json_schema_extra=A_NAME)]
Summary = Annotated[
    str,
    Field(
        description="The text in short; at most 64 KiB.",
        examples=["Window seat, from Lisbon"],
        json_schema_extra={"pattern": r"^[^\u0000]*$", "maxLength": 16384},
    ),
]
Metadata = Annotated[
    dict[str, Any],
    Field(description="Any JSON object of yours; at most 64 KiB.", examples=[{"speaker": "Ana", "source": "chat"}]),
]
OccurredAt = Annotated[Instant, Field(description="When what it tells happened.", examples=["2026-01-31T12:00:00Z"])]
ValidFrom = Annotated[Instant, Field(description="Since when it is true.", examples=["2026-01-01T00:00:00Z"])]
ValidTo = Annotated[Instant, Field(description="Until when it is true.", examples=["2026-12-31T23:59:59Z"])]
ExpiresAt = Annotated[Instant, Field(description="From when on it is hidden.", examples=["2027-01-31T00:00:00Z"])]
Supersedes = Annotated[
    str,
    Field(
        description="Id of the memory it replaces, which recall then leaves out.",
        examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"],
        json_schema_extra=A_NAME,
    ),
]
MemoryId = Annotated[
    str, Field(description="The memory's id, a UUIDv7.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"])
]


class MemoryFields(Body):
    """What can be said of a new memory."""

    content: Content
    kind: Kind = DEFAULT_KIND
    delivery: Delivery = "on_demand"
    project: ProjectKey | None = None
    tags: Tags = Field(default_factory=list)
    importance: Importance = DEFAULT_IMPORTANCE
    weight: Weight = DEFAULT_WEIGHT
    confidence: Confidence | None = None
    provenance: Provenance | None = None
    container: Container | None = None
    context: Context | None = None
    title: Title | None = None
    summary: Summary | None = None
    metadata: Metadata = Field(default_factory=dict)
    occurred_at: OccurredAt | None = None
    valid_from: ValidFrom | None = None
    valid_to: ValidTo | None = None
    expires_at: ExpiresAt | None = None
    supersedes: Supersedes | None = None


Duplicates = Annotated[
    Literal["keep", "return_existing"],
    Field(
        description="What to do when the project holds exactly this text already: keep it once more, or return the "
        "one that is there.",
        examples=["return_existing"],
    ),
]


class NewMemory(MemoryFields):
    """A memory to keep."""

    duplicates: Duplicates = "keep"
    compare: bool = Field(
        False,
        description="Look for memories of its project, and of none, that it repeats or contradicts, and keep them as "
        "open conflicts.",
    )


def _obeys_the_core(item: MemoryFields) -> MemoryFields:
    # Asked here, beside the types, so that every bad item of a batch is named and not only the first.
    try:
        checked_fields({name: getattr(item, name) for name in MemoryFields.model_fields})
    except InvalidInput as error:
        raise refusal(error, error.field) from None
    return item


class Batch(Body):
    """Memories to keep together: all of them or, when one is wrong, none."""

    memories: Annotated[
        list[Annotated[MemoryFields, AfterValidator(_obeys_the_core)]],
        Field(description="The memories, at most 10,000.", min_length=1, json_schema_extra={"maxItems": 10_000}),
    ]
    duplicates: Duplicates = "keep"


class BatchResult(Answer):
    """What became of a batch."""

    ids: list[MemoryId] = Field(description="The memories' ids, in the order they were sent in.")


class MemoryDetails(Body):
    """What can be said of a memory, all of which may be left out."""

    content: Content = Field(default_factory=str)
    kind: Kind = Field(default_factory=str)
    delivery: Delivery = Field(default_factory=lambda: "on_demand")
    project: ProjectKey | None = Field(default_factory=lambda: None)
    tags: Tags | None = Field(default_factory=lambda: None)
    importance: Importance = Field(default_factory=int)
    weight: Weight = Field(default_factory=float)
    confidence: Confidence | None = Field(default_factory=lambda: None)
    provenance: Provenance | None = Field(default_factory=lambda: None)
    container: Container | None = Field(default_factory=lambda: None)
    context: Context | None = Field(default_factory=lambda: None)
    title: Title | None = Field(default_factory=lambda: None)
    summary: Summary | None = Field(default_factory=lambda: None)
    metadata: Metadata | None = Field(default_factory=lambda: None)
    occurred_at: OccurredAt | None = Field(default_factory=lambda: None)
    valid_from: ValidFrom | None = Field(default_factory=lambda: None)
    valid_to: ValidTo | None = Field(default_factory=lambda: None)
    expires_at: ExpiresAt | None = Field(default_factory=lambda: None)


class MemoryChanges(MemoryDetails):
    """Fields to change. One left out stays as it is; null empties one that can be empty."""

    compare: bool = Field(
        False,
        description="Look for memories that a new text repeats or contradicts, and keep them as open conflicts in "
        "place of those it had. Where it had some, that is done in any case.",
    )

    version: Whole | None = Field(
        None, description="The version you have seen; 409 when it is not the newest any more.", examples=[1]
    )


class Memory(Answer):
    """One memory as it stands."""

    id: MemoryId
    project: ProjectKey | None
    content: Content
    kind: Kind
    delivery: Delivery
    tags: Tags
    importance: Importance
    weight: Weight
    confidence: Confidence | None
    provenance: Provenance | None
    container: Container | None
    context: Context | None
    title: Title | None
    summary: Summary | None
    metadata: Metadata
    occurred_at: OccurredAt | None
    valid_from: ValidFrom | None
    valid_to: ValidTo | None
    expires_at: ExpiresAt | None
    supersedes: Supersedes | None
    superseded_by: str | None = Field(description="Id of the memory that replaces it.")
    validations: int = Field(description="How often it was found to hold.", examples=[0])
    contradictions: int = Field(description="How often something spoke against it.", examples=[0])
    validated_at: Instant | None = Field(description="When it was last found to hold.")
    contradicted_at: Instant | None = Field(description="Since when a contradiction stands that nothing answered.")
    access_count: int = Field(description="How often recall returned it.", examples=[3])
    last_accessed: Instant | None = Field(description="When recall returned it last.")
    created_at: Instant = Field(description="When it was first kept.", examples=["2026-01-31T12:00:00Z"])
    updated_at: Instant = Field(description="When its newest version was recorded.", examples=["2026-01-31T12:00:00Z"])
    version: int = Field(description="Counts its changes, from 1.", examples=[1])


class MemoryPage(Answer):
    """A page of memories."""

    items: list[Memory]
    total: int = Field(description="How many match on all pages.", examples=[1])
    limit: int = Field(description="The page's greatest length.", examples=[50])
    offset: int = Field(description="How many were left out before it.", examples=[0])


class Version(Answer):
    """One entry of a memory's history."""

    version: int = Field(description="Its number, from 1.", examples=[2])
    change: str = Field(description="What happened.", examples=["revised"])
    recorded_at: Instant = Field(description="When.", examples=["2026-01-31T12:00:00Z"])
    actor: str | None = Field(description="Who did it: local, or key: and the key's id.", examples=["local"])
    note: str | None = Field(description="Why, where somebody said so.", examples=["Ana said so on the phone"])
    memory: Memory = Field(description="The memory as this change left it.")


class History(Answer):
    """All versions of a memory, oldest first."""

    items: list[Version]
