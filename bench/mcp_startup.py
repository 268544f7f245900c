"""How long a client of MCP waits for `polymem mcp`: until it knows the tools, and until the first call is answered."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.report import Goal, Quantity, Row, ratio
from bench.setup import MODELS, Options, run_on_uvloop, scratch
from bench.timing import Timings, interleaved

TITLE = "MCP start-up"

_GOAL_MS = 300
"""Milliseconds until the list of tools is there, on a machine that does nothing else."""

# The least a server of the official SDK can be: one tool, which nobody calls.
_BARE = """
import anyio, mcp_types as types
from mcp.server import Server
from mcp.server.stdio import stdio_server

async def tools(_, __):
    return types.ListToolsResult(tools=[types.Tool(name="nothing", input_schema={"type": "object"})])

async def main():
    server = Server("bare", on_list_tools=tools)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())

anyio.run(main)
"""

_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
_CLIENT = {"name": "bench", "version": "1"}


def _request(number: int, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


_HELLO = [
    _request(1, "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _CLIENT}),
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    _request(2, "tools/list"),
]
_DISCOVER = [_request(1, "server/discover", {"_meta": _META}), _request(2, "tools/list", {"_meta": _META})]
_RECALL = [*_HELLO, _request(3, "tools/call", {"name": "recall", "arguments": {"query": "What did Ann paint?"}})]


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    with scratch() as directory:
        return run_on_uvloop(_rows(directory, options))


async def _rows(directory: Path, options: Options) -> list[Row]:
    env = os.environ | {"POLYMEM_DATA_DIR": str(directory), "POLYMEM_CACHE_DIR": str(MODELS)}
    ours = [sys.executable, "-m", "polymem", "mcp"]

    async def ask(command: Sequence[str], messages: Sequence[dict[str, Any]], index: int) -> None:
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        assert process.stdout is not None
        # As a client does: the next question after the answer to the last.
        for message in messages:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            if "id" in message:
                assert "result" in json.loads(await process.stdout.readline())
        if not messages:
            await process.wait()
            return
        # What comes after the last answer is nobody's wait.
        process.kill()
        await process.wait()

    timed = await interleaved(
        {
            "python": partial(ask, [sys.executable, "-c", "pass"], ()),
            "bare": partial(ask, [sys.executable, "-c", _BARE], _HELLO),
            "older": partial(ask, ours, _HELLO),
            "present": partial(ask, ours, _DISCOVER),
            "recall": partial(ask, ours, _RECALL),
        },
        options.sized(10, 2),
        warm_up=1,
    )
    python, bare = _milliseconds(timed["python"]), _milliseconds(timed["bare"])
    limit = Goal(_GOAL_MS)
    return [
        Row(figure="tools listed, handshake", value=(older := _milliseconds(timed["older"])), result=older.value,
            unit="ms", goal=limit),
        Row(figure="tools listed, protocol of 2026-07-28", value=(present := _milliseconds(timed["present"])),
            result=present.value, unit="ms", goal=limit),
        ratio("tools listed, handshake", older, python, "python -c pass"),
        ratio("tools listed, handshake", older, bare, "the SDK's barest server"),
        ratio("first recall answered", _milliseconds(timed["recall"]), bare, "its list of tools"),
    ]  # fmt: skip


def _milliseconds(timings: Timings) -> Quantity:
    return Quantity(timings.p50, "ms", timings.p95)
