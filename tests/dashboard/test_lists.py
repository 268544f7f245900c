"""The pages of what was forgotten, what contradicts, and what the work leaves behind."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from polymem.core.model import Draft
from polymem.core.work import TaskStatus
from tests.dashboard.conftest import assert_accessible, assert_fits, keep
from tests.serving import Server


def test_the_trash_gives_back_and_removes_for_good(dash: Server, page: Page) -> None:
    back, gone = keep(dash, "Comes back from the trash.", "Goes from the trash for good.")
    assert dash.core.local is not None
    for memory in (back, gone):
        dash.run(dash.core.memories.forget(dash.core.local, memory.id))
    page.goto("/trash")
    assert_accessible(page)
    entry = page.get_by_role("listitem").filter(has_text="Comes back from the trash.")
    entry.get_by_role("button", name="Restore").click()
    expect(entry).to_have_count(0)
    entry = page.get_by_role("listitem").filter(has_text="Goes from the trash for good.")
    entry.get_by_role("button", name="Remove for good").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove for good").click()
    expect(entry).to_have_count(0)
    ids = {memory.id for memory in dash.run(dash.core.memories.find(dash.core.local, hidden=True, limit=500)).items}
    assert back.id in ids
    assert gone.id not in ids


def contradict(server: Server, about: str) -> tuple[str, str]:
    """Two memories in conflict; their ids."""
    assert server.core.local is not None
    add = server.core.memories.add_compared
    older = server.run(add(server.core.local, Draft(content=f"The {about} costs 30 euros a night.")))[0].memory
    newer = server.run(add(server.core.local, Draft(content=f"The {about} costs 45 euros a night.")))[0].memory
    return older.id, newer.id


def test_a_conflict_is_settled_in_favour_of_the_newer(dash: Server, page: Page) -> None:
    older, newer = contradict(dash, "mountain cabin")
    page.goto("/conflicts")
    conflict = page.get_by_role("article").filter(has_text="mountain cabin")
    expect(conflict.locator("del")).to_have_text("30")
    expect(conflict.locator("ins")).to_have_text("45")
    assert_accessible(page)
    conflict.get_by_role("button", name="Keep the newer").click()
    expect(conflict).to_have_count(0)
    assert dash.core.local is not None
    assert dash.run(dash.core.memories.get(dash.core.local, older)).superseded_by == newer
    page.get_by_role("combobox", name="Show").click()
    page.get_by_role("option", name="Decided", exact=True).click()
    expect(conflict).to_contain_text("Kept the newer one")


def test_a_conflict_is_settled_by_merging_both(dash: Server, page: Page) -> None:
    older, newer = contradict(dash, "harbour hostel")
    page.goto("/conflicts")
    conflict = page.get_by_role("article").filter(has_text="harbour hostel")
    conflict.get_by_role("button", name="Merge").click()
    page.get_by_role("dialog").get_by_label("Text").fill("The harbour hostel costs 30 euros, in summer 45.")
    page.get_by_role("button", name="Merge them").click()
    expect(conflict).to_have_count(0)
    assert dash.core.local is not None
    kept = dash.run(dash.core.memories.get(dash.core.local, newer))
    assert (kept.content, kept.supersedes) == ("The harbour hostel costs 30 euros, in summer 45.", older)


def test_a_task_is_added_moved_and_finished(dash: Server, page: Page) -> None:
    keep(dash, "The mill has a project.", project="mill")
    page.goto("/tasks")
    page.get_by_role("button", name="Add a task").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Grind the rye")
    dialog.get_by_label("Priority, 1 to 10").fill("11")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("priority must be")).to_be_visible()
    dialog.get_by_label("Priority, 1 to 10").fill("9")
    dialog.get_by_role("button", name="Save").click()
    column = page.get_by_role("region", name="To do")
    expect(column.get_by_role("article").filter(has_text="Grind the rye")).to_contain_text("priority 9")
    page.get_by_role("button", name="Start: Grind the rye").click()
    expect(page.get_by_role("region", name="In progress").get_by_text("Grind the rye")).to_be_visible()
    page.get_by_role("button", name="Finish: Grind the rye").click()
    expect(page.get_by_role("region", name="Done").get_by_text("Grind the rye")).to_be_visible()
    # While it fades its colours are those of no theme.
    expect(page.locator(".q-notification")).to_have_count(0)
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert_fits(page)


def test_what_an_agent_leaves_behind_appears_without_a_reload(dash: Server, page: Page) -> None:
    keep(dash, "The kiln has a project.", project="kiln")
    assert dash.core.local is not None
    scope, worklog = dash.core.local, dash.core.worklog
    page.goto("/sessions")
    expect(page.get_by_text("There are no sessions")).to_be_visible()
    values = {"summary": "Fired the kiln", "accomplished": ("Ten pots",), "blockers": ("No clay",)}
    dash.run(worklog.sessions.add(scope, "kiln", values))
    expect(page.get_by_role("article").filter(has_text="Fired the kiln")).to_contain_text("No clay")
    assert_accessible(page)
    page.goto("/snippets")
    code = "def fire(at: int) -> None:\n    # <b>hot</b>\n    kiln.heat(at)\n"
    snippet = {"name": "fire", "code": code, "language": "python", "file_path": "kiln.py", "line_start": 4}
    dash.run(worklog.snippets.add(scope, "kiln", snippet))
    shown = page.get_by_role("region", name="Code of fire")
    expect(shown).to_contain_text("# <b>hot</b>")
    expect(shown.locator(".k").first).to_have_text("def")
    expect(page.get_by_text("kiln.py:4")).to_be_visible()
    assert_accessible(page)


def test_a_late_task_stands_out(dash: Server, page: Page) -> None:
    keep(dash, "The ferry has a project.", project="ferry")
    assert dash.core.local is not None
    due = datetime.now(UTC) - timedelta(days=2)
    values = {"title": "Paint the ferry", "due_date": due, "status": TaskStatus.PENDING}
    dash.run(dash.core.worklog.tasks.add(dash.core.local, "ferry", values))
    page.goto("/tasks")
    task = page.get_by_role("article").filter(has_text="Paint the ferry")
    expect(task.locator(".pm-badge-bad")).to_have_text(re.compile("due 2 days ago"))
