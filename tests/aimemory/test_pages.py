"""The pages people look at, in a real browser."""

import json
import shutil
import tomllib
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Page, sync_playwright

from polymem.core.mcp_clients import CLIENTS
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
    # The native API is at the gateway, and not on this dialect's own port.
    assert server["env"] == {"POLYMEM_URL": "http://127.0.0.1:8765", "POLYMEM_API_KEY": "YOUR_API_TOKEN"}
    assert page.locator("button", has_text="Copy").count() == page.locator("pre").count()


def test_every_client_has_its_file_and_this_servers_address(site: Server, page: Page) -> None:
    page.goto(f"{site.url}/admin/mcp-setup/")
    assert page.locator("summary").all_inner_texts() == [client.title for client in CLIENTS]
    for client in CLIENTS:
        block = page.locator("details", has=page.locator("summary", has_text=client.title).first)
        text = block.first.inner_text() if client is CLIENTS[0] else block.first.text_content() or ""
        assert client.files["linux"] in text
        assert f"polymem mcp install {client.id} " in text
        if client.speaks_http:
            assert f"{site.url}/mcp" in text
    codex = page.locator("details", has_text="config.toml").locator("pre").first.text_content() or ""
    assert tomllib.loads(codex)["mcp_servers"]["ai-memory"]["command"] == "polymem"


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
    assert f"{server.url}/aimemory/mcp&quot;" in setup
    assert f"POLYMEM_URL&quot;: &quot;{server.url}&quot;" in setup
