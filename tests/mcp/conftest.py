"""What the tests of MCP share: the official client, over real HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from tests.serving import Server

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def connect(server: Server) -> Connect:
    """`connecting` to the server that all tests share."""
    return connecting(server)


def connecting(server: Server) -> Connect:
    """`async with connect(key) as client`: the official client at the server's /mcp, with this key or none.

    `mode` is "auto" for the present protocol, "legacy" for the handshake of the older ones.
    """

    @asynccontextmanager
    async def connected(
        key: str | None = None, path: str = "/mcp", mode: str = "auto", **headers: str
    ) -> AsyncIterator[Client]:
        credential = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=credential | headers, trust_env=False, timeout=60) as http:
            transport = streamable_http_client(server.url + path, http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    return connected


def told(result: Any) -> dict[str, Any]:
    """What a tool answered, which must have worked."""
    assert isinstance(result, CallToolResult)
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def text_of(result: Any) -> str:
    """The text of a tool's answer."""
    assert isinstance(result, CallToolResult)
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text
