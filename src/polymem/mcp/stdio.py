"""The front of a server on stdin and stdout: it answers what needs no memory, from plain data and the standard library.

    client ─► front: initialize, server/discover, ping, and the lists of tools, resources and prompts
                │ anything else, and whatever it is not sure of
                ▼
              the SDK's server, which is loaded then, and first given what opened the conversation

Loading the SDK takes longer than clients like to wait for a list of tools, and most conversations never call one. What
the front answers is, byte for byte of JSON, what the SDK's server would; a test compares them for every version.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from polymem import __version__
from polymem.mcp.catalog import Toolset

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSION = "2026-07-28"

LIST_TTL_MS = 3_600_000
"""How long a client may go by what it was told of tools: they change with the version of the server only."""

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
_CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
_SERVER_KEY = "io.modelcontextprotocol/serverInfo"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """Both directions of the conversation, a line for each message."""

    incoming: BinaryIO
    outgoing: BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Where the front stopped: the messages to begin with, which the client has sent already, and the id of the one
    among them that was answered; None, if none was."""

    messages: tuple[bytes, ...]
    answered: Any = None


def claim_standard_streams() -> Wire:
    """Take stdin and stdout for the conversation alone: what else is printed goes to stderr, as the protocol wants."""
    wire = Wire(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return wire


def answer(toolset: Toolset, wire: Wire) -> Handover | None:
    """Answer until a message comes that takes more: that is where the handover begins. None at the end of input."""
    front = Front(toolset)
    for line in wire.incoming:
        reply = front.answer(line)
        if reply is None:
            return front.handover(line)
        if reply:
            wire.outgoing.write(json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            wire.outgoing.flush()
    return None


class Front:
    """The state of a conversation that needed no memory yet."""

    def __init__(self, toolset: Toolset) -> None:
        self._toolset = toolset
        self._opening: bytes | None = None
        self._opening_id: Any = None
        self._modern = False
        self._initialized: bytes | None = None

    def answer(self, line: bytes) -> Json | None:
        """The answer to a message; empty for one that wants none, None for one that is not for the front."""
        if not line.strip():
            return {}
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return None
        method, params = message.get("method"), message.get("params", {})
        if not isinstance(method, str) or not isinstance(params, dict):
            return None
        if "id" not in message:
            if method == "notifications/initialized":
                self._initialized = line
            return {}
        request_id = message["id"]
        if not isinstance(request_id, (str, int)) or isinstance(request_id, bool):
            return None
        result = self._result(method, params)
        if result is None:
            return None
        if self._opening is None:
            self._opening, self._opening_id = line, request_id
        return {"jsonrpc": "2.0", "id": request_id, "result": result}

    def handover(self, line: bytes) -> Handover:
        """What the SDK's server must be told before, and with, this message."""
        told = [part for part in (self._opening, self._initialized, line) if part is not None]
        return Handover(messages=tuple(told), answered=self._opening_id)

    # --- results -----------------------------------------------------------------------------

    def _result(self, method: str, params: Json) -> Json | None:
        meta = params.get("_meta")
        modern = isinstance(meta, dict) and _VERSION_KEY in meta
        if self._opening is None:
            if method != "initialize" and not modern:
                return None
            self._modern = modern and method != "initialize"
        if modern != self._modern:
            return None
        if self._modern:
            return self._modern_result(method, params)
        match method:
            case "initialize":
                return self._hello(params) if self._opening is None else None
            case "ping":
                return {}
            case _:
                return self._listed(method) if _is_plain(params) else None

    def _modern_result(self, method: str, params: Json) -> Json | None:
        if set(params) != {"_meta"} or not _is_envelope(params["_meta"]):
            return None
        if method == "server/discover":
            result: Json | None = {
                "supportedVersions": [MODERN_VERSION],
                "capabilities": self._capabilities(),
                "instructions": self._toolset.instructions,
            }
        else:
            result = self._listed(method)
        if result is None:
            return None
        more = {"resultType": "complete", "ttlMs": LIST_TTL_MS, "cacheScope": "public"}
        return result | more | {"_meta": {_SERVER_KEY: self._server()}}

    def _hello(self, params: Json) -> Json | None:
        client = params.get("clientInfo")
        wanted = params.get("protocolVersion")
        if not isinstance(wanted, str) or not isinstance(params.get("capabilities"), dict) or not _is_named(client):
            return None
        return {
            "protocolVersion": wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
            "capabilities": self._capabilities(),
            "serverInfo": self._server(),
            "instructions": self._toolset.instructions,
        }

    def _listed(self, method: str) -> Json | None:
        toolset = self._toolset
        match method:
            case "tools/list":
                return {"tools": [tool.wire for tool in toolset.tools]}
            case "prompts/list" if toolset.prompts:
                return {"prompts": [prompt.wire for prompt in toolset.prompts]}
            case "resources/list" if toolset.resources:
                return {"resources": [one.wire for one in toolset.resources if not one.is_template]}
            case "resources/templates/list" if toolset.resources:
                return {"resourceTemplates": [one.wire for one in toolset.resources if one.is_template]}
            case _:
                return None

    def _capabilities(self) -> Json:
        told: Json = {}
        if self._toolset.prompts:
            told["prompts"] = {"listChanged": False}
        if self._toolset.resources:
            told["resources"] = {"subscribe": False, "listChanged": False}
        return told | {"tools": {"listChanged": False}}

    def _server(self) -> Json:
        return {"name": self._toolset.server, "title": self._toolset.title, "version": __version__}


def _is_plain(params: Mapping[str, Any]) -> bool:
    # A cursor is none of ours, and anything else deserves the SDK's judgement.
    return set(params) <= {"_meta"} and isinstance(params.get("_meta", {}), dict)


def _is_envelope(meta: Mapping[str, Any]) -> bool:
    if meta.get(_VERSION_KEY) != MODERN_VERSION or not isinstance(meta.get(_CAPABILITIES_KEY), dict):
        return False
    return _CLIENT_KEY not in meta or _is_named(meta[_CLIENT_KEY])


def _is_named(client: Any) -> bool:
    return isinstance(client, dict) and isinstance(client.get("name"), str) and isinstance(client.get("version"), str)


Carry = Callable[[Toolset, Wire, Handover], None]
"""Goes on with a conversation until its end."""


def serve(toolset: Toolset, wire: Wire, carry_on: Carry) -> None:
    """Serve one client until it ends the conversation; `carry_on` is called once a memory is needed."""
    handover = answer(toolset, wire)
    if handover is not None:
        carry_on(toolset, wire, handover)
