"""The pages people look at, in a real browser."""

import json
import shutil
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.serving import Server


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A tab of the distribution's Chromium, of a phone's width, that breaks the test when a script breaks."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("pageerror", lambda error: broken.append(str(error)))
        yield page
        browser.close()
    assert broken == []


@pytest.mark.parametrize("address", ["/admin/mcp-setup/", "/admin/mcp-setup"])
def test_the_configuration_can_be_pasted_as_it_stands(site: Server, page: Page, address: str) -> None:
    page.goto(site.url + address)
    shown = json.loads(page.locator("#config").inner_text())
    server = shown["mcpServers"]["ai-memory"]
    assert (server["command"], server["args"]) == ("polymem", ["mcp"])
    assert server["env"]["AIM_API_URL"] == site.url
    assert "~/.claude/settings.json" in page.inner_text("main")
    assert page.get_by_role("button", name="Copy").count() == page.locator("pre").count()


def test_copying_works_or_selects(site: Server, page: Page) -> None:
    page.goto(f"{site.url}/admin/mcp-setup/")
    page.get_by_role("button", name="Copy").nth(2).click()
    page.get_by_text("Copied").or_(page.get_by_text("Selected")).wait_for()


@pytest.mark.parametrize("address", ["/admin/mcp-setup/", "/admin/", "/"])
def test_a_page_fits_a_phone_and_asks_nobody_else(site: Server, page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.url + address)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert {url for url in asked if not url.startswith((site.url, "data:"))} == set()


def test_the_pages_are_open_and_their_addresses_follow_the_prefix(server: Server) -> None:
    answer = httpx2.get(f"{server.url}/aimemory/admin/", trust_env=False)
    assert answer.status_code == 200
    assert f"{server.url}/aimemory/admin/mcp-setup/" in answer.text
    setup = httpx2.get(f"{server.url}/aimemory/admin/mcp-setup/", trust_env=False).text
    assert f"{server.url}/aimemory&quot;" in setup
