import json

import httpx2
import pytest
from mcp import MCPError

from polymem.core.people import Permission
from polymem.dialects import DIALECTS
from tests.conftest import MakeSettings
from tests.mcp.conftest import Connect, connecting, text_of, told
from tests.serving import Server, serving


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_is_remembered_is_recalled_by_clients_of_every_era(
    server: Server, connect: Connect, mode: str
) -> None:
    key = server.new_key(server.new_organization())
    async with connect(key, mode=mode) as client:
        kept = told(await client.call_tool("remember", {"content": "Ana likes window seats."}))
        found = told(await client.call_tool("recall", {"query": "Where does Ana sit on a plane?"}))
    assert [one["id"] for one in found["memories"]] == [kept["memory"]["id"]]


async def test_two_organizations_never_see_each_other(server: Server, connect: Connect) -> None:
    mine, theirs = (server.new_key(server.new_organization()) for _ in range(2))
    async with connect(mine) as client, connect(theirs) as other:
        kept = told(await client.call_tool("remember", {"content": "The vault opens at noon.", "project": "bank"}))
        memory_id = kept["memory"]["id"]
        assert told(await other.call_tool("recall", {"query": "vault", "project": "*"}))["memories"] == []
        assert told(await other.call_tool("list", {"project": "*"}))["total"] == 0
        assert told(await other.call_tool("search", {"query": "vault"}))["results"] == []
        assert told(await other.call_tool("changes", {"since": "2020-01-01", "project": "*"}))["total"] == 0
        assert told(await other.call_tool("context", {"project": "bank"}))["markdown"] == ""
        for tool, more in (("fetch", {}), ("forget", {}), ("update", {"content": "It never opens."})):
            refused = await other.call_tool(tool, {"id": memory_id, **more})
            assert refused.is_error
            assert "not found" in text_of(refused)
        with pytest.raises(MCPError, match="not found"):
            await other.read_resource(f"memory://memory/{memory_id}")
        with pytest.raises(MCPError, match="not found"):
            await other.read_resource("memory://context/bank")
        assert told(await client.call_tool("fetch", {"id": memory_id}))["text"] == "The vault opens at noon."


DISCOVER = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "server/discover",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "server/discover",
}


def post(server: Server, key: str | None = None, path: str = "/mcp", **headers: str) -> httpx2.Response:
    with server.client(key) as client:
        return client.post(path, json=DISCOVER, headers=HEADERS | headers)


def test_one_endpoint_serves_the_present_protocol_and_the_older_ones(server: Server) -> None:
    present = post(server).json()["result"]
    assert present["supportedVersions"] == ["2026-07-28"]
    with server.client() as client:
        for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"):
            params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
            hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
            answer = client.post("/mcp", json=hello, headers={"Accept": HEADERS["Accept"]})
            assert answer.status_code == 200
            (data,) = [line for line in answer.text.splitlines() if line.startswith("data:") and "{" in line]
            assert json.loads(data.removeprefix("data:"))["result"]["protocolVersion"] == version


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/memanto/mcp"])
def test_no_path_is_redirected(server: Server, path: str) -> None:
    assert post(server, path=path).status_code == 200


def test_a_page_of_another_origin_is_refused(server: Server) -> None:
    refused = post(server, Origin="https://evil.example")
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_a_foreign_page_is_refused_even_with_a_key(server: Server) -> None:
    assert post(server, server.new_key(server.new_organization()), Origin="https://evil.example").status_code == 403


def test_an_allowed_page_needs_a_key(server: Server) -> None:
    key = server.new_key(server.new_organization())
    page = {"Origin": "http://localhost:3000"}
    assert post(server, **page).status_code == 403
    answer = post(server, key, **page)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == page["Origin"]


def test_the_servers_own_page_may_call(server: Server) -> None:
    assert post(server, Origin=server.url).status_code == 200


def test_another_host_is_refused(server: Server) -> None:
    assert post(server, Host="rebound.example").status_code == 421


def test_a_wrong_key_is_refused_with_a_challenge(server: Server) -> None:
    refused = post(server, "sk_im_" + "0" * 40)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")


def test_there_are_no_sessions_to_listen_to(server: Server) -> None:
    with server.client() as client:
        assert client.get("/mcp", headers={"Accept": "text/event-stream"}).status_code == 405


async def test_a_key_for_reading_cannot_write(server: Server, connect: Connect) -> None:
    scope = server.new_organization()
    key = server.new_key(scope, permissions=frozenset({Permission.READ}))
    async with connect(key) as client:
        refused = await client.call_tool("remember", {"content": "No."})
        assert refused.is_error
        assert told(await client.call_tool("list", {}))["total"] == 0


async def test_a_key_of_one_project_works_on_it_and_says_so(server: Server, connect: Connect) -> None:
    key = server.new_key(server.new_organization(), project="garden")
    async with connect(key) as client:
        kept = told(await client.call_tool("remember", {"content": "Roses need sun."}))
        assert kept["project"] == {"key": "garden", "source": "the only one this credential reaches"}
        assert kept["memory"]["project"] == "garden"
        assert told(await client.call_tool("recall", {"query": "roses"}))["matched"] == 1


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("aimemory", "remember"),
        ("selfmemory", "search"),
        ("mememory", "help"),
        ("memanto", "remember"),
        ("memento", "memory_save"),
    ],
)
async def test_every_dialects_port_and_prefix_has_its_tools(
    server: Server, make_settings: MakeSettings, connect: Connect, name: str, first: str
) -> None:
    dialect = next(one for one in DIALECTS if one.name == name)
    key = server.new_key(server.new_organization())
    async with connect(key, f"/{name}/mcp") as client:
        assert (await client.list_tools()).tools[0].name == first
    async with connect(key, f"/{name}/mcp?toolset=polymem") as client:
        assert (await client.list_tools()).tools[0].name == "remember"
    with serving(make_settings(), dialect=dialect) as alone:
        own = alone.new_key(alone.new_organization())
        async with connecting(alone)(own) as client:
            assert (await client.list_tools()).tools[0].name == first


def test_an_unknown_toolset_is_refused(server: Server) -> None:
    refused = post(server, path="/mcp?toolset=nobody")
    assert refused.status_code == 400
    assert "polymem, selfmemory, mememory, memento" in refused.json()["error"]["message"]


def test_where_keys_are_required_nobody_is_let_in_without(make_settings: MakeSettings) -> None:
    with serving(make_settings(auth="required")) as required:
        refused = post(required)
        assert refused.status_code == 401
        assert "www-authenticate" in refused.headers
        assert post(required, required.new_key(required.new_organization())).status_code == 200


def test_a_body_over_the_limit_is_refused(make_settings: MakeSettings) -> None:
    with serving(make_settings(max_body_mb=0.01)) as small, small.client() as client:
        assert client.post("/mcp", content=b" " * 20_000, headers=HEADERS).status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"jsonrpc": "2.0"}'])
@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25", "1999-01-01", None])
def test_nonsense_is_refused_in_order(server: Server, body: bytes, version: str | None) -> None:
    headers = {"Accept": HEADERS["Accept"], "Content-Type": "application/json"}
    with server.client() as client:
        answer = client.post(
            "/mcp", content=body, headers=headers | ({} if version is None else {"MCP-Protocol-Version": version})
        )
    assert 200 <= answer.status_code < 500
