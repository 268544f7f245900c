"""OAuth at /mcp: what is said to who comes without a token, and how far one reaches."""

import json
import re
from typing import Any

import httpx2
import pytest

from tests.conftest import MakeSettings
from tests.oauth.conftest import App, Person, ask, new_app
from tests.serving import Server, serving

BOTH = "memories:read memories:write"


def call(server: Server, token: str | None, tool: str | None, path: str = "/mcp", **headers: str) -> httpx2.Response:
    """One message, as clients of the handshake era send it: nothing in the headers says what it is."""
    method = "tools/list" if tool is None else "tools/call"
    arguments = {"content": "The ferry leaves at nine"} if tool == "remember" else {"query": "ferry"}
    params: dict[str, Any] = {} if tool is None else {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    credential = {} if token is None else {"Authorization": f"Bearer {token}"}
    accept = {"Accept": "application/json, text/event-stream"}
    with server.client() as client:
        return client.post(path, json=message, headers=accept | credential | headers)


def challenge(answer: httpx2.Response) -> dict[str, str]:
    """What an answer says of how to get in."""
    text = answer.headers["www-authenticate"]
    assert text.startswith("Bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


def result(answer: httpx2.Response) -> dict[str, Any]:
    """What a tool answered."""
    assert answer.status_code == 200, answer.text
    text = answer.text
    line = next((line for line in text.splitlines() if line.startswith("data:")), text)
    told: dict[str, Any] = json.loads(line.removeprefix("data:"))["result"]
    return told


# --- documents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/selfmemory/mcp", "/mememory/mcp"])
def test_who_comes_without_a_token_is_told_where_to_get_one(strict: Server, path: str) -> None:
    answer = call(strict, None, None, path)
    assert answer.status_code == 401
    told = challenge(answer)
    assert told["scope"] == BOTH
    assert "error" not in told
    resource = strict.url + path.rstrip("/")
    assert told["resource_metadata"] == resource.replace(
        strict.url, f"{strict.url}/.well-known/oauth-protected-resource"
    )
    document = ask("GET", told["resource_metadata"]).json()
    assert document["resource"] == resource
    assert document["authorization_servers"] == [strict.url]
    assert document["scopes_supported"] == BOTH.split()
    assert document["bearer_methods_supported"] == ["header"]
    server = ask("GET", f"{strict.url}/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == strict.url
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["token_endpoint_auth_methods_supported"] == ["none"]
    assert server["client_id_metadata_document_supported"] is True
    assert server["authorization_response_iss_parameter_supported"] is True
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"):
        assert server[name].startswith(f"{strict.url}/oauth/")
        assert ask("OPTIONS", server[name]).status_code in (200, 405)
    assert ask("GET", f"{strict.url}/.well-known/openid-configuration").json() == server


def test_documents_speak_of_the_address_that_was_called_and_are_for_every_page(strict: Server) -> None:
    called = strict.url.replace("127.0.0.1", "localhost")
    for name in ("oauth-authorization-server", "oauth-protected-resource", "oauth-protected-resource/v1"):
        answer = ask(
            "GET",
            f"{strict.url}/.well-known/{name}",
            headers={"Host": called.removeprefix("http://"), "Origin": "https://inspector.example"},
        )
        assert answer.status_code == 200
        assert called in answer.text
        assert strict.url not in answer.text
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert ask("GET", f"{strict.url}/.well-known/oauth-protected-resource/etc/passwd").status_code == 404
    assert ask("GET", f"{strict.url}/oauth/nothing").status_code == 404


def test_the_operator_says_where_people_reach_the_server(make_settings: MakeSettings) -> None:
    settings = make_settings(auth="required", embedder="none", public_url="https://memory.example")
    with serving(settings) as server:
        name = {"Host": "memory.example"}
        document = ask("GET", f"{server.url}/.well-known/oauth-authorization-server", headers=name).json()
        assert document["issuer"] == "https://memory.example"
        answer = ask("POST", f"{server.url}/mcp", headers=name, json={})
        assert "https://memory.example/.well-known/oauth-protected-resource/mcp" in answer.headers["www-authenticate"]
        elsewhere = ask("GET", f"{server.url}/.well-known/oauth-authorization-server", headers={"Host": "evil.example"})
        assert elsewhere.json()["issuer"] == "https://memory.example"


def test_a_server_for_one_machine_refuses_other_names(server: Server) -> None:
    for path in ("/.well-known/oauth-authorization-server", "/oauth/authorize", "/oauth/consent"):
        assert ask("GET", server.url + path, headers={"Host": "evil.example"}).status_code == 421


# --- tokens ------------------------------------------------------------------------------------------


def test_a_token_calls_tools_and_a_small_one_is_told_what_it_lacks(strict: Server, ana: Person, app: App) -> None:
    whole = app.tokens(ana)["access_token"]
    assert not result(call(strict, whole, "remember")).get("isError")
    small = app.tokens(ana, None, "memories:read")["access_token"]
    assert "tools" in result(call(strict, small, None))
    assert "ferry" in json.dumps(result(call(strict, small, "recall")))
    for tool in ("remember", "forget", "update"):
        refused = call(strict, small, tool)
        assert refused.status_code == 403, tool
        told = challenge(refused)
        assert (told["error"], told["scope"]) == ("insufficient_scope", BOTH)
        assert told["resource_metadata"].endswith("/.well-known/oauth-protected-resource/mcp")
    with strict.client(small) as client:
        refused = client.post("/v1/memories", json={"content": "x"})
        assert (refused.status_code, challenge(refused)["error"]) == (403, "insufficient_scope")
        assert challenge(refused)["scope"] == BOTH
        assert client.post("/v1/recall", json={"query": "ferry"}).status_code == 200


def test_a_token_that_only_writes_does_not_read(strict: Server, ana: Person, app: App) -> None:
    token = app.tokens(ana, None, "memories:write")["access_token"]
    with strict.client(token) as client:
        assert client.post("/v1/memories", json={"content": "x"}).status_code == 201
        refused = client.get("/v1/memories")
        assert (refused.status_code, challenge(refused)["error"]) == (403, "insufficient_scope")
    assert call(strict, token, "recall").status_code == 403


@pytest.mark.parametrize("token", ["oa_guessed", "oa_", "oa_" + "x" * 5000, "nonsense"])
def test_a_wrong_token_is_refused(strict: Server, token: str) -> None:
    answer = call(strict, token, "recall")
    assert answer.status_code == 401
    assert challenge(answer)["error"] == "invalid_token"


def test_a_token_of_another_server_is_refused(
    strict: Server, make_settings: MakeSettings, ana: Person, app: App
) -> None:
    token = app.tokens(ana)["access_token"]
    with serving(make_settings(auth="required", embedder="none")) as other:
        assert call(other, token, "recall").status_code == 401
    told = challenge(call(strict, token, "recall", Host=strict.url.replace("http://127.0.0.1", "localhost")))
    assert told["error"] == "invalid_token"
    assert told["error_description"] == "This token was issued for another server"


def test_applications_of_different_organizations_never_see_each_other(
    strict: Server, ana: Person, ben: Person, app: App
) -> None:
    mine, theirs = app.tokens(ana)["access_token"], new_app(strict).tokens(ben)["access_token"]
    kept = result(call(strict, mine, "remember"))["structuredContent"]["memory"]["id"]
    assert kept in call(strict, mine, "recall").text
    assert kept not in call(strict, theirs, "recall").text
    assert kept not in call(strict, theirs, "recall", **{"X-Polymem-Organization": ana.organization}).text


def test_a_foreign_page_gets_nowhere(strict: Server, ana: Person, app: App) -> None:
    token = app.tokens(ana)["access_token"]
    assert call(strict, token, "recall", Origin="https://evil.example").status_code == 403


def test_a_long_message_is_refused_as_ever(strict: Server, ana: Person, app: App) -> None:
    token = app.tokens(ana)["access_token"]
    with strict.client(token) as client:
        answer = client.post("/mcp", content=b"x" * (11 * 1024 * 1024))
        assert answer.status_code in (400, 413)
        assert client.post("/mcp", content=b"{").status_code == 400
