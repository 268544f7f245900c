"""The time machine, the map, and the context document."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import assert_accessible, assert_fits, keep
from tests.serving import Server


def test_the_time_machine_shows_what_was_known_and_what_changed_since(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "The gate opens at six.")
    core, scope = dash.core, dash.core.local
    assert scope is not None
    dash.run(core.memories.revise(scope, memory.id, {"content": "The gate opens at seven."}))
    versions = dash.run(core.memories.history(scope, memory.id))
    between = versions[0].recorded_at + (versions[1].recorded_at - versions[0].recorded_at) / 2
    page.goto("/time-machine")
    then = page.get_by_role("region", name="Known then")
    changes = page.get_by_role("region", name="What changed between")
    expect(then.get_by_text("The gate opens at seven.")).to_be_visible()
    expect(changes.locator(".pm-version").first.locator("del")).to_have_text("six")
    assert_accessible(page)
    field = page.get_by_label("Known at (UTC)")
    field.fill(between.strftime("%Y-%m-%d %H:%M:%S.%f"))
    field.press("Enter")
    field.blur()
    expect(then.get_by_text("The gate opens at six.")).to_be_visible()
    expect(then.get_by_text("The gate opens at seven.")).to_have_count(0)
    field.fill("when it rained")
    field.blur()
    expect(page.get_by_text("Known at")).not_to_have_count(0)
    expect(page.locator(".q-notification")).to_contain_text("Known at")
    page.set_viewport_size({"width": 390, "height": 844})
    assert_fits(page)


def test_the_slider_of_the_time_machine_goes_by_the_keyboard(dash: Server, page: Page) -> None:
    keep(dash, "Something to look back at.")
    page.goto("/time-machine")
    slider = page.get_by_role("slider", name="Known at")
    expect(slider).to_have_value("1000")
    known, since = page.get_by_label("Known at (UTC)"), page.get_by_label("Compared with (UTC)")
    beginning = since.input_value()
    slider.focus()
    page.keyboard.press("Home")
    expect(known).to_have_value(beginning)
    expect(since).to_have_value(beginning)
    expect(slider).to_have_value("0")


def test_a_point_of_the_map_opens_its_memory(dash: Server, page: Page) -> None:
    keep(dash, "A lighthouse stands on the rock.", "Bread is baked at four.", project="coast")
    page.goto("/map")
    canvas = page.locator(".pm-map canvas").first
    expect(canvas).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+ memories$"))).to_be_visible()
    assert_accessible(page)
    place = page.evaluate(
        """() => { const chart = getElement(document.querySelector('.pm-map').id.slice(1)).chart;
            const series = chart.getOption().series[0];
            return chart.convertToPixel({seriesIndex: 0}, series.data[0].slice(0, 2)); }"""
    )
    canvas.click(position={"x": place[0], "y": place[1]})
    expect(page).to_have_url(re.compile("/memories/"))


def test_the_context_document_keeps_to_its_budget_and_says_what_it_left_out(dash: Server, page: Page) -> None:
    keep(dash, *(f"Rule {number} of the archive: box {number} stays shut." for number in range(40)), project="archive")
    page.goto("/context")
    page.get_by_role("combobox", name="Project").nth(1).click()
    page.get_by_role("option", name="archive").click()
    document = page.get_by_role("region", name="Document")
    expect(document.get_by_role("heading", name="archive")).to_be_visible()
    budget = page.get_by_role("region", name="Budget")
    expect(budget).to_contain_text("of 8,000 tokens")
    assert_accessible(page)
    page.get_by_label("Tokens at most").fill("400")
    expect(budget).to_contain_text("of 400 tokens")
    expect(budget).to_contain_text(re.compile(r"\d+ entries of memories"))
    page.get_by_label("Tokens at most").fill("few")
    expect(page.locator(".q-notification")).to_contain_text("must be a number")
