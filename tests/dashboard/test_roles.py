"""What a role may not do is not offered, and is refused if it is tried all the same."""

from playwright.sync_api import Browser, BrowserContext, expect

from polymem.core.model import Draft
from polymem.core.people import Scope
from polymem.core.people.access import Standing
from polymem.dashboard.visit import SESSION_COOKIE
from tests.cast import Cast, new_cast
from tests.dashboard.conftest import browsing
from tests.serving import Server


def signed_in(server: Server, context: BrowserContext, cast: Cast, standing: Standing | None) -> str:
    """Give a browser the session of somebody; the session's secret."""
    _, secret = server.run(server.core.accounts.open_session(cast.users[standing]))
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": server.url}])
    return secret


def test_everybody_sees_their_own_and_changes_what_they_may(guarded: Server, chromium: Browser) -> None:
    cast = guarded.run(new_cast(guarded.core))
    whole = Scope(organization_id=cast.organization)
    drafts = [Draft(content="Seen in the garden.", project="garden"), Draft(content="Belongs to no project.")]
    inside, outside = (added.memory for added in guarded.run(guarded.core.memories.add_many(whole, drafts)))

    for standing, sees, writes in (
        (Standing.ORGANIZATION_OWNER, ["Belongs to no project.", "Seen in the garden."], True),
        (Standing.PROJECT_EDITOR, ["Seen in the garden."], True),
        (Standing.PROJECT_VIEWER, ["Seen in the garden."], False),
        (Standing.ORGANIZATION_MEMBER, [], False),
        (None, [], True),
    ):
        with browsing(chromium, guarded.url) as context:
            signed_in(guarded, context, cast, standing)
            page = context.new_page()
            page.goto("/memories")
            expect(page.get_by_role("heading", name="Memories")).to_be_visible()
            rows = page.locator(".pm-table tbody a")
            expect(rows).to_have_count(len(sees))
            assert sorted(rows.all_inner_texts()) == sees
            if not sees:
                page.goto(f"/memories/{inside.id}")
                expect(page.get_by_role("alert")).to_be_visible()
                continue
            expect(page.get_by_role("checkbox", name="Choose all on this page")).to_have_count(1 if writes else 0)
            page.goto(f"/memories/{inside.id}")
            expect(page.get_by_role("heading", name="Seen in the garden.")).to_be_visible()
            expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(1 if writes else 0)
            if standing is not Standing.ORGANIZATION_OWNER:
                page.goto(f"/memories/{outside.id}")
                expect(page.get_by_role("alert")).to_be_visible()


def test_a_right_that_is_gone_is_refused_by_the_page_that_is_still_open(guarded: Server, chromium: Browser) -> None:
    cast = guarded.run(new_cast(guarded.core))
    whole = Scope(organization_id=cast.organization)
    memory = guarded.run(guarded.core.memories.add(whole, Draft(content="Once mine.", project="garden"))).memory
    with browsing(chromium, guarded.url) as context:
        signed_in(guarded, context, cast, Standing.PROJECT_EDITOR)
        page = context.new_page()
        page.goto(f"/memories/{memory.id}")
        forget = page.get_by_role("button", name="Forget")
        expect(forget).to_be_visible()
        editor = cast.users[Standing.PROJECT_EDITOR]
        guarded.run(
            guarded.core.store.people.remove_project_member(whole, cast.project.id, editor.id, guarded.core.clock.now())
        )
        forget.click()
        expect(page.get_by_role("alert").first).to_be_visible()
    assert guarded.run(guarded.core.memories.get(whole, memory.id)).forgotten_at is None


def test_a_session_that_ended_leads_to_the_sign_in_page(guarded: Server, chromium: Browser) -> None:
    cast = guarded.run(new_cast(guarded.core))
    with browsing(chromium, guarded.url) as context:
        secret = signed_in(guarded, context, cast, Standing.ORGANIZATION_OWNER)
        page = context.new_page()
        page.goto("/memories")
        expect(page.get_by_role("heading", name="Memories")).to_be_visible()
        with guarded.client(Cookie=f"{SESSION_COOKIE}={secret}") as client:
            assert client.post("/v1/auth/logout").status_code == 204
        expect(page).to_have_url(f"{guarded.url}/sign-in")
