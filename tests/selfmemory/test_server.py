"""Health, limits, pages of other origins, and the documentation."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from polymem.core.errors import Unavailable
from polymem.dialects.selfmemory import health
from tests.conftest import MakeSettings
from tests.selfmemory.conftest import add, client
from tests.selfmemory.people import people
from tests.serving import Server, serving


@pytest.fixture(scope="module")
def strict(make_settings: MakeSettings) -> Iterator[Server]:
    """A server that everybody needs a credential for, with low limits and without a model."""
    limits = {f"rate_limit_{name}": 2 for name in ("memory_create", "memory_search", "organization_create")}
    limits |= {"rate_limit_project_create": 3, "rate_limit_invitation_create": 2, "rate_limit_invitation_accept": 3}
    with serving(make_settings(auth="required", embedder="none", **limits)) as server:
        yield server


def test_health_checks_database_memory_and_disk(server: Server, new_database: object) -> None:
    database = "sqlite" if new_database is None else "postgresql"
    with client(server) as api:
        answer = api.get("/health")
        assert answer.status_code == 200
        body = answer.json()
        assert body["status"] in ("healthy", "degraded")
        assert body["timestamp"].endswith("Z")
        checks = body["checks"]
        assert set(body) == {"status", "timestamp", "checks"}
        assert set(checks) == {"database", "memory", "disk"}
        assert checks["database"]["status"] == "healthy"
        assert checks["database"]["latency_ms"] >= 0
        assert checks["database"]["details"] == {"version": database, "connection": "connected"}
        memory, disk = checks["memory"]["details"], checks["disk"]["details"]
        assert set(memory) == {"used_mb", "total_mb", "percent_used", "threshold_mb"}
        assert 0 < memory["used_mb"] < memory["total_mb"]
        assert set(disk) == {"used_gb", "free_gb", "total_gb", "percent_used"}
        assert 0 < disk["percent_used"] <= 100
        assert api.get("/v1/health").json()["checks"].keys() == checks.keys()
        assert api.get("/health/live").json()["status"] == "alive"
        assert api.get("/health/ready").json()["status"] == "ready"


@contextmanager
def broken(server: Server) -> Iterator[None]:
    """The server without its database, until the block ends."""
    backend = server.core.store._backend  # type: ignore[attr-defined]

    async def fails(*_: object) -> None:
        raise Unavailable("The database cannot answer")

    whole, backend.read = backend.read, fails
    try:
        yield
    finally:
        backend.read = whole


def test_without_its_database_the_server_is_unhealthy_and_not_ready(strict: Server) -> None:
    with client(strict) as api, broken(strict):
        for path in ("/health", "/v1/health"):
            answer = api.get(path)
            assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
            assert answer.json()["checks"]["database"]["status"] == "unhealthy"
        assert (api.get("/health/ready").status_code, api.get("/health/ready").json()["status"]) == (503, "not_ready")
        assert api.get("/health/live").status_code == 200
        with client(strict, "sk_im_any") as caller:
            assert caller.get("/api/memories").status_code == 503


def test_a_full_disk_is_unhealthy_and_a_nearly_full_one_degraded(
    strict: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(strict) as api:
        monkeypatch.setattr(health, "DISK_PERCENT", -1)
        degraded = api.get("/health")
        assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
        monkeypatch.setattr(health, "LEAST_DISK_BYTES", 2**80)
        full = api.get("/health")
        assert (full.status_code, full.json()["checks"]["disk"]["status"]) == (503, "unhealthy")
        assert api.get("/health/ready").status_code == 503


def told(answer: httpx2.Response) -> tuple[int, str | None]:
    """The status and how many calls are left."""
    return answer.status_code, answer.headers.get("x-ratelimit-remaining")


def test_what_costs_most_is_limited_for_each_credential(strict: Server) -> None:
    with people(strict, 2) as (person, other):
        project = person.new_project()
        key, second = person.new_key(project), person.new_key(project)
        message = {"messages": [{"role": "user", "content": "x"}]}
        with client(strict, key) as api, client(strict, second) as another:
            assert api.post("/api/memories", json={}).status_code == 400
            assert [told(api.post("/api/memories", json=message)) for _ in range(2)] == [(200, "1"), (200, "0")]
            refused = api.post("/api/memories", json=message)
            assert refused.status_code == 429
            assert set(refused.json()) == {"detail"}
            assert "2 per 1 minute" in refused.json()["detail"]
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert refused.headers["x-ratelimit-limit"] == "2"
            assert refused.headers["x-ratelimit-remaining"] == "0"
            assert api.get("/api/memories").json()["total"] == 2
            searches = [api.post("/api/memories/search", json={"query": "x"}).status_code for _ in range(3)]
            assert searches == [200, 200, 429]
            assert api.post("/v1/memories/tag-search/", json={"tags": ["a"]}).status_code == 429
            assert another.post("/api/memories", json=message).status_code == 200
        made = [person.api.post("/api/organizations", json={"name": f"Number {n}"}).status_code for n in range(3)]
        assert made == [200, 200, 429]
        body = {"organization_id": person.organization}
        made = [person.api.post("/api/projects", json=body | {"name": f"Number {n}"}).status_code for n in range(3)]
        assert made == [200, 200, 429]
        path = f"/api/organizations/{person.organization}/invitations"
        made = [person.api.post(path, json={"email": f"n{n}@example.org"}).status_code for n in range(2)]
        assert made == [200, 200]
        to_project = f"/api/projects/{project}/invitations"
        assert person.api.post(to_project, json={"email": "m@example.org"}).status_code == 429
        assert other.api.post("/api/organizations", json={"name": "Others may"}).status_code == 200
        guesses = [other.api.post(f"/api/invitations/guess{n}/accept") for n in range(4)]
        assert [answer.status_code for answer in guesses] == [404, 404, 404, 429]
        assert 1 <= int(guesses[-1].headers["retry-after"]) <= 60


def test_limits_are_generous_by_default(server: Server) -> None:
    with people(server, 1) as (person,), client(server, person.new_key(person.new_project())) as api:
        add(api, "x")
        answer = api.post("/api/memories/search", json={"query": "x"})
        assert answer.headers["x-ratelimit-limit"] == "240"
        answer = api.post("/api/memories", json={"messages": [{"role": "user", "content": "y"}]})
        assert answer.headers["x-ratelimit-limit"] == "120"


def test_pages_of_known_origins_may_call_with_credentials(server: Server) -> None:
    with client(server) as api:
        ask = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}
        asked = api.options("/api/memories", headers=ask | {"Access-Control-Request-Headers": "authorization"})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert asked.headers["access-control-allow-credentials"] == "true"
        assert "PUT" in asked.headers["access-control-allow-methods"]
        refused = api.get("/api/memories", headers={"Origin": "http://127.0.0.1:3000"})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "http://127.0.0.1:3000"
        assert "retry-after" in refused.headers["access-control-expose-headers"].lower()
        foreign = api.get("/health", headers={"Origin": "http://evil.example"})
        assert "access-control-allow-origin" not in foreign.headers


DOCUMENTED = {
    "/api/memories": {"post", "get", "delete"},
    "/api/memories/{memory_id}": {"get", "put", "delete"},
    "/api/memories/search": {"post"},
    "/api/memories/stats": {"get"},
    "/api/organizations": {"post", "get"},
    "/api/organizations/{org_id}": {"get", "delete"},
    "/api/organizations/{org_id}/projects": {"get"},
    "/api/organizations/{org_id}/members": {"get"},
    "/api/organizations/{org_id}/members/{user_id}": {"put", "delete"},
    "/api/organizations/{org_id}/invitations": {"post"},
    "/api/organizations/{org_id}/invitations/{invitation_id}": {"delete"},
    "/api/organizations/{org_id}/transfer-ownership": {"put"},
    "/api/projects": {"post", "get"},
    "/api/projects/{project_id}": {"get", "delete"},
    "/api/projects/{project_id}/members": {"get", "post"},
    "/api/projects/{project_id}/members/{user_id}": {"put", "delete"},
    "/api/projects/{project_id}/invitations": {"post"},
    "/api/projects/{project_id}/api-keys": {"get", "post"},
    "/api/projects/{project_id}/api-keys/{key_id}": {"delete"},
    "/api/invitations/pending": {"get"},
    "/api/invitations/{token}": {"get"},
    "/api/invitations/{token}/accept": {"post"},
    "/api/notifications": {"get"},
    "/api/notifications/{notification_id}/read": {"put"},
    "/api/notifications/read-all": {"put"},
    "/api/users/me": {"get", "delete"},
    "/health": {"get"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/v1/health": {"get"},
    "/v1/stats": {"get"},
    "/v1/memories/temporal-search": {"post"},
    "/v1/memories/tag-search": {"post"},
    "/v1/memories/people-search": {"post"},
}


def test_every_endpoint_is_documented_and_none_promises_another_error_body(server: Server) -> None:
    with client(server) as api:
        document = api.get("/openapi.json").json()
    assert {path: set(operations) for path, operations in document["paths"].items()} == DOCUMENTED
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "422" not in operation["responses"]
            assert operation["description"]
