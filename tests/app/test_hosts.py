"""A web page that points a name of its own at this machine gets nothing (DNS rebinding)."""

from collections.abc import Iterator

import pytest

from tests.conftest import MakeSettings
from tests.serving import Server, serving

PATHS = ["/v1/memories", "/health", "/docs", "/openapi.json", "/metrics", "/", "/nothing", "/v1/memories/%0A"]


def answer(server: Server, path: str, host: str) -> tuple[int, str, str]:
    with server.client(Host=host) as client:
        response = client.get(path)
        return response.status_code, response.headers["content-type"], response.text


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_is_refused_everywhere_with_a_problem(server: Server, path: str) -> None:
    for host in ("evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2",
                 "0.0.0.0", "", "localhost@evil.example", "[::2]", "::1"):  # fmt: skip
        status, kind, text = answer(server, path, host)
        assert (status, kind) == (421, "application/problem+json"), host
        assert "POLYMEM_ALLOWED_HOSTS" in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:99", "[::1]", "[::1]:8765"])
def test_this_machine_is_answered_under_all_its_names_and_any_port(server: Server, host: str) -> None:
    assert answer(server, "/health", host)[0] == 200
    assert answer(server, "/memento/api/health", host)[0] == 200


@pytest.mark.parametrize("path", ["/memento/api/health", "/memento/", "/memento/%0A"])
def test_a_dialect_refuses_a_foreign_host_in_its_own_words(server: Server, path: str) -> None:
    status, _, text = answer(server, path, "evil.example")
    assert status in (403, 421)
    assert '"success":false' in text.replace(" ", "")


@pytest.fixture(scope="module")
def named(make_settings: MakeSettings) -> Iterator[Server]:
    """A server that answers for one more name."""
    with serving(make_settings(embedder="none", allowed_hosts="memory.lan")) as server:
        yield server


def test_a_host_that_is_allowed_is_answered(named: Server) -> None:
    assert answer(named, "/health", "memory.lan:8765")[0] == 200
    assert answer(named, "/health", "Memory.LAN")[0] == 200
    assert answer(named, "/health", "other.lan")[0] == 421


def test_where_everybody_needs_a_key_any_host_will_do(make_settings: MakeSettings) -> None:
    with serving(make_settings(embedder="none", auth="required")) as server:
        assert answer(server, "/health", "memory.example")[0] == 200
