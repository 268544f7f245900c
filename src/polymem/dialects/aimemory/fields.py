"""The kinds of values in AI Memory System's JSON, and what is said of one that is wrong.

The sentences are those of Django REST framework, which the reference implementation is built with and whose clients
show them to people. Each validator takes what JSON holds and gives the core's value.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import from_rfc3339

REQUIRED = "This field is required."
_NULL = "This field may not be null."
_BLANK = "This field may not be blank."
_NOT_A_STRING = "Not a valid string."
_NOT_WHOLE = "A valid integer is required."
_WRONG_DATETIME = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)
_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
_DECIMAL = re.compile(r"\.0*\s*$")
_LONGEST_NUMBER = 1000
_TRUE = frozenset({"t", "y", "yes", "true", "on", "1"})
_FALSE = frozenset({"f", "n", "no", "false", "off", "0"})


def refusal(sentence: str) -> PydanticCustomError:
    """What a validator raises; pydantic goes on to find all else that is wrong."""
    return PydanticCustomError("refused", "{detail}", {"detail": sentence})


def text(
    *, required: bool = False, trimmed: bool = False, most: int | None = None, optional: bool = False
) -> Callable[[Any], str]:
    """A text. Numbers become one; null too where it is `optional`. `most` is a number of characters."""

    def to_text(value: Any) -> str:
        if value is None:
            if optional:
                return ""
            raise refusal(_NULL)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise refusal(_NOT_A_STRING)
        made = str(value).strip() if trimmed else str(value)
        if required and not made.strip():
            raise refusal(_BLANK)
        if "\x00" in made:
            raise refusal("Null characters are not allowed.")
        if most is not None and len(made) > most:
            raise refusal(f"Ensure this field has no more than {most} characters.")
        return made

    return to_text


def whole(least: int | None = None, most: int | None = None, *, optional: bool = False) -> Callable[[Any], int | None]:
    """A whole number, also as text, within bounds."""

    def to_whole(value: Any) -> int | None:
        if value is None:
            if optional:
                return None
            raise refusal(_NULL)
        if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
            raise refusal("String value too large.")
        try:
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                raise ValueError
            number = int(_DECIMAL.sub("", str(value)))
        except ValueError:
            raise refusal(_NOT_WHOLE) from None
        if most is not None and number > most:
            raise refusal(f"Ensure this value is less than or equal to {most}.")
        if least is not None and number < least:
            raise refusal(f"Ensure this value is greater than or equal to {least}.")
        return number

    return to_whole


def choice(choices: frozenset[str]) -> Callable[[Any], str]:
    """One of some words."""

    def to_choice(value: Any) -> str:
        if value is None:
            raise refusal(_NULL)
        if not isinstance(value, str) or value not in choices:
            raise refusal(f'"{value}" is not a valid choice.')
        return value

    return to_choice


def to_items(value: Any) -> list[Any]:
    """A list, whatever is in it."""
    if value is None:
        raise refusal(_NULL)
    if not isinstance(value, list):
        raise refusal(f'Expected a list of items but got type "{type_name(value)}".')
    return value


def to_flag(value: Any) -> bool:
    """True or false, also as a word."""
    if value is None:
        raise refusal(_NULL)
    word = str(value).lower() if isinstance(value, (bool, int, str)) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise refusal("Must be a valid boolean.")


def to_slug(value: Any) -> str:
    """Letters, digits, underscores and hyphens; nothing, where one shall be made."""
    made = text(trimmed=True, most=200, optional=True)(value)
    if made and not _SLUG.fullmatch(made):
        raise refusal('Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.')
    return made


def to_instant(value: Any) -> datetime | None:
    """A date and time; one without an offset is UTC."""
    if value is None or value == "":
        return None
    try:
        return from_rfc3339(value, "")
    except InvalidInput:
        raise refusal(_WRONG_DATETIME) from None


def to_reference(value: Any) -> str:
    """A project's UUID or slug."""
    if value is None or value == "":
        raise refusal(_NULL)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise refusal(f"Incorrect type. Expected pk value, received {type_name(value)}.")
    return str(value)


def type_name(value: Any) -> str:
    """The name of a JSON value's type, in the words of the reference implementation."""
    return "NoneType" if value is None else type(value).__name__


TAG_CHARACTERS = 500
NAME_CHARACTERS = 255
MEMORY_TYPES = frozenset({"fact", "decision", "learning", "error", "solution", "code"})
TASK_STATUSES = frozenset({"pending", "in_progress", "completed", "cancelled"})


Reference = Annotated[str, BeforeValidator(to_reference)]
RequiredText = Annotated[str, BeforeValidator(text(required=True))]
OptionalText = Annotated[str, BeforeValidator(text(optional=True))]
ProjectName = Annotated[str, BeforeValidator(text(required=True, trimmed=True, most=100)), Field(max_length=100)]
Name = Annotated[
    str,
    BeforeValidator(text(required=True, trimmed=True, most=NAME_CHARACTERS)),
    Field(json_schema_extra={"maxLength": NAME_CHARACTERS}),
]
ShortText = Annotated[str, BeforeValidator(text(trimmed=True, most=NAME_CHARACTERS, optional=True))]
Slug = Annotated[str, BeforeValidator(to_slug), Field(json_schema_extra={"pattern": "^[-a-zA-Z0-9_]*$"})]
Flag = Annotated[bool, BeforeValidator(to_flag)]
MemoryType = Annotated[
    str, BeforeValidator(choice(MEMORY_TYPES)), Field(json_schema_extra={"enum": sorted(MEMORY_TYPES)})
]
Status = Annotated[
    str, BeforeValidator(choice(TASK_STATUSES)), Field(json_schema_extra={"enum": sorted(TASK_STATUSES)})
]
OneToTen = Annotated[int, BeforeValidator(whole(1, 10)), Field(json_schema_extra={"minimum": 1, "maximum": 10})]
Line = Annotated[int | None, BeforeValidator(whole(1, 2**31 - 1, optional=True))]
Instant = Annotated[datetime | None, BeforeValidator(to_instant)]
Tag = Annotated[str, BeforeValidator(text(required=True, trimmed=True, most=TAG_CHARACTERS))]
Tags = Annotated[list[Tag], BeforeValidator(to_items)]
Lines = Annotated[list[RequiredText], BeforeValidator(to_items)]
