"""The people of an organization, and what a role is offered."""

from playwright.sync_api import Browser, expect

from polymem.core.people.access import Standing
from tests.cast import Cast, new_cast
from tests.dashboard.conftest import browsing
from tests.dashboard.test_roles import signed_in
from tests.serving import Server


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
