"""Bodies: JSON, and forms as HTML sends them."""

from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request

from polymem.core.errors import InvalidInput
from polymem.dialects import kit
from polymem.dialects.aimemory.errors import Unparsable, UnsupportedMediaType

_FORM = "application/x-www-form-urlencoded"
_LISTS = frozenset({"tags", "accomplished", "next_steps", "blockers"})
"""The fields of a form that may be given several times."""


async def read_body(request: Request) -> Any:
    """What was sent, as JSON values; an empty object for nothing. Raises Unparsable, UnsupportedMediaType."""
    body = await request.body()
    if not body:
        return {}
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            return kit.parse_json(body)
        except InvalidInput as error:
            raise Unparsable(f"JSON parse error - {str(error).removeprefix('The body is not valid JSON: ')}") from None
    if media_type == _FORM:
        try:
            form = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=False, errors="strict")
        except (UnicodeDecodeError, ValueError) as error:
            raise Unparsable(f"Form parse error - {error}") from None
        return {name: values if name in _LISTS else values[-1] for name, values in form.items()}
    raise UnsupportedMediaType(declared)
