"""The kinds of values SelfMemory's JSON is made of.

Requests are strict in types; unknown fields are ignored, and null counts as absent wherever a field can be left out.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from polymem.core.checks import MAX_NAME_CHARACTERS

MAX_CONTENT_CHARACTERS = 10_000
"""Longest text of one message."""

MAX_QUERY_CHARACTERS = 4_000
"""Longest search query."""

MAX_TERMS = 100
"""Most tags or people that one request names."""


class Body(BaseModel):
    """What a caller sends as JSON. Nothing is converted: `true` is no number."""

    model_config = ConfigDict(strict=True)


class Answer(BaseModel):
    """What the server sends. These models document the answers; `mapping` builds them."""


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("contains a NUL character, which cannot be kept")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _given(value: object) -> object:
    # In an address, empty is the only way to say nothing.
    return None if value == "" else value


def _terms(value: object) -> object:
    """The names in a text with commas or in a list, without blanks and repetitions; anything else as it is."""
    parts: Iterable[Any]
    if isinstance(value, str):
        parts = value.split(",")
    elif isinstance(value, list):
        if any(not isinstance(part, str) for part in value):
            raise ValueError("must be text with commas, or a list of texts")
        parts = (piece for part in value for piece in part.split(","))
    elif value is None:
        return None
    else:
        raise ValueError("must be text with commas, or a list of texts")
    found = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if len(found) > MAX_TERMS:
        raise ValueError(f"names more than {MAX_TERMS}")
    for term in found:
        _without_nul(term)
        if len(term) > MAX_NAME_CHARACTERS:
            raise ValueError(f"holds a name of more than {MAX_NAME_CHARACTERS} characters")
    return found


def _some(value: list[str]) -> list[str]:
    if not value:
        raise ValueError("must name at least one")
    return value


_TERMS_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "examples": ["work,meeting"],
}

Text = Annotated[str, AfterValidator(_without_nul)]
"""Any text that can be kept or compared with."""

Name = Annotated[str, AfterValidator(_without_nul), Field(max_length=MAX_NAME_CHARACTERS)]
"""A short text."""

Required = Annotated[Name, AfterValidator(_not_blank)]
"""A short text that says something."""

Content = Annotated[str, AfterValidator(_without_nul), Field(max_length=MAX_CONTENT_CHARACTERS)]
"""The text of a message."""

NewText = Annotated[Content, AfterValidator(_not_blank)]
"""The text of a memory."""

Query = Annotated[str, AfterValidator(_without_nul), Field(max_length=MAX_QUERY_CHARACTERS)]
"""What is searched for."""

Terms = Annotated[list[str], BeforeValidator(_terms), WithJsonSchema(_TERMS_SCHEMA)]
"""Names, as a text with commas or as a list."""

SomeTerms = Annotated[Terms, AfterValidator(_some)]
"""At least one of them."""

OptionalText = Annotated[Name | None, BeforeValidator(_given)]
"""A parameter of an address, which may be empty."""


_NAME = re.compile(r"[A-Za-z0-9\s_-]{2,100}", re.ASCII)


def _place_name(value: str) -> str:
    name = value.strip()
    if not _NAME.fullmatch(name):
        raise ValueError("must be 2 to 100 letters, digits, spaces, hyphens or underscores")
    return name


PlaceName = Annotated[str, AfterValidator(_place_name), Field(examples=["My Team"])]
"""The name of an organization or project, without blanks around it."""

OrganizationRole = Literal["owner", "admin", "member"]
ProjectRole = Literal["owner", "admin", "editor", "viewer"]


class Done(Answer):
    """It is done."""

    message: str
