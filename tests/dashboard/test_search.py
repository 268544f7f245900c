"""Search that says why: a bar for each factor, and the step that lost what is missing."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import assert_accessible, keep
from tests.serving import Server


def test_a_hit_says_why_it_has_its_rank(dash: Server, page: Page) -> None:
    keep(dash, "The harbour office opens at seven.", "Bread rests for eighteen hours.")
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("when does the harbour office open?")
    page.keyboard.press("Enter")
    first = page.locator(".pm-hit").first
    expect(first).to_contain_text("The harbour office opens at seven.")
    first.get_by_text("Why this rank").click()
    for factor in ("Meaning, with its conversation", "Words, with its conversation"):
        expect(first.locator(".pm-factors li").filter(has_text=factor)).to_have_text(re.compile(r"\+\d"))
    expect(first.locator(".pm-factors li").filter(has_text="Before anything")).to_have_text(re.compile(r"-\d"))
    expect(first).to_contain_text("number 1 by meaning and number 1 by words")
    assert_accessible(page)


def test_looking_is_no_use_by_an_agent(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "Pelicans carry forty litres.")
    page.goto("/search?q=pelicans")
    expect(page.locator(".pm-hit")).to_contain_text(["Pelicans"])
    assert dash.core.local is not None
    assert dash.run(dash.core.memories.get(dash.core.local, memory.id)).access_count == 0


def test_why_not_names_the_step_and_the_way_back(dash: Server, page: Page) -> None:
    old, _ = keep(dash, "Zebras sleep standing.", "Penguins live in the south.")
    (new,) = keep(dash, "Zebras sleep lying down.", supersedes=old.id)
    page.goto("/search?q=where+do+penguins+live")
    page.get_by_label("A word of it, or its id").fill("Zebras sleep standing")
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="Zebras sleep standing.").click()
    expect(page.locator(".pm-stages .pm-lost")).to_have_text("closeNot replaced", use_inner_text=False)
    expect(page.get_by_text(f"Memory {new.id} supersedes it.")).to_be_visible()
    expect(page.get_by_text("ask for superseded memories too")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("A word of it, or its id").fill(new.id)
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="Zebras sleep lying down.").click()
    expect(page.locator(".pm-stages .pm-passed")).to_have_count(7)
    page.get_by_label("A word of it, or its id").fill("unicorn")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("No memory has that in its text.")).to_be_visible()


def test_a_question_that_cannot_be_asked_is_a_sentence(dash: Server, page: Page) -> None:
    page.goto("/search?q=" + "x" * 20_000)
    expect(page.get_by_role("alert")).to_contain_text("query")
    page.goto("/search?q=%00&mode=x")
    expect(page.locator("main h1").first).to_be_visible()
