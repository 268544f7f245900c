"""The first hour of two people, played through the pages alone, with what the pages tell an agent to send."""

import json
import re
import shlex
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.dashboard.conftest import assert_accessible, browsing
from tests.dashboard.test_sign_in import PASSWORD, new_account
from tests.serving import Server

LIKELY = "The crane on pier four is serviced in March."
CORRECTED = "The crane on pier four is serviced in April."
REPLACED = "The pilot boat costs 30 euros an hour."
CURRENT = "The pilot boat costs 45 euros an hour."
SECRET = "The safe is behind the map of the crane."


class Agent:
    """Sends the line that an empty page shows, with other fields."""

    def __init__(self, server: Server, line: str, key: str) -> None:
        self._server = server
        command, address, flag, header, data, self._body = shlex.split(line.replace("KEY", key))
        assert (command, flag, data) == ("curl", "-H", "-d")
        self._address = address
        name, _, value = header.partition(": ")
        # What curl says of what follows -d.
        self._headers = {name: value, "Content-Type": "application/x-www-form-urlencoded"}

    def keeps(self, content: str, project: str, **fields: object) -> str:
        """Keep a memory; its id."""
        body = {**json.loads(self._body), "content": content, "project": project, **fields}
        with self._server.client() as client:
            answer = client.post(self._address, content=json.dumps(body), headers=self._headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def test_from_the_first_start_to_a_second_person_who_sees_only_their_project(
    guarded: Server, chromium: Browser
) -> None:
    email = new_account(guarded, "Ana", "Harbour")
    with browsing(chromium, guarded.url) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("E-mail address or name").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        agent = Agent(guarded, first_line(page), new_key(page))
        for name in ("Pier", "Office"):
            make_project(page, name)

        page.goto("/memories")
        expect(page.get_by_text("Nothing is remembered yet")).to_be_visible()
        agent.keeps(LIKELY, "Pier")
        hidden = agent.keeps(SECRET, "Office")
        expect(page.locator(".pm-table tbody a")).to_have_text([SECRET, LIKELY])

        find_and_correct(page)
        agent.keeps(REPLACED, "Pier")
        agent.keeps(CURRENT, "Pier", compare=True)
        settle_conflict(page)
        forget_and_restore(page)
        invitation = invite_ben(page)

    # The page asks who is there already, and the browser remarks on the answer.
    with browsing(chromium, guarded.url, tolerated="401 (Unauthorized)") as context:
        page = context.new_page()
        page.goto(invitation)
        page.get_by_label("Your name").fill("Ben")
        page.get_by_label("A password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("h1")).to_have_text("You are in")
        sees_only_the_pier(page, hidden)


def first_line(page: Page) -> str:
    """What the first page says to try."""
    expect(page.get_by_text("Nothing is remembered yet")).to_be_visible()
    return page.locator(".pm-empty code").filter(has_text="curl").inner_text()


def new_key(page: Page) -> str:
    """A key for everything."""
    page.goto("/keys")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("dialog").get_by_label("Name").fill("agent")
    page.get_by_role("button", name="Make it").click()
    return page.get_by_role("status").locator("code").inner_text()


def make_project(page: Page, name: str) -> None:
    page.goto("/projects")
    page.get_by_role("button", name="Make a project").click()
    page.get_by_role("dialog").get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("region", name=name)).to_be_visible()


def find_and_correct(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("when is the crane serviced?")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=LIKELY).click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Text", exact=True).fill(CORRECTED)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".pm-version")).to_have_count(2)
    expect(page.locator(".pm-version del")).to_have_text("March")
    expect(page.locator(".pm-version ins")).to_have_text("April")


def settle_conflict(page: Page) -> None:
    page.goto("/conflicts")
    conflict = page.get_by_role("article").filter(has_text="pilot boat")
    expect(conflict.locator("del")).to_have_text("30")
    expect(conflict.locator("ins")).to_have_text("45")
    conflict.get_by_role("button", name="Keep the newer").click()
    expect(page.get_by_text("Nothing contradicts anything")).to_be_visible()
    page.goto("/memories")
    expect(page.locator(".pm-table tbody a")).to_have_text([CURRENT, SECRET, CORRECTED])


def forget_and_restore(page: Page) -> None:
    page.get_by_role("link", name=CORRECTED).click()
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("in the trash")).to_be_visible()
    page.goto("/memories")
    expect(page.locator(".pm-table tbody a")).to_have_text([CURRENT, SECRET])
    page.goto("/trash")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The trash is empty")).to_be_visible()
    page.goto("/memories")
    expect(page.locator(".pm-table tbody a")).to_have_text([CURRENT, SECRET, CORRECTED])


def invite_ben(page: Page) -> str:
    """Invite somebody to the pier alone; the path of the link, which names the address the server has for others."""
    page.goto("/people")
    page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill("ben@example.org")
    dialog.get_by_role("combobox", name="Project to see").click()
    page.get_by_role("option", name="Pier").click()
    dialog.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("cell", name="ben@example.org")).to_be_visible()
    assert_accessible(page)
    return urlsplit(page.get_by_role("status").locator("code").inner_text()).path


def sees_only_the_pier(page: Page, hidden: str) -> None:
    page.goto("/memories")
    expect(page.locator(".pm-table tbody a")).to_have_text([CURRENT, CORRECTED])
    page.get_by_role("combobox", name="Project").click()
    expect(page.get_by_role("option")).to_have_text(["All projects", "Pier"])
    page.goto("/search?q=where+is+the+map+of+the+crane")
    expect(page.locator(".pm-hit").first).to_contain_text(CORRECTED)
    expect(page.locator(".pm-hit").filter(has_text="safe")).to_have_count(0)
    page.goto(f"/memories/{hidden}")
    expect(page.get_by_role("alert")).to_contain_text("not found")
    page.goto("/projects")
    expect(page.get_by_role("region", name="Pier")).to_be_visible()
    expect(page.get_by_role("region", name="Office")).to_have_count(0)
    page.goto("/people")
    expect(page.get_by_role("cell", name=re.compile("Ana"))).to_be_visible()
    expect(page.get_by_role("button", name="Invite somebody")).to_have_count(0)
    page.goto("/audit")
    expect(page.get_by_role("alert")).to_contain_text("Only organization admins")
