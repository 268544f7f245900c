"""Every failure in Memento's one shape: {"success": false, "error", "code"}.

The reference knows four codes and clients tell failures apart by them, so there are no others; the status says more
where more can be said.
"""

from typing import Literal

from starlette.responses import JSONResponse, Response

from polymem.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PolymemError,
    TooManyRequests,
    Unavailable,
)
from polymem.dialects.kit import (
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    MisdirectedRequest,
    Problem,
    retry_after,
)
from polymem.dialects.memento.wire import ErrorResponse

Code = Literal["INVALID_REQUEST", "NOT_FOUND", "INTERNAL_ERROR", "UNAUTHORIZED"]


def render(error: PolymemError) -> Response:
    """The answer to any error. One that is not listed here was not meant to reach a caller: its text stays here."""
    match error:
        case BodyTooLarge():
            return _answer(413, "INVALID_REQUEST", str(error))
        case InvalidRequest(problems=(problem, *_)):
            return _answer(400, "INVALID_REQUEST", _sentence(problem))
        case InvalidInput():
            return _answer(400, "INVALID_REQUEST", _in_wire_words(str(error)))
        case MethodNotAllowed():
            return _answer(405, "INVALID_REQUEST", str(error), {"Allow": error.allow})
        case MisdirectedRequest():
            return _answer(421, "INVALID_REQUEST", str(error))
        case NotAuthenticated():
            return _answer(401, "UNAUTHORIZED", "Unauthorized", {"WWW-Authenticate": "Bearer"})
        case Forbidden():
            return _answer(403, "UNAUTHORIZED", str(error))
        case NotFound(kind="Memory", identifier=identifier):
            return _answer(404, "NOT_FOUND", f"Memory entry {identifier} not found")
        case NotFound():
            return _answer(404, "NOT_FOUND", str(error))
        case Conflict():
            return _answer(409, "INVALID_REQUEST", str(error))
        case TooManyRequests():
            return _answer(429, "INVALID_REQUEST", str(error), retry_after(error))
        case Unavailable():
            return _answer(503, "INTERNAL_ERROR", str(error), retry_after(error))
        case _:
            return _answer(500, "INTERNAL_ERROR", str(InternalError()))


def _answer(status: int, code: Code, error: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(ErrorResponse(error=error, code=code).model_dump(), status, headers)


def _sentence(problem: Problem) -> str:
    # The checks of `wire` say what is wrong; only here is it known with which field.
    return f"{problem.field} {problem.detail}" if problem.type == "value_error" else problem.detail


def _in_wire_words(sentence: str) -> str:
    # The core calls a namespace a project.
    return f"namespace{sentence.removeprefix('project')}" if sentence.startswith("project ") else sentence
