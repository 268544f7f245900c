"""The page of organizations: what everybody sees, makes, renames, leaves and deletes there."""

from playwright.sync_api import Browser, Page, expect

from polymem.core.people import OrganizationRole
from polymem.core.people.access import Standing
from tests.cast import new_cast
from tests.dashboard.conftest import assert_accessible, assert_fits, browsing
from tests.dashboard.test_roles import signed_in
from tests.serving import Server


def names(page: Page) -> list[str]:
    """The organizations in the table."""
    return page.locator(".pm-table tbody .pm-strong").all_inner_texts()


def test_an_organization_is_made_renamed_and_deleted_by_keyboard(guarded: Server, chromium: Browser) -> None:
    cast = guarded.run(new_cast(guarded.core))
    with browsing(chromium, guarded.url) as context:
        signed_in(guarded, context, cast, None)
        page = context.new_page()
        page.goto("/organizations")
        page.get_by_role("button", name="Make an organization").press("Enter")
        expect(page.get_by_role("textbox", name="Name")).to_be_focused()
        assert_accessible(page)
        page.keyboard.press("Enter")
        expect(page.locator(".q-notification")).to_contain_text("name")
        # Back from the button that was refused, over the one that cancels.
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.type("Garden club")
        page.keyboard.press("Enter")
        expect(page.get_by_role("row", name="Garden club")).to_contain_text("shown now")
        expect(page.get_by_role("combobox", name="Organization")).to_have_value("Garden club")

        page.get_by_role("button", name="Rename: Garden club").press("Enter")
        page.get_by_role("textbox", name="Name").press("ControlOrMeta+a")
        page.keyboard.type("<b>Garden</b> friends")
        page.keyboard.press("Enter")
        expect(page.get_by_role("combobox", name="Organization")).to_have_value("<b>Garden</b> friends")
        expect(page.get_by_role("row", name="Garden")).to_contain_text("garden-club")

        page.get_by_role("button", name="Delete: <b>Garden</b> friends").press("Enter")
        sure = page.get_by_role("textbox", name="to be sure")
        expect(sure).to_be_focused()
        page.keyboard.type("Garden")
        page.keyboard.press("Enter")
        expect(page.locator(".q-notification")).to_contain_text("not its name")
        sure.fill("<b>Garden</b> friends")
        expect(page.locator(".q-notification")).to_have_count(0)
        page.set_viewport_size({"width": 390, "height": 844})
        assert_accessible(page)
        assert_fits(page)
        sure.press("Enter")
        expect(page.get_by_role("row", name="Garden")).to_have_count(0)
        expect(page.locator(".pm-table tbody tr")).to_have_count(1)


def test_whoever_belongs_to_no_organization_is_told_what_to_do(guarded: Server, chromium: Browser) -> None:
    cast = guarded.run(new_cast(guarded.core))
    with browsing(chromium, guarded.url) as context:
        signed_in(guarded, context, cast, Standing.ORGANIZATION_MEMBER)
        page = context.new_page()
        page.goto("/organizations")
        page.get_by_role("button", name="Leave: Team").click()
        leave = page.get_by_role("dialog").get_by_role("button", name="Leave")
        expect(leave).to_be_visible()
        assert_accessible(page)
        leave.click()
        expect(page.get_by_text("You belong to no organization yet")).to_be_visible()
        assert_accessible(page)
        page.goto("/")
        page.get_by_role("link", name="To your organizations").click()
        page.get_by_role("button", name="Make an organization").click()
        page.get_by_role("dialog").get_by_label("Name").fill("My own")
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_role("row", name="My own")).to_contain_text("owner")
        page.goto("/memories")
        expect(page.get_by_text("Nothing is remembered yet")).to_be_visible()


def test_each_role_is_offered_what_it_may(guarded: Server, chromium: Browser) -> None:
    cast = guarded.run(new_cast(guarded.core))
    for standing, offered in (
        (Standing.ORGANIZATION_OWNER, ["Rename", "Delete"]),
        (Standing.ORGANIZATION_ADMIN, ["Rename", "Leave"]),
        (Standing.ORGANIZATION_MEMBER, ["Leave"]),
    ):
        with browsing(chromium, guarded.url) as context:
            signed_in(guarded, context, cast, standing)
            page = context.new_page()
            page.goto("/organizations")
            expect(page.locator(".pm-table tbody button")).to_have_text(offered)


def test_a_role_that_was_taken_away_is_refused_by_the_page_that_is_still_open(
    guarded: Server, chromium: Browser
) -> None:
    cast = guarded.run(new_cast(guarded.core))
    with browsing(chromium, guarded.url) as context:
        signed_in(guarded, context, cast, Standing.ORGANIZATION_ADMIN)
        page = context.new_page()
        page.goto("/organizations")
        page.get_by_role("button", name="Rename: Team").click()
        page.get_by_role("dialog").get_by_label("Name").fill("Mine now")
        admin = cast.users[Standing.ORGANIZATION_ADMIN]
        owner = guarded.run(cast.principal(guarded.core, Standing.ORGANIZATION_OWNER))
        guarded.run(guarded.core.organizations.set_role(owner, cast.organization, admin.id, OrganizationRole.MEMBER))
        page.get_by_role("button", name="Rename it").click()
        expect(page.locator(".q-notification")).to_contain_text("Only organization admins can rename")
        page.reload()
        expect(page.locator(".pm-table tbody button")).to_have_text(["Leave"])
        assert "Mine now" not in names(page)
