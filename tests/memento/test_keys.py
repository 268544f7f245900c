"""Who may call, and what each key reaches."""

from collections.abc import Iterator

import httpx2
import pytest

from polymem.core.people import Permission
from tests.memento.conftest import Memento, Start

KEY = "secret-key-12345"
UNAUTHORIZED = {"success": False, "error": "Unauthorized", "code": "UNAUTHORIZED"}


@pytest.fixture(scope="module")
def locked(start: Start) -> Memento:
    """A server in local mode with MEMENTO_API_KEY."""
    return start(memento_api_key=KEY)


@pytest.fixture(scope="module")
def required(start: Start) -> Memento:
    """A server on which everybody needs a key."""
    return start(auth="required")


@pytest.fixture(scope="module")
def required_with_key(start: Start) -> Memento:
    """The same with MEMENTO_API_KEY."""
    return start(auth="required", memento_api_key=KEY)


@pytest.fixture
def own(required: Memento) -> Iterator[httpx2.Client]:
    """A client with a key of the project "own"."""
    with required.open(Authorization=f"Bearer {required.key('own')}") as client:
        yield client


def save(client: httpx2.Client, content: str, **fields: object) -> httpx2.Response:
    return client.post("/api/save", json={"content": content, **fields})


REQUESTS = [
    ("POST", "/api/save"),
    ("POST", "/api/recall"),
    ("POST", "/api/search"),
    ("GET", "/api/list"),
    ("GET", "/api/health"),
    ("DELETE", "/api/uuid-1234"),
    ("GET", "/api/export"),
    ("GET", "/anything/else"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "wrong"},
        {"x-api-key": ""},
        {"x-api-key": KEY[:-1]},
        {"x-api-key": KEY + "6"},
        {"x-api-key": "sk_im_0000000000000000000000000000000000000000000"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
    ],
)
def test_a_set_key_is_needed_for_every_request(
    locked: Memento, method: str, path: str, headers: dict[str, str]
) -> None:
    with locked.open(**headers) as client:
        answer = client.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.json() == UNAUTHORIZED
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY},
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"x-api-key": KEY, "Authorization": "Bearer something-else"},
        {"x-api-key": "your-api-key", "Authorization": f"Bearer {KEY}"},
    ],
)
def test_the_key_may_stand_in_either_header(locked: Memento, headers: dict[str, str]) -> None:
    with locked.open(**headers) as client:
        assert client.get("/api/health").json()["status"] == "healthy"


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
def test_the_page_and_the_documentation_need_no_key(locked: Memento, path: str) -> None:
    with locked.open() as client:
        assert client.get(path).status_code == 200


def test_a_polymem_key_opens_a_locked_server_too(locked: Memento) -> None:
    with locked.open(**{"x-api-key": locked.key()}) as client:
        assert client.get("/api/health").status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": "your-api-key"}, {"x-api-key": "ä"}, {"Authorization": "Bearer sk-abc"}]
)
def test_a_server_without_a_key_passes_over_keys_that_are_not_polymems(local: Memento, headers: dict[str, str]) -> None:
    with local.open() as client:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        assert client.get("/api/health", headers=sent).status_code == 200


@pytest.mark.parametrize("prefix", ["mk_", "sk_im_"])
@pytest.mark.parametrize("header", [("x-api-key", ""), ("Authorization", "Bearer ")])
def test_a_polymem_key_that_is_not_valid_is_refused_even_where_none_is_needed(
    local: Memento, prefix: str, header: tuple[str, str]
) -> None:
    name, scheme = header
    with local.open(**{name: f"{scheme}{prefix}{'x' * 43}"}) as client:
        answer = client.get("/api/health")
    assert answer.status_code == 401
    assert answer.json() == UNAUTHORIZED


def test_a_polymem_key_decides_what_is_reached_even_where_none_is_needed(local: Memento, namespace: str) -> None:
    with local.open() as owner, local.open(**{"x-api-key": local.key(namespace)}) as client:
        save(owner, "for the owner alone")
        assert client.get("/api/list").json()["total"] == 0
        assert client.get("/api/health").json()["config"]["namespace"] == namespace


def test_without_a_local_owner_everything_needs_a_key(required: Memento) -> None:
    with required.open() as client:
        for method, path in REQUESTS:
            assert client.request(method, path).json() == UNAUTHORIZED
        assert client.get("/").status_code == 200
        assert client.options("/api/save").status_code == 204
    with required.open(**{"x-api-key": required.key()}) as client:
        assert save(client, "with a key").status_code == 200


def test_the_memento_key_is_the_local_owners(required_with_key: Memento) -> None:
    with (
        required_with_key.open(**{"x-api-key": KEY}) as client,
        required_with_key.open(**{"x-api-key": required_with_key.key()}) as other,
    ):
        (id,) = save(client, "kept under the operator's key").json()["ids"]
        assert other.get(f"/api/{id}").json()["entry"]["content"] == "kept under the operator's key"


def test_a_project_key_means_its_own_namespace_when_it_names_none(required: Memento, own: httpx2.Client) -> None:
    (id,) = save(own, "kept in the own project").json()["ids"]
    assert own.get(f"/api/{id}").json()["entry"]["metadata"]["namespace"] == "own"
    assert own.get("/api/list").json()["entries"][0]["id"] == id
    assert own.post("/api/recall", json={"query": "own project"}).json()["results"][0]["id"] == id
    assert own.get("/api/health").json()["config"]["namespace"] == "own"
    assert save(own, "named", namespace="own").status_code == 200


def test_a_project_key_reaches_nothing_else(required: Memento, own: httpx2.Client) -> None:
    with required.open(**{"x-api-key": required.key()}) as everything:
        (foreign,) = save(everything, "kangaroo in another project", namespace="foreign").json()["ids"]
        save(everything, "kangaroo for all", **{"global": True})
        for fields in (
            {"namespace": "foreign"},
            {"namespace": "unknown"},
            {"namespace": "__global__"},
            {"global": True},
        ):
            assert save(own, "intruding", **fields).status_code == 403
        for name in ("foreign", "unknown", "__global__"):
            assert own.get("/api/list", params={"namespace": name}).status_code == 403
            answer = own.post("/api/recall", json={"query": "kangaroo", "namespace": name})
            assert answer.status_code == 403
            assert answer.json()["code"] == "UNAUTHORIZED"
        assert own.post("/api/search", json={"query": "kangaroo"}).json()["count"] == 0
        assert own.get(f"/api/{foreign}").status_code == 404
        assert own.delete(f"/api/{foreign}").status_code == 404
        assert own.get("/api/export").json()["count"] == own.get("/api/list").json()["total"]
        health = own.get("/api/health").json()
        assert health["stats"]["globalEntries"] == 0
        assert health["entries"] == health["stats"]["entriesInNamespace"]
        assert everything.get(f"/api/{foreign}").status_code == 200


def test_a_key_that_may_only_read_changes_nothing(required: Memento, own: httpx2.Client) -> None:
    (id,) = save(own, "to be read").json()["ids"]
    with required.open(**{"x-api-key": required.key("own", frozenset({Permission.READ}))}) as reader:
        assert reader.get(f"/api/{id}").status_code == 200
        assert save(reader, "to be written").status_code == 403
        assert reader.delete(f"/api/{id}").status_code == 403
        assert reader.patch(f"/api/{id}", json={"content": "changed"}).status_code == 403
        assert reader.post("/api/import", json={"entries": []}).status_code == 403


def test_a_key_is_never_told_or_logged(locked: Memento, caplog: pytest.LogCaptureFixture) -> None:
    with locked.open(**{"x-api-key": "mk_secret-that-is-wrong"}) as client:
        assert "secret" not in client.get("/api/list").text
    assert "secret-that-is-wrong" not in caplog.text
