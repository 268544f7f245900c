"""What is known of the server without a key."""

from fastapi import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.errors import Unavailable
from polymem.dialects import kit

router = kit.router(tags=["Server"])

SERVICE = "MEMANTO"


@router.get("/", summary="Service")
async def root(request: Request) -> Response:
    """What this is, and where its documentation is."""
    prefix = request.scope.get("root_path", "")
    return kit.JsonResponse(
        {
            "service": SERVICE,
            "description": "MEMANTO's REST API over polymem",
            "version": request.app.state.options.version,
            "docs": f"{prefix}/docs",
        }
    )


@router.get("/health", summary="Health")
async def health(request: Request) -> Response:
    """Whether the server and its store answer."""
    core: Core = request.app.state.core
    try:
        await core.store.ping()
        healthy = True
    except Unavailable:
        healthy = False
    body = {
        "status": "healthy" if healthy else "unhealthy",
        "service": SERVICE,
        "version": request.app.state.options.version,
        "moorcheh_connected": healthy,
    }
    return kit.JsonResponse(body, 200 if healthy else 503)


@router.get("/ready", summary="Readiness")
async def ready(request: Request) -> Response:
    """Whether requests are answered."""
    core: Core = request.app.state.core
    await core.store.ping()
    return kit.JsonResponse({"status": "ready"})


@router.get("/live", summary="Liveness")
async def live() -> Response:
    """Whether the process runs."""
    return kit.JsonResponse({"status": "alive"})
