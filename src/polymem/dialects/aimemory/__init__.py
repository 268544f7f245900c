"""AI Memory System's REST API: projects, memories, sessions, tasks, snippets, and the context document."""

from fastapi import FastAPI, Security
from fastapi.security import APIKeyHeader
from starlette.middleware import Middleware

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.aimemory.credentials import Authentication
from polymem.dialects.aimemory.errors import render
from polymem.dialects.aimemory.routes import ROUTERS
from polymem.dialects.aimemory.routes.shared import ERRORS
from polymem.dialects.dialect import Dialect, DialectOptions

_DESCRIPTION = """
AI Memory System's REST API over polymem: projects with memories, work sessions, tasks and code snippets, search by
meaning, and the context document that starts an AI conversation.

Send `Authorization: Token YOUR_API_TOKEN`: a token from the login, an account token or an API key of polymem. What the
published reference documents is answered as documented; what is marked as an addition goes beyond it.
"""


def create_app(core: Core, options: DialectOptions) -> FastAPI:
    """The API over `core`, to be mounted or served at a root."""
    api = kit.create_api(
        options,
        title="AI Memory System API",
        render=render,
        description=_DESCRIPTION,
        responses=ERRORS,
        generate_unique_id_function=lambda route: "-".join((*map(str, route.tags), route.name, *route.methods)).lower(),
        middleware=[Middleware(Authentication, core=core)],
    )
    api.state.core = core
    api.state.options = options
    token = APIKeyHeader(name="Authorization", auto_error=False, description="`Token YOUR_API_TOKEN`")
    for router in ROUTERS:
        api.include_router(router, dependencies=[Security(token)])
    api.add_middleware(kit.ForgivingPaths, slashed=("/api/", "/admin/"))
    return api


# Its MCP server is told this very address, and asks the native API.
DIALECT = Dialect("aimemory", "/aimemory", 8080, create_app, render, pages=True, native=True)
