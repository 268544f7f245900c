"""Two servers: one without a chat model, which is the shared one, and one whose chat model says what a test wants."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.chatting import ChatServer, chatting
from tests.conftest import MakeSettings
from tests.serving import Server, serving


@pytest.fixture(scope="session")
def talking() -> Iterator[ChatServer]:
    """The chat model's server."""
    with chatting() as chat:
        yield chat


@pytest.fixture(scope="session")
def writing(make_settings: MakeSettings, talking: ChatServer) -> Iterator[Server]:
    """A polymem server with a chat model, which is given little time and room."""
    with serving(
        make_settings(
            chat_base_url=talking.url,
            chat_model="a-model",
            chat_api_key="sk-x",
            chat_timeout=2.0,
            chat_context_tokens=2048,
        )
    ) as server:
        yield server


@pytest.fixture
def chat(talking: ChatServer) -> ChatServer:
    """The chat model's server, with nothing asked of it yet."""
    talking.requests.clear()
    return talking


@pytest.fixture
def writer(writing: Server, chat: ChatServer) -> Iterator[httpx2.Client]:
    """A client of an organization of its own, on the server with a chat model."""
    with writing.client(writing.new_key(writing.new_organization())) as client:
        yield client


def remember(client: httpx2.Client, *contents: str, **details: object) -> list[str]:
    """Keeps memories; their ids."""
    body = {"memories": [{"content": content, **details} for content in contents]}
    answer = client.post("/v1/memories/batch", json=body)
    assert answer.status_code == 201, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids
