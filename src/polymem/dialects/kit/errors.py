"""What HTTP adds to the errors of the core, and the one road all of them take to a dialect's `render`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from polymem.core.errors import InvalidInput, NotFound, PolymemError, TooLarge, TooManyRequests, Unavailable

_NAME = re.compile(r"[\w-]+")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

Render = Callable[[PolymemError], Response]
"""A dialect's total translation of errors. It must answer for every class of the core's tree and for those below."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request.

    `location` is "body", "query", "path" or "header". `field` is its dotted name inside that ("tags.0"), "" for the
    whole. `type` is pydantic's name of the kind of mistake ("missing", "extra_forbidden", "int_type", …), `detail` a
    sentence.
    """

    location: str
    field: str
    type: str
    detail: str


class InvalidRequest(InvalidInput):
    """The request does not have the documented form. `problems` names all that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__(first.detail, field=first.field or None)
        self.problems = problems


class BodyTooLarge(TooLarge):
    """The request's body is over the server's limit, whether it said so beforehand or not."""


class MethodNotAllowed(PolymemError):
    """The path exists, but not for this method. `allow` is the value of the Allow header."""

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"{method} is not possible here; allowed is {allow}" if allow else f"{method} is not possible")
        self.allow = allow


def retry_after(error: TooManyRequests | Unavailable) -> dict[str, str]:
    """The header that says when to come again, none where waiting does not help."""
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


class MisdirectedRequest(PolymemError):
    """The Host header names a server this one is not (what a page that rebinds its own name to us would send)."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This server does not answer for the host {host!r}; add it to POLYMEM_ALLOWED_HOSTS to allow it"
        )


class InternalError(PolymemError):
    """Something broke that should not have. The cause is in the log and never in the answer."""

    def __init__(self) -> None:
        super().__init__("The server failed to answer this request; its log tells why")


def install_errors(api: FastAPI, render: Render) -> None:
    """Send everything that goes wrong inside `api` through `render`."""

    async def on_polymem_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, PolymemError)
        return render(error)

    async def on_validation_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(InvalidRequest(tuple(to_problem(item) for item in error.errors())))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        match error.status_code:
            case 404:
                return render(NotFound("Path", request.url.path))
            case 405:
                return render(MethodNotAllowed(request.method, _allowed(request)))
            case _:
                return render(InvalidInput(str(error.detail)))

    api.add_exception_handler(PolymemError, on_polymem_error)
    api.add_exception_handler(RequestValidationError, on_validation_error)
    api.add_exception_handler(HTTPException, on_http_exception)


def _allowed(request: Request) -> str:
    # Each verb of a path is a route of its own, and the router tells the methods of the first one only.
    def answers(method: str) -> bool:
        asked = {**request.scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)

    return ", ".join(method for method in _METHODS if answers(method))


def to_problem(error: Mapping[str, Any]) -> Problem:
    """One entry of pydantic's error list as a problem with a sentence."""
    location, *path = error["loc"] or ("body",)
    # Names of union members and validators stand in the path too; they are none of the caller's business.
    field = ".".join(str(part) for part in path if _NAME.fullmatch(str(part)))
    kind, name = error["type"], field or f"the {location}"
    if kind == "missing":
        detail = f"{name} is required" if field else "A JSON body is required"
    elif kind == "extra_forbidden":
        detail = f"unknown {'parameter' if location == 'query' else 'field'} {path[-1]}"
        field = ".".join(str(part) for part in path)
    elif not path and kind in ("model_attributes_type", "model_type", "dict_type"):
        detail = "The body must be a JSON object"
    elif "field" in (context := error.get("ctx", {})):
        # A rule of the core, asked by a validator: it has the sentence and names the field itself.
        field, detail = ".".join(filter(None, (field, context["field"]))), str(error["msg"])
    elif kind == "value_error":
        detail = str(error["msg"]).removeprefix("Value error, ")
    else:
        message = str(error["msg"])
        detail = f"{name}: {message[:1].lower()}{message[1:]}"
    return Problem(str(location), field, kind, detail)
