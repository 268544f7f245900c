"""The table of memories: pages, filters, order, several at once, and what agents do meanwhile."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from polymem.core.model import Draft
from tests.conftest import MakeSettings
from tests.dashboard.conftest import keep
from tests.serving import Server, serving


@pytest.fixture(scope="module")
def dash(make_settings: MakeSettings) -> Iterator[Server]:
    """A server with sixty memories."""
    with serving(make_settings(dashboard=True, embedder="none")) as server:
        keep(server, *(f"Berth {number} is free." for number in range(58)), kind="fact", tags=("berth",))
        keep(server, "The crane is red.", kind="observation", project="harbour", importance=9)
        keep(server, "The dome is open.", kind="decision", project="observatory", title="Dome")
        yield server


def rows(page: Page) -> list[str]:
    """The texts of the table's rows."""
    return page.locator(".pm-table tbody a").all_inner_texts()


def test_pages_are_turned_on_the_server(page: Page) -> None:
    page.goto("/memories")
    status = page.get_by_role("status").filter(has_text="of 60")
    expect(status).to_have_text("1–25 of 60")
    assert len(rows(page)) == 25
    page.get_by_role("button", name="Next page").click()
    expect(status).to_have_text("26–50 of 60")
    expect(page).to_have_url(re.compile(r"\?offset=25$"))
    page.get_by_role("button", name="Next page").click()
    expect(status).to_have_text("51–60 of 60")
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()
    page.reload()
    expect(status).to_have_text("51–60 of 60")


def test_filters_and_order_are_part_of_the_address(page: Page) -> None:
    page.goto("/memories")
    page.get_by_label("Text").fill("crane")
    expect(page.locator(".pm-table tbody a")).to_have_text(["The crane is red."])
    page.get_by_label("Text").fill("")
    expect(page.get_by_text("of 60")).to_be_visible()
    page.get_by_role("button", name="Importance").click()
    expect(page.locator(".pm-table tbody a").first).to_have_text("The crane is red.")
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    page.get_by_label("Tag").fill("berth")
    expect(page.get_by_text("of 58")).to_be_visible()
    page.reload()
    expect(page.get_by_text("of 58")).to_be_visible()
    expect(page.get_by_label("Tag")).to_have_value("berth")


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=9999999999999", "least=x&state=x&sort=x", "kind=%00", "tag=%ff"]
)
def test_an_address_that_makes_no_sense_shows_a_table_or_says_so(page: Page, query: str) -> None:
    page.goto(f"/memories?{query}")
    expect(page.get_by_role("heading", name="Memories")).to_be_visible()
    expect(page.locator(".pm-table tbody tr, .pm-empty").first).to_be_visible()


def test_choosing_a_project_narrows_every_page(page: Page) -> None:
    page.goto("/memories")
    page.get_by_role("combobox", name="Project").click()
    page.get_by_role("option", name="observatory").click()
    expect(page.locator(".pm-table tbody a")).to_have_text(["Dome"])
    page.goto("/search?q=crane")
    expect(page.get_by_text("Nothing relevant")).to_be_visible()


def test_several_are_changed_at_once(dash: Server, page: Page) -> None:
    keep(dash, "first of several", "second of several")
    page.goto("/memories?text=of+several")
    page.get_by_role("checkbox", name="Choose all on this page").check()
    expect(page.get_by_text("2 memories chosen")).to_be_visible()
    page.get_by_role("button", name="Add a tag").click()
    page.get_by_role("dialog").get_by_label("Tag").fill("together")
    page.get_by_role("dialog").get_by_role("button", name="Add a tag").click()
    expect(page.locator(".pm-table").get_by_text("together")).to_have_count(2)
    page.get_by_role("checkbox", name="Choose first of several").check()
    page.get_by_role("button", name="Set importance").click()
    page.get_by_label("Importance, 1 to 10").fill("eleven")
    page.get_by_role("dialog").get_by_role("button", name="Set importance").click()
    expect(page.get_by_text("importance must be")).to_be_visible()
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.locator(".pm-table tbody a")).to_have_text(["second of several"])


def test_what_an_agent_writes_appears_without_a_reload(dash: Server, page: Page) -> None:
    page.goto("/memories?text=from+an+agent")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    with dash.client() as agent:
        kept = agent.post("/v1/memories", json={"content": "News from an agent."}).json()
        expect(page.locator(".pm-table tbody a")).to_have_text(["News from an agent."])
        agent.delete(f"/v1/memories/{kept['id']}")
        expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_expired_and_replaced_ones_are_shown_on_demand(dash: Server, page: Page) -> None:
    assert dash.core.local is not None
    (old,) = keep(dash, "The old price is three.")
    dash.run(dash.core.memories.add(dash.core.local, Draft(content="The new price is four.", supersedes=old.id)))
    page.goto("/memories?text=price")
    expect(page.locator(".pm-table tbody a")).to_have_text(["The new price is four."])
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Replaced", exact=True).click()
    expect(page.locator(".pm-table tbody a")).to_have_text(["The old price is three."])
    expect(page.locator(".pm-table").get_by_text("replaced")).to_be_visible()
