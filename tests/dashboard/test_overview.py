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
