"""Memento's REST API: namespaces, containers, AND tags and three search modes; its web page at `/`."""

from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.middleware import Middleware

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.dialect import Dialect, DialectOptions
from polymem.dialects.memento.cors import AnyOrigin
from polymem.dialects.memento.credentials import Authentication, is_required
from polymem.dialects.memento.errors import render
from polymem.dialects.memento.routes import router
from polymem.dialects.memento.wire import ErrorResponse

_DESCRIPTION = """
Memento's REST API over polymem: save a memory, recall it from its namespace, search all namespaces, list, delete.

What the published reference documents is answered as documented. Endpoints and fields marked as additions go beyond it.
Every failure has the body `{"success": false, "error", "code"}`.
"""

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "INVALID_REQUEST: missing or invalid parameters"},
    401: {"model": ErrorResponse, "description": "UNAUTHORIZED: missing or invalid API key"},
    403: {"model": ErrorResponse, "description": "UNAUTHORIZED: the key does not give this right"},
    404: {"model": ErrorResponse, "description": "NOT_FOUND"},
    413: {"model": ErrorResponse, "description": "INVALID_REQUEST: the body is too large"},
    "default": {"model": ErrorResponse, "description": "Any other failure"},
}


def create_app(core: Core, options: DialectOptions) -> FastAPI:
    """The API over `core`, to be mounted or served at a root."""
    api = kit.create_api(
        options,
        title="Memento REST API",
        render=render,
        description=_DESCRIPTION,
        responses=_ERRORS,
        middleware=[Middleware(Authentication, core=core, options=options)],
    )
    api.state.core = core
    api.state.options = options
    api.state.page = (files(__package__) / "page.html").read_text("utf-8")
    key = [Security(APIKeyHeader(name="x-api-key", auto_error=False)), Security(HTTPBearer(auto_error=False))]
    api.include_router(router, dependencies=key if is_required(core, options) else [])
    api.add_middleware(kit.ForgivingPaths)
    api.add_middleware(AnyOrigin)
    return api


DIALECT = Dialect("memento", "/memento", 7007, create_app, render, pages=True)
