"""Any page may call: the headers are on every answer, and a preflight never needs a key."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.memento.conftest import Memento, Start

EXPECTED = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
    "access-control-allow-headers": "Content-Type, Authorization, x-api-key",
}
KEY = "secret-key-12345"


@pytest.fixture(scope="module")
def locked(start: Start) -> Memento:
    """A server that asks for a key and takes small bodies only."""
    return start(memento_api_key=KEY, max_body_mb=0.001)


@pytest.fixture
def client(locked: Memento) -> Iterator[httpx2.Client]:
    with locked.open() as client:
        yield client


def assert_open_to_all(answer: httpx2.Response) -> None:
    assert {name: answer.headers.get_list(name) for name in EXPECTED} == {
        name: [value] for name, value in EXPECTED.items()
    }


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://example.com"}, {"Origin": "null"}])
@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/", {}, 200),
        ("HEAD", "/", {}, 200),
        ("GET", "/docs", {}, 200),
        ("GET", "/docs/assets/swagger-ui.css", {}, 200),
        ("GET", "/openapi.json", {}, 200),
        ("GET", "/api/health", {}, 401),
        ("GET", "/nope", {}, 401),
        ("GET", "/api/health", {"headers": {"x-api-key": KEY}}, 200),
        ("GET", "/memento/api/health", {"headers": {"x-api-key": KEY}}, 200),
        ("POST", "/api/save", {"headers": {"x-api-key": KEY}, "json": {"content": "x"}}, 200),
        ("POST", "/api/save", {"headers": {"x-api-key": KEY}, "json": {}}, 400),
        ("POST", "/api/save", {"headers": {"x-api-key": KEY}, "content": b"{"}, 400),
        ("POST", "/api/save", {"headers": {"x-api-key": KEY}, "content": b"x" * 2000}, 413),
        ("POST", "/api/recall", {"headers": {"x-api-key": KEY}, "json": {"query": "x", "searchMode": "vector"}}, 400),
        ("DELETE", "/api/nope", {"headers": {"x-api-key": KEY}}, 404),
        ("GET", "/nope", {"headers": {"x-api-key": KEY}}, 404),
        ("GET", "/api/save", {"headers": {"x-api-key": KEY}}, 405),
        ("GET", "/api/export", {"headers": {"x-api-key": KEY}}, 200),
        ("GET", "/api/list", {"headers": {"x-api-key": KEY, "Host": "evil.example"}}, 421),
    ],
)
def test_every_answer_carries_the_headers_once(
    client: httpx2.Client, method: str, path: str, options: dict[str, object], status: int, origin: dict[str, str]
) -> None:
    answer = client.request(method, path, **options | {"headers": {**options.get("headers", {}), **origin}})  # type: ignore[dict-item, arg-type]
    assert answer.status_code == status
    assert_open_to_all(answer)


@pytest.mark.parametrize(
    "path", ["/", "/api/save", "/api/recall", "/api/uuid-1234", "/nope", "/memento/api/list", "/docs"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://example.com"},
        {
            "Origin": "https://example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, x-api-key, x-something-else",
        },
    ],
)
def test_options_of_any_path_is_an_empty_204_that_may_be_remembered(
    client: httpx2.Client, path: str, headers: dict[str, str]
) -> None:
    answer = client.options(path, headers=headers)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["access-control-max-age"] == "86400"
    assert_open_to_all(answer)
