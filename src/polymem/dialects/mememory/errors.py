"""Every failure in mememory's one shape: {"error": "what went wrong"}."""

from starlette.responses import Response

from polymem.core.errors import Conflict, Forbidden, InvalidInput, NotAuthenticated, NotFound, PolymemError, Unavailable
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

_NOT_JSON = "The body is not valid JSON: "


def render(error: PolymemError) -> Response:
    """The answer to any error. One that is not listed here was not meant to reach a caller: its text stays here."""
    match error:
        case BodyTooLarge():
            return _answer(413, str(error))
        case InvalidRequest(problems=(problem, *_)):
            return _answer(400, _sentence(problem))
        case InvalidInput():
            return _answer(400, _in_wire_words(str(error)))
        case MethodNotAllowed():
            return _answer(405, str(error), {"Allow": error.allow})
        case MisdirectedRequest():
            return _answer(421, str(error))
        case NotAuthenticated():
            return _answer(401, str(error), {"WWW-Authenticate": 'Bearer realm="polymem"'})
        case Forbidden():
            return _answer(403, str(error))
        case NotFound(kind="Memory"):
            return _answer(404, "memory not found")
        case NotFound():
            return _answer(404, str(error))
        case Conflict():
            # The reference has no status of its own for this: what was asked does not fit what there is.
            return _answer(400, str(error))
        case Unavailable():
            return _answer(503, str(error), retry_after(error))
        case _:
            return _answer(500, str(InternalError()))


def _answer(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    return JsonResponse({"error": error}, status, headers)


def _sentence(problem: Problem) -> str:
    # A value of the wrong type could not have been read as what the reference documents.
    return f"invalid JSON: {problem.detail}" if problem.type.endswith("_type") else problem.detail


def _in_wire_words(sentence: str) -> str:
    if sentence.startswith(_NOT_JSON):
        return f"invalid JSON: {sentence.removeprefix(_NOT_JSON)}"
    # The core calls a type a kind.
    return f"type{sentence.removeprefix('kind')}" if sentence.startswith("kind ") else sentence
