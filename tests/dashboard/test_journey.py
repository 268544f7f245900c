"""The first hour of two people, played in the browser."""

import re

from playwright.sync_api import Browser, expect

from polymem.core.people import Assignment, OrganizationRole, Principal, PrincipalKind, ProjectRole, Scope
from tests.cast import OPERATOR
from tests.dashboard.conftest import browsing
from tests.serving import Server

PASSWORD = "a long password"


def test_from_a_first_memory_to_a_second_person_who_sees_only_their_project(guarded: Server, chromium: Browser) -> None:
    core = guarded.core
    ana, organization = guarded.run(
        core.accounts.create(OPERATOR, "ana@example.org", "Ana", PASSWORD, organization="Harbour")
    )
    _, token = guarded.run(core.accounts.create_token(ana, "agent"))
    with browsing(chromium, guarded.url) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("E-mail address or name").fill("ana@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Nothing is remembered yet")).to_be_visible()

        # An agent saves; the page shows it by itself.
        with guarded.client(token) as agent:
            for content, project in (
                ("The crane is serviced in March.", "pier"),
                ("The safe is behind the map.", "office"),
            ):
                agent.post("/v1/memories", json={"content": content, "project": project})
        expect(page.get_by_role("link", name="The crane is serviced in March.")).to_be_visible()

        # Find it, correct it, see what that changed.
        page.keyboard.press("/")
        page.keyboard.type("when is the crane serviced?")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="The crane is serviced in March.").click()
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("textbox", name="Text", exact=True).fill("The crane is serviced in April.")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".pm-version")).to_have_count(2)
        expect(page.locator(".pm-version del")).to_have_text("March")

        # Forget it, and think better of it.
        page.get_by_role("button", name="Forget").click()
        page.get_by_role("button", name="Restore").click()
        expect(page.get_by_role("button", name="Forget")).to_be_visible()

    # A second person is invited to one project, accepts, and sees that alone.
    principal = Principal(kind=PrincipalKind.USER, user=ana)
    pier = guarded.run(core.projects.get(Scope(organization_id=organization.id), "pier"))
    sent = guarded.run(
        core.invitations.invite(
            principal,
            "ben@example.org",
            organization=organization.id,
            role=OrganizationRole.MEMBER,
            assignments=[Assignment(pier.id, ProjectRole.VIEWER)],
        )
    )
    with browsing(chromium, guarded.url, tolerated="401 (Unauthorized)") as context:
        page = context.new_page()
        page.goto(f"/accept-invitation/{sent.view.invitation.token}")
        page.get_by_label("Your name").fill("Ben")
        page.get_by_label(re.compile("password")).fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("You are in")).to_be_visible()
        page.goto("/memories")
        expect(page.locator(".pm-table tbody a")).to_have_text(["The crane is serviced in April."])
        page.get_by_role("link", name="The crane is serviced in April.").click()
        expect(page.get_by_role("heading", name="Versions")).to_be_visible()
        expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
        page.get_by_role("combobox", name="Project").click()
        expect(page.get_by_role("option")).to_have_text(["All projects", "pier"])
