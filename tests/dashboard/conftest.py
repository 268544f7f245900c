"""A server with its dashboard, and a browser that breaks the test when a page complains."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from polymem.core.model import Draft, Memory
from tests.conftest import MakeSettings
from tests.serving import Server, serving

NewPage = Callable[..., Page]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def dash(make_settings: MakeSettings) -> Iterator[Server]:
    """A server in local mode, with the dashboard at its root. A process has one dashboard at a time."""
    with serving(make_settings(dashboard=True)) as server:
        yield server


@pytest.fixture
def guarded(make_settings: MakeSettings) -> Iterator[Server]:
    """The same for a server that everybody has to sign in to."""
    with serving(make_settings(dashboard=True, auth="required")) as server:
        yield server


@contextmanager
def browsing(chromium: Browser, url: str, *, tolerated: str = "nothing", **options: Any) -> Iterator[BrowserContext]:
    """A browser profile of its own, in which no page may complain of anything but what is `tolerated`, or ask another
    server."""
    complaints: list[str] = []

    def answer(dialog: Dialog) -> None:
        complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("request", lambda request: complaints.append(request.url) if is_foreign(request.url) else None)
        page.on("dialog", answer)

    def is_foreign(address: str) -> bool:
        return not address.startswith((url, url.replace("http", "ws", 1), "data:", "blob:"))

    context = chromium.new_context(base_url=url, reduced_motion="reduce", **options)
    context.set_default_timeout(20_000)
    context.on("page", watch)
    try:
        yield context
    finally:
        context.close()
    assert [one for one in complaints if tolerated not in one] == []


@pytest.fixture
def page(dash: Server, chromium: Browser) -> Iterator[Page]:
    """A tab of somebody at the machine of `dash`."""
    with browsing(chromium, dash.url) as context:
        yield context.new_page()


def keep(server: Server, *contents: str, **values: Any) -> list[Memory]:
    """Memories of the local owner."""
    assert server.core.local is not None
    drafts = [Draft(content=content, **values) for content in contents]
    return [added.memory for added in server.run(server.core.memories.add_many(server.core.local, drafts))]


def assert_accessible(page: Page) -> None:
    """No serious finding of axe-core on what is shown."""
    # Behind an open dialog the body is fixed, and axe then takes its colour for that of what is in front of it.
    behind = page.get_by_role("dialog").count() > 0
    options = {"rules": {"color-contrast": {"enabled": not behind}}}
    found = Axe().run(page, options=options).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["html"][:300] for node in one["nodes"][:5]]) for one in serious]
    assert told == [], json.dumps(told, indent=1)


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window."""
    # What is fixed to the window is not part of the document's width.
    for part in ("document.documentElement", "document.querySelector('header')"):
        page.wait_for_function(f"{part}.scrollWidth <= innerWidth")
