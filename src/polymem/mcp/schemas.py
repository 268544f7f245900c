"""JSON Schema, written down shortly. Pure functions that make dictionaries."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def text(description: str, **more: Any) -> Json:
    """A string."""
    return {"type": "string", "description": description, **more}


def one_of(values: Sequence[str], description: str, **more: Any) -> Json:
    """One of these strings."""
    return {"type": "string", "enum": list(values), "description": description, **more}


def whole(description: str, **more: Any) -> Json:
    """A whole number."""
    return {"type": "integer", "description": description, **more}


def number(description: str, **more: Any) -> Json:
    """A number."""
    return {"type": "number", "description": description, **more}


def flag(description: str, **more: Any) -> Json:
    """True or false."""
    return {"type": "boolean", "description": description, **more}


def texts(description: str, **more: Any) -> Json:
    """A list of strings."""
    return {"type": "array", "items": {"type": "string"}, "description": description, **more}


def many(items: Json, description: str) -> Json:
    """A list."""
    return {"type": "array", "items": items, "description": description}


def anything(description: str) -> Json:
    """A JSON object of the caller's own."""
    return {"type": "object", "description": description}


def arguments(properties: Mapping[str, Json], required: Sequence[str] = ()) -> Json:
    """The arguments of a tool; others are refused."""
    return {
        "type": "object",
        "properties": dict(properties),
        **({"required": list(required)} if required else {}),
        "additionalProperties": False,
    }


def result(properties: Mapping[str, Json], required: Sequence[str], description: str | None = None) -> Json:
    """An object that a tool answers with; later versions may add to it."""
    told: Json = {"type": "object", "properties": dict(properties), "required": list(required)}
    return told if description is None else {**told, "description": description}
