"""Everything a call can end with instead of a result, as one tree.

    ClientError
    ├── ConnectionFailed        no answer came
    │   └── TimedOut            … within the time the caller allows
    ├── UnexpectedAnswer        an answer came, but not one of this API: wrong address, or a proxy in between
    └── ApiError                the server says no, with a problem document (RFC 9457)
        ├── InvalidInput        400, 422: what was sent cannot be kept or understood
        │   └── TooLarge        413
        ├── NotAuthenticated    401
        ├── Forbidden           403
        ├── NotFound            404
        ├── Conflict            409, 412
        ├── RateLimited         429
        └── ServerError         any 5xx
            └── Unavailable     503: a part it needs (say the embedding model) cannot answer now

`str(error)` is one sentence, the server's own where it sent one.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """Root of the tree."""


class ConnectionFailed(ClientError):
    """No answer came: nobody listens there, or the connection broke."""


class TimedOut(ConnectionFailed):
    """No answer came in time. What was asked may have happened all the same."""


class UnexpectedAnswer(ClientError):
    """The answer is not one this API gives."""


class ApiError(ClientError):
    """The server answered with an error status.

    `problem` is its whole problem document; `title`, `detail` and `errors` (one mapping for each thing wrong with
    the request, where the server names them) are parts of it. `retry_after` is in seconds.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.problem = problem
        self.title = str(problem.get("title") or f"HTTP status {status}")
        self.detail = str(problem.get("detail") or self.title)
        errors = problem.get("errors")
        self.errors: Sequence[Mapping[str, Any]] = errors if isinstance(errors, list) else ()
        self.retry_after = retry_after
        super().__init__(self.detail)


class InvalidInput(ApiError):
    """What was sent cannot be kept or understood."""


class TooLarge(InvalidInput):
    """A text, list or request is over its stated limit."""


class NotAuthenticated(ApiError):
    """No API key was sent where one is needed, or it is not valid."""


class Forbidden(ApiError):
    """The API key is valid and does not give this right."""


class NotFound(ApiError):
    """No such thing, or none that this API key can see."""


class Conflict(ApiError):
    """The thing changed meanwhile, or a rule forbids the state that was asked for."""


class RateLimited(ApiError):
    """Too many requests; `retry_after` may say when to come back."""


class ServerError(ApiError):
    """The server failed."""


class Unavailable(ServerError):
    """A part the server needs cannot answer now; trying again later may help."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidInput,
    401: NotAuthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: TooLarge,
    422: InvalidInput,
    429: RateLimited,
    503: Unavailable,
}


def error_of(status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> ApiError:
    """The error for an answer's status and problem document."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, problem, retry_after)
