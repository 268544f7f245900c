"""API keys."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Caller
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import organization as wire
from polymem.dialects.native.wire.values import Text

router = kit.router(prefix="/v1/keys", tags=["keys"])


@router.get("", response_model=wire.KeyList, summary="List keys", responses=responses())
async def find(call: Caller) -> Response:
    """The keys of the organization, oldest first, revoked ones included; never their secrets."""
    projects = {project.id: project.key for project in await call.core.projects.all(call.scope)}
    keys = await call.core.access.keys(call.scope)
    items = [mapping.from_key(key, projects.get(key.project_id or "")) for key in keys]
    return kit.JsonResponse({"items": items, "total": len(items)})


@router.post("", status_code=201, response_model=wire.CreatedKey, summary="Make a key", responses=responses(404, 413))
async def create(call: Caller, body: wire.NewKey) -> Response:
    """Make a key with at most the maker's own rights. Its secret is in this answer and nowhere else."""
    project = None if body.project is None else await call.core.projects.get(call.scope, body.project)
    key, secret = await call.core.access.create_key(
        call.scope,
        body.name,
        project_id=None if project is None else project.id,
        permissions=mapping.to_permissions(body.permissions),
        expires_in=mapping.to_lifetime(body.expires_in_days),
    )
    made = mapping.from_key(key, None if project is None else project.key)
    # Nothing on the way may keep what is shown once.
    return kit.JsonResponse(made | {"secret": secret}, 201, {"cache-control": "no-store"})


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=responses(404))
async def revoke(
    call: Caller,
    key_id: Annotated[
        Text, Path(description="The key's id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"], min_length=1)
    ],
) -> Response:
    """End a key. It is refused from the next request on."""
    await call.core.access.revoke_key(call.scope, key_id)
    return Response(status_code=204)
