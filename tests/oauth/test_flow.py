"""Codes and tokens: what they open, once, for whom, and where."""

from pathlib import Path

import httpx2
import pytest

from tests.oauth.conftest import App, Person, ask, new_app, query
from tests.serving import Server


def test_a_code_becomes_tokens_that_open_the_native_api_as_far_as_granted(
    strict: Server, ana: Person, app: App
) -> None:
    trip, other = ana.project(strict, "trip"), ana.project(strict, "other")
    told = app.tokens(ana, f"project:{trip}")
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    assert told["scope"] == "memories:read memories:write"
    with strict.client(told["access_token"]) as client, strict.client(ana.token) as of_ana:
        assert client.post("/v1/memories", json={"content": "The ferry leaves at nine"}).status_code == 201
        (kept,) = client.get("/v1/memories").json()["items"]
        assert kept["project"] == "trip"
        assert [one["content"] for one in of_ana.get("/v1/memories").json()["items"]] == ["The ferry leaves at nine"]
        assert client.get("/v1/memories", params={"project": other}).json()["total"] == 0
        for answer in (
            client.delete(f"/v1/projects/{trip}"),
            client.post("/v1/me/tokens", json={"name": "more"}),
            client.post("/v1/organizations", json={"name": "More"}),
            client.post(f"/v1/projects/{trip}/invitations", json={"email": "x@example.org"}),
        ):
            assert answer.status_code == 403, answer.text
        actors = {one["action"]: one["actor"] for one in of_ana.get("/v1/audit").json()["items"]}
        assert actors["grant.created"].startswith("user:")


def opens(server: Server, token: str) -> int:
    """What the native API answers to a token."""
    with server.client(token) as client:
        return client.get("/v1/memories").status_code


def refused(answer: httpx2.Response, error: str, status: int = 400) -> None:
    """It is an error of OAuth with this name, and a sentence."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert len(answer.json()["error_description"]) > 10
    assert answer.headers["cache-control"] == "no-store"


# --- codes -----------------------------------------------------------------------------------------


def test_a_code_that_comes_twice_ends_the_grant(strict: Server, ana: Person, app: App) -> None:
    code = app.allowed(ana)
    told = app.redeem(code).json()
    assert opens(strict, told["access_token"]) == 200
    refused(app.redeem(code), "invalid_grant")
    assert opens(strict, told["access_token"]) == 401
    refused(app.refresh(told["refresh_token"]), "invalid_grant")


def test_a_code_is_only_for_who_began_and_knows_the_verifier(strict: Server, ana: Person, app: App) -> None:
    code = app.allowed(ana)
    refused(app.redeem(code, code_verifier="x" * 64), "invalid_grant")
    refused(app.redeem(code, code_verifier=None), "invalid_request")
    refused(app.redeem(code, redirect_uri="http://127.0.0.1:9/elsewhere"), "invalid_request")
    refused(app.redeem(code, client_id=new_app(strict).client_id), "invalid_grant")
    refused(app.redeem(code, client_id="nobody"), "invalid_client", 401)
    refused(app.redeem(code, client_id="a\x00b"), "invalid_client", 401)
    refused(app.redeem("oc_guessed"), "invalid_grant")
    refused(app.redeem(code, grant_type="password"), "invalid_request")
    refused(app.redeem(code, resource="https://elsewhere.example/mcp"), "invalid_target")
    assert app.redeem(code).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "too short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"resource": "no address"}, "invalid_target"),
        ({"state": "x" * 4001}, "invalid_request"),
    ],
)
def test_what_is_asked_wrongly_is_told_to_the_application(
    ana: Person, app: App, changed: dict[str, str | None], error: str
) -> None:
    answer = query(app.authorize(ana.browser, **changed))
    assert answer["error"] == error
    assert answer["iss"] == str(ana.browser.base_url).rstrip("/")
    assert "code" not in answer


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": "https://127.0.0.1/client.json"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1:9/elsewhere"},
    ],
)
def test_who_asks_for_somebody_else_is_sent_nowhere(ana: Person, app: App, changed: dict[str, str]) -> None:
    answer = app.authorize(ana.browser, **changed)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_programs_on_ones_own_machine_may_listen_at_any_port(ana: Person, app: App) -> None:
    app.redirect_uri = "http://127.0.0.1:54321/callback"
    sent = app.authorize(ana.browser)
    assert sent.status_code == 302
    assert "/oauth/consent?" in sent.headers["location"]


# --- tokens ----------------------------------------------------------------------------------------


def test_a_refresh_token_is_exchanged_once_and_ends_the_grant_when_it_comes_again(
    strict: Server, ana: Person, app: App
) -> None:
    first = app.tokens(ana)
    second = app.refresh(first["refresh_token"]).json()
    assert opens(strict, first["access_token"]) == 401
    assert opens(strict, second["access_token"]) == 200
    third = app.refresh(second["refresh_token"]).json()
    refused(app.refresh(second["refresh_token"]), "invalid_grant")
    assert opens(strict, third["access_token"]) == 401
    refused(app.refresh(third["refresh_token"]), "invalid_grant")
    with strict.client(ana.token) as client:
        actions = [one["action"] for one in client.get("/v1/audit").json()["items"]]
        assert "grant.reuse_detected" in actions
        assert client.get("/v1/me/grants").json()["total"] == 0


def test_a_refresh_may_ask_for_less_and_not_for_more(strict: Server, ana: Person, app: App) -> None:
    told = app.tokens(ana)
    less = app.refresh(told["refresh_token"], scope="memories:read").json()
    assert less["scope"] == "memories:read"
    assert post(strict, less["access_token"]).status_code == 403
    again = app.refresh(less["refresh_token"], scope="memories:read memories:write offline_access").json()
    assert post(strict, again["access_token"]).status_code == 201
    small = app.tokens(ana, None, "memories:read")
    refused(app.refresh(small["refresh_token"], scope="memories:write"), "invalid_scope")


def post(server: Server, token: str) -> httpx2.Response:
    """Keeps a memory."""
    with server.client(token) as client:
        return client.post("/v1/memories", json={"content": "x"})


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_token_given_back_ends_the_grant(strict: Server, ana: Person, app: App, which: str) -> None:
    told = app.tokens(ana)
    other = new_app(strict)
    assert other.revoke(told[which]).status_code == 200
    assert opens(strict, told["access_token"]) == 200
    refused(app.revoke(told[which], client_id="nobody"), "invalid_client", 401)
    refused(app.revoke(""), "invalid_request")
    assert app.revoke(told[which]).status_code == 200
    assert app.revoke(told[which]).status_code == 200
    assert opens(strict, told["access_token"]) == 401
    refused(app.refresh(told["refresh_token"]), "invalid_grant")


def test_a_token_is_good_at_the_address_it_was_granted_for_alone(strict: Server, ana: Person, app: App) -> None:
    told = app.tokens(ana)
    elsewhere = strict.url.replace("127.0.0.1", "localhost")
    for path in ("/v1/memories", "/mcp", "/selfmemory/api/memories"):
        answer = ask(
            "POST" if path == "/mcp" else "GET",
            strict.url + path,
            headers={"Authorization": f"Bearer {told['access_token']}", "Host": elsewhere.removeprefix("http://")},
        )
        assert answer.status_code == 401, path
    assert opens(strict, told["access_token"]) == 200
    named = app.tokens(ana, resource=None)
    assert opens(strict, named["access_token"]) == 200
    whole = app.tokens(ana, resource=strict.url + "/")
    assert opens(strict, whole["access_token"]) == 200


def test_codes_and_refresh_tokens_open_nothing(strict: Server, ana: Person, app: App) -> None:
    code = app.allowed(ana)
    assert opens(strict, code) == 401
    assert opens(strict, app.redeem(code).json()["refresh_token"]) == 401


def test_selfmemory_takes_the_token_too(strict: Server, ana: Person, app: App) -> None:
    trip = ana.project(strict, "trip")
    told = app.tokens(ana, f"project:{trip}")
    with strict.client(told["access_token"]) as client:
        message = {"messages": [{"role": "user", "content": "The ferry leaves at nine"}]}
        assert client.post("/selfmemory/api/memories", json=message).status_code == 200
        assert client.get("/selfmemory/api/memories").json()["total"] == 1
        for path in ("/mememory/v1/stats", "/memento/v1/health", "/aimemory/api/projects/", "/memanto/api/v2/agents"):
            assert client.get(path).status_code in (200, 401, 404), path
        assert client.get("/aimemory/api/projects/").status_code == 401


# --- who ---------------------------------------------------------------------------------------------


def test_what_somebody_granted_is_listed_and_taken_back_by_them_alone(
    strict: Server, ana: Person, ben: Person, app: App
) -> None:
    told = app.tokens(ana)
    assert opens(strict, told["access_token"]) == 200
    with strict.client(ana.token) as of_ana, strict.client(ben.token) as of_ben:
        (grant,) = of_ana.get("/v1/me/grants").json()["items"]
        assert (grant["application"], grant["application_id"]) == ("Notebook", app.client_id)
        assert (grant["organization_id"], grant["project_id"]) == (ana.organization, None)
        assert (grant["permissions"], grant["resource"]) == (["read", "write"], f"{strict.url}/mcp")
        assert grant["last_used_at"] is not None
        assert told["access_token"] not in str(grant)
        assert of_ben.get("/v1/me/grants").json() == {"items": [], "total": 0}
        path = f"/v1/me/grants/{grant['id']}"
        assert of_ben.delete(path).status_code == 404
        with strict.client(told["access_token"]) as of_app:
            assert of_app.get("/v1/me").json()["kind"] == "grant"
            assert of_app.get("/v1/me/grants").status_code == 403
            assert of_app.delete(path).status_code == 403
        assert of_ana.delete(path).status_code == 204
        assert of_ana.delete(path).status_code == 404
    assert opens(strict, told["access_token"]) == 401


def test_who_leaves_takes_their_applications_along(strict: Server, ana: Person, ben: Person, app: App) -> None:
    trip = ana.project(strict, "trip")
    with strict.client(ana.token) as of_ana, strict.client(ben.token) as of_ben:
        sent = of_ana.post(f"/v1/projects/{trip}/invitations", json={"email": ben.email, "role": "viewer"}).json()
        assert of_ben.post(f"/v1/invitations/{sent['token']}/accept").status_code == 200
        ben_id = of_ben.get("/v1/me").json()["user"]["id"]
        told = app.tokens(ben, f"project:{trip}", "memories:read")
        assert opens(strict, told["access_token"]) == 200
        path = f"/v1/organizations/{ana.organization}/members/{ben_id}"
        assert of_ana.delete(path).status_code == 200
        assert opens(strict, told["access_token"]) == 401
        assert of_ben.get("/v1/me/grants").json()["total"] == 0


def test_applications_of_different_organizations_never_see_each_other(
    strict: Server, ana: Person, ben: Person, app: App
) -> None:
    mine, theirs = app.tokens(ana)["access_token"], new_app(strict).tokens(ben)["access_token"]
    with strict.client(mine) as of_ana, strict.client(theirs) as of_ben:
        kept = of_ana.post("/v1/memories", json={"content": "The vault opens at noon"}).json()
        assert of_ben.get(f"/v1/memories/{kept['id']}").status_code == 404
        assert of_ben.get("/v1/memories").json()["total"] == 0
        assert of_ben.post("/v1/recall", json={"query": "vault", "mode": "keyword"}).json()["hits"] == []
        there = {"X-Polymem-Organization": ana.organization}
        assert of_ben.get("/v1/memories", headers=there).status_code == 404


def test_secrets_are_kept_as_digests(strict: Server, ana: Person, app: App) -> None:
    told = app.tokens(ana)
    code = app.allowed(ana)
    files = [path for path in strict_data(strict).glob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for secret in (told["access_token"], told["refresh_token"], code):
            assert secret.encode() not in content


def strict_data(server: Server) -> Path:
    """Where the server keeps its files."""
    ((_, _, path),) = server.run(server.core.store._backend.read("", lambda tx: tx.query("PRAGMA database_list", {})))  # type: ignore[attr-defined]
    return Path(path).parent
