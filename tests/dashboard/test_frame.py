"""What is around every page: where it is served, who comes in, and how it looks."""

import pytest
from playwright.sync_api import Browser, Page, expect

from polymem.dashboard.navigation import ENTRIES, first_segment
from polymem.dialects import DIALECTS
from tests.conftest import MakeSettings
from tests.dashboard.conftest import assert_accessible, assert_fits, browsing
from tests.serving import Server, serving

PLAIN = [entry.path for entry in ENTRIES if "{" not in entry.path]


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/v1/stats", "/health", "/metrics", "/memento/docs"])
def test_what_was_there_before_is_where_it_was(dash: Server, path: str) -> None:
    with dash.client() as client:
        answer = client.get(path)
    assert answer.status_code == 200
    assert "nicegui" not in answer.text.lower()


def test_an_unknown_path_is_still_answered_by_the_api(dash: Server) -> None:
    with dash.client() as client:
        answer = client.get("/nothing-of-the-kind")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_page_takes_a_path_of_an_api() -> None:
    taken = {first_segment(dialect.prefix) for dialect in DIALECTS if dialect.prefix}
    taken |= {"v1", "docs", "redoc", "openapi.json", "health", "metrics", "mcp", "accept-invitation", "reset-password"}
    assert taken.isdisjoint(first_segment(entry.path) for entry in ENTRIES)


def test_without_the_setting_there_is_no_dashboard(make_settings: MakeSettings) -> None:
    with serving(make_settings(dashboard=False, embedder="none")) as server, server.client() as client:
        assert client.get("/").headers["location"].endswith("/docs")
        assert client.get("/sign-in").status_code == 404


@pytest.mark.parametrize("path", PLAIN)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_accessible_in_light_and_dark(dash: Server, chromium: Browser, path: str, scheme: str) -> None:
    with browsing(chromium, dash.url, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(path)
        expect(page.locator("main h1")).to_be_visible()
        assert_accessible(page)


@pytest.mark.parametrize("path", PLAIN)
def test_a_page_fits_a_phone(dash: Server, chromium: Browser, path: str) -> None:
    with browsing(chromium, dash.url, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(path)
        expect(page.locator("main h1")).to_be_visible()
        assert_fits(page)


def test_a_phone_has_the_menu_behind_a_button(dash: Server, chromium: Browser) -> None:
    with browsing(chromium, dash.url, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto("/")
        menu = page.get_by_role("navigation", name="Pages")
        expect(menu).not_to_be_in_viewport()
        page.get_by_role("button", name="Menu").click()
        expect(menu).to_be_in_viewport()
        assert_accessible(page)


def test_the_keyboard_alone_reaches_the_content_and_the_search(page: Page) -> None:
    page.goto("/")
    expect(page.locator("main h1")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search memories")).to_be_focused()


def test_the_colours_are_a_choice_that_lasts(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="switch to light").click()
    page.get_by_role("button", name="switch to dark").click()
    expect(page.get_by_role("button", name="Dark colours")).to_be_visible()
    page.reload()
    expect(page.locator("body")).to_contain_class("body--dark")


def test_a_page_cannot_be_framed_and_may_ask_nobody_else(dash: Server) -> None:
    with dash.client() as client:
        headers = client.get("/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_another_name_for_this_server_is_refused(dash: Server) -> None:
    with dash.client() as client:
        for path in ("/", "/sign-in", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
            assert client.get(path, headers={"Host": "evil.example"}).status_code == 421


def test_a_page_of_another_origin_can_neither_connect_nor_sign_in(dash: Server) -> None:
    with dash.client(Origin="https://evil.example") as client:
        assert client.post("/sign-in", data={"login": "a", "password": "b"}).status_code == 403
        assert client.post("/sign-out").status_code == 403
        assert client.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 403
        handshake = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        answer = client.get("/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers=handshake)
        assert answer.status_code == 403
