"""SelfMemory's REST API: memories made of messages, in projects of organizations; its SDKs work unchanged."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.dialect import Dialect, DialectOptions
from polymem.dialects.selfmemory.credentials import SECURITY
from polymem.dialects.selfmemory.errors import ErrorResponse, render
from polymem.dialects.selfmemory.routes import OPEN_ROUTERS, ROUTERS

_DESCRIPTION = """
SelfMemory's REST API over polymem: memories of a project, organizations and their members, API keys, invitations.

Send a project's key or an account token as `Authorization: Bearer …`, or a session as `Authorization: Session …`
or in the cookie `ory_kratos_session`. Every failure has the body `{"detail": "a sentence"}`.
"""

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "Invalid parameters"},
    401: {"model": ErrorResponse, "description": "Missing or invalid credential"},
    403: {"model": ErrorResponse, "description": "Insufficient permissions"},
    404: {"model": ErrorResponse, "description": "Not found"},
    429: {"model": ErrorResponse, "description": "Too many requests; Retry-After says when to come again"},
    "default": {"model": ErrorResponse, "description": "Any other failure"},
}


def create_app(core: Core, options: DialectOptions) -> FastAPI:
    """The API over `core`, to be mounted or served at a root."""
    api = kit.create_api(
        options, title="SelfMemory REST API", render=render, description=_DESCRIPTION, responses=_ERRORS
    )
    api.state.core = core
    api.state.options = options
    for router in ROUTERS:
        api.include_router(router, dependencies=SECURITY)
    for router in OPEN_ROUTERS:
        api.include_router(router)
    api.add_middleware(kit.ForgivingPaths)
    api.add_middleware(
        CORSMiddleware,
        allow_origins=sorted(options.cors_origins),
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"],
    )
    return api


DIALECT = Dialect("selfmemory", "/selfmemory", 8081, create_app, render)
