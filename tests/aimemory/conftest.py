"""AI Memory System at the root of a port of its own, as its documentation shows it, and users for it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from polymem.core.people import Organization, Principal, PrincipalKind, Scope, User
from polymem.dialects import aimemory
from tests.conftest import MakeSettings
from tests.serving import PATIENCE, Server, serving

HOST = "aimemory.com.br"
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the server, with a token and what it reaches."""

    user: User
    organization: Organization
    password: str
    token: str

    @property
    def scope(self) -> Scope:
        return Scope(organization_id=self.organization.id)


def new_account(server: Server, name: str | None = None, password: str = "correct horse") -> Account:
    """A user with an organization of their own."""
    name = name or f"user-{next(_numbers)}"
    operator = Principal(kind=PrincipalKind.OPERATOR)

    async def made() -> Account:
        accounts = server.core.accounts
        user, organization = await accounts.create(operator, f"{name}@example.com", name, password)
        _, token = await accounts.create_token(user, "test")
        return Account(user, organization, password, token)

    return server.run(made())


def client(server: Server, token: str, prefix: str = "") -> httpx2.Client:
    """A client that sends this token."""
    headers = {"Authorization": f"Token {token}"}
    return httpx2.Client(base_url=server.url + prefix, headers=headers, trust_env=False, timeout=PATIENCE)


@pytest.fixture(scope="session")
def site(make_settings: MakeSettings) -> Iterator[Server]:
    """The dialect alone, without a model, which also answers to the name the documentation uses."""
    with serving(make_settings(embedder="none", allowed_hosts=[HOST]), dialect=aimemory.DIALECT) as server:
        yield server


@pytest.fixture
def account(site: Server) -> Account:
    """A user of this test's own. Hashing the password takes its time; most tests do with `api`."""
    return new_account(site)


@pytest.fixture
def scope(site: Server) -> Scope:
    """An organization of this test's own."""
    return site.new_organization()


@pytest.fixture
def api(site: Server, scope: Scope) -> Iterator[httpx2.Client]:
    """A client with a key of that organization."""
    with client(site, site.new_key(scope)) as made:
        yield made


@pytest.fixture
def project(api: httpx2.Client) -> dict[str, str]:
    """A project of that organization's."""
    made: dict[str, str] = api.post("/api/projects/", json={"name": "My Project"}).json()
    return made
