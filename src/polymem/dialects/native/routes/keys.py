"""API keys."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from polymem.dialects import kit
from polymem.dialects.native import mapping
from polymem.dialects.native.credentials import Visitor
from polymem.dialects.native.errors import responses
from polymem.dialects.native.people import to_page
from polymem.dialects.native.wire import organization as wire
from polymem.dialects.native.wire.people import PageQuery
from polymem.dialects.native.wire.values import Name, Text

router = kit.router(prefix="/v1/keys", tags=["keys"])


class KeyQuery(PageQuery):
    """Which keys."""

    project: Name | None = Field(None, description="Only those of this project (key or id).", examples=["travel"])


@router.get("", response_model=wire.KeyList, summary="List keys", responses=responses(404))
async def find(visit: Visitor, query: Annotated[KeyQuery, Query()]) -> Response:
    """Keys, oldest first; never their secrets.

    Of a project: those that are valid, for everybody in it. Otherwise all of the organization, revoked ones
    included, for its owner; for anybody else their own.
    """
    ring = await visit.core.keys.all(visit.principal, project=query.project, organization=visit.organization, own=True)
    items = [mapping.from_key(key, ring.projects.get(key.project_id or "")) for key in to_page(ring.keys, query)]
    return kit.JsonResponse({"items": items, "total": len(ring.keys)})


@router.post("", status_code=201, response_model=wire.CreatedKey, summary="Make a key", responses=responses(404, 413))
async def create(visit: Visitor, body: wire.NewKey) -> Response:
    """Make a key with at most the maker's own rights. Its secret is in this answer and nowhere else.

    It never does more than its maker may at that time.
    """
    key, secret = await visit.core.keys.create(
        visit.principal,
        body.name,
        project=body.project,
        organization=visit.organization,
        permissions=mapping.to_permissions(body.permissions),
        expires_in=mapping.to_lifetime(body.expires_in_days),
    )
    project = None
    if key.project_id is not None:
        project = (await visit.core.teams.get(visit.principal, key.project_id)).project.key
    # Nothing on the way may keep what is shown once.
    made = mapping.from_key(key, project)
    return kit.JsonResponse(made | {"secret": secret}, 201, {"cache-control": "no-store"})


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=responses(404))
async def revoke(
    visit: Visitor,
    key_id: Annotated[
        Text, Path(description="The key's id.", examples=["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"], min_length=1)
    ],
) -> Response:
    """End a key: one's own, or any for who administers its project. It is refused from the next request on."""
    await visit.core.keys.revoke(visit.principal, key_id, organization=visit.organization)
    return Response(status_code=204)
