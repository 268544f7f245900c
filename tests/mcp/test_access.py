"""The memory of this process and that of a server answer alike."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from polymem.cli.mcp_remote import ClientAccess
from polymem.client import AsyncClient
from polymem.core.errors import Conflict, InvalidInput, NotFound, PolymemError
from polymem.core.people import Permission, Scope
from polymem.mcp.access import Access, Selection
from polymem.mcp.local import CoreAccess
from tests.serving import Server

SELECTIONS = [
    Selection(),
    Selection(project="shop"),
    Selection(project="shop", unassigned=True),
    Selection(unassigned=True),
    Selection(assigned=True),
    Selection(project="nowhere"),
    Selection(ids=()),
    Selection(kinds=("fact",)),
    Selection(tags=("net", "api")),
    Selection(deliveries=("pinned",)),
    Selection(container="team"),
    Selection(container="team", uncontained=True),
    Selection(metadata={"topic": "ports"}),
    Selection(mentions={"people": ("ANA", "bob")}),
    Selection(superseded=True),
    Selection(superseded=None),
]


@dataclass
class Both:
    """The same memory twice: asked in the server, and over its API."""

    server: Server
    inside: CoreAccess
    outside: Access


@pytest.fixture
async def both(server: Server) -> AsyncIterator[Both]:
    scope = server.new_organization()

    async def scope_for(_: Permission) -> Scope:
        return scope

    async with AsyncClient(server.url, api_key=server.new_key(scope)) as client:
        yield Both(server, CoreAccess(server.core, scope_for), ClientAccess(client))


async def test_every_selection_means_the_same(both: Both) -> None:
    drafts: list[dict[str, Any]] = [
        {"content": "The port is 8080.", "project": "shop", "kind": "fact", "tags": ("net", "api")},
        {"content": "The port of the office.", "container": "team", "metadata": {"topic": "ports"}},
        {"content": "The port is guarded.", "project": "home", "delivery": "pinned", "metadata": {"people": "Ana,Cy"}},
        {"content": "The port is open.", "project": "shop", "container": "others"},
    ]
    kept = [(await both.outside.add(draft)).memory for draft in drafts]
    newer = (await both.outside.add({"content": "The port is shut.", "supersedes": kept[3].id})).memory
    assert newer.supersedes == kept[3].id
    for selection in SELECTIONS:
        inside = both.server.run(both.inside.list(selection, limit=10))
        outside = await both.outside.list(selection, limit=10)
        assert [one.id for one in outside.items] == [one.id for one in inside.items], selection
        assert outside.total == inside.total
        if selection.superseded is not True:
            found = both.server.run(both.inside.recall("port", selection, limit=10, min_score=0.0))
            told = await both.outside.recall("port", selection, limit=10, min_score=0.0)
            # Scores compare a memory with the others that were looked at, which may be more over the API.
            assert {hit.memory.id for hit in told.hits} == {hit.memory.id for hit in found.hits}, selection
    here, there = both.server.run(both.inside.get(newer.id)), await both.outside.get(newer.id)
    assert (here.content, here.tags, here.delivery, here.created_at) == (
        there.content,
        there.tags,
        there.delivery,
        there.created_at,
    )
    assert {project.key for project in await both.outside.projects()} == {"shop", "home"}
    assert (await both.outside.stats()).memories == both.server.run(both.inside.stats()).memories


async def test_what_goes_wrong_goes_wrong_alike(both: Both) -> None:
    memory = (await both.outside.add({"content": "The port is 8080."})).memory
    calls: list[tuple[type[PolymemError], Callable[[Access], Coroutine[Any, Any, object]]]] = [
        (NotFound, lambda access: access.get("no-such-id")),
        (NotFound, lambda access: access.forget("no-such-id")),
        (NotFound, lambda access: access.context("nowhere", max_tokens=1000)),
        (InvalidInput, lambda access: access.add({"content": " "})),
        (InvalidInput, lambda access: access.update(memory.id, {"importance": 99})),
        (Conflict, lambda access: access.update(memory.id, {"importance": 9}, expected_version=7)),
    ]
    for kind, call in calls:
        with pytest.raises(kind):
            await call(both.outside)
        with pytest.raises(kind):
            both.server.run(call(both.inside))
