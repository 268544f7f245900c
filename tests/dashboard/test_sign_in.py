"""Coming in and going out, with the sessions of the API."""

from playwright.sync_api import Browser, expect

from polymem.dashboard.visit import SESSION_COOKIE
from polymem.dialects.native import credentials as native
from tests.cast import OPERATOR
from tests.dashboard.conftest import assert_accessible, browsing
from tests.serving import Server

PASSWORD = "a long password"


def new_account(server: Server, name: str, organization: str | None = None) -> str:
    """An account with an organization of its own; its e-mail address."""
    email = f"{name.lower()}@example.org"
    server.run(server.core.accounts.create(OPERATOR, email, name, PASSWORD, organization=organization))
    return email


def test_the_cookie_is_that_of_the_api() -> None:
    assert SESSION_COOKIE == native.SESSION_COOKIE


def test_whoever_must_sign_in_comes_to_the_page_they_wanted(guarded: Server, chromium: Browser) -> None:
    email = new_account(guarded, "Ana")
    # The browser itself remarks on a wrong password.
    with browsing(chromium, guarded.url, tolerated="401 (Unauthorized)") as context:
        page = context.new_page()
        page.goto("/?one=1&two=2")
        expect(page).to_have_url(f"{guarded.url}/sign-in?next=%2F%3Fone%3D1%26two%3D2")
        assert_accessible(page)
        page.get_by_label("E-mail address or name").fill(email)
        page.get_by_label("Password").fill("not the password")
        page.get_by_label("Password").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Unable to log in")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{guarded.url}/?one=1&two=2")
        (cookie,) = [one for one in context.cookies() if one["name"] == SESSION_COOKIE]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        # The API knows the session, too.
        assert context.request.get("/v1/me").json()["user"]["email"] == email
        page.get_by_role("button", name="Account: Ana").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{guarded.url}/sign-in")
        context.add_cookies([{"name": SESSION_COOKIE, "value": cookie["value"], "url": guarded.url}])
        page.goto("/")
        expect(page).to_have_url(f"{guarded.url}/sign-in?next=%2F")


def test_signing_in_never_leads_to_another_server(guarded: Server) -> None:
    email = new_account(guarded, "Ana")
    for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/\n/evil"):
        with guarded.client() as client:
            answer = client.post("/sign-in", data={"login": email, "password": PASSWORD, "next": wanted})
            assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_what_is_typed_into_the_form_comes_back_as_text(guarded: Server) -> None:
    evil = '"><script>alert(1)</script>{{told}}'
    with guarded.client() as client:
        answer = client.post("/sign-in", data={"login": evil, "password": "x", "next": evil})
        assert answer.status_code == 401
        assert "<script>" not in answer.text
        assert "{{told}}" in answer.text


def test_a_password_cannot_be_tried_for_ever(guarded: Server) -> None:
    email = new_account(guarded, "Ana")
    with guarded.client() as client:
        tried = [client.post("/sign-in", data={"login": email, "password": "x"}).status_code for _ in range(11)]
    assert tried == [401] * 10 + [429]


def test_the_websocket_needs_a_session_too(guarded: Server) -> None:
    with guarded.client() as client:
        assert client.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 401
