"""MEMANTO under its prefix of the shared server, a key of an organization of its own, and sessions."""

import itertools
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from polymem.core.people import Scope
from tests.serving import PATIENCE, Server

PREFIX = "/memanto/api/v2"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading the machine's certificates takes longer than most of these tests."""

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with an active session, and a client that works in it."""

    id: str
    token: str
    client: httpx2.Client

    def path(self, path: str) -> str:
        """The address of something of this agent."""
        return f"/agents/{self.id}/{path}"

    def remember(self, content: str, **members: Any) -> str:
        """Keeps a memory; its id."""
        answer = self.client.post(self.path("remember"), json={"content": content, **members})
        assert answer.status_code == 201, answer.text
        memory_id: str = answer.json()["memory_id"]
        return memory_id

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a successful GET."""
        answer = self.client.get(self.path(path), params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a successful POST."""
        sent = {} if body is None else {"json": body}
        answer = self.client.post(self.path(path), params=query, **sent)
        assert answer.is_success, answer.text
        return answer.json()

    def contents(self, path: str = "recall", **query: Any) -> list[str]:
        """The contents of the memories that a GET answers with."""
        return [memory["content"] for memory in self.get(path, **query)["memories"]]


@pytest.fixture
def scope(server: Server) -> Scope:
    """An organization that holds nothing."""
    return server.new_organization()


@pytest.fixture
def key(server: Server, scope: Scope) -> str:
    """A key for that organization."""
    return server.new_key(scope)


@pytest.fixture
def base(server: Server) -> str:
    """The address of the API."""
    return server.url + PREFIX


@pytest.fixture
def anyone(base: str) -> Iterator[httpx2.Client]:
    """A client without any credential."""
    with httpx2.Client(base_url=base, trust_env=False, verify=NO_TLS, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def manager(base: str, key: str) -> Iterator[httpx2.Client]:
    """A client with the key and no session."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=base, headers=headers, trust_env=False, verify=NO_TLS, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def agent(manager: httpx2.Client, base: str, key: str) -> Iterator[Agent]:
    """A new agent with a session."""
    id = f"agent-{next(_numbers)}"
    assert manager.post("/agents", json={"agent_id": id}).status_code == 201
    token = manager.post(f"/agents/{id}/activate").json()["session_token"]
    headers = {"Authorization": f"Bearer {key}", "X-Session-Token": token}
    with httpx2.Client(base_url=base, headers=headers, trust_env=False, verify=NO_TLS, timeout=PATIENCE) as client:
        yield Agent(id, token, client)


@pytest.fixture
def server_root(server: Server) -> Iterator[httpx2.Client]:
    """A client of what lies outside the API's prefix."""
    with httpx2.Client(base_url=server.url + "/memanto", trust_env=False, verify=NO_TLS, timeout=PATIENCE) as client:
        yield client
