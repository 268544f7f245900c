"""Every failure in the seed's envelope, with the `detail` that today's clients show.

{"status": "error", "error": {"code", "message"}, "timestamp", "detail"}
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from polymem.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PolymemError,
    TooLarge,
    Unavailable,
)
from polymem.dialects.kit import (
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    JsonResponse,
    MethodNotAllowed,
    MisdirectedRequest,
    Problem,
    retry_after,
)
from polymem.dialects.memanto.wire.values import MAX_LIMIT


class MissingSession(NotAuthenticated):
    """A memory operation without X-Session-Token."""

    def __init__(self) -> None:
        super().__init__("X-Session-Token header is required")


class ExpiredSession(NotAuthenticated):
    """The session came to its end by itself."""

    def __init__(self) -> None:
        super().__init__("Session token has expired")


class InvalidSession(NotAuthenticated):
    """The session token is not one of this server's, or its session was ended."""

    def __init__(self, message: str = "Session token is invalid") -> None:
        super().__init__(message)


class NoSession(NotFound):
    """No session is active."""

    def __init__(self) -> None:
        super().__init__("Session", "")


class OtherAgent(Forbidden):
    """The session is another agent's."""

    def __init__(self, agent: str) -> None:
        super().__init__(f"The session token does not belong to agent '{agent}'")


class LimitTooLarge(InvalidInput):
    """More results than a page has."""

    def __init__(self) -> None:
        super().__init__(f"limit must be at most {MAX_LIMIT}", field="limit")


class QueryTooLong(TooLarge):
    """A query or a question is over its limit."""


class NothingToChange(InvalidInput):
    """A change without a field."""

    def __init__(self) -> None:
        super().__init__("There is no field to change")


def render(error: PolymemError) -> Response:
    """The answer to any error. One that is not listed here was not meant to reach a caller: its text stays here."""
    match error:
        case MissingSession():
            return _unauthorized("MISSING_SESSION_TOKEN", str(error))
        case ExpiredSession():
            return _unauthorized("EXPIRED_SESSION_TOKEN", str(error))
        case InvalidSession():
            return _unauthorized("INVALID_SESSION_TOKEN", str(error))
        case NotAuthenticated():
            return _unauthorized("INVALID_API_KEY", "API key is invalid or expired")
        case OtherAgent():
            return _answer(403, "SESSION_AGENT_MISMATCH", str(error))
        case Forbidden():
            return _answer(403, "FORBIDDEN", str(error))
        case NoSession():
            return _answer(404, "SESSION_NOT_FOUND", "There is no active session")
        case NotFound(kind=kind, identifier=identifier):
            return _not_found(kind, identifier)
        case MethodNotAllowed():
            return _answer(405, "METHOD_NOT_ALLOWED", str(error), headers={"Allow": error.allow})
        case MisdirectedRequest():
            return _answer(421, "MISDIRECTED_REQUEST", str(error))
        case Conflict():
            is_agent = str(error).startswith("Agent ")
            return _answer(409, "AGENT_ALREADY_EXISTS" if is_agent else "CONFLICT", str(error))
        case BodyTooLarge() | QueryTooLong():
            return _answer(413, "PAYLOAD_TOO_LARGE", str(error))
        case LimitTooLarge() | NothingToChange():
            return _answer(400, "INVALID_PARAMETER", str(error))
        case InvalidRequest(problems=problems):
            return _invalid(problems[0].detail, [_item(problem) for problem in problems])
        case InvalidInput():
            loc = ["body", *([] if error.field is None else [error.field])]
            return _invalid(str(error), [{"type": "value_error", "loc": loc, "msg": str(error)}])
        case Unavailable():
            return _answer(503, "SERVICE_UNAVAILABLE", str(error), headers=retry_after(error))
        case _:
            return _answer(500, "INTERNAL_ERROR", str(InternalError()))


def _not_found(kind: str, identifier: str) -> Response:
    match kind:
        case "Agent" | "Project":
            return _answer(404, "INVALID_AGENT_ID", f"Agent '{identifier}' not found")
        case "Memory":
            return _answer(404, "MEMORY_NOT_FOUND", f"Memory '{identifier}' not found")
        case "Session":
            return _answer(404, "SESSION_NOT_FOUND", f"Agent '{identifier}' has had no session")
        case _:
            return _answer(404, "NOT_FOUND", f"{kind} '{identifier}' not found")


def _unauthorized(code: str, message: str) -> Response:
    return _answer(401, code, message, headers={"WWW-Authenticate": "Bearer"})


def _invalid(message: str, detail: Sequence[Mapping[str, Any]]) -> Response:
    return _answer(422, "VALIDATION_ERROR", message, detail)


def _item(problem: Problem) -> dict[str, Any]:
    fields = [int(part) if part.isdigit() else part for part in problem.field.split(".") if part]
    return {"type": problem.type, "loc": [problem.location, *fields], "msg": problem.detail}


def _answer(
    status: int,
    code: str,
    message: str,
    detail: Sequence[Mapping[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body = {
        "status": "error",
        "error": {"code": code, "message": message},
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": message if detail is None else detail,
    }
    return JsonResponse(body, status, headers)


# --- documentation --------------------------------------------------------------------------------


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs.", examples=["INVALID_AGENT_ID"])
    message: str = Field(description="A sentence.", examples=["Agent 'xyz' not found"])


class ErrorResponse(BaseModel):
    """Any failure."""

    status: str = Field(description="Always error.", examples=["error"])
    error: ErrorBody
    timestamp: str = Field(description="When, in UTC.", examples=["2026-01-31T12:00:00Z"])
    detail: str | list[dict[str, Any]] = Field(
        description="The message again; for status 422 all that is wrong.", examples=["Agent 'xyz' not found"]
    )


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "INVALID_PARAMETER"},
    401: {
        "model": ErrorResponse,
        "description": "INVALID_API_KEY, MISSING_SESSION_TOKEN, INVALID_SESSION_TOKEN or EXPIRED_SESSION_TOKEN",
    },
    403: {"model": ErrorResponse, "description": "FORBIDDEN or SESSION_AGENT_MISMATCH"},
    404: {"model": ErrorResponse, "description": "INVALID_AGENT_ID, MEMORY_NOT_FOUND or SESSION_NOT_FOUND"},
    422: {"model": ErrorResponse, "description": "VALIDATION_ERROR"},
    "default": {"model": ErrorResponse, "description": "Any other failure"},
}
