"""The SDK's servers behind HTTP: one for each toolset, made when it is first asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from polymem.mcp.server import Context, create_server
from polymem.mcp.toolsets import load
from polymem.mcp.visit import Visit

VISIT = "polymem.visit"
"""Where in the request's ASGI scope the door leaves who calls."""


@asynccontextmanager
async def running(toolset: str, max_body_bytes: int) -> AsyncIterator[ASGIApp]:
    """The toolset's server as an ASGI application, while the block lasts.

    Nothing is remembered from one request to the next, so that any process can answer any of them; clients of the
    handshake era get on without a session.
    """

    async def visit(context: Context) -> Visit:
        request: Any = context.request
        ready: Callable[[], Awaitable[Visit]] = request.scope[VISIT]
        return await ready()

    manager = StreamableHTTPSessionManager(
        create_server(load(toolset), visit),
        stateless=True,
        max_request_body_size=max_body_bytes,
        # The door has checked Host and Origin, knowing more than a list of names.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    async with manager.run():
        yield manager.handle_request
