"""The rules a session, a task or a snippet must obey to be kept, each with its sentence."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from polymem.core.checks import MAX_NAME_CHARACTERS, MAX_NOTE_BYTES, MAX_TAGS
from polymem.core.errors import InvalidInput, TooLarge
from polymem.core.model import MAX_CONTENT_BYTES
from polymem.core.work import Snippet, Task, TaskStatus, WorkSession

MAX_ENTRIES = 1000
"""Most accomplishments, next steps or blockers of a session."""

MAX_LINE = 2**31 - 1

Rule = Callable[[str, object], Any]


def checked_work(kind: type, values: Mapping[str, Any], *, complete: bool = True) -> dict[str, Any]:
    """The given fields in canonical form. With `complete`, what is required must be among them.

    Raises InvalidInput with the field when a rule is broken.
    """
    rules = _RULES[kind]
    if complete and (missing := [name for name in _REQUIRED[kind] if name not in values]):
        raise InvalidInput(f"{missing[0]} is required", field=missing[0])
    canonical = {name: rules[name](name, value) for name, value in values.items()}
    first, last = canonical.get("line_start"), canonical.get("line_end")
    if first is not None and last is not None and last < first:
        raise InvalidInput("line_end lies before line_start", field="line_end")
    return canonical


def _text(most_bytes: int, *, required: bool = False) -> Rule:
    def rule(name: str, value: object) -> str:
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            raise InvalidInput(f"{name} must be a string", field=name)
        if "\x00" in value:
            raise InvalidInput(f"{name} contains a NUL character, which cannot be kept", field=name)
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise InvalidInput(f"{name} contains half of a surrogate pair, which is not text", field=name) from None
        if required and not value.strip():
            raise InvalidInput(f"{name} is required", field=name)
        if size > most_bytes:
            raise TooLarge(f"{name} is larger than {most_bytes} bytes", field=name)
        return value

    return rule


def _name(*, required: bool) -> Rule:
    text = _text(4 * MAX_NAME_CHARACTERS, required=required)

    def rule(name: str, value: object) -> str:
        checked: str = text(name, value)
        if len(checked) > MAX_NAME_CHARACTERS:
            raise TooLarge(f"{name} is longer than {MAX_NAME_CHARACTERS} characters", field=name)
        return checked

    return rule


def _texts(most: int, one: Rule, *, unique: bool = False) -> Rule:
    def rule(name: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)):
            raise InvalidInput(f"{name} must be a list of strings", field=name)
        if len(value) > most:
            raise TooLarge(f"{name} has more than {most} entries", field=name)
        texts = [one(name, item) for item in value]
        return tuple(dict.fromkeys(texts) if unique else texts)

    return rule


def _whole(least: int, most: int, *, optional: bool = False) -> Rule:
    def rule(name: str, value: object) -> int | None:
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidInput(f"{name} must be a whole number from {least} to {most}", field=name)
        return value

    return rule


def _status(name: str, value: object) -> TaskStatus:
    try:
        return TaskStatus(value)  # type: ignore[arg-type]
    except ValueError:
        raise InvalidInput(f"{name} must be one of {', '.join(TaskStatus)}", field=name) from None


def _instant(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{name} must be a date and time with a time zone", field=name)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{name} lies outside the years 1 to 9999", field=name) from None


_NOTE = _text(MAX_NOTE_BYTES)
_LINES = _texts(MAX_ENTRIES, _text(MAX_NOTE_BYTES, required=True))

_RULES: Mapping[type, Mapping[str, Rule]] = {
    WorkSession: {"summary": _NOTE, "accomplished": _LINES, "next_steps": _LINES, "blockers": _LINES},
    Task: {
        "title": _name(required=True),
        "description": _NOTE,
        "status": _status,
        "priority": _whole(1, 10),
        "due_date": _instant,
        "tags": _texts(MAX_TAGS, _name(required=True), unique=True),
    },
    Snippet: {
        "name": _name(required=True),
        "code": _text(MAX_CONTENT_BYTES, required=True),
        "language": _name(required=False),
        "file_path": _text(4096),
        "line_start": _whole(1, MAX_LINE, optional=True),
        "line_end": _whole(1, MAX_LINE, optional=True),
        "description": _NOTE,
    },
}
_REQUIRED: Mapping[type, tuple[str, ...]] = {WorkSession: (), Task: ("title",), Snippet: ("name", "code")}
