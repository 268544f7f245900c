"""The page that asks for consent: for whom it is, what it says, and what it cannot be made to do."""

import html

import httpx2
import pytest

from tests.conftest import MakeSettings
from tests.oauth.conftest import CALLBACK, PASSWORD, App, Person, ask, hidden, new_app, query
from tests.serving import Server, serving


def decide(person: Person, page: str, **changed: object) -> httpx2.Response:
    """Sends the page's form."""
    form = {
        "request": hidden(page, "request"),
        "mark": hidden(page, "mark"),
        "decision": "allow",
        "reach": f"organization:{person.organization}",
        "scope": ["memories:read"],
    } | changed
    return person.browser.post("/oauth/consent", data=form)


def test_the_page_names_application_place_scopes_and_projects(strict: Server, ana: Person, app: App) -> None:
    ana.project(strict, "trip")
    address, page = app.asked(ana)
    text = html.unescape(page)
    for word in ("Notebook", "127.0.0.1:9", "memories:read", "memories:write", ana.email, "trip", "nobody has checked"):
        assert word in text
    answer = ana.browser.get(address)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in page


def test_names_are_shown_and_never_run(strict: Server, ana: Person) -> None:
    app = new_app(strict, client_name='<script>alert(1)</script> $raw_scopes "')
    _, page = app.asked(ana)
    assert "<script" not in page
    assert '<script>alert(1)</script> $raw_scopes "' in html.unescape(page)


def test_only_what_was_asked_for_can_be_granted(strict: Server, ana: Person, app: App) -> None:
    _, page = app.asked(ana, scope="memories:read")
    assert "memories:write" not in page
    assert decide(ana, page, scope=["memories:write"]).status_code == 400
    sent = decide(ana, page, scope=["memories:read", "memories:write"])
    assert app.redeem(query(sent)["code"]).json()["scope"] == "memories:read"


def test_no_is_told_to_the_application(ana: Person, app: App) -> None:
    _, page = app.asked(ana)
    answer = query(decide(ana, page, decision="deny"))
    assert (answer["error"], answer["state"]) == ("access_denied", "a state")
    assert "code" not in answer


@pytest.mark.parametrize(
    "changed",
    [{"reach": ""}, {"reach": "organization:"}, {"reach": "everything:x"}, {"scope": []}, {"reach": "project:unknown"}],
)
def test_an_incomplete_decision_is_asked_again(ana: Person, app: App, changed: dict[str, object]) -> None:
    _, page = app.asked(ana)
    again = decide(ana, page, **changed)
    assert again.status_code == 400
    assert 'role="alert"' in again.text
    assert 'action="/oauth/consent"' in again.text


def test_nobody_grants_what_they_do_not_have(strict: Server, ana: Person, ben: Person, app: App) -> None:
    trip = ana.project(strict, "trip")
    _, page = app.asked(ben)
    assert decide(ben, page, reach=f"project:{trip}").status_code == 400
    assert decide(ben, page, reach=f"organization:{ana.organization}").status_code == 400
    with strict.client(ana.token) as of_ana, strict.client(ben.token) as of_ben:
        sent = of_ana.post(f"/v1/projects/{trip}/invitations", json={"email": ben.email, "role": "viewer"}).json()
        assert of_ben.post(f"/v1/invitations/{sent['token']}/accept").status_code == 200
    both = decide(ben, page, reach=f"project:{trip}", scope=["memories:read", "memories:write"])
    assert both.status_code == 400
    assert "Nobody can grant more than they have" in both.text
    assert decide(ben, page, reach=f"project:{trip}").status_code == 303


def test_a_page_is_good_for_the_session_it_was_made_for(ana: Person, ben: Person, app: App) -> None:
    _, mine = app.asked(ana)
    _, theirs = app.asked(ben)
    assert decide(ana, mine, mark=hidden(theirs, "mark")).status_code == 403
    assert decide(ana, mine, mark="").status_code == 403
    assert decide(ana, mine, mark="ä").status_code == 403
    foreign = ana.browser.post(
        "/oauth/consent",
        data={"request": hidden(mine, "request"), "mark": hidden(mine, "mark"), "decision": "allow"},
        headers={"Origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    ana.browser.cookies.clear()
    anonymous = decide(ana, mine)
    assert anonymous.status_code == 200
    assert 'action="/oauth/login"' in anonymous.text


@pytest.mark.parametrize("sealed", ["", "x", "a.b.c"])
def test_what_was_not_sealed_here_is_not_answered(ana: Person, sealed: str) -> None:
    answer = ana.browser.get("/oauth/consent", params={"request": sealed})
    assert answer.status_code == 400
    assert "not valid" in answer.text
    for path in ("/oauth/consent", "/oauth/login"):
        assert ana.browser.post(path, data={"request": sealed}).status_code == 400


def test_who_logs_in_says_who_they_are_and_to_this_page(strict: Server, ana: Person, app: App) -> None:
    address = app.authorize(ana.browser).headers["location"]
    page = ana.browser.get(address).text
    assert "Notebook" in page
    form = {"request": hidden(page, "request"), "login": ana.name, "password": "wrong"}
    wrong = ana.browser.post("/oauth/login", data=form)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    form["password"] = PASSWORD
    foreign = ana.browser.post("/oauth/login", data=form, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, "set-cookie" in foreign.headers) == (400, False)
    right = ana.browser.post("/oauth/login", data=form)
    assert right.status_code == 303
    assert right.headers["location"] == address
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert ana.browser.get("/v1/me").json()["user"]["email"] == ana.email


# --- registration ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "data:text/html,x", "http://evil.example/callback", "file:///etc/passwd",
        "https://user@evil.example/", "https://evil.example/#fragment", "https://evil.example/" + "x" * 3000,
    ],
)  # fmt: skip
def test_places_that_answers_cannot_go_to_are_not_registered(strict: Server, uri: str) -> None:
    answer = ask("POST", f"{strict.url}/oauth/register", json={"client_name": "x", "redirect_uris": [CALLBACK, uri]})
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_redirect_uri", "invalid_client_metadata")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"{}", b'{"redirect_uris": []}', b'{"redirect_uris": "x"}', b'{"redirect_uris": [5]}',
        b'{"redirect_uris": ["https://a.example/"], "client_name": 5}',
        b'{"redirect_uris": ["https://a.example/"], "client_name": "a\\u0000b"}',
        b'{"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "private_key_jwt"}',
        b'{"redirect_uris": ["https://a.example/"], "grant_types": ["client_credentials"]}',
    ],
)  # fmt: skip
def test_a_bad_registration_is_refused(strict: Server, body: bytes) -> None:
    answer = ask("POST", f"{strict.url}/oauth/register", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), answer.text


def test_a_registered_application_gets_no_secret_and_is_shown_what_it_is(strict: Server) -> None:
    body = {
        "redirect_uris": ["https://a.example/cb", "cursor://anysphere.cursor-mcp/oauth/callback"],
        "scope": "openid memories:read",
        "token_endpoint_auth_method": "client_secret_post",
        "client_uri": "",
    }
    answer = ask("POST", f"{strict.url}/oauth/register", json=body)
    assert answer.status_code == 201
    told = answer.json()
    assert told["redirect_uris"] == body["redirect_uris"]
    assert told["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in told
    assert answer.headers["cache-control"] == "no-store"


def test_a_registration_that_is_too_long_is_not_read(strict: Server) -> None:
    assert ask("POST", f"{strict.url}/oauth/register", content=b" " * 70_000).status_code == 413


def test_registrations_and_logins_are_counted(make_settings: MakeSettings) -> None:
    settings = make_settings(auth="required", embedder="none", rate_limit_application=2, rate_limit_login=2)
    with serving(settings) as server:
        body = {"client_name": "Notebook", "redirect_uris": [CALLBACK]}
        answers = [ask("POST", f"{server.url}/oauth/register", json=body) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert answers[-1].json()["error"] == "temporarily_unavailable"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        with server.client() as browser:
            page = browser.get(App(server, answers[0].json()["client_id"]).authorize(browser).headers["location"])
            form = {"request": hidden(page.text, "request"), "login": "ana", "password": "wrong"}
            tries = [browser.post("/oauth/login", data=form).status_code for _ in range(3)]
            assert tries == [401, 401, 429]
            assert browser.post("/v1/auth/login", json={"login": "ana", "password": "wrong"}).status_code == 429
