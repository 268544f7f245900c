"""Whether the server is well, and what it holds."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from polymem.core import Core
from polymem.core.errors import Unavailable
from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import organization as wire

router = kit.router(tags=["health"])


@router.get("/v1/stats", response_model=wire.Stats, summary="Count memories", responses=responses())
async def stats(call: Caller) -> Response:
    """Counts of what the credential can see."""
    return kit.JsonResponse(mapping.from_stats(await call.core.stats(call.scope), call.core.embedder.model))


@router.get("/v1/stats/recalls", response_model=wire.RecallActivity, summary="Count recalls", responses=responses())
async def recalls(call: Caller, query: Annotated[wire.RecallsQuery, Query()]) -> Response:
    """How many recalls were asked on each of the last days, and how many found nothing, today included.

    A credential of some projects sees the recalls that named one of them; those that named none, or several, are
    counted for the organization alone. Questions about the past and searches in the dashboard are not counted.
    """
    return kit.JsonResponse(mapping.from_recalls(await call.core.overview.recalls(call.scope, query.days)))


@router.get("/health", response_model=wire.Health, summary="How the server is")
async def health(request: Request) -> Response:
    """How the server and its parts are. Always 200 while the process answers."""
    return kit.JsonResponse(await _health(request))


@router.get("/health/live", response_model=wire.Alive, summary="Whether the process answers")
async def live() -> Response:
    """Whether the process answers at all; touches nothing."""
    return kit.JsonResponse({"status": "ok"})


@router.get(
    "/health/ready",
    response_model=wire.Health,
    summary="Whether the server can do its work",
    responses={503: {"model": wire.Health, "description": "Memories cannot be read."}},
)
async def ready(request: Request) -> Response:
    """Whether memories can be read now."""
    report = await _health(request)
    return kit.JsonResponse(report, 503 if report["status"] == "unavailable" else 200)


async def _health(request: Request) -> mapping.Json:
    core: Core = request.app.state.core
    try:
        await core.store.ping()
    except Unavailable:
        stored = False
    else:
        stored = True
    return mapping.from_health(request.app.state.options.version, stored=stored, embeds=core.embedder.model is not None)


@router.get("/", include_in_schema=False)
async def index(request: Request) -> Response:
    """The documentation, until there is a dashboard."""
    return RedirectResponse(request.scope.get("root_path", "") + "/docs")
