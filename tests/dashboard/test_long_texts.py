"""Editing texts of any length that a memory can have."""

from playwright.sync_api import Browser, expect

from polymem.core.model import MAX_CONTENT_BYTES
from tests.conftest import MakeSettings
from tests.dashboard.conftest import browsing, keep
from tests.serving import serving

LINE = "Log of the night watch: 🌊 calm, wind from the west.\n"


def test_a_text_of_any_length_that_is_kept_can_be_edited(make_settings: MakeSettings, chromium: Browser) -> None:
    # Without a model, which would take longest.
    with (
        serving(make_settings(dashboard=True, embedder="none")) as server,
        browsing(chromium, server.url, tolerated="Payload size") as context,
    ):
        content = LINE * (300_000 // len(LINE) + 1)
        (memory,) = keep(server, content)
        page = context.new_page()
        page.goto(f"/memories/{memory.id}")
        page.get_by_role("button", name="Edit").click()
        field = page.get_by_role("textbox", name="Text", exact=True)
        expect(field).to_have_value(content)
        field.press("ControlOrMeta+Home")
        page.keyboard.type("Kept. ")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".pm-version")).to_have_count(2)
        assert server.core.local is not None
        assert server.run(server.core.memories.get(server.core.local, memory.id)).content == f"Kept. {content}"
        # What would not arrive is refused, instead of saved as it was.
        page.get_by_role("button", name="Edit").click()
        field.fill("x" * 1_000_000)
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".q-field--error")).to_contain_text("too long for a form")
        field.fill("Short again.\n🌊")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".pm-version")).to_have_count(3)
        assert server.run(server.core.memories.get(server.core.local, memory.id)).content == "Short again.\n🌊"


def test_of_a_text_that_is_too_long_for_a_form_the_other_fields_are_edited(
    make_settings: MakeSettings, chromium: Browser
) -> None:
    with (
        serving(make_settings(dashboard=True, embedder="none")) as server,
        browsing(chromium, server.url) as context,
    ):
        content = "\x01" * MAX_CONTENT_BYTES
        (memory,) = keep(server, content)
        page = context.new_page()
        page.goto(f"/memories/{memory.id}")
        page.get_by_role("button", name="Edit").click()
        expect(page.get_by_text("change it through the API")).to_be_visible()
        page.get_by_role("textbox", name="Title").fill("Long")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="Long")).to_be_visible()
        assert server.core.local is not None
        assert server.run(server.core.memories.get(server.core.local, memory.id)).content == content
