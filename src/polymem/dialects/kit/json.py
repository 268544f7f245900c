"""JSON in, read strictly, and JSON out, written cheaply."""

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pydantic_core
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from polymem.core.errors import InvalidInput


def parse_json(body: bytes) -> Any:
    """The JSON value of `body`, read strictly.

    Raises InvalidInput for what is not UTF-8 or not JSON, for NaN and infinities, for a name that occurs twice in an
    object, for half a surrogate pair, and for nesting too deep to be read.
    """
    try:
        text = body.decode()
        value = json.loads(text, object_pairs_hook=_unique_names, parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not valid JSON: {error}") from None
    except RecursionError:
        raise InvalidInput("The body is nested too deeply") from None
    except ValueError as error:
        # Python refuses to read integers of thousands of digits.
        raise InvalidInput(f"The body is not valid JSON: {error}") from None
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(value)
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InvalidInput(f"{twice!r} occurs twice in one object")
    return value


def _refuse_constant(name: str) -> Any:
    raise InvalidInput(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidInput(f"{digits[:40]} is too large for a number")
    return number


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidInput("The body contains half of a surrogate pair, which is not text") from None


class _StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route whose body is read by `parse_json`, whatever its Content-Type says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler FastAPI calls."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strict(request: Request) -> Response:
            scope = request.scope
            if request.headers.get("content-type") != "application/json":
                others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
                scope = {**scope, "headers": [*others, (b"content-type", b"application/json")]}
            request = _StrictRequest(scope, request.receive)
            # Read here: FastAPI turns whatever is raised while it reads the body into an error of its own.
            if await request.body():
                await request.json()
            return await handle(request)

        return strict


def router(**options: Any) -> APIRouter:
    """A router whose routes are `StrictRoute`s."""
    return APIRouter(route_class=StrictRoute, **options)


def to_json(value: Any) -> bytes:
    """`value` as compact UTF-8 JSON; instants as RFC 3339."""
    return pydantic_core.to_json(value)


class JsonResponse(Response):
    """An answer made of plain values, serialised once and not validated."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return to_json(content)
