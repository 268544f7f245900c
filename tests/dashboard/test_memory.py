"""The page of one memory: versions, editing every field, forgetting and restoring, its chain and its conflicts."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from polymem.core.model import Draft
from tests.dashboard.conftest import assert_accessible, assert_fits, keep
from tests.serving import Server


def revise(server: Server, memory_id: str, **changes: Any) -> None:
    """A change that somebody else makes."""
    assert server.core.local is not None
    server.run(server.core.memories.revise(server.core.local, memory_id, changes))


def test_versions_show_what_each_one_changed(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "The office opens at nine.", importance=4)
    revise(dash, memory.id, content="The office opens at ten.")
    revise(dash, memory.id, importance=8, tags=("hours",))
    page.goto(f"/memories/{memory.id}")
    versions = page.locator(".pm-version")
    expect(versions).to_have_count(3)
    expect(versions.nth(0).locator("del")).to_have_text(["–", "4"], use_inner_text=True)
    expect(versions.nth(0).locator("ins")).to_have_text(["hours", "8"], use_inner_text=True)
    expect(versions.nth(1).locator("del")).to_have_text("nine")
    expect(versions.nth(1).locator("ins")).to_have_text("ten")
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert_fits(page)


def test_every_field_can_be_edited_and_becomes_a_version(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "To be edited.")
    page.goto(f"/memories/{memory.id}")
    page.get_by_role("button", name="Edit").click()
    assert_accessible(page)
    entered = {
        "Text": "Edited.\nTwice.",
        "Title": "A title",
        "Kind": "decision",
        "Project": "harbour",
        "Conversation": "a call",
        "Provenance": "observed",
        "Tags, separated by commas": "one, two words, one",
        "Importance, 1 to 10": "9",
        "Weight, 0.1 to 1": "0.5",
        "Confidence, 0 to 1": "0.75",
        "Happened (UTC)": "2026-02-03",
        "True from (UTC)": "2026-02-03T04:05:06Z",
        "True until (UTC)": "2027-01-01",
        "Ends (UTC)": "2099-01-01",
        "Summary": "In short",
        "Context": "Around it",
        "Metadata, a JSON object": '{"source": "mail", "pages": 3}',
    }
    for label, value in entered.items():
        page.get_by_role("textbox", name=label, exact=True).fill(value)
    page.get_by_role("combobox", name="Delivery").click()
    page.get_by_role("option", name="pinned").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="A title")).to_be_visible()
    assert dash.core.local is not None
    kept = dash.run(dash.core.memories.get(dash.core.local, memory.id))
    assert (kept.version, kept.content, kept.title, kept.kind) == (2, "Edited.\nTwice.", "A title", "decision")
    assert (kept.project, kept.container, kept.provenance) == ("harbour", "a call", "observed")
    assert (kept.tags, kept.importance, kept.weight, kept.confidence) == (("one", "two words"), 9, 0.5, 0.75)
    assert (kept.summary, kept.context, kept.delivery) == ("In short", "Around it", "pinned")
    assert dict(kept.metadata) == {"source": "mail", "pages": 3}
    instants = [kept.occurred_at, kept.valid_from, kept.valid_to, kept.expires_at]
    assert [at and f"{at:%Y-%m-%d %H:%M:%S}" for at in instants] == [
        "2026-02-03 00:00:00",
        "2026-02-03 04:05:06",
        "2027-01-01 00:00:00",
        "2099-01-01 00:00:00",
    ]


@pytest.mark.parametrize(
    ("label", "entered", "told"),
    [
        ("Text", " ", "content"),
        ("Importance, 1 to 10", "11", "importance must"),
        ("Weight, 0.1 to 1", "much", "weight must be a number"),
        ("Happened (UTC)", "yesterday", "occurred_at"),
        ("Metadata, a JSON object", "[1]", "metadata must be a JSON object"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_saved(
    dash: Server, page: Page, label: str, entered: str, told: str
) -> None:
    (memory,) = keep(dash, "Stays as it is.")
    page.goto(f"/memories/{memory.id}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name=label, exact=True).fill(entered)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".q-field--error")).to_contain_text(told)
    assert dash.core.local is not None
    assert dash.run(dash.core.memories.get(dash.core.local, memory.id)).version == 1


def test_a_form_that_somebody_overtook_saves_nothing(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "Edited by two.")
    page.goto(f"/memories/{memory.id}")
    page.get_by_role("button", name="Edit").click()
    revise(dash, memory.id, content="Edited by the other.")
    page.get_by_role("textbox", name="Text", exact=True).fill("Edited by me.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is at version 2, not 1")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".pm-content")).to_have_text("Edited by the other.")


def test_forgetting_can_be_undone(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "Forgotten for a moment.")
    page.goto(f"/memories/{memory.id}")
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("in the trash")).to_be_visible()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("button", name="Edit")).to_be_visible()
    expect(page.locator(".pm-version")).to_have_count(3)


def test_it_shows_what_replaced_what_and_what_contradicts(dash: Server, page: Page) -> None:
    assert dash.core.local is not None
    core, scope = dash.core, dash.core.local
    old = dash.run(core.memories.add_compared(scope, Draft(content="The lamp costs 30 euros.")))[0].memory
    new = dash.run(core.memories.add_compared(scope, Draft(content="The lamp costs 40 euros.")))[0].memory
    (last,) = keep(dash, "The lamp is not sold any more.", supersedes=new.id)
    page.goto(f"/memories/{new.id}")
    chain = page.locator(".pm-chain li")
    expect(chain).to_have_text([re.compile("40 euros.*replaced"), re.compile("not sold.*current")])
    conflicts = page.get_by_role("region", name="Conflicts")
    expect(conflicts.get_by_role("link")).to_have_text("The lamp costs 30 euros.")
    conflicts.get_by_role("link").click()
    expect(page).to_have_url(re.compile(old.id))
    page.goto(f"/memories/{last.id}")
    expect(chain).to_have_count(2)


def test_it_follows_what_others_do_to_it(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "Watched.")
    page.goto(f"/memories/{memory.id}")
    expect(page.locator(".pm-content")).to_have_text("Watched.")
    revise(dash, memory.id, content="Watched, and changed.")
    expect(page.locator(".pm-content")).to_have_text("Watched, and changed.")


def test_one_that_is_not_there_is_a_sentence_with_a_way_out(dash: Server, page: Page) -> None:
    for path in ("/memories/nothing", "/memories/a/b%2Fc", "/memories/%00"):
        page.goto(path)
        expect(page.get_by_role("alert")).to_contain_text("not found")
        expect(page.get_by_role("link", name="Back to the overview")).to_be_visible()


def test_an_id_may_be_any_text(dash: Server, page: Page) -> None:
    (memory,) = keep(dash, "Under an odd name.", id="a/b?c#d %41")
    page.goto("/memories?text=odd+name")
    page.get_by_role("link", name="Under an odd name.").click()
    expect(page.get_by_role("heading", name="Under an odd name.")).to_be_visible()
    expect(page.get_by_text(memory.id, exact=True)).to_be_visible()
