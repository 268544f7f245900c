"""How the native API says no: problem details (RFC 9457), for every error there is."""

import re
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from polymem.core.errors import (
    Conflict,
    Forbidden,
    Gone,
    InsufficientScope,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PolymemError,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from polymem.core.people.applications import SCOPES
from polymem.dialects.kit import InvalidRequest, MethodNotAllowed, MisdirectedRequest, retry_after, to_json

PROBLEM_JSON = "application/problem+json"

_BATCH_ITEM = re.compile(r"memories\.(\d+)(?:\.(.+))?")


class PreconditionFailed(Conflict):
    """The version named in If-Match is not the newest."""


# The first class that fits decides, so a class stands before those it derives from.
_STATUS: tuple[tuple[type[PolymemError], int, str], ...] = (
    (TooLarge, 413, "Content Too Large"),
    (InvalidInput, 400, "Bad Request"),
    (Gone, 410, "Gone"),
    (NotFound, 404, "Not Found"),
    (PreconditionFailed, 412, "Precondition Failed"),
    (Conflict, 409, "Conflict"),
    (NotAuthenticated, 401, "Unauthorized"),
    (Forbidden, 403, "Forbidden"),
    (MethodNotAllowed, 405, "Method Not Allowed"),
    (TooManyRequests, 429, "Too Many Requests"),
    (MisdirectedRequest, 421, "Misdirected Request"),
    (Unavailable, 503, "Service Unavailable"),
)


class ProblemItem(BaseModel):
    """One thing wrong with a request."""

    index: int | None = Field(description="Which memory of a batch, counted from 0.", examples=[1])
    field: str | None = Field(description="The field, with dots inside objects and lists.", examples=["importance"])
    detail: str = Field(
        description="What is wrong with it.", examples=["importance must be a whole number from 1 to 10"]
    )


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="about:blank: the status says what kind of problem it is.", examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Bad Request"])
    status: int = Field(description="The HTTP status.", examples=[400])
    detail: str = Field(
        description="One sentence about this case.", examples=["importance must be a whole number from 1 to 10"]
    )
    errors: list[ProblemItem] | None = Field(
        None, description="Everything wrong with the request, where it can be told."
    )


def render(error: PolymemError) -> Response:
    """The answer for any error."""
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, "Internal Server Error")
    )
    items = _items(error)
    if isinstance(error, InvalidRequest) and all(problem.type == "too_large" for problem in error.problems):
        status, title = 413, "Content Too Large"
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": _detail(error, items)}
    if items:
        body["errors"] = items
    return Response(to_json(body), status, _headers(error), PROBLEM_JSON)


def _items(error: PolymemError) -> list[dict[str, Any]]:
    if isinstance(error, InvalidRequest):
        return [_item(problem.field, problem.detail) for problem in error.problems]
    if isinstance(error, InvalidInput) and (error.field or error.index is not None):
        return [{"index": error.index, "field": error.field, "detail": str(error)}]
    return []


def _item(field: str, detail: str) -> dict[str, Any]:
    match = _BATCH_ITEM.fullmatch(field)
    if match is None:
        return {"index": None, "field": field or None, "detail": detail}
    return {"index": int(match[1]), "field": match[2], "detail": detail}


def _detail(error: PolymemError, items: list[dict[str, Any]]) -> str:
    if not items:
        return str(error)
    first = items[0]
    where = "" if first["index"] is None else f"memory {first['index']}: "
    more = "" if len(items) == 1 else f" (and {len(items) - 1} more)"
    return f"{where}{first['detail']}{more}"


def _headers(error: PolymemError) -> dict[str, str]:
    match error:
        case InsufficientScope():
            scopes = " ".join(SCOPES.values())
            return {"www-authenticate": f'Bearer realm="polymem", error="insufficient_scope", scope="{scopes}"'}
        case NotAuthenticated():
            return {"www-authenticate": 'Bearer realm="polymem"'}
        case MethodNotAllowed():
            return {"allow": error.allow}
        case TooManyRequests() | Unavailable():
            return retry_after(error)
        case _:
            return {}


# --- documentation -------------------------------------------------------------------------------

_EXAMPLES = {
    400: ("What was sent cannot be understood or kept.", "importance must be a whole number from 1 to 10"),
    401: ("No credential was sent where one is needed, or it is not valid.", "The credential is not valid"),
    403: ("The credential does not give this right.", "This credential does not allow to write"),
    404: ("No such thing that this credential reaches.", "Memory 019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52 not found"),
    409: ("It changed meanwhile, or is already as asked.", "Memory 019c0a3e is at version 3, not 2"),
    410: ("It was there, and is spent.", "This invitation has already been accepted"),
    412: ("The version in If-Match is not the newest.", "Memory 019c0a3e is at version 3, not 2"),
    413: ("Over a stated limit.", "content is larger than 1048576 bytes"),
    429: ("Too many calls in this time.", "Too many requests: login is limited to 10 a minute; try again in 42 s"),
    503: ("A part that this needs cannot answer now.", "The embedding model does not answer"),
}
_TITLES = {status: title for _, status, title in _STATUS}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of these error statuses, and of any other."""
    documented: dict[int | str, dict[str, Any]] = {}
    for status in sorted({400, 401, 403, *statuses}):
        description, detail = _EXAMPLES[status]
        example = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
        documented[status] = {"description": description, "content": _content(example)}
    return documented | {"default": {"description": "Any other problem.", "content": _content()}}


def _content(example: dict[str, Any] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {PROBLEM_JSON: content if example is None else content | {"example": example}}
