"""What all dialects share: strict JSON, a limit on bodies, errors on one road, documentation that works offline.

    api = kit.create_api(options, title=…, render=render)
    api.include_router(router)          # router = kit.router(): its routes read JSON strictly

Every failure reaches the dialect's one `render` as a `PolymemError`: those of the core as they are, and those of
HTTP as the five classes below.
"""

import json
import logging
import math
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polymem.core.errors import InvalidInput, NotFound, PolymemError, TooLarge
from polymem.dialects.dialect import DialectOptions

Render = Callable[[PolymemError], Response]
"""A dialect's total translation of errors. It must answer for every class of the core's tree and for those below."""

_logger = logging.getLogger(__name__)


# --- what HTTP adds to the errors of the core ----------------------------------------------------


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


# --- an application with all of it ---------------------------------------------------------------


def create_api(
    options: DialectOptions, *, title: str, render: Render, unlimited: Collection[str] = (), **fastapi: Any
) -> FastAPI:
    """An empty application with a dialect's error bodies, body limit, Host check and offline documentation.

    `unlimited` are the paths whose bodies are streamed and may have any length. `fastapi` goes to FastAPI as it is;
    give `responses` a "default" of the dialect's error model, or FastAPI documents an error 422 that never comes.
    """
    settings: dict[str, Any] = {"version": options.version, "redirect_slashes": False}
    api = FastAPI(title=title, docs_url=None, redoc_url=None, **settings | fastapi)
    install_errors(api, render)
    install_docs(api)
    # The last one added is the outermost.
    api.add_middleware(BodyLimit, max_bytes=options.max_body_bytes, render=render, unlimited=frozenset(unlimited))
    if options.allowed_hosts is not None:
        api.add_middleware(HostCheck, allowed=options.allowed_hosts, render=render)
    api.add_middleware(CrashBarrier, render=render)
    return api


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
                return render(MethodNotAllowed(request.method, (error.headers or {}).get("Allow", "")))
            case _:
                return render(InvalidInput(str(error.detail)))

    api.add_exception_handler(PolymemError, on_polymem_error)
    api.add_exception_handler(RequestValidationError, on_validation_error)
    api.add_exception_handler(HTTPException, on_http_exception)


def to_problem(error: Mapping[str, Any]) -> Problem:
    """One entry of pydantic's error list as a problem with a sentence."""
    location, *path = error["loc"] or ("body",)
    # Names of union members and validators stand in the path too; they are none of the caller's business.
    field = ".".join(str(part) for part in path if isinstance(part, int) or str(part).isidentifier())
    kind, name = error["type"], field or f"the {location}"
    if kind == "missing":
        detail = f"{name} is required" if field else "A JSON body is required"
    elif kind == "extra_forbidden":
        detail = f"unknown {'parameter' if location == 'query' else 'field'} {path[-1]}"
        field = ".".join(str(part) for part in path)
    elif not path and kind in ("model_attributes_type", "model_type", "dict_type"):
        detail = "The body must be a JSON object"
    elif kind == "value_error":
        detail = str(error["msg"]).removeprefix("Value error, ")
    else:
        message = str(error["msg"])
        detail = f"{name}: {message[:1].lower()}{message[1:]}"
    return Problem(str(location), field, kind, detail)


class CrashBarrier:
    """ASGI middleware: an unexpected exception is logged and answered by `render`, and goes no further."""

    def __init__(self, app: ASGIApp, render: Render) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except PolymemError as error:
            if started:
                raise
            await self._render(error)(scope, receive, send)
        except Exception:
            _logger.exception("request failed")
            if started:
                raise
            await self._render(InternalError())(scope, receive, send)


class BodyLimit:
    """ASGI middleware: a body over the limit is refused, by its stated length or by what really arrives."""

    def __init__(self, app: ASGIApp, max_bytes: int, render: Render, unlimited: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._render = render
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) in self._unlimited:
            return await self._app(scope, receive, send)
        too_large = BodyTooLarge(f"The body is larger than {self._max_bytes} bytes")
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._max_bytes:
                return await self._render(too_large)(scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._max_bytes:
                    raise too_large
            return message

        return await self._app(scope, counted, send)


class HostCheck:
    """ASGI middleware: only requests for one of the `allowed` hosts (names without a port) are answered."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str], render: Render) -> None:
        self._app = app
        self._allowed = allowed
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and _without_port(hosts[0]) in self._allowed:
            return await self._app(scope, receive, send)
        return await self._render(MisdirectedRequest(", ".join(hosts)))(scope, receive, send)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


# --- JSON in -------------------------------------------------------------------------------------


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


# --- documentation without a network -------------------------------------------------------------

_DOCS_ASSETS = "/docs/assets"
# Keeps the pages' own scripts from fetching anything from elsewhere (a logo, fonts, a validator's badge).
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:"
)


def install_docs(api: FastAPI) -> None:
    """Serve /docs (Swagger UI) and /redoc from the scripts inside the installed fastapi-offline package."""
    static = Path(fastapi_offline.__file__).parent / "static"
    api.mount(_DOCS_ASSETS, StaticFiles(directory=static), name="docs-assets")

    @api.get("/docs", include_in_schema=False)
    async def swagger(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return _docs_page(
            get_swagger_ui_html(
                openapi_url=f"{root}{api.openapi_url}",
                title=api.title,
                swagger_js_url=f"{root}{_DOCS_ASSETS}/swagger-ui-bundle.js",
                swagger_css_url=f"{root}{_DOCS_ASSETS}/swagger-ui.css",
                swagger_favicon_url=f"{root}{_DOCS_ASSETS}/favicon.png",
            )
        )

    @api.get("/redoc", include_in_schema=False)
    async def redoc(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return _docs_page(
            get_redoc_html(
                openapi_url=f"{root}{api.openapi_url}",
                title=api.title,
                redoc_js_url=f"{root}{_DOCS_ASSETS}/redoc.standalone.js",
                redoc_favicon_url=f"{root}{_DOCS_ASSETS}/favicon.png",
                with_google_fonts=False,
            )
        )


def _docs_page(page: HTMLResponse) -> HTMLResponse:
    page.headers["content-security-policy"] = _DOCS_POLICY
    return page
