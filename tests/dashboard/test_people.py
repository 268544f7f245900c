"""The people of an organization: inviting, accepting, and what a role is offered."""

from playwright.sync_api import Browser, expect

from polymem.core.model import Draft
from polymem.core.people import Scope
from polymem.core.people.access import Standing
from tests.cast import Cast, new_cast
from tests.dashboard.conftest import assert_accessible, browsing
from tests.dashboard.test_roles import signed_in
from tests.dashboard.test_sign_in import PASSWORD, new_account
from tests.serving import Server


def test_whoever_is_invited_accepts_and_sees_only_their_project(guarded: Server, chromium: Browser) -> None:
    email = new_account(guarded, "Ana", "Field Notes")
    with browsing(chromium, guarded.url) as context:
        page = context.new_page()
        page.goto("/projects")
        page.get_by_label("E-mail address or name").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        for name in ("Trip", "Secret"):
            page.get_by_role("button", name="Make a project").click()
            page.get_by_role("dialog").get_by_label("Name").fill(name)
            page.get_by_role("button", name="Make it").click()
            expect(page.get_by_role("region", name=name)).to_be_visible()
        organization = guarded.run(guarded.core.store.organization(slug="field-notes"))
        assert organization is not None
        whole = Scope(organization_id=organization.id)
        drafts = [Draft(content=f"Kept in {name}.", project=name) for name in ("Trip", "Secret")]
        guarded.run(guarded.core.memories.add_many(whole, drafts))
        page.goto("/people")
        page.get_by_role("button", name="Invite somebody").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("E-mail address").fill("ben@example.org")
        dialog.get_by_role("combobox", name="Project to see").click()
        page.get_by_role("option", name="Trip").click()
        dialog.get_by_role("button", name="Invite", exact=True).click()
        expect(page.get_by_role("cell", name="ben@example.org")).to_be_visible()
        link = page.get_by_role("status").locator("code").inner_text()
        expect(page.locator(".q-notification")).to_have_count(0)
        assert_accessible(page)
    token = link.rsplit("/", 1)[1]
    # The page asks who is there already, and the browser remarks on the answer.
    with browsing(chromium, guarded.url, tolerated="401 (Unauthorized)") as context:
        page = context.new_page()
        page.goto(f"/accept-invitation/{token}")
        page.get_by_label("Your name").fill("Ben")
        page.get_by_label("A password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("h1")).to_have_text("You are in")
        page.goto("/memories")
        expect(page.locator(".pm-table tbody a")).to_have_text(["Kept in Trip."])
        page.goto("/projects")
        expect(page.get_by_role("region", name="Trip")).to_be_visible()
        expect(page.get_by_role("region", name="Secret")).to_have_count(0)
        page.goto("/people")
        expect(page.get_by_role("button", name="Invite somebody")).to_have_count(0)
        page.goto("/audit")
        expect(page.get_by_role("alert")).to_contain_text("Only organization admins")


def test_the_menu_offers_what_a_role_may_do(guarded: Server, chromium: Browser) -> None:
    cast: Cast = guarded.run(new_cast(guarded.core))
    for standing, offered in ((Standing.ORGANIZATION_OWNER, True), (Standing.PROJECT_VIEWER, False)):
        with browsing(chromium, guarded.url) as context:
            signed_in(guarded, context, cast, standing)
            page = context.new_page()
            page.goto("/people")
            expect(page.get_by_role("link", name="Audit trail")).to_have_count(1 if offered else 0)
            expect(page.get_by_role("button", name="Invite somebody")).to_have_count(1 if offered else 0)
            page.goto("/projects")
            expect(page.get_by_role("button", name="Delete")).to_have_count(1 if offered else 0)
            page.goto("/tasks")
            expect(page.get_by_role("button", name="Add a task")).to_have_count(1 if offered else 0)
