"""Who may call, from which pages, and what the audit trail keeps of it."""

from typing import Any

import httpx2
import pytest

from polymem.core.people import Permission, PrincipalKind
from tests.mememory.conftest import Mememory
from tests.mememory.test_contract import keep, listed

UI = "http://localhost:5173"
ALLOWED = "access-control-allow-origin"


def preflight(api: httpx2.Client, origin: str, method: str = "POST", headers: str = "content-type") -> httpx2.Response:
    asked = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    return api.request("OPTIONS", "/api/memories", headers=asked)


def test_no_credential_is_needed_on_the_owners_machine_and_one_that_is_sent_is_checked(alone: httpx2.Client) -> None:
    assert keep(alone, "x")
    for headers in ({"authorization": "Bearer mk_wrong"}, {"x-api-key": "wrong"}, {"authorization": "Basic abc"}):
        answer = alone.get("/api/memories", headers=headers)
        assert answer.status_code == 401
        assert list(answer.json()) == ["error"]


def test_where_a_credential_is_demanded_none_is_not_enough(start: Any) -> None:
    server: Mememory = start(auth="required")
    with server.open() as client:
        assert client.get("/api/stats").status_code == 401
    key = server.new_key(server.new_organization())
    for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}):
        with server.open(**headers) as client:
            assert client.get("/api/stats").status_code == 200


def test_a_key_that_may_only_read_changes_nothing(local: Mememory) -> None:
    scope = local.new_organization()
    key = local.new_key(scope, permissions=frozenset({Permission.READ}))
    with local.open(authorization=f"Bearer {key}") as client:
        assert client.get("/api/memories").json() == []
        assert client.post("/api/memories", json={"content": "x"}).status_code == 403
        assert client.delete("/api/memories").status_code == 403


def test_a_key_of_one_project_keeps_to_it(local: Mememory) -> None:
    scope = local.new_organization()
    with local.open(authorization=f"Bearer {local.new_key(scope)}") as owner:
        keep(owner, "global")
        keep(owner, "of q", scope="project", project="q")
        with local.open(authorization=f"Bearer {local.new_key(scope, 'p')}") as client:
            assert keep(client, "silent")["project"] == "p"
            assert keep(client, "named", scope="project", project="p")["scope"] == "project"
            assert client.post("/api/memories", json={"content": "x", "scope": "global"}).status_code == 403
            assert client.post(
                "/api/memories", json={"content": "x", "scope": "project", "project": "q"}
            ).status_code in (
                403,
                404,
            )
            assert sorted(listed(client)) == ["named", "silent"]
            assert client.post("/api/memories/import", json=[{"content": "x", "scope": "global"}]).json() == {
                "imported": 0
            }
            assert client.delete("/api/memories").json() == {"deleted": 2}
        assert sorted(listed(owner)) == ["global", "of q"]


def test_a_page_of_this_machine_may_call(alone: httpx2.Client) -> None:
    asked = preflight(alone, UI)
    assert asked.status_code == 200
    assert asked.headers[ALLOWED] == UI
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"].lower() == "content-type"
    assert asked.headers["access-control-max-age"] == "300"
    assert "access-control-allow-credentials" not in asked.headers
    answer = alone.post("/api/memories", json={"content": "x"}, headers={"origin": UI})
    assert (answer.status_code, answer.headers[ALLOWED]) == (201, UI)
    assert "Origin" in answer.headers["vary"]
    assert alone.get("/nowhere", headers={"origin": UI}).headers[ALLOWED] == UI


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost", "https://localhost:5173", "http://localhost:1.evil.example"]
)
def test_a_page_of_elsewhere_may_not(alone: httpx2.Client, origin: str) -> None:
    assert ALLOWED not in preflight(alone, origin).headers
    assert ALLOWED not in alone.get("/api/memories", headers={"origin": origin}).headers
    assert alone.post("/api/memories", json={"content": "x"}, headers={"origin": origin}).status_code == 403
    assert alone.delete("/api/memories", headers={"origin": origin}).status_code == 403
    assert listed(alone) == []


def test_more_than_a_json_body_may_not_be_asked_for(alone: httpx2.Client) -> None:
    for answer in (preflight(alone, UI, headers="authorization"), preflight(alone, UI, method="PATCH")):
        assert answer.status_code == 200
        assert ALLOWED not in answer.headers


def test_a_bulk_delete_stands_in_the_audit_trail(start: Any) -> None:
    server: Mememory = start()
    with server.open() as client:
        keep(client, "a")
        keep(client, "b", scope="project", project="p")
        client.delete("/api/memories", params={"project": "p"})
        client.delete("/api/memories")
        client.delete("/api/memories")

    async def trail() -> list[tuple[str, str, Any]]:
        principal = await server.core.access.principal_of(None)
        assert principal.kind is PrincipalKind.LOCAL
        page = await server.core.audit.page(principal)
        return [(entry.action, entry.object_id, entry.detail) for entry in page.items]

    assert server.run(trail()) == [
        ("memories.forgotten", "all", {"count": 1, "filter": {}}),
        ("memories.forgotten", "filtered", {"count": 1, "filter": {"project": "p"}}),
    ]
