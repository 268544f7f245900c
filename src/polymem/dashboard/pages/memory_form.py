"""Editing a memory: every field of it, checked by the core, and saved as its next version."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from polymem.core.errors import InvalidInput
from polymem.core.history.timeline import from_date_or_instant
from polymem.core.model import Delivery, Memory
from polymem.core.people import Permission
from polymem.dashboard.parts.elements import attempt, button, heading, say, tag, text
from polymem.dashboard.parts.wording import title_of, words_of
from polymem.dashboard.visit import Visit

_TEXTS = {
    "title": "Title",
    "kind": "Kind",
    "project": "Project",
    "container": "Conversation",
    "provenance": "Provenance",
}
_LONG_TEXTS = {"summary": "Summary", "context": "Context"}
_NUMBERS = {"importance": "Importance, 1 to 10", "weight": "Weight, 0.1 to 1", "confidence": "Confidence, 0 to 1"}
_INSTANTS = {"occurred_at": "Happened", "valid_from": "True from", "valid_to": "True until", "expires_at": "Ends"}
_LONG_TEXT = 10_000
"""Characters from which on a field keeps its height: to let it grow, a browser lays all of it out at each key."""
_MOST_UNITS = 900_000
"""What a text to be edited may take in a message to the server; NiceGUI sends none of a million or more."""
_ROOMY = "outlined maxlength=1048576 debounce=500"
"""What is typed travels to the server as a whole, so not with each key."""
_SEND_LENGTHS = """(event) => {
    event.preventDefault();
    const areas = [...event.target.querySelectorAll("textarea")];
    emit(areas.map((area) => [area.getAttribute("aria-label"), area.value.length]));
}"""


def draw_form(visit: Visit, memory: Memory, done: Callable[[], Awaitable[None]]) -> None:
    """Draw the form; `done` is called when it was saved or given up."""
    fields: dict[str, Any] = {}
    heading(f"Edit “{title_of(memory)}”", "What is saved becomes the next version; the ones before stay.")
    with tag("form", "pm-form") as form:

        async def save(event: GenericEventArguments) -> None:
            await _save(visit, memory, fields, dict(event.args), done)

        form.on("submit", attempt(save), js_handler=_SEND_LENGTHS)
        if units_of(memory.content) <= _MOST_UNITS:
            height = "autogrow" if len(memory.content) < _LONG_TEXT else "rows=24"
            fields["content"] = ui.textarea("Text", value=memory.content).props(f"{_ROOMY} {height}").classes("pm-wide")
        else:
            text("The text is too long for a form; change it through the API.", "pm-soft pm-wide", "p")
        for name, label in _TEXTS.items():
            fields[name] = ui.input(label, value=getattr(memory, name) or "").props("outlined")
        fields["tags"] = ui.input("Tags, separated by commas", value=", ".join(memory.tags)).props("outlined")
        for name, label in _NUMBERS.items():
            value = getattr(memory, name)
            fields[name] = ui.input(label, value="" if value is None else f"{value:g}").props(
                "outlined inputmode=decimal"
            )
        fields["delivery"] = ui.select(
            {delivery.value: words_of(delivery.value) for delivery in Delivery},
            label="Delivery",
            value=memory.delivery.value,
        ).props("outlined behavior=menu")
        for name, label in _INSTANTS.items():
            fields[name] = ui.input(f"{label} (UTC)", value=_from_instant(getattr(memory, name)))
            fields[name].props["placeholder"] = "2026-03-01 or 2026-03-01T12:00:00Z"
            fields[name].props("outlined")
        for name, label in _LONG_TEXTS.items():
            fields[name] = (
                ui.textarea(label, value=getattr(memory, name) or "").props("outlined autogrow").classes("pm-wide")
            )
        metadata = json.dumps(dict(memory.metadata), indent=2, ensure_ascii=False)
        fields["metadata"] = ui.textarea("Metadata, a JSON object", value=metadata)
        fields["metadata"].props("outlined autogrow").classes("pm-wide pm-mono-field")
        with tag("div", "pm-actions pm-wide"):
            button("Save", kind="main").props("type=submit")
            button("Cancel", attempt(done))


def _refuse_lost(fields: dict[str, Any], lengths: dict[str, int]) -> None:
    # NiceGUI drops a message that is too long, and the server would save what it had before.
    for name, field in fields.items():
        shown = lengths.get(field.props.get("label", ""))
        if shown is not None and shown != _length(str(field.value or "")):
            raise InvalidInput("This is too long for a form; change it through the API", field=name)


def _length(value: str) -> int:
    # As a browser counts it: UTF-16, and one character for the end of each line.
    return len(value.replace("\r\n", "\n").encode("utf-16-le")) // 2


def units_of(value: str) -> int:
    """How many UTF-16 units a text takes in a message: as JSON within JSON."""
    return len(json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False).encode("utf-16-le")) // 2


async def _save(
    visit: Visit,
    memory: Memory,
    fields: dict[str, Any],
    lengths: dict[str, int],
    done: Callable[[], Awaitable[None]],
) -> None:
    for field in fields.values():
        field.props.pop("error", None)
        field.props.pop("error-message", None)
    try:
        _refuse_lost(fields, lengths)
        values = {name: to_value(name, field.value) for name, field in fields.items()}
        changes = {name: value for name, value in values.items() if value != getattr(memory, name)}
        if changes:
            scope = await visit.whole(Permission.WRITE)
            await visit.core.memories.revise(scope, memory.id, changes, expected_version=memory.version)
    except InvalidInput as error:
        if error.field in fields:
            fields[error.field].props["error"] = True
            fields[error.field].props["error-message"] = str(error)
        raise
    say("Saved" if changes else "Nothing was changed")
    await done()


def to_value(name: str, entered: Any) -> Any:
    """What was entered into a field as the core's value of it. Raises InvalidInput."""
    entered = "" if entered is None else str(entered)
    if name in ("content", "kind"):
        return entered
    if name == "tags":
        return tuple(dict.fromkeys(one.strip() for one in entered.split(",") if one.strip()))
    if name == "delivery":
        return Delivery(entered)
    if name == "metadata":
        return _to_metadata(entered)
    if name in _INSTANTS:
        entered = entered.strip()
        return from_date_or_instant(entered, name, end_of_day=False) if entered else None
    if name in _NUMBERS:
        return _to_number(name, entered.strip())
    return entered or None


def _to_number(name: str, entered: str) -> float | int | None:
    if not entered and name == "confidence":
        return None
    try:
        return int(entered) if name == "importance" else float(entered)
    except ValueError:
        raise InvalidInput(f"{words_of(name)} must be a number", field=name) from None


def _to_metadata(entered: str) -> dict[str, Any]:
    try:
        value = json.loads(entered or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata must be a JSON object: {error}", field="metadata") from None
    if not isinstance(value, dict):
        raise InvalidInput('metadata must be a JSON object, such as {"source": "mail"}', field="metadata")
    return value


def _from_instant(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
