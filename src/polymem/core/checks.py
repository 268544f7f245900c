"""The rules a memory must obey to be kept, each with the sentence a caller gets when it does not."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from typing import Any

from polymem.core.errors import InvalidInput, TooLarge
from polymem.core.model import MAX_CONTENT_BYTES, MAX_LIMIT, MAX_QUERY_BYTES, Delivery, Draft

MAX_TAGS = 100
MAX_NAME_CHARACTERS = 500
"""Longest tag, kind, container, project key or title."""

MAX_NOTE_BYTES = 64 * 1024
"""Longest context or summary, and largest metadata document, in UTF-8 bytes."""

MAX_METADATA_DEPTH = 50


def checked(draft: Draft, *, index: int | None = None) -> Draft:
    """`draft` in its canonical form (tags without repeats, instants in UTC).

    Raises InvalidInput, with the field and `index`, when a rule is broken.
    """
    given = {name: value for name in _RULES if (value := getattr(draft, name)) is not _UNSET.get(name, _NOTHING)}
    try:
        return replace(draft, **checked_fields(given))
    except InvalidInput as error:
        raise type(error)(str(error), field=error.field, index=index) from None


def checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields in canonical form. Raises InvalidInput for an unknown field or a broken rule."""
    canonical = {}
    for name, value in fields.items():
        rule = _RULES.get(name)
        if rule is None:
            raise InvalidInput(f"{name} is not a field that can be set", field=name)
        canonical[name] = rule(name, value)
    since, until = canonical.get("valid_from"), canonical.get("valid_to")
    if since is not None and until is not None and until < since:
        raise InvalidInput("valid_to lies before valid_from", field="valid_to")
    return canonical


def check_query(text: str, *, limit: int, offset: int) -> None:
    """Raises InvalidInput unless the query says something and the page is within bounds."""
    _required_text("query", text, MAX_QUERY_BYTES)
    check_page(limit, offset)


def check_page(limit: int, offset: int) -> None:
    """Raises InvalidInput unless the page is within bounds."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit must be between 1 and {MAX_LIMIT}", field="limit")
    if not 0 <= offset <= 2**53:
        raise InvalidInput("offset must not be negative", field="offset")


def check_name(name: str, value: str) -> str:
    """A short, non-empty text. Raises InvalidInput."""
    _required_text(name, value, MAX_NAME_CHARACTERS * 4)
    if len(value) > MAX_NAME_CHARACTERS:
        raise TooLarge(f"{name} is longer than {MAX_NAME_CHARACTERS} characters", field=name)
    return value


def check_note(name: str, value: str | None) -> str | None:
    """A text of up to 64 KiB, or none. Raises InvalidInput."""
    return _optional_note(name, value)


def _clean(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string", field=name)
    if "\x00" in value:
        raise InvalidInput(f"{name} contains a NUL character, which cannot be kept", field=name)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} contains half of a surrogate pair, which is not text", field=name) from None
    return value


def _required_text(name: str, value: object, most_bytes: int) -> str:
    text = _clean(name, value)
    if not text.strip():
        raise InvalidInput(f"{name} is required", field=name)
    if len(text.encode()) > most_bytes:
        raise TooLarge(f"{name} is larger than {most_bytes} bytes", field=name)
    return text


def _content(name: str, value: object) -> str:
    return _required_text(name, value, MAX_CONTENT_BYTES)


def _kind(name: str, value: object) -> str:
    return check_name(name, _clean(name, value))


def _delivery(name: str, value: object) -> Delivery:
    try:
        return Delivery(value)  # type: ignore[arg-type]
    except ValueError:
        raise InvalidInput(f"{name} must be one of {', '.join(Delivery)}", field=name) from None


def _optional_name(name: str, value: object) -> str | None:
    return None if value is None or value == "" else check_name(name, _clean(name, value))


def _optional_note(name: str, value: object) -> str | None:
    if value is None:
        return None
    text = _clean(name, value)
    if len(text.encode()) > MAX_NOTE_BYTES:
        raise TooLarge(f"{name} is larger than {MAX_NOTE_BYTES} bytes", field=name)
    return text


def _tags(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise InvalidInput(f"{name} must be a list of strings", field=name)
    tags = tuple(dict.fromkeys(check_name("a tag", _clean("a tag", tag)) for tag in value))
    if len(tags) > MAX_TAGS:
        raise TooLarge(f"more than {MAX_TAGS} tags", field=name)
    return tags


def _importance(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10:
        raise InvalidInput(f"{name} must be a whole number from 1 to 10", field=name)
    return value


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise InvalidInput(f"{name} must be a whole number from 0", field=name)
    return value


def _number(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise InvalidInput(f"{name} must be a number from {least:g} to {most:g}", field=name)
    return float(value)


def _weight(name: str, value: object) -> float:
    return _number(name, value, 0.1, 1.0)


def _confidence(name: str, value: object) -> float | None:
    return None if value is None else _number(name, value, 0.0, 1.0)


def _metadata(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be an object", field=name)
    if not value:
        return {}
    metadata = dict(value)
    _check_json(name, metadata, MAX_METADATA_DEPTH)
    text = json.dumps(metadata, ensure_ascii=False)
    if len(text.encode()) > MAX_NOTE_BYTES:
        raise TooLarge(f"{name} is larger than {MAX_NOTE_BYTES} bytes", field=name)
    # A copy in JSON's own types: what is kept, and what will be read again.
    copy: dict[str, Any] = json.loads(text)
    return copy


def _check_json(name: str, value: object, depth: int) -> None:
    if depth == 0:
        raise InvalidInput(f"{name} is nested deeper than {MAX_METADATA_DEPTH} levels", field=name)
    if isinstance(value, str):
        _clean(name, value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _clean(f"a key of {name}", key)
            _check_json(name, inner, depth - 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check_json(name, inner, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{name} contains a number that is not finite", field=name)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        raise InvalidInput(f"{name} contains a whole number of more than 64 bits", field=name)
    elif value is not None and not isinstance(value, (bool, int, float)):
        raise InvalidInput(f"{name} contains something that JSON does not know", field=name)


def _instant(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise InvalidInput(f"{name} must be a date and time", field=name)
    if value.tzinfo is None:
        raise InvalidInput(f"{name} needs a time zone", field=name)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{name} lies outside the years 1 to 9999", field=name) from None


_RULES: dict[str, Callable[[str, object], Any]] = {
    "content": _content,
    "kind": _kind,
    "delivery": _delivery,
    "project": _optional_name,
    "tags": _tags,
    "importance": _importance,
    "weight": _weight,
    "confidence": _confidence,
    "provenance": _optional_name,
    "container": _optional_name,
    "context": _optional_note,
    "title": _optional_name,
    "summary": _optional_note,
    "metadata": _metadata,
    "occurred_at": _instant,
    "valid_from": _instant,
    "valid_to": _instant,
    "expires_at": _instant,
    "created_at": _instant,
    "updated_at": _instant,
    "validations": _count,
    "contradictions": _count,
    "validated_at": _instant,
    "contradicted_at": _instant,
    "supersedes": _optional_name,
    "id": _optional_name,
}

_NOTHING = object()
_UNSET = {field.name: field.default for field in fields(Draft) if field.default is not MISSING}
"""The values a draft has where nothing was said. They obey every rule and are canonical."""
