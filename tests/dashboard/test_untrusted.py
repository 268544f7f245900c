"""Texts come from anywhere: whatever stands in them, a page shows it and does not obey it."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from polymem.core.model import Draft, Memory
from polymem.dashboard.navigation import ENTRIES
from tests.conftest import MakeSettings
from tests.dashboard.conftest import browsing, keep
from tests.serving import Server, serving

ATTACKS = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"'><svg/onload=window.hacked=1>",
    "[link](javascript:window.hacked=1) ![i](x\"onerror=\"window.hacked=1) <a href='javascript:window.hacked=1'>l</a>",
    "[data](data:text/html;base64,PHNjcmlwdD53aW5kb3cuaGFja2VkPTE8L3NjcmlwdD4=)",
    "</script><script>window.hacked=1</script>`${window.hacked=1}` {{window.hacked=1}} <!-- \\u003cscript\\u003e",
    "<div style='position:fixed;inset:0'><form action=https://evil.example><button>Sign in</button></form></div>",
    "![beacon](https://evil.example/pixel.png) <iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
)
PLAIN = [entry.path for entry in ENTRIES if "{" not in entry.path]


@pytest.fixture(scope="module")
def dash(make_settings: MakeSettings) -> Iterator[Server]:
    """A server with an attack in every field there is."""
    with serving(make_settings(dashboard=True, embedder="none")) as server:
        yield server


@pytest.fixture(scope="module")
def hostile(dash: Server) -> list[Memory]:
    """A memory for each attack, with a version and a successor."""
    found = []
    for attack in ATTACKS:
        texts = dict.fromkeys(("title", "kind", "project", "container", "context", "summary", "provenance"), attack)
        (memory,) = keep(dash, attack, tags=(attack, f"{attack} 2"), metadata={attack: attack}, **texts)
        assert dash.core.local is not None
        changes = {"content": f"{attack} again", "title": f"new {attack}"}
        dash.run(dash.core.memories.revise(dash.core.local, memory.id, changes))
        keep(dash, f"{attack} next", supersedes=memory.id)
        dash.run(dash.core.memories.count_use(dash.core.local, [memory.id]))
        found.append(memory)
        leave_behind(dash, attack)
    return found


def leave_behind(server: Server, attack: str) -> None:
    """A task, a session, a snippet, something forgotten, a key and a conflict that say it, of a project named so."""
    core, scope = server.core, server.core.local
    assert scope is not None
    worklog = core.worklog
    server.run(worklog.tasks.add(scope, attack, {"title": attack, "description": attack, "tags": (attack,)}))
    lists = dict.fromkeys(("accomplished", "next_steps", "blockers"), (attack,))
    server.run(worklog.sessions.add(scope, attack, {"summary": attack, **lists}))
    code = dict.fromkeys(("name", "code", "language", "file_path", "description"), attack)
    server.run(worklog.snippets.add(scope, attack, code))
    (forgotten,) = keep(server, f"{attack} forgotten", title=attack)
    server.run(core.memories.forget(scope, forgotten.id))
    for number in (1, 2):
        server.run(core.memories.add_compared(scope, Draft(content=f"{attack} has {number} words in it.")))
    principal = server.run(core.access.principal_of(None, door="test"))
    server.run(core.keys.create(principal, attack))


@pytest.fixture
def page(dash: Server, chromium: Browser, hostile: list[Memory]) -> Iterator[Page]:
    """A tab of the local owner's that breaks the test when an attack runs, or anything is asked of another server."""
    assert hostile
    with browsing(chromium, dash.url) as context:
        page = context.new_page()
        yield page
        assert page.evaluate("window.hacked") is None


def assert_harmless(page: Page) -> None:
    """Nothing ran, and nothing stands there that would on a click."""
    expect(page.locator("main h1").first).to_be_visible()
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    found = page.evaluate(
        """[...document.querySelectorAll('*')].filter((one) => [...one.attributes].some((a) => /^on/i.test(a.name)
            || (/^(href|src|action|srcdoc)$/i.test(a.name) && /^\\s*(javascript|data:text)/i.test(a.value))
        )).map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert found == []
    assert page.locator("main iframe, main script, main [style*='position:fixed']").count() == 0


@pytest.mark.parametrize("path", [*PLAIN, "/memories?state=all", "/memories?state=replaced"])
def test_no_page_obeys_a_text(page: Page, path: str) -> None:
    page.goto(path)
    assert_harmless(page)


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_the_page_of_a_memory_shows_the_text_itself(page: Page, hostile: list[Memory], number: int) -> None:
    page.goto(f"/memories/{hostile[number].id}")
    expect(page.locator(".pm-content")).to_have_text(f"{ATTACKS[number]} again")
    assert_harmless(page)
    page.get_by_role("button", name="Show as Markdown").click()
    expect(page.get_by_role("button", name="Show as text")).to_be_visible()
    assert_harmless(page)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(f"{ATTACKS[number]} again")
    assert_harmless(page)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_address_is_no_script_either(page: Page, attack: str) -> None:
    for path in (f"/search?q={quote(attack)}", f"/memories?text={quote(attack)}&kind={quote(attack)}"):
        page.goto(path)
        assert_harmless(page)
    page.goto(f"/memories/{quote(attack, safe='')}")
    assert_harmless(page)


def test_why_not_shows_text_too(page: Page) -> None:
    page.goto("/search?q=nothing+of+the+kind")
    page.get_by_label("A word of it, or its id").fill("hacked")
    page.get_by_role("button", name="Look").click()
    page.locator(".pm-pick").first.click()
    expect(page.locator(".pm-stages")).to_be_visible()
    assert_harmless(page)
