"""The page at `/`, as a person meets it in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import MakeSettings
from tests.memento.conftest import Memento, Start, serving

KEY = "secret-key-12345"


MEMORIES = [
    {"content": "The roses are watered on Mondays and Thursdays, before nine in the morning. " * 3, "tags": ["water"]},
    {"content": "Use <b>compost</b> & no peat", "tags": ["decision", "soil"], "priority": "high"},
    {"content": "The tools are in the shed behind the oak", "global": True},
]


def fill(server: Memento) -> None:
    with server.open() as api:
        assert api.post("/api/save/batch", json={"memories": MEMORIES}).json()["count"] == 3


@pytest.fixture(scope="module")
def searched(start: Start) -> Memento:
    """A server with a model and a few memories, which no test changes."""
    server = start(embedder="local", namespace="garden")
    fill(server)
    return server


@pytest.fixture
def kept(make_settings: MakeSettings) -> Iterator[Memento]:
    """A server with a few memories for one test."""
    with serving(make_settings(embedder="none", namespace="garden")) as server:
        fill(server)
        yield server


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_it_shows_statistics_and_the_newest_memories(searched: Memento, page: Page) -> None:
    page.goto(searched.url)
    expect(page.locator("#stats")).to_contain_text(re.compile(r"In garden\s*2\s*Global\s*1\s*In all\s*3"))
    expect(page.locator("#list li")).to_have_count(2)
    expect(page.locator("#list li").first).to_contain_text("Use <b>compost</b> & no peat")
    expect(page.locator("#list-say")).to_have_text("2 of 2 in garden")
    expect(page.locator("#gate")).to_be_hidden()
    assert overflow(page) == 0


@pytest.mark.parametrize("mode", ["hybrid", "vector", "keyword"])
def test_a_search_shows_what_was_found_with_its_score(searched: Memento, page: Page, mode: str) -> None:
    page.goto(searched.url)
    page.get_by_label("What are you looking for?").fill("where are the tools?")
    page.get_by_label("By").select_option(mode)
    page.get_by_role("button", name="Search").click()
    first = page.locator("#results li").first
    expect(first).to_contain_text("The tools are in the shed")
    expect(first.locator(".score")).to_have_text(re.compile(r"[01]\.\d{4}"))
    page.get_by_label("Where").select_option("here")
    page.get_by_label("Tags, all of them").fill("water")
    page.get_by_label("What are you looking for?").fill("roses")
    page.get_by_label("What are you looking for?").press("Enter")
    expect(page.locator("#search-say")).to_have_text("1 found")
    page.get_by_label("Tags, all of them").fill("water, nothing")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#search-say")).to_have_text("Nothing found.")


def test_a_memory_can_be_saved(kept: Memento, page: Page) -> None:
    page.goto(kept.url)
    page.get_by_label("Content").fill("Line one\nline two")
    page.locator("#tags").fill(" new , , tag ")
    page.get_by_label("Priority").select_option("low")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#save-say")).to_have_text("Saved 1 memory entry")
    expect(page.locator("#list li").first).to_contain_text("line two")
    with kept.open() as api:
        entry = api.get("/api/list").json()["entries"][0]
    assert (entry["content"], entry["tags"]) == ("Line one\nline two", ["new", "tag"])
    assert (entry["metadata"]["priority"], entry["namespace"]) == ("low", "garden")


def test_details_show_all_of_a_memory_which_can_be_deleted_and_restored(kept: Memento, page: Page) -> None:
    page.goto(kept.url)
    page.locator("#list li button").nth(1).click()
    details = page.get_by_role("dialog")
    expect(details).to_contain_text("The roses are watered on Mondays and Thursdays, before nine in the morning. " * 2)
    expect(details).to_contain_text("water")
    details.get_by_role("button", name="Delete").click()
    expect(details).to_contain_text("deleted successfully")
    expect(page.locator("#list li")).to_have_count(1)
    details.get_by_role("button", name="Restore").click()
    expect(details).to_contain_text("restored successfully")
    expect(page.locator("#list li")).to_have_count(2)
    details.get_by_role("button", name="Close").click()
    expect(details).to_be_hidden()


def test_more_memories_are_a_click_away(kept: Memento, page: Page) -> None:
    with kept.open() as api:
        memories = [{"content": f"Row {number}"} for number in range(30)]
        assert api.post("/api/save/batch", json={"memories": memories}).status_code == 200
    page.goto(kept.url)
    expect(page.locator("#list li")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#list li")).to_have_count(32)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


@pytest.mark.parametrize("path", ["", "/memento", "/memento/"])
def test_it_asks_for_a_key_where_one_is_needed(start: Start, page: Page, path: str) -> None:
    locked = start(memento_api_key=KEY)
    page.goto(locked.url + (path if path != "/memento" else "/memento/"))
    expect(page.get_by_text("This server asks for a key")).to_be_visible()
    expect(page.locator("#inside")).to_be_hidden()
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("That key is not valid.")).to_be_visible()
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#list-say")).to_have_text("Nothing in here yet.")
    page.reload()
    expect(page.locator("#list-say")).to_have_text("Nothing in here yet.")


def test_it_asks_nobody_but_its_own_server(searched: Memento, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(searched.url)
    expect(page.locator("#list li")).to_have_count(2)
    assert len(asked) >= 3
    assert [url for url in asked if not url.startswith((searched.url, "data:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_any_window_by_day_and_by_night(searched: Memento, chromium: Browser, scheme: str, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(searched.url)
    expect(page.locator("#list li")).to_have_count(2)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    shade = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (shade > 128) == (scheme == "light")
    assert overflow(page) == 0
    page.locator("#list li button").first.click()
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    context.close()
