"""What all dialects share: strict JSON, a limit on bodies, errors on one road, documentation that works offline.

    api = kit.create_api(options, title=…, render=render)
    api.include_router(router)          # router = kit.router(): its routes read JSON strictly

Every failure reaches the dialect's one `render` as a `PolymemError`: those of the core as they are, and those of
HTTP as the classes of `kit.errors`.
"""

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from polymem.dialects.dialect import DialectOptions
from polymem.dialects.kit.docs import install_docs
from polymem.dialects.kit.errors import (
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    MisdirectedRequest,
    Problem,
    Render,
    install_errors,
    retry_after,
    to_problem,
)
from polymem.dialects.kit.json import JsonResponse, StrictRoute, parse_json, router, to_json
from polymem.dialects.kit.limits import RateLimitHeaders, count_call
from polymem.dialects.kit.middleware import BodyLimit, CrashBarrier, HeadAsGet, HostCheck, RouteTemplate
from polymem.dialects.kit.negotiation import is_known, prefers_json, validators
from polymem.dialects.kit.pages import origin_of, refuse_foreign_pages
from polymem.dialects.kit.paths import ForgivingPaths
from polymem.dialects.kit.patterns import NOT_BLANK

__all__ = [
    "NOT_BLANK",
    "BodyLimit",
    "BodyTooLarge",
    "CrashBarrier",
    "ForgivingPaths",
    "HeadAsGet",
    "HostCheck",
    "InternalError",
    "InvalidRequest",
    "JsonResponse",
    "MethodNotAllowed",
    "MisdirectedRequest",
    "Problem",
    "RateLimitHeaders",
    "Render",
    "StrictRoute",
    "count_call",
    "create_api",
    "install_docs",
    "install_errors",
    "is_known",
    "origin_of",
    "parse_json",
    "prefers_json",
    "refuse_foreign_pages",
    "retry_after",
    "router",
    "to_json",
    "to_problem",
    "validators",
]


def create_api(
    options: DialectOptions, *, title: str, render: Render, unlimited: Collection[str] = (), **fastapi: Any
) -> FastAPI:
    """An empty application with a dialect's error bodies, body limit, Host check and offline documentation.

    `unlimited` are the paths whose bodies are streamed and may have any length. `fastapi` goes to FastAPI as it is;
    give `responses` a "default" of the dialect's error model, or FastAPI documents an error 422 that never comes.
    """
    settings: dict[str, Any] = {"version": options.version, "redirect_slashes": False}
    fastapi["middleware"] = [*fastapi.get("middleware", ()), Middleware(RateLimitHeaders), Middleware(RouteTemplate)]
    api = FastAPI(title=title, docs_url=None, redoc_url=None, **settings | fastapi)
    install_errors(api, render)
    install_docs(api)
    # The last one added is the outermost, and what a dialect adds is outside of all these.
    api.add_middleware(BodyLimit, max_bytes=options.max_body_bytes, render=render, unlimited=frozenset(unlimited))
    if options.allowed_hosts is not None:
        api.add_middleware(HostCheck, allowed=options.allowed_hosts, render=render)
    api.add_middleware(CrashBarrier, render=render)
    return api
