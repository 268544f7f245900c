"""The front answers as the SDK's server would, or leaves the answer to it."""

import json
from collections.abc import Sequence
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp.shared.message import SessionMessage

from polymem.core.errors import Unavailable
from polymem.mcp.server import Context, create_server
from polymem.mcp.stdio import HANDSHAKE_VERSIONS, Front
from polymem.mcp.toolsets import TOOLSETS, load
from polymem.mcp.visit import Visit

Json = dict[str, Any]

LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


def request(number: int | str, method: str, params: Json | None = None) -> Json:
    return {"jsonrpc": "2.0", "id": number, "method": method} | ({} if params is None else {"params": params})


def hello(version: str) -> list[Json]:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    return [request(0, "initialize", params), {"jsonrpc": "2.0", "method": "notifications/initialized"}]


def by_front(toolset: str, messages: Sequence[Json]) -> list[Json | None]:
    front = Front(load(toolset))
    answers = [(message, front.answer(json.dumps(message).encode())) for message in messages]
    return [answer for message, answer in answers if "id" in message]


async def by_sdk(toolset: str, messages: Sequence[Json]) -> list[Json]:
    async def nobody(_: Context) -> Visit:
        raise Unavailable("there is no memory here")

    server = create_server(load(toolset), nobody)
    answers = []
    to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    outgoing, from_server = anyio.create_memory_object_stream[SessionMessage](1)
    async with anyio.create_task_group() as group, to_server, from_server:
        group.start_soon(server.run, incoming, outgoing, server.create_initialization_options())
        for message in messages:
            await to_server.send(SessionMessage(types.jsonrpc_message_adapter.validate_python(message)))
            if "id" in message:
                answer = (await from_server.receive()).message
                answers.append(json.loads(answer.model_dump_json(by_alias=True, exclude_unset=True)))
        to_server.close()
    return answers


@pytest.mark.parametrize("toolset", TOOLSETS)
@pytest.mark.parametrize("version", [*HANDSHAKE_VERSIONS, "1999-01-01"])
async def test_every_older_client_is_told_the_same(toolset: str, version: str) -> None:
    messages = [*hello(version), *(request(f"list {method}", method) for method in LISTS), request(9, "ping")]
    for mine, theirs in zip(by_front(toolset, messages), await by_sdk(toolset, messages), strict=True):
        # What the front leaves to the SDK is an error there: a list that this toolset does not have.
        assert mine == theirs or (mine is None and theirs["error"]["code"] == types.METHOD_NOT_FOUND)


@pytest.mark.parametrize("toolset", TOOLSETS)
async def test_a_present_client_is_told_the_same(toolset: str) -> None:
    messages = [request(method, method, {"_meta": META}) for method in ("server/discover", *LISTS)]
    for mine, theirs in zip(by_front(toolset, messages), await by_sdk(toolset, messages), strict=True):
        assert mine == theirs or (mine is None and theirs["error"]["code"] == types.METHOD_NOT_FOUND)


@pytest.mark.parametrize(
    "message",
    [
        request(1, "tools/list"),
        request(1, "tools/call", {"name": "recall", "arguments": {}}),
        request(1, "initialize", {"protocolVersion": "2025-11-25"}),
        request(1, "server/discover", {"_meta": META | {"io.modelcontextprotocol/protocolVersion": "2030-01-01"}}),
        request(1, "tools/list", {"_meta": META, "cursor": "next"}),
        request(1, "ping", {"_meta": META}),
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        [request(1, "ping")],
    ],
    ids=str,
)
def test_what_the_front_is_not_sure_of_is_left_to_the_server(message: Any) -> None:
    assert Front(load("polymem")).answer(json.dumps(message).encode()) is None


@pytest.mark.parametrize("line", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_message_is_left_to_the_server(line: bytes) -> None:
    assert Front(load("polymem")).answer(line) is None


def test_a_client_cannot_change_eras() -> None:
    front = Front(load("polymem"))
    assert front.answer(json.dumps(request(1, "server/discover", {"_meta": META})).encode())
    assert front.answer(json.dumps(hello("2025-11-25")[0]).encode()) is None
