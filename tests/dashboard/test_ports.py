"""The dashboard on ports of dialects. A process has one dashboard at a time, so the servers come one after another."""

from playwright.sync_api import Browser, expect

from polymem.dialects import aimemory, memento
from tests.conftest import MakeSettings
from tests.dashboard.conftest import browsing
from tests.serving import Server, serving


def test_mementos_own_port_serves_it_at_the_root(make_settings: MakeSettings, chromium: Browser) -> None:
    settings = make_settings(dashboard=True, embedder="none")
    with serving(settings, dialect=memento.DIALECT) as server:
        with server.client() as client:
            assert client.get("/api/health").status_code == 200
        with browsing(chromium, server.url) as context:
            page = context.new_page()
            page.goto("/")
            expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_administration_leads_to_trash_keys_and_setup(make_settings: MakeSettings, chromium: Browser) -> None:
    settings = make_settings(dashboard=True, embedder="none")
    with (
        serving(settings, dialect=aimemory.DIALECT) as server,
        browsing(chromium, server.url, tolerated="404 (Not Found)") as context,
    ):
        page = context.new_page()
        page.goto("/admin/")
        trash = page.get_by_role("link", name="Open the trash")
        assert trash.get_attribute("href") == f"{server.url}/trash"
        keys = page.get_by_role("link", name="See, make and end keys and tokens")
        assert keys.get_attribute("href") == f"{server.url}/keys"
        page.get_by_role("link", name="Connect Claude Code").click()
        expect(page).to_have_url(f"{server.url}/admin/mcp-setup/")
        page.goto("/memories")
        expect(page.get_by_role("heading", name="Memories")).to_be_visible()


def test_below_the_gateways_prefix_the_links_lead_to_its_root(dash: Server) -> None:
    with dash.client() as client:
        assert f'href="{dash.url}/trash"' in client.get("/aimemory/admin/").text
