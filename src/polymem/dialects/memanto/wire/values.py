"""What MEMANTO's values may be, and how a member may come by query or by body.

Members are lenient: null and an empty text count as absent, unknown ones are ignored, lists may be told with commas.
All are optional here, since each may stand in either place; `mapping` asks for what is required.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_CONTENT_CHARACTERS = 10_000
MAX_QUERY_CHARACTERS = 1_000
MAX_TITLE_CHARACTERS = 100
MAX_TAGS = 20
MAX_TAG_CHARACTERS = 64
MAX_LIMIT = 100
MAX_BATCH = 100
DEFAULT_LIMIT = 10

Kind = Literal[
    "fact", "preference", "goal", "decision", "artifact", "learning", "event", "instruction", "relationship",
    "context", "observation", "commitment", "error",
]  # fmt: skip
Pattern = Literal["support", "project", "tool"]
Provenance = Literal["explicit_statement", "inferred", "observed", "validated", "corrected", "imported"]
ScopeType = Literal["user", "workspace", "agent", "session", "project", "task"]


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("contains a NUL character, which cannot be kept")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair, which is not text") from None
    return value


def _listed(value: Any) -> Any:
    # Query strings repeat a name or separate by commas, bodies have lists; all three say the same.
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    parts = [part.strip() for item in value if isinstance(item, str) for part in item.split(",")]
    strange = [item for item in value if not isinstance(item, str)]
    return [part for part in parts if part] + strange


def _whole_body(value: Any) -> Any:
    return {name: given for name, given in value.items() if given != ""} if isinstance(value, dict) else value


Text = Annotated[str, AfterValidator(_without_nul)]
Tag = Annotated[Text, Field(max_length=MAX_TAG_CHARACTERS)]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS), BeforeValidator(_listed)]
Kinds = Annotated[list[Kind], BeforeValidator(_listed)]
Limit = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
MemoryIds = Annotated[list[Text], BeforeValidator(_listed)]


class Members(BaseModel):
    """Members of a request that may come by query or by body."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        return _whole_body(value)


M = TypeVar("M", bound=Members)


def joined(query: M, body: M | None) -> M:
    """The members of both; the body's win."""
    if body is None:
        return query
    given = {name: value for name in body.model_fields_set if (value := getattr(body, name)) is not None}
    return query.model_copy(update=given)
