"""`polymem mcp` as clients start it: a process, spoken to by the official client."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from polymem.dialects import aimemory
from polymem.settings import Settings
from tests.conftest import MakeSettings
from tests.mcp.conftest import text_of, told
from tests.mcp.test_front import LISTS, META, hello, request
from tests.serving import PATIENCE, Server, serving

PROGRAM = [sys.executable, "-m", "polymem", "mcp"]


def environment(settings: Settings | None = None, **more: str) -> dict[str, str]:
    """What the process knows of this one, and the data directory it is to use."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    if settings is not None:
        kept |= {"POLYMEM_DATA_DIR": str(settings.data_dir), "POLYMEM_CACHE_DIR": str(settings.cache_dir)}
    return kept | more


@asynccontextmanager
async def connected(
    env: dict[str, str], *options: str, cwd: Path | None = None, mode: str = "auto"
) -> AsyncIterator[Client]:
    """The official client, and the process it has started."""
    program = StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], *options], env=env, cwd=cwd)
    async with Client(program, mode=mode) as client:
        yield client


def spoken(messages: list[Any], env: dict[str, str], *flags: str) -> tuple[list[dict[str, Any]], str]:
    """What a process answers to these messages, in a row, and what it says on stderr."""
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    done = subprocess.run(
        [sys.executable, *flags, *PROGRAM[1:]],
        input=lines,
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_every_era_is_served(make_settings: MakeSettings, mode: str) -> None:
    async with connected(environment(make_settings()), mode=mode) as client:
        assert len((await client.list_tools()).tools) <= 10
        kept = told(await client.call_tool("remember", {"content": "Ana likes window seats."}))
        found = told(await client.call_tool("recall", {"query": "Where does Ana sit on a plane?"}))
    assert [one["id"] for one in found["memories"]] == [kept["memory"]["id"]]


@pytest.mark.parametrize("opening", [hello("2025-11-25"), [request(0, "server/discover", {"_meta": META})]], ids=len)
def test_nothing_heavy_is_loaded_for_what_needs_no_memory(make_settings: MakeSettings, opening: list[Any]) -> None:
    params = {"_meta": META} if len(opening) == 1 else None
    messages = [*opening, *(request(method, method, params) for method in LISTS)]
    answers, imported = spoken(messages, environment(make_settings()), "-X", "importtime")
    assert [answer["id"] for answer in answers] == [0, *LISTS]
    assert all("result" in answer for answer in answers)
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported.splitlines()}
    assert "json" in modules
    heavy = {"numpy", "onnxruntime", "sqlalchemy", "fastapi", "starlette", "pydantic", "mcp", "mcp_types", "anyio"}
    assert modules & (heavy | {"asyncio", "httpx2", "tokenizers", "sqlite3"}) == set()
    assert "polymem.core" not in imported


def test_a_conversation_that_is_sent_in_one_go_is_answered_in_order(make_settings: MakeSettings) -> None:
    called = request(2, "tools/call", {"name": "list", "arguments": {"project": "*"}})
    answers, _ = spoken([*hello("2025-06-18"), request(1, "tools/list"), called], environment(make_settings()))
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert answers[2]["result"]["structuredContent"]["total"] == 0


def test_a_conversation_that_begins_with_nonsense_goes_on(make_settings: MakeSettings) -> None:
    process = subprocess.run(
        PROGRAM,
        input="nonsense\n" + "".join(json.dumps(one) + "\n" for one in [*hello("2025-11-25"), request(1, "ping")]),
        env=environment(make_settings()),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    answers = {answer.get("id"): answer for answer in map(json.loads, process.stdout.splitlines())}
    assert answers[0]["result"]["protocolVersion"] == "2025-11-25"
    assert answers[1]["result"] == {}


async def test_several_processes_and_a_server_share_one_memory(make_settings: MakeSettings) -> None:
    settings = make_settings()
    env = environment(settings)
    kept: list[str] = []

    async def remember(client: Client, number: int) -> None:
        said = {"content": f"Door {number} is painted green.", "project": "house"}
        kept.append(told(await client.call_tool("remember", said))["memory"]["id"])

    # All three make the store at once, since there is none yet.
    async with connected(env) as one, connected(env) as two, connected(env) as three:
        async with anyio.create_task_group() as group:
            for number, client in enumerate([one, two, three]):
                group.start_soon(remember, client, number)
        with serving(settings) as server, server.client() as http:
            told_by_server = http.post("/v1/memories", json={"content": "The roof is red.", "project": "house"})
            assert told_by_server.status_code == 201
            for client in (one, two, three):
                page = told(await client.call_tool("list", {"project": "house"}))
                assert {memory["id"] for memory in page["memories"]} == {*kept, told_by_server.json()["id"]}
                found = told(await client.call_tool("recall", {"query": "red roof", "project": "house"}))
                assert found["memories"][0]["content"] == "The roof is red."


async def test_the_project_is_the_directorys_and_every_result_says_so(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    (tmp_path / ".polymem").write_text('{"project": "garden"}')
    below = tmp_path / "beds"
    below.mkdir()
    async with connected(environment(make_settings()), cwd=below) as client:
        kept = told(await client.call_tool("remember", {"content": "Roses need sun."}))
        found = told(await client.call_tool("recall", {"query": "roses"}))
        other = told(await client.call_tool("recall", {"query": "roses", "project": "kitchen"}))
    assert kept["memory"]["project"] == "garden"
    assert kept["project"] == found["project"] == {"key": "garden", "source": f"from {tmp_path / '.polymem'}"}
    assert other["project"] == {"key": "kitchen", "source": "named in this call"}
    assert other["memories"] == []
    assert "no memories in project kitchen" in other["note"]


async def test_the_memory_of_a_server_is_reached_over_its_api(server: Server) -> None:
    key = server.new_key(server.new_organization())
    env = environment(POLYMEM_URL=server.url, POLYMEM_API_KEY=key)
    said = "The web server listens on port 8080."
    async with connected(env, "--project", "garden") as client:
        kept = told(await client.call_tool("remember", {"content": said, "kind": "fact", "tags": ["net"]}))
        again = told(await client.call_tool("remember", {"content": said}))
        assert again["memory"]["id"] == kept["memory"]["id"]
        assert not again["created"]
        newer = told(await client.call_tool("remember", {"content": said.replace("8080", "9090")}))
        assert [(one["id"], one["reason"]) for one in newer["similar"]] == [(kept["memory"]["id"], "changed_value")]
        found = told(await client.call_tool("recall", {"query": "Which port?", "tags": ["net"]}))
        assert [one["content"] for one in found["memories"]] == [said]
        changed = told(await client.call_tool("update", {"id": kept["memory"]["id"], "importance": 9}))
        assert changed["memory"]["importance"] == 9
        assert "8080" in told(await client.call_tool("context", {}))["markdown"]
        assert not told(await client.call_tool("answer", {"question": "Which port is it?"}))["refused"]
        told(await client.call_tool("forget", {"id": kept["memory"]["id"]}))
        changes = told(await client.call_tool("changes", {"since": "2020-01-01"}))
        assert [one["change"] for one in changes["changes"]] == ["forgotten", "revised", "created", "created"]
        page = told(await client.call_tool("list", {}))
        assert [one["content"] for one in page["memories"]] == ["The web server listens on port 9090."]
        document = await client.read_resource("memory://context/garden")
        assert "9090" in str(document.contents[0])
        refused = await client.call_tool("fetch", {"id": kept["memory"]["id"]})
        assert refused.is_error
        assert "not found" in text_of(refused)
    with server.client(key) as http:
        assert http.get("/v1/memories").json()["total"] == 1


@pytest.mark.parametrize("root", ["", "/aimemory", "/aimemory/api/"])
async def test_the_variables_of_the_ai_memory_system_are_honoured(server: Server, root: str) -> None:
    key = server.new_key(server.new_organization())
    async with connected(environment(AIM_API_URL=server.url + root, AIM_API_TOKEN=key)) as client:
        told(await client.call_tool("remember", {"content": "Roses need sun.", "project": ""}))
    with server.client(key) as http:
        assert http.get("/v1/memories").json()["total"] == 1


async def test_the_own_port_of_the_ai_memory_system_is_an_address_too(make_settings: MakeSettings) -> None:
    with serving(make_settings(auth="required", embedder="none"), dialect=aimemory.DIALECT) as server:
        key = server.new_key(server.new_organization())
        async with connected(environment(AIM_API_URL=server.url, AIM_API_TOKEN=key)) as client:
            told(await client.call_tool("remember", {"content": "Roses need sun.", "project": ""}))
        with server.client(key) as http:
            assert http.get("/v1/memories").json()["total"] == 1
            token = {"Authorization": f"Token {key}"}
            assert http.get("/api/projects/", headers=token).status_code == 200


async def test_a_wrong_key_is_told_to_the_model(server: Server) -> None:
    env = environment(POLYMEM_URL=server.url, POLYMEM_API_KEY="sk_im_" + "0" * 40)
    async with connected(env) as client:
        refused = await client.call_tool("list", {})
    assert refused.is_error
    assert "POLYMEM_API_KEY" in text_of(refused)


async def test_a_server_that_is_not_there_is_told_to_the_model() -> None:
    async with connected(environment(POLYMEM_URL="http://127.0.0.1:9")) as client:
        refused = await client.call_tool("list", {})
    assert refused.is_error
    assert "Try again later" in text_of(refused)


async def test_settings_that_cannot_work_are_told_to_the_model(make_settings: MakeSettings) -> None:
    async with connected(environment(make_settings(), POLYMEM_LOG_LEVEL="loud")) as client:
        refused = await client.call_tool("list", {})
    assert refused.is_error
    assert "POLYMEM_LOG_LEVEL" in text_of(refused)


async def test_an_option_names_another_store(make_settings: MakeSettings, tmp_path: Path) -> None:
    env = environment(make_settings(), POLYMEM_URL="http://127.0.0.1:9")
    async with connected(env, f"--data-dir={tmp_path / 'store'}", "--project", "") as client:
        kept = told(await client.call_tool("remember", {"content": "Roses need sun."}))
    assert kept["project"] == {"key": None, "source": "named when the server was started"}
    assert (tmp_path / "store").is_dir()


@pytest.mark.parametrize("options", [["--toolset", "nobody"], ["--toolsets"], ["sing"]])
def test_a_wrong_option_is_explained(options: list[str]) -> None:
    done = subprocess.run(
        [*PROGRAM, *options], capture_output=True, text=True, env=environment(), timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert options[-1] in done.stderr
