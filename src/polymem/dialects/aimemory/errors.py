"""Every failure in Django REST framework's shapes: {"detail": …}, or the wrong fields with their sentences."""

from typing import Any

from starlette.responses import Response

from polymem.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PolymemError,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from polymem.dialects.kit import (
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    JsonResponse,
    MethodNotAllowed,
    MisdirectedRequest,
    retry_after,
)

_FIELDS = {"kind": "memory_type", "active": "is_active", "key": "slug"}
"""The core's names of fields that have another one here."""


class Invalid(InvalidInput):
    """What was sent breaks rules. `errors` is the answer's body: the wrong fields, each with its sentences."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__(f"{', '.join(errors)} cannot be taken as sent")
        self.errors = errors


class Unparsable(InvalidInput):
    """The body is not what its media type says."""


class UnsupportedMediaType(PolymemError):
    """The body is of a media type that is not read here."""

    def __init__(self, media_type: str) -> None:
        super().__init__(f'Unsupported media type "{media_type}" in request.')


def render(error: PolymemError) -> Response:
    """The answer to any error. One that is not listed here was not meant to reach a caller: its text stays here."""
    match error:
        case Invalid():
            return JsonResponse(error.errors, 400)
        case BodyTooLarge():
            return _answer(413, str(error))
        case InvalidRequest():
            return JsonResponse(
                {problem.field or "non_field_errors": [problem.detail] for problem in error.problems}, 400
            )
        case TooLarge() | InvalidInput():
            if error.field is None:
                return _answer(400, str(error))
            return JsonResponse({_FIELDS.get(error.field, error.field): [str(error)]}, 400)
        case UnsupportedMediaType():
            return _answer(415, str(error))
        case MethodNotAllowed():
            method = str(error).split(" ", 1)[0]
            return _answer(405, f'Method "{method}" not allowed.', {"Allow": error.allow})
        case MisdirectedRequest():
            return _answer(421, str(error))
        case NotAuthenticated():
            return _answer(401, str(error), {"WWW-Authenticate": "Token"})
        case Forbidden():
            return _answer(403, "You do not have permission to perform this action.")
        case NotFound(kind="Path"):
            return _answer(404, "Not found.")
        case NotFound():
            return _answer(404, f"No {error.kind} matches the given query.")
        case Conflict():
            return _answer(409, str(error))
        case TooManyRequests():
            sentence = f"Request was throttled. Expected available in {error.retry_after} seconds."
            return _answer(429, sentence, retry_after(error))
        case Unavailable():
            return _answer(503, str(error), retry_after(error))
        case _:
            return _answer(500, str(InternalError()))


def _answer(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JsonResponse({"detail": detail}, status, headers)
