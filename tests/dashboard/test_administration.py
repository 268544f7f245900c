"""Keys, the audit trail, files in and out, the system; and what holds for every page."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from polymem.dashboard.navigation import ENTRIES
from tests.dashboard.conftest import assert_accessible, assert_fits, browsing, keep
from tests.serving import Server

PLAIN = [entry for entry in ENTRIES if "{" not in entry.path]


@pytest.mark.parametrize("path", [entry.path for entry in PLAIN])
def test_every_page_is_accessible_and_fits_a_telephone(dash: Server, chromium: Browser, path: str) -> None:
    keep(dash, "On every page.", project="shop")
    with browsing(chromium, dash.url, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(path)
        expect(page.locator("main h1").first).to_be_visible()
        assert page.locator(".pm-problem").count() == 0
        assert_fits(page)
        assert_accessible(page)
        page.emulate_media(color_scheme="dark")
        expect(page.locator("body")).to_have_class(re.compile("body--dark"))
        assert_accessible(page)


def test_a_key_is_shown_once_and_ends_at_once(dash: Server, page: Page) -> None:
    keep(dash, "Read with a key.", project="till")
    page.goto("/keys")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("cashier")
    dialog.get_by_role("combobox", name="For").click()
    page.get_by_role("option", name="till").click()
    dialog.get_by_label("Days until it ends; empty for never").fill("0")
    dialog.get_by_role("button", name="Make it").click()
    expect(page.locator(".q-notification")).to_contain_text("Days must be")
    dialog.get_by_label("Days until it ends; empty for never").fill("30")
    dialog.get_by_role("button", name="Make it").click()
    secret = page.get_by_role("status").locator("code").inner_text()
    expect(page.locator(".q-notification")).to_have_count(0)
    assert_accessible(page)
    with dash.client(Authorization=f"Bearer {secret}") as client:
        assert [one["content"] for one in client.get("/v1/memories").json()["items"]] == ["Read with a key."]
        page.reload()
        expect(page.get_by_role("button", name="End cashier")).to_be_visible()
        assert secret not in page.content()
        page.get_by_role("button", name="End cashier").click()
        page.get_by_role("dialog").get_by_role("button", name="End it").click()
        expect(page.get_by_role("button", name="End cashier")).to_have_count(0)
        assert client.get("/v1/memories").status_code == 401
    page.goto("/audit")
    expect(page.get_by_text("key.revoked").first).to_be_visible()


def test_what_is_exported_is_imported_again(dash: Server, page: Page, tmp_path: Path) -> None:
    (memory,) = keep(dash, "Travels out and in.", tags=("round trip",))
    page.goto("/transfer")
    with page.expect_download() as started:
        page.get_by_role("button", name="Export").click()
    file = tmp_path / "memories.ndjson"
    started.value.save_as(file)
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [record["tags"] for record in records if record.get("id") == memory.id] == [["round trip"]]
    added = {**records[0], "id": "019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52", "content": "Came by file.", "supersedes": None}
    file.write_text("\n".join(map(json.dumps, [*records, added, {"title": "no text"}])), "utf-8")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(file)
    report = page.get_by_role("status").filter(has_text="imported")
    expect(report).to_contain_text(re.compile(r"^1 imported, \d+ were there, 1 skipped\."))
    expect(report).to_contain_text("content is required")
    assert dash.core.local is not None
    assert dash.run(dash.core.memories.get(dash.core.local, added["id"])).content == "Came by file."


def test_the_system_page_names_what_runs(dash: Server, page: Page) -> None:
    page.goto("/system")
    expect(page.get_by_role("region", name="Store")).to_contain_text("SQLite")
    expect(page.get_by_role("region", name="Model")).to_contain_text(re.compile("minilm", re.IGNORECASE))


def test_each_client_gets_a_configuration_with_this_servers_address(dash: Server, page: Page) -> None:
    page.goto("/connect")
    claude = page.get_by_role("region", name="Claude Code", exact=True)
    expect(claude.locator("code")).to_have_text(re.compile(f"claude mcp add .*{re.escape(dash.url)}/mcp"))
    for title in ("Claude Desktop", "Cursor", "Codex", "VS Code"):
        expect(page.get_by_role("region", name=title, exact=True).locator("pre").first).to_contain_text(dash.url)


def test_projects_come_a_page_at_a_time(dash: Server, page: Page) -> None:
    for number in range(21):
        keep(dash, "Kept.", project=f"Project {number}")
    page.goto("/projects")
    projects = page.locator("section.pm-card")
    expect(projects).to_have_count(20)
    expect(projects.first).to_contain_text("1 memory")
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("region", name="Project 0", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()
