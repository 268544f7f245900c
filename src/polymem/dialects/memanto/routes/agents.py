"""Agents."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from polymem.core.agents.agents import AgentOrder
from polymem.core.errors import InvalidInput
from polymem.dialects import kit
from polymem.dialects.memanto.calls import KEYS, Caller, KeyRoute
from polymem.dialects.memanto.mapping import agents as mapping
from polymem.dialects.memanto.mapping.values import enveloped, to_limit
from polymem.dialects.memanto.wire import agents as wire
from polymem.dialects.memanto.wire.answers import AgentAnswer, AgentsAnswer

router = APIRouter(route_class=KeyRoute, prefix="/agents", tags=["Agent Management"], dependencies=KEYS)

AgentId = Annotated[str, Path(description="The agent's id.", examples=["my-agent"])]


@router.post("", status_code=201, summary="Create agent", response_model=AgentAnswer)
async def create(body: wire.AgentCreate, call: Caller) -> Response:
    """Make an agent: a project with an id of its own. 409 when there is one of that id."""
    agent = await call.core.agents.create(
        call.scope, body.agent_id, pattern=body.pattern, description=body.description, metadata=body.metadata
    )
    return kit.JsonResponse(enveloped(mapping.from_agent(agent), call.core.clock.now()), 201)


@router.get("", summary="List agents", response_model=AgentsAnswer)
async def find(call: Caller, query: Annotated[wire.AgentsQuery, Query()]) -> Response:
    """A page of the agents, newest first, with the true total."""
    page = await call.core.agents.find(
        call.scope,
        pattern=mapping.DEFAULT_PATTERN,
        order=AgentOrder(query.sort),
        limit=to_limit(query.limit),
        offset=query.offset,
    )
    flat = {
        "agents": [mapping.from_agent(agent) for agent in page.items],
        "total": page.total,
        "count": len(page.items),
        "limit": page.limit,
        "offset": page.offset,
        "warnings": [],
    }
    return kit.JsonResponse(enveloped(flat, call.core.clock.now()))


@router.get("/{agent_id}", summary="Get agent details", response_model=AgentAnswer)
async def get(agent_id: AgentId, call: Caller) -> Response:
    """One agent, with its memories counted by type."""
    agent = await call.core.agents.get(call.scope, agent_id, pattern=mapping.DEFAULT_PATTERN)
    return kit.JsonResponse(enveloped(mapping.from_agent(agent), call.core.clock.now()))


@router.delete("/{agent_id}", status_code=204, summary="Delete agent")
async def remove(
    agent_id: AgentId,
    call: Caller,
    delete_backup_too: Annotated[
        str | None,
        Query(
            alias="delete-backup-too",
            description="true removes its memories for good too; otherwise they are there again when an agent of the "
            "same id is created.",
            examples=["false"],
        ),
    ] = None,
) -> Response:
    """End an agent and its sessions."""
    await call.core.agents.remove(call.scope, agent_id, purge=_flag(delete_backup_too))
    return Response(status_code=204)


def _flag(text: str | None) -> bool:
    match (text or "").strip().lower():
        case "" | "false" | "0" | "no":
            return False
        case "true" | "1" | "yes":
            return True
    raise InvalidInput("delete-backup-too must be true or false", field="delete-backup-too")
