"""mememory's Admin API: global and project scopes, TTL, supersession, contradictions, hierarchical search."""

from typing import Any

from fastapi import FastAPI

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.dialect import Dialect, DialectOptions
from polymem.dialects.mememory.cors import LocalOrigins
from polymem.dialects.mememory.errors import render
from polymem.dialects.mememory.routes import IMPORT_PATH, router
from polymem.dialects.mememory.wire import Error

_DESCRIPTION = """
mememory's Admin API over polymem: keep memories of a project or of all projects, search them, move them.

What the published reference documents is answered as documented; fields and endpoints marked as additions go beyond it.
Every failure has the body `{"error": "…"}`. On the owner's machine no credential is needed; a key may be sent as
`Authorization: Bearer KEY` or `X-API-Key: KEY`.
"""

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "Invalid JSON, a missing field, or a value that is not allowed"},
    401: {"model": Error, "description": "A credential is needed, or the one sent is not valid"},
    403: {"model": Error, "description": "The credential does not give this right"},
    404: {"model": Error, "description": "No such memory"},
    "default": {"model": Error, "description": "Any other failure"},
}


def create_app(core: Core, options: DialectOptions) -> FastAPI:
    """The API over `core`, to be mounted or served at a root."""
    api = kit.create_api(
        options,
        title="mememory Admin API",
        render=render,
        unlimited={IMPORT_PATH},
        description=_DESCRIPTION,
        responses=_ERRORS,
    )
    api.state.core = core
    api.include_router(router)
    api.add_middleware(kit.ForgivingPaths)
    api.add_middleware(LocalOrigins)
    return api


DIALECT = Dialect("mememory", "/mememory", 4200, create_app, render)
