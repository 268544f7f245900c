"""The memory behind `polymem mcp`: the local store, or a server that is asked over its API."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from polymem.app.composition import open_core
from polymem.cli.mcp_options import McpOptions
from polymem.cli.mcp_remote import ClientAccess
from polymem.client import AsyncClient
from polymem.core.errors import InvalidInput, NotFound
from polymem.core.people import LOCAL_ORGANIZATION, Permission, Scope
from polymem.mcp.catalog import Toolset
from polymem.mcp.local import CoreAccess
from polymem.mcp.project import Place
from polymem.mcp.stdio import Handover, Wire
from polymem.mcp.stdio_server import carry_on as serve_rest
from polymem.mcp.visit import Visit
from polymem.settings import InvalidSettings, load_settings

ACTOR = "mcp"
"""Who a history says made a change that came through stdio."""

_DIALECT_ROOTS = ("/api", "/aimemory")
"""What the address of an AI Memory System ends in, where ours has its API beside it."""


def carry_on(toolset: Toolset, wire: Wire, handover: Handover, options: McpOptions, place: Place) -> None:
    """Go on with a conversation until its end, with the memory that options and environment name."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    address = remote_address(options, os.environ)
    asyncio.run(
        serve_rest(
            toolset,
            wire,
            handover,
            lambda: _local(options, place) if address is None else _remote(*address, place),
        )
    )


def remote_address(options: McpOptions, environment: Mapping[str, str]) -> tuple[str, str | None] | None:
    """The address of the server to ask and the key to send, None for the local store.

    --url wins over a store that is named by an option, that over POLYMEM_URL, and that over AIM_API_URL.
    """
    key = environment.get("POLYMEM_API_KEY") or environment.get("AIM_API_TOKEN") or None
    if options.url:
        return options.url, key
    if options.data_dir or options.database_url:
        return None
    if url := environment.get("POLYMEM_URL"):
        return url, key
    if url := environment.get("AIM_API_URL"):
        url = url.rstrip("/")
        for root in _DIALECT_ROOTS:
            url = url.removesuffix(root)
        return url, key
    return None


@asynccontextmanager
async def _local(options: McpOptions, place: Place) -> AsyncIterator[Visit]:
    try:
        data_dir = None if options.data_dir is None else Path(options.data_dir)
        settings = load_settings(data_dir=data_dir, database_url=options.database_url)
    except InvalidSettings as error:
        raise InvalidInput(str(error)) from None
    core = await open_core(settings)
    try:
        slug = options.organization or LOCAL_ORGANIZATION
        organization = await core.store.organization(slug=slug)
        if organization is None:
            raise NotFound("Organization", slug)
        scope = Scope(organization_id=organization.id, actor=ACTOR)

        async def scope_for(_: Permission) -> Scope:
            return scope

        yield Visit(access=CoreAccess(core, scope_for), place=place, directory=Path.cwd())
    finally:
        await core.close()


@asynccontextmanager
async def _remote(url: str, key: str | None, place: Place) -> AsyncIterator[Visit]:
    async with AsyncClient(url, api_key=key, timeout=120) as client:
        yield Visit(access=ClientAccess(client), place=place, url=url.rstrip("/"), directory=Path.cwd())
