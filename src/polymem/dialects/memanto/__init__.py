"""MEMANTO's REST API: agents and their sessions, typed memories, recall through time, answers, summaries."""

from fastapi import FastAPI

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.dialect import Dialect, DialectOptions
from polymem.dialects.memanto.errors import ERRORS, render
from polymem.dialects.memanto.routes import OPEN_ROUTERS, ROUTERS

PREFIX = "/api/v2"

_DESCRIPTION = """
MEMANTO's REST API over polymem.

Send a key as `Authorization: Bearer mk_…` (or `X-Api-Key`) with every request. Memory operations also need
`X-Session-Token`: the `session_token` that activating an agent answers with; alone, it stands for the key it was
made with. What is documented as an addition goes beyond the published reference.

Every answer has its members twice: flat, and in `data` of the envelope `{"status", "data", "timestamp"}`. Every failure
is `{"status": "error", "error": {"code", "message"}, "timestamp", "detail"}`.
"""


def create_app(core: Core, options: DialectOptions) -> FastAPI:
    """The API over `core`, to be mounted or served at a root."""
    api = kit.create_api(options, title="MEMANTO REST API", render=render, description=_DESCRIPTION, responses=ERRORS)
    api.state.core = core
    api.state.options = options
    for router in ROUTERS:
        api.include_router(router, prefix=PREFIX)
    for router in OPEN_ROUTERS:
        api.include_router(router)
    api.add_middleware(kit.ForgivingPaths)
    return api


DIALECT = Dialect("memanto", "/memanto", 8000, create_app, render)
