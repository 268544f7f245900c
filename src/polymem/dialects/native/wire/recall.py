"""The JSON of recall and why-not."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from polymem.dialects.native.wire.filters import Limit, Offset, Selection
from polymem.dialects.native.wire.memories import Memory, MemoryId
from polymem.dialects.native.wire.values import AS_OF, SAYS_SOMETHING, Answer, Until

Score = Annotated[float, Field(description="0 to 1; how likely it is relevant.", examples=[0.93])]
Mode = Literal["hybrid", "vector", "keyword"]


class RecallRequest(Selection):
    """What to find, and among which memories."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: str = Field(
        description="What you want to know, at most 16 KiB.",
        examples=["Where does Ana like to sit on a plane?"],
        json_schema_extra=SAYS_SOMETHING,
    )
    mode: Mode = Field("hybrid", description="Find by meaning and words, by meaning alone, or by words alone.")
    limit: Limit = 10
    offset: Offset = 0
    min_score: float | None = Field(
        None,
        description="Leave out what scores less, 0 to 1. Left out, nothing is found in hybrid mode where not even the "
        "best hit scores 0.04 (0.025 in a conversation): then nothing relevant is there. In the other modes it is 0.",
        examples=[0.2],
        json_schema_extra={"minimum": 0, "maximum": 1},
    )
    superseded: bool = Field(False, description="Find memories that others replace, too.")
    as_of: Until | None = Field(None, description=AS_OF, examples=["2026-01-31"])
    trust_weight: float = Field(
        0.0,
        description="How much less memories score that cannot be trusted, 0 to 1; in hybrid mode.",
        examples=[0.5],
        json_schema_extra={"minimum": 0, "maximum": 1},
    )
    explain: bool = Field(False, description="Say of each hit how it came there.")


class WhyNotRequest(RecallRequest):
    """A recall, and the memory that was expected in its answer."""

    memory_id: MemoryId


class Explanation(Answer):
    """How a hit came to its place. Signals are null where the search by meaning or by words did not see it."""

    rank: int = Field(description="Its place in the whole ranking, from 1.", examples=[1])
    total: float = Field(
        description="The sum of all factors: the logarithm of the odds that it answers.", examples=[1.62]
    )
    factors: dict[str, float] = Field(
        description="What each factor added.", examples=[{"base": -8.2, "meaning": 5.9, "words": 1.6, "tokens": 4.4}]
    )
    cosine: float | None = Field(description="Similarity of meaning, -1 to 1.", examples=[0.71])
    context_cosine: float | None = Field(description="The same, with its neighbours in the container.", examples=[0.71])
    keyword: float = Field(description="Match of words (BM25), 0 to 1.", examples=[0.9])
    context_keyword: float = Field(description="The same, with its neighbours in the container.", examples=[0.91])
    coverage: float = Field(description="Share of the query's words it has, 0 to 1.", examples=[0.8])
    tokens: float | None = Field(
        description="Match of the query's tokens one by one (MaxSim), -1 to 1; null without token vectors.",
        examples=[0.82],
    )
    context_tokens: float | None = Field(description="The same, with its neighbours in the container.", examples=[0.82])
    names: float = Field(
        description="Share of the paths, codes and versions in the query that it has letter by letter.", examples=[1.0]
    )
    first_rank: int | None = Field(
        description="Its place by meaning and words together, the best of which are compared token by token.",
        examples=[1],
    )
    dense_rank: int | None = Field(description="Its place in the search by meaning.", examples=[1])
    keyword_rank: int | None = Field(description="Its place in the search by words.", examples=[1])


class Hit(Answer):
    """A memory found."""

    memory: Memory
    score: Score
    explain: Explanation | None = Field(None, description="Only where it was asked for.")


class RecallAnswer(Answer):
    """What was found, best first."""

    hits: list[Hit]
    mode: Mode = Field(description="The mode that ran: keyword, if a hybrid query could get no vector.")
    matched: int = Field(description="How many ranked memories reach min_score, on all pages.", examples=[1])
    considered: int = Field(description="How many memories the conditions admit.", examples=[42])
    took_ms: float = Field(description="Milliseconds the server needed.", examples=[6.1])


class WhyNot(Answer):
    """Which stage lost the memory."""

    stage: Literal[
        "unknown", "forgotten", "expired", "superseded", "filter", "candidates", "floor", "page", "returned"
    ] = Field(description="Where it was lost; returned, when it was not; unknown, when it was not known as of then.")
    sentence: str = Field(description="Why.", examples=["Its score 0.1200 is below the floor 0.2000."])
    remedy: str | None = Field(
        description="The smallest change that brings it back.", examples=["lower min_score to 0.12"]
    )
    rank: int | None = Field(description="Its place in the ranking, if it was ranked.", examples=[3])
    score: float | None = Field(description="Its score, if it was ranked.", examples=[0.12])
    explain: Explanation | None = Field(description="How it came to its place, if it was ranked.")
