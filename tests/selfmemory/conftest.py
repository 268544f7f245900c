"""SelfMemory under its prefix of the gateway, and clients for it."""

import itertools
from collections.abc import Callable, Iterator

import httpx2
import pytest

from polymem.core.people import ALL_PERMISSIONS, Permission, Scope
from tests.serving import PATIENCE, Server

_numbers = itertools.count()


def url(server: Server) -> str:
    """Where SelfMemory is."""
    return f"{server.url}/selfmemory"


def client(server: Server, key: str | None = None, **headers: str) -> httpx2.Client:
    """A client that sends this key, or none, and these headers with every request."""
    credential = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=url(server), headers=credential | headers, trust_env=False, timeout=PATIENCE)


@pytest.fixture
def scope(server: Server) -> Scope:
    """An organization of this test's own."""
    return server.new_organization()


MakeKey = Callable[..., str]


@pytest.fixture
def make_key(server: Server, scope: Scope) -> MakeKey:
    """Makes keys of the organization's projects, as the operator does."""

    def make(project: str = "notes", permissions: frozenset[Permission] = ALL_PERMISSIONS) -> str:
        return server.new_key(scope, project, permissions)

    return make


@pytest.fixture
def api(server: Server, make_key: MakeKey) -> Iterator[httpx2.Client]:
    """A client with a key of a project that holds nothing."""
    with client(server, make_key()) as api:
        yield api


def add(api: httpx2.Client, text: str, **metadata: object) -> str:
    """Keeps a memory and gives its id."""
    body = {"messages": [{"role": "user", "content": text}], "metadata": metadata}
    answer = api.post("/api/memories", json=body)
    assert answer.status_code == 200, answer.text
    memory_id: str = answer.json()["memory_id"]
    return memory_id
