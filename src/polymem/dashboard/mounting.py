"""NiceGUI, set up once for the process: every page of `navigation.ENTRIES`, drawn inside the frame.

Nothing but `door` imports this, and it does so late: what is imported here takes seconds.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from importlib.resources import files
from typing import Any

import nicegui
from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from nicegui import run, ui
from starlette.types import ASGIApp

from polymem.core.errors import PolymemError
from polymem.dashboard.frame import frame
from polymem.dashboard.navigation import ENTRIES, Entry
from polymem.dashboard.parts.elements import problem, text
from polymem.dashboard.visit import Visit

_logger = logging.getLogger(__name__)

_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='#0b6e63'/>"
    "<path d='M4 11V5l4 4 4-4v6' fill='none' stroke='white' stroke-width='1.6'/></svg>"
)


_MOST_MESSAGE = 4_000_000
"""Bytes that a browser may send at once. NiceGUI's script counts a million characters, while Engine.IO counts bytes, of
which a character can have four, and ends the connection at a million."""


@asynccontextmanager
async def running() -> AsyncIterator[ASGIApp]:
    """The pages, until the block ends. Raises RuntimeError when they run already: NiceGUI is one for a process."""
    if not nicegui.app.is_stopped:
        raise RuntimeError("the dashboard can be open only once in a process")
    host = _host()
    async with nicegui.app.router.lifespan_context(nicegui.app):
        yield host


def _host() -> ASGIApp:
    # Kept where NiceGUI keeps its own only instance: what is mounted there stays for good.
    host: ASGIApp | None = getattr(nicegui.app.state, "polymem", None)
    if host is None:
        host = nicegui.app.state.polymem = _mounted()
    return host


def _mounted() -> ASGIApp:
    host = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    nicegui.core.sio.eio.max_http_buffer_size = _MOST_MESSAGE
    run.process_pool_start_method = "spawn"
    # It would flash with every look for news, and it has no name for those who do not see it.
    nicegui.app.config.quasar_config["loadingBar"] = {"color": "primary", "skipHijack": True}
    static = files("polymem.dashboard").joinpath("static")
    ui.add_head_html(f"<style>{static.joinpath('theme.css').read_text('utf-8')}</style>", shared=True)
    ui.add_body_html(f"<script>{static.joinpath('keys.js').read_text('utf-8')}</script>", shared=True)
    for entry in ENTRIES:
        _register(entry)
    nicegui.app.on_page_exception(_fail)
    ui.run_with(
        host,
        title="polymem",
        favicon=_ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        reconnect_timeout=10.0,
        binding_refresh_interval=None,
        show_welcome_message=False,
        gzip_middleware_factory=partial(GZipMiddleware, minimum_size=1000, compresslevel=1),
    )
    return host


def _register(entry: Entry) -> None:
    build = import_module(f"polymem.dashboard.pages.{entry.module}").build

    @ui.page(entry.path, title=f"{entry.title} · polymem", response_timeout=30.0)
    async def page(request: Request) -> None:
        visit: Visit = request.state.visit
        parameters: dict[str, Any] = request.path_params
        async with frame(visit, entry):
            try:
                if entry.needs is not None:
                    (await visit.authority()).require(entry.needs)
                await build(visit, **parameters)
            except PolymemError as error:
                problem(visit, str(error))
            except Exception:
                _logger.exception("a page could not be drawn")
                problem(visit, "Something went wrong on the server. Its log tells more.")


def _fail() -> None:
    # When not even the frame could be drawn. NiceGUI logs the exception; it is not for visitors.
    text("Something went wrong on the server. Its log tells more.", "pm-page")
