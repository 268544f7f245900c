"""Whether the server is well. Open to everybody."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.dialects import kit
from polymem.dialects.dialect import DialectOptions
from polymem.dialects.selfmemory import health as checks
from polymem.dialects.selfmemory.credentials import presented, principal_of
from polymem.dialects.selfmemory.mapping.values import Json
from polymem.dialects.selfmemory.wire import health as wire

router = kit.router(tags=["Health"])

_UNHEALTHY: dict[int | str, dict[str, Any]] = {503: {"model": wire.Health, "description": "A part cannot do its work."}}


@router.get("/v1/health", response_model=wire.Health, response_model_exclude_none=True, responses=_UNHEALTHY)
@router.get("/health", response_model=wire.Health, response_model_exclude_none=True, responses=_UNHEALTHY)
async def health(request: Request) -> Response:
    """Checks of the database, the memory and the disk. A credential that is sent is checked too, and told about."""
    caller = await _caller(request)
    core: Core = request.app.state.core
    options: DialectOptions = request.app.state.options
    report = await checks.report(core, options)
    return kit.JsonResponse(report | caller, 503 if report["status"] == checks.UNHEALTHY else 200)


async def _caller(request: Request) -> Json:
    # The original's MCP server looks here for what its users' keys stand for.
    found = presented(request)
    if found is None or found.by_cookie:
        return {}
    principal = await principal_of(request)
    return {
        "user_id": principal.actor if principal.user is None else principal.user.id,
        "project_id": principal.project_id,
        "organization_id": principal.organization_id,
    }


@router.get("/health/live", response_model=wire.Alive)
async def live(request: Request) -> Response:
    """Whether the process answers at all; touches nothing."""
    return kit.JsonResponse({"status": "alive", "timestamp": checks.timestamp(request.app.state.core)})


@router.get(
    "/health/ready",
    response_model=wire.Ready,
    responses={503: {"model": wire.Ready, "description": "Memories cannot be read."}},
)
async def ready(request: Request) -> Response:
    """Whether memories can be read and kept now."""
    core: Core = request.app.state.core
    database = await checks.check_database(core, request.app.state.options)
    disk = await asyncio.to_thread(checks.check_disk, request.app.state.options)
    well = checks.UNHEALTHY not in (database["status"], disk["status"])
    body = {"status": "ready" if well else "not_ready", "timestamp": checks.timestamp(core)}
    return kit.JsonResponse(body, 200 if well else 503)
