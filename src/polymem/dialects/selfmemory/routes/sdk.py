"""The addresses the Python SDK asks beside the documented ones."""

from fastapi import APIRouter
from starlette.responses import Response

from polymem.dialects import kit
from polymem.dialects.selfmemory.credentials import Caller, CredentialRoute
from polymem.dialects.selfmemory.mapping import memories as mapping
from polymem.dialects.selfmemory.routes.memories import ProjectId, counted, found
from polymem.dialects.selfmemory.wire import memories as wire

router = APIRouter(prefix="/v1", tags=["SDK"], route_class=CredentialRoute)


@router.post("/memories/temporal-search", response_model=wire.Hits, response_model_exclude_none=True)
async def temporal_search(request: wire.TemporalSearch, call: Caller, project_id: ProjectId = None) -> Response:
    """Memories by when they were kept."""
    return await found(call, mapping.from_temporal_search(request), project_id)


@router.post("/memories/tag-search", response_model=wire.Hits, response_model_exclude_none=True)
async def tag_search(request: wire.TagSearch, call: Caller, project_id: ProjectId = None) -> Response:
    """Memories by their tags."""
    return await found(call, mapping.from_tag_search(request), project_id)


@router.post("/memories/people-search", response_model=wire.Hits, response_model_exclude_none=True)
async def people_search(request: wire.PeopleSearch, call: Caller, project_id: ProjectId = None) -> Response:
    """Memories by the people they mention."""
    return await found(call, mapping.from_people_search(request), project_id)


@router.get("/stats", response_model=wire.Stats)
async def stats(call: Caller, project_id: ProjectId = None) -> Response:
    """Counts of the project's memories."""
    return kit.JsonResponse(await counted(call, project_id))
