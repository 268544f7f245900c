"""The links of invitations and new passwords lead somewhere: tried in a browser."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from polymem.core.people import ProjectRole
from tests.cast import OPERATOR
from tests.conftest import MakeSettings
from tests.serving import Server, serving

_numbers = count()
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def strict(make_settings: MakeSettings) -> Iterator[Server]:
    with serving(make_settings(auth="required", embedder="none")) as server:
        yield server


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context, context.new_page() as page:
        yield page


def invite(server: Server, email: str, name: str = "garden") -> str:
    """The path of a new invitation to a project."""

    async def made() -> str:
        user, organization = await server.core.accounts.create(
            OPERATOR, f"host-{next(_numbers)}@example.org", "host", "password"
        )
        _, secret = await server.core.accounts.create_token(user, "test")
        host = await server.core.access.principal_of(secret)
        project = (await server.core.teams.create(host, name, organization=organization.id)).project
        sent = await server.core.invitations.invite_to_project(host, project.id, email, ProjectRole.VIEWER)
        return "/accept-invitation/" + sent.view.invitation.token

    return server.run(made())


def test_who_is_invited_chooses_a_password_and_is_in(strict: Server, tab: Page) -> None:
    tab.goto(strict.url + invite(strict, "guest@example.org", HOSTILE))
    # What others have named is text, whatever it looks like.
    expect(tab.locator("h1")).to_have_text(f"Join host - {HOSTILE}")
    assert tab.locator("img").count() == 0
    tab.get_by_label("Your name").fill("Guest")
    tab.get_by_label("A password").fill("correct horse battery")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.locator("h1")).to_have_text("You are in")
    assert [cookie["name"] for cookie in tab.context.cookies()] == ["polymem_session"]
    # Who is in already only says yes to the next one.
    tab.goto(strict.url + invite(strict, "guest@example.org".upper()))
    tab.get_by_role("button", name="Accept").click()
    expect(tab.locator("h1")).to_have_text("You are in")


def test_who_has_an_account_opens_it_with_its_password(strict: Server, tab: Page) -> None:
    strict.run(strict.core.accounts.make("old@example.org", "Old", "an old password"))
    tab.goto(strict.url + invite(strict, "old@example.org"))
    tab.get_by_label("A password").fill("a wrong password")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.get_by_role("alert")).to_have_text("Unable to log in with these credentials")
    tab.get_by_label("A password").fill("an old password")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.locator("h1")).to_have_text("You are in")


def test_a_link_that_is_spent_says_so(strict: Server, tab: Page) -> None:
    tab.goto(strict.url + "/accept-invitation/unknown")
    expect(tab.locator("h1")).to_have_text("This link does not work")


def test_a_reset_link_sets_a_password(strict: Server, tab: Page) -> None:
    async def link() -> str:
        user = await strict.core.accounts.make("forgetful@example.org", "Forgetful", "an old password")
        return "/reset-password/" + (await strict.core.accounts.reset_link(user)).rpartition("/")[2]

    tab.goto(strict.url + strict.run(link()))
    tab.get_by_label("A password").fill("a new password")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.locator("h1")).to_have_text("Done")
    strict.run(strict.core.accounts.authenticate("forgetful@example.org", "a new password"))
