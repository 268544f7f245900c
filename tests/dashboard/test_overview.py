"""The first page: counts, charts, health, and a first memory that appears by itself."""

import re
from datetime import timedelta

from playwright.sync_api import Browser, Page, expect

from tests.conftest import MakeSettings
from tests.dashboard.conftest import assert_accessible, browsing, keep
from tests.serving import Server, serving


def test_an_empty_memory_teaches_and_fills_without_a_reload(make_settings: MakeSettings, chromium: Browser) -> None:
    with serving(make_settings(dashboard=True)) as server, browsing(chromium, server.url) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_text(f"curl {server.url}/v1/memories")).to_be_visible()
        with server.client() as agent:
            agent.post("/v1/memories", json={"content": "Ana flies from Lisbon."})
        expect(page.get_by_role("link", name="Ana flies from Lisbon.")).to_be_visible()
        page.get_by_role("link", name=re.compile("Memories 1")).click()
        expect(page).to_have_url(f"{server.url}/memories")


def test_what_is_counted_can_be_looked_at(make_settings: MakeSettings, chromium: Browser) -> None:
    with serving(make_settings(dashboard=True)) as server, browsing(chromium, server.url) as context:
        keep(server, "first", "second", project="harbour & quay")
        keep(server, "first", project="harbour & quay")
        (used,) = keep(server, "used")
        assert server.core.local is not None
        server.run(server.core.memories.count_use(server.core.local, [used.id]))
        page = context.new_page()
        shown = page.locator(".pm-table tbody a")
        page.goto("/")
        page.get_by_role("link", name="3 were never used").click()
        expect(shown).to_have_text(["first", "second", "first"], use_inner_text=True)
        page.goto("/")
        page.get_by_role("link", name="1 copy of another memory").click()
        expect(shown).to_have_text(["first"])
        page.goto("/")
        page.get_by_role("region", name="Projects").get_by_role("link", name="harbour & quay").click()
        expect(shown).to_have_count(3)
        assert_accessible(page)
        page.get_by_label("In", exact=True).click()
        page.get_by_role("option", name="Any project").click()
        expect(shown).to_have_count(4)
        assert page.url == f"{server.url}/memories"


def test_it_counts_and_leads_on(dash: Server, page: Page) -> None:
    now = dash.core.clock.now()
    keep(dash, "one", "two", kind="fact", project="harbour", created_at=now - timedelta(days=3))
    keep(dash, "one", kind="fact", project="harbour", expires_at=now + timedelta(days=2))
    page.goto("/")
    expect(page.get_by_role("link", name=re.compile(r"Memories 3 3 in the last 7 days"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"Memories: 0 on .*, 3 on"))).to_be_visible()
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text("1 copy of another memory")
    expect(health).to_contain_text("3 were never used")
    assert_accessible(page)
    health.get_by_role("link", name="1 ends within a week").click()
    expect(page.locator(".pm-table tbody a")).to_have_count(1)
    page.goto("/")
    page.get_by_role("region", name="Kinds").get_by_role("link", name="fact").click()
    expect(page.locator(".pm-table tbody a")).to_have_count(3)


def test_recalls_are_drawn_with_those_that_found_nothing(dash: Server, page: Page) -> None:
    core = dash.core
    assert core.local is not None
    known = "The lighthouse keeper is called Brage."
    keep(dash, known, project="coast")
    before = dash.run(core.overview.recalls(core.local)).total
    with dash.client() as agent:
        for query in ("lighthouse keeper", "lighthouse keeper Brage", "zymurgy quokka"):
            agent.post("/v1/recall", json={"query": query, "mode": "keyword", "project": "coast"})
    asked, none = before.recalls + 3, before.found_nothing + 1
    dash.run(core.recall.close())
    page.goto("/")
    expect(page.locator(".pm-tile", has_text="Recalls in 30 days")).to_contain_text(f"{asked}{none / asked:.0%} found")
    card = page.get_by_role("region", name="Recalls")
    expect(card.get_by_role("img", name=f"Recalls: {asked}, {none} found nothing in 30 days")).to_be_visible()
    expect(card.locator(".pm-bar")).to_have_count(1)
    expect(card.locator(".pm-bar-apart")).to_have_count(1)
    assert f"{asked}, {none} found nothing" in (card.locator("title").last.text_content() or "")
    assert_accessible(page)
    # In one project there is what was asked there.
    page.goto("/projects")
    with page.expect_navigation():
        page.locator(".pm-card", has_text="coast").get_by_role("button", name="Look at it alone").click()
    page.goto("/")
    expect(page.get_by_role("img", name="Recalls: 3, 1 found nothing in 30 days")).to_be_visible()
