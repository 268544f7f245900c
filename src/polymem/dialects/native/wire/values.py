"""The kinds of values the native API's JSON is made of."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from polymem.core.checks import check_name
from polymem.core.errors import InvalidInput, TooLarge
from polymem.core.exchange.transfer import from_rfc3339
from polymem.core.history.timeline import from_date_or_instant
from polymem.dialects import kit

# What a text must look like, for readers and tools; the core enforces it and has the better sentences.
SAYS_SOMETHING: dict[str, Any] = {"minLength": 1, "pattern": f"^{kit.NOT_BLANK}$"}
A_NAME: dict[str, Any] = SAYS_SOMETHING | {"maxLength": 500}


class Body(BaseModel):
    """What a caller sends as JSON. Unknown fields are refused, and nothing is converted: `true` is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """What the server sends. These models document the answers; `mapping` builds them."""


def refusal(error: InvalidInput, field: str | None = None) -> PydanticCustomError:
    """What a validator raises for a broken rule of the core: pydantic then goes on to name all that is wrong.

    `field` is the core's name of the field, where the place the validator stands at does not tell it.
    """
    kind = "too_large" if isinstance(error, TooLarge) else "invalid_input"
    return PydanticCustomError(kind, "{detail}", {"detail": str(error), "field": field or ""})


def _to_instant(value: Any, info: ValidationInfo) -> Any:
    if value is None:
        return None
    try:
        return from_rfc3339(value, info.field_name or "an instant")
    except InvalidInput as error:
        raise refusal(error) from None


def _to_day(value: Any, info: ValidationInfo, *, end: bool) -> Any:
    if not isinstance(value, str):
        return _to_instant(value, info)
    try:
        return from_date_or_instant(value, info.field_name or "an instant", end_of_day=end)
    except InvalidInput as error:
        raise refusal(error) from None


def _to_start(value: Any, info: ValidationInfo) -> Any:
    return _to_day(value, info, end=False)


def _to_end(value: Any, info: ValidationInfo) -> Any:
    return _to_day(value, info, end=True)


def _a_name(value: str, info: ValidationInfo) -> str:
    try:
        return check_name(info.field_name or "a name", value)
    except InvalidInput as error:
        raise refusal(error) from None


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a NUL character cannot be part of a text")
    return value


def _to_whole(value: Any) -> Any:
    # JSON has one kind of number: 5.0 is as whole as 5.
    return int(value) if isinstance(value, float) and value.is_integer() else value


AS_WHOLE = BeforeValidator(_to_whole)
"""Stands after the bounds of a number, which belong to the number itself."""

Whole = Annotated[int, AS_WHOLE]
"""A whole number."""

Instant = Annotated[datetime, BeforeValidator(_to_instant)]
"""RFC 3339; without an offset it counts as UTC."""

_DAY_OR_INSTANT = WithJsonSchema(
    {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
)

Since = Annotated[datetime, BeforeValidator(_to_start), _DAY_OR_INSTANT]
"""An instant, or a date alone: the first instant of that day in UTC."""

Until = Annotated[datetime, BeforeValidator(_to_end), _DAY_OR_INSTANT]
"""An instant, or a date alone: the last instant of that day in UTC."""

AS_OF = "As it was known then; a date alone means its last instant in UTC. One to come means now."
"""What `as_of` means, wherever it is asked for. It is described there: a schema of its own hides a description."""

Name = Annotated[str, AfterValidator(_a_name), Field(json_schema_extra=A_NAME)]
"""A short text that says something, held to the core's rule for names."""

Text = Annotated[str, AfterValidator(_without_nul)]
"""A text to compare with, which no rule of the core looks at."""

Term = Annotated[Text, Field(max_length=1000, json_schema_extra={"pattern": r"^[^\u0000]*$"})]
"""One value of a filter."""

Terms = Annotated[list[Term], Field(max_length=1000)]
"""Values of a filter of which several may be given."""
