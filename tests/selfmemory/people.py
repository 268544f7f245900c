"""Accounts for tests, made as the operator makes them, and what they do over HTTP."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2

from polymem.app.composition import new_id
from polymem.core.people import Principal, PrincipalKind, User
from tests.selfmemory.conftest import client
from tests.serving import Server

OPERATOR = Principal(kind=PrincipalKind.OPERATOR, door="test")

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Person:
    """An account with an organization of its own, and a client that sends its token."""

    id: str
    email: str
    organization: str
    token: str
    api: httpx2.Client

    def new_organization(self) -> str:
        """A further organization of theirs."""
        answer = self.api.post("/api/organizations", json={"name": f"Place {next(_numbers)}"})
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["organization_id"]
        return made

    def new_project(self, organization: str | None = None, name: str | None = None) -> str:
        """A project of theirs."""
        body = {"name": name or f"Project {next(_numbers)}", "organization_id": organization or self.organization}
        answer = self.api.post("/api/projects", json=body)
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["project_id"]
        return made

    def new_key(self, project: str, **body: object) -> str:
        """A key of a project."""
        answer = self.api.post(f"/api/projects/{project}/api-keys", json={"name": "test", **body})
        assert answer.status_code == 200, answer.text
        key: str = answer.json()["api_key"]
        return key

    def invite(self, other: "Person", organization: str | None = None, **body: object) -> None:
        """Invites somebody to an organization, who accepts."""
        path = f"/api/organizations/{organization or self.organization}/invitations"
        answer = self.api.post(path, json={"email": other.email, **body})
        assert answer.status_code == 200, answer.text
        accepted = other.api.post(f"/api/invitations/{answer.json()['token']}/accept")
        assert accepted.status_code == 200, accepted.text

    def add_to(self, project: str, other: "Person", role: str) -> None:
        """Makes a member of the organization one of a project."""
        answer = self.api.post(f"/api/projects/{project}/members", json={"user_id": other.id, "role": role})
        assert answer.status_code == 200, answer.text


@contextmanager
def people(server: Server, count: int) -> Iterator[list[Person]]:
    """So many accounts that know nothing of each other."""
    with ExitStack() as stack:
        yield [_person(server, stack) for _ in range(count)]


def _person(server: Server, stack: ExitStack) -> Person:
    name = f"person{next(_numbers)}"
    email = f"{name}@example.org"
    core = server.core
    # Without a password, whose slow hash no test here asks for.
    user = User(id=new_id(), email=email, name=name, created_at=core.clock.now())

    async def made() -> tuple[str, str]:
        await core.store.people.add_user(user)
        seat = await core.organizations.found(OPERATOR, user, name)
        _, token = await core.accounts.create_token(user, "test")
        return seat.organization.id, token

    organization, token = server.run(made())
    return Person(user.id, email, organization, token, stack.enter_context(client(server, token)))
