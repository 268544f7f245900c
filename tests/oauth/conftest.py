"""A server that everybody needs a credential for, people with passwords on it, and applications that ask them."""

import base64
import hashlib
import html
import itertools
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from polymem.core.people import Principal, PrincipalKind
from tests.conftest import MakeSettings
from tests.serving import PATIENCE, Server, serving

PASSWORD = "correct horse battery"
CALLBACK = "http://127.0.0.1:9/callback"
OPERATOR = Principal(kind=PrincipalKind.OPERATOR, door="test")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def strict(make_settings: MakeSettings) -> Iterator[Server]:
    """A server that everybody needs a credential for."""
    settings = make_settings(auth="required", embedder="none", rate_limit_login=0, rate_limit_application=0)
    with serving(settings) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Person:
    """An account with an organization of its own, and a browser's jar of cookies without a browser."""

    name: str
    email: str
    organization: str
    token: str
    browser: httpx2.Client

    def project(self, server: Server, key: str) -> str:
        """A new project of theirs."""
        with server.client(self.token) as client:
            made = client.post("/v1/projects", json={"key": key})
            assert made.status_code == 201, made.text
            id: str = made.json()["id"]
            return id


@pytest.fixture
def ana(strict: Server) -> Iterator[Person]:
    """Somebody."""
    yield from new_person(strict)


@pytest.fixture
def ben(strict: Server) -> Iterator[Person]:
    """Somebody else, who knows nothing of the first."""
    yield from new_person(strict)


def new_person(server: Server) -> Iterator[Person]:
    """An account, as the operator makes it."""
    name = f"person{next(_numbers)}"
    email = f"{name}@example.org"

    async def made() -> tuple[str, str]:
        user, organization = await server.core.accounts.create(OPERATOR, email, name, PASSWORD)
        _, token = await server.core.accounts.create_token(user, "test")
        return organization.id, token

    organization, token = server.run(made())
    with server.client() as browser:
        yield Person(name, email, organization, token, browser)


@dataclass(slots=True)
class App:
    """An application that registered itself, and asks by hand what a library asks otherwise."""

    server: Server
    client_id: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    redirect_uri: str = CALLBACK

    @property
    def challenge(self) -> str:
        """What proves later that it is the same."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")

    def authorize(self, browser: httpx2.Client, **changed: str | None) -> httpx2.Response:
        """Begins: where somebody's browser is sent."""
        asked: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "scope": "memories:read memories:write",
            "state": "a state",
            "resource": f"{self.server.url}/mcp",
            **changed,
        }
        return browser.get("/oauth/authorize", params={k: v for k, v in asked.items() if v is not None})

    def asked(self, person: Person, **changed: str | None) -> tuple[str, str]:
        """Somebody who is logged in sees the page: its address, and what is on it."""
        sent = self.authorize(person.browser, **changed)
        assert sent.status_code == 302, sent.text
        page = person.browser.get(sent.headers["location"])
        if 'action="/oauth/login"' in page.text:
            form = {"request": hidden(page.text, "request"), "login": person.name, "password": PASSWORD}
            logged_in = person.browser.post("/oauth/login", data=form)
            assert logged_in.status_code == 303, logged_in.text
            page = person.browser.get(logged_in.headers["location"])
        assert page.status_code == 200, page.text
        return sent.headers["location"], page.text

    def allowed(self, person: Person, reach: str | None = None, *scopes: str, **changed: str | None) -> str:
        """Somebody allows it; the code."""
        _, page = self.asked(person, **changed)
        form: dict[str, Any] = {
            "request": hidden(page, "request"),
            "mark": hidden(page, "mark"),
            "decision": "allow",
            "reach": reach or f"organization:{person.organization}",
            "scope": list(scopes) or ["memories:read", "memories:write"],
        }
        sent = person.browser.post("/oauth/consent", data=form)
        assert sent.status_code == 303, sent.text
        answer = query(sent)
        assert (answer["state"], answer["iss"]) == ("a state", self.server.url)
        return answer["code"]

    def redeem(self, code: str, **changed: str | None) -> httpx2.Response:
        """Exchanges a code."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "resource": f"{self.server.url}/mcp",
            **changed,
        }
        return self._post("token", form)

    def refresh(self, token: str, **changed: str | None) -> httpx2.Response:
        """Exchanges a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client_id}
        return self._post("token", {**form, **changed})

    def revoke(self, token: str, **changed: str | None) -> httpx2.Response:
        """Gives a token back."""
        return self._post("revoke", {"token": token, "client_id": self.client_id, **changed})

    def tokens(self, person: Person, reach: str | None = None, *scopes: str, **changed: str | None) -> dict[str, Any]:
        """The whole way: the answer of the token endpoint."""
        answer = self.redeem(self.allowed(person, reach, *scopes, **changed), resource=changed.get("resource"))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def _post(self, name: str, form: dict[str, str | None]) -> httpx2.Response:
        with self.server.client() as client:
            return client.post(f"/oauth/{name}", data={k: v for k, v in form.items() if v is not None})


@pytest.fixture
def app(strict: Server) -> App:
    """An application nobody has allowed anything."""
    return new_app(strict)


def new_app(server: Server, **more: object) -> App:
    """An application that has just registered."""
    body = {"client_name": "Notebook", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"} | more
    answer = ask("POST", f"{server.url}/oauth/register", json=body)
    assert answer.status_code == 201, answer.text
    return App(server, answer.json()["client_id"])


def ask(method: str, url: str, **request: Any) -> httpx2.Response:
    """One request of nobody's, with as much time as everything here."""
    return httpx2.request(method, url, timeout=PATIENCE, trust_env=False, **request)


def query(answer: httpx2.Response) -> dict[str, str]:
    """What an application is sent."""
    location = answer.headers["location"]
    assert location.startswith(CALLBACK), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def hidden(page: str, name: str) -> str:
    """A value that a page's form carries."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return html.unescape(found[1])
