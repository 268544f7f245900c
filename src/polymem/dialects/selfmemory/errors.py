"""Every failure in SelfMemory's one shape: {"detail": "a sentence"}, with the statuses its reference lists."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from polymem.core.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PolymemError,
    RuleBroken,
    TooManyRequests,
    Unavailable,
)
from polymem.core.people.access import Action
from polymem.dialects.kit import (
    BodyTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    MisdirectedRequest,
    Problem,
    retry_after,
)

INTERNAL_ERROR = "Internal server error"

_NOT_FOUND = {
    "Path": "Not Found",
    "Memory": "Memory not found",
    "Project": "Project not found",
    "Organization": "Organization not found",
    "Invitation": "Invitation not found",
    "Notification": "Notification not found",
    "User": "User not found",
    "Key": "API key not found in this project",
}


class Missing(NotFound):
    """Something is not there, said in words that depend on what was asked."""

    def __init__(self, error: NotFound, detail: str) -> None:
        super().__init__(error.kind, error.identifier)
        self.detail = detail


@contextmanager
def saying(*, member: str | None = None, project: str | None = None, stranger: str | None = None) -> Iterator[None]:
    """Gives core errors the words of one endpoint: no such `member`, no such `project`, or the caller is a
    `stranger` to the project. Without any, only what is named ambiguously is taken to be not there."""
    try:
        yield
    except NotFound as error:
        detail = {"Member": member, "Project": project}.get(error.kind)
        raise (error if detail is None else Missing(error, detail)) from None
    except Forbidden as error:
        if stranger is None or error.action != Action.SEE_PROJECT.value:
            raise
        raise Forbidden(stranger, action=error.action) from None
    except InvalidInput as error:
        # Of an account with several organizations the core would like to know in which one to look for a name; here
        # projects have ids, and this one is in none of them.
        if error.field != "organization":
            raise
        raise NotFound("Project", "") from None


class ErrorResponse(BaseModel):
    """What every failure looks like."""

    detail: str = Field(description="What is wrong, in a sentence.", examples=["Memory not found"])


def render(error: PolymemError) -> Response:
    """The answer to any error. One that is not listed here was not meant to reach a caller: its text stays here."""
    match error:
        case BodyTooLarge():
            return _answer(413, str(error))
        case InvalidRequest(problems=problems):
            return _answer(400, "; ".join(dict.fromkeys(map(_sentence, problems))))
        case InvalidInput() | RuleBroken():
            return _answer(400, str(error))
        case MethodNotAllowed():
            return _answer(405, "Method Not Allowed", {"Allow": error.allow})
        case MisdirectedRequest():
            return _answer(421, str(error))
        case NotAuthenticated():
            return _answer(401, str(error), {"WWW-Authenticate": "Bearer"})
        case Forbidden():
            return _answer(403, str(error))
        case Gone():
            return _answer(410, str(error))
        case Missing(detail=detail):
            return _answer(404, detail)
        case NotFound(kind=kind):
            return _answer(404, _NOT_FOUND.get(kind, f"{kind} not found"))
        case Conflict():
            return _answer(409, str(error))
        case TooManyRequests():
            return _answer(429, f"Rate limit exceeded: {error.limit} per 1 minute")
        case Unavailable():
            return _answer(503, str(error), retry_after(error))
        case _:
            return _answer(500, INTERNAL_ERROR)


def _answer(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"detail": detail}, status, headers)


def _sentence(problem: Problem) -> str:
    # The checks of `wire` say what is wrong; only here is it known with which field.
    return f"{problem.field} {problem.detail}" if problem.type == "value_error" else problem.detail
