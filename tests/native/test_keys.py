"""Keys, what they open, and what they do not."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from polymem.core.people import Permission
from tests.conftest import MakeSettings
from tests.serving import Server, serving


@pytest.fixture(scope="module")
def strict(make_settings: MakeSettings) -> Iterator[Server]:
    """A server that everybody needs a key for."""
    with serving(make_settings(auth="required", embedder="none")) as server:
        yield server


def keep(client: httpx2.Client, content: str, **fields: Any) -> str:
    answer = client.post("/v1/memories", json={"content": content} | fields)
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


EVERYTHING = [
    ("POST", "/v1/memories", {"content": "x"}),
    ("POST", "/v1/memories/batch", {"memories": [{"content": "x"}]}),
    ("GET", "/v1/memories", None),
    ("GET", "/v1/memories/x", None),
    ("PATCH", "/v1/memories/x", {}),
    ("DELETE", "/v1/memories/x", None),
    ("POST", "/v1/memories/x/restore", None),
    ("POST", "/v1/memories/x/purge", None),
    ("GET", "/v1/memories/x/history", None),
    ("GET", "/v1/trash", None),
    ("POST", "/v1/recall", {"query": "x"}),
    ("POST", "/v1/recall/why-not", {"query": "x", "memory_id": "x"}),
    ("GET", "/v1/projects", None),
    ("POST", "/v1/projects", {"key": "x"}),
    ("GET", "/v1/projects/x", None),
    ("PATCH", "/v1/projects/x", {}),
    ("POST", "/v1/export", {}),
    ("POST", "/v1/import", None),
    ("GET", "/v1/keys", None),
    ("POST", "/v1/keys", {"name": "x"}),
    ("DELETE", "/v1/keys/x", None),
    ("GET", "/v1/stats", None),
    ("GET", "/v1/stats/recalls", None),
]
CHANGING = [row for row in EVERYTHING if row[0] != "GET" and not row[1].startswith(("/v1/recall", "/v1/export"))]


@pytest.mark.parametrize(("method", "path", "body"), EVERYTHING)
def test_without_a_valid_key_nothing_is_answered(strict: Server, method: str, path: str, body: Any) -> None:
    for headers in ({}, {"Authorization": "Bearer mk_wrong"}, {"X-API-Key": "sk_im_wrong"},
                    {"Authorization": "Basic YTpi"}, {"Authorization": "mk_wrong"}):  # fmt: skip
        with strict.client(**headers) as client:
            answer = client.request(method, path, json=body)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_key_is_refused_even_where_none_is_needed(server: Server) -> None:
    with server.client("mk_wrong") as client:
        assert client.get("/v1/memories").status_code == 401
    with server.client() as client:
        assert client.get("/v1/memories").status_code == 200


def test_a_key_is_taken_from_either_header(strict: Server) -> None:
    key = strict.new_key(strict.new_organization())
    for headers in ({"Authorization": f"Bearer {key}"}, {"authorization": f"bearer  {key}"}, {"X-API-Key": key}):
        with strict.client(**headers) as client:
            assert client.get("/v1/memories").status_code == 200


def test_two_organizations_see_nothing_of_each_other(strict: Server) -> None:
    ours, theirs = (strict.new_key(strict.new_organization()) for _ in range(2))
    with strict.client(ours) as us, strict.client(theirs) as them:
        id = keep(us, "our secret", project="plans")
        key_id = us.get("/v1/keys").json()["items"][0]["id"]
        path = f"/v1/memories/{id}"
        for method, address in (("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/restore"),
                                ("POST", f"{path}/purge"), ("GET", f"{path}/history"),
                                ("GET", "/v1/projects/plans"), ("DELETE", f"/v1/keys/{key_id}")):  # fmt: skip
            assert them.request(method, address, json={} if method == "PATCH" else None).status_code == 404
        assert them.get("/v1/memories", params={"ids": id}).json()["total"] == 0
        assert them.get("/v1/memories", params={"project": "plans"}).json()["total"] == 0
        assert them.get("/v1/trash").json()["total"] == 0
        assert them.get("/v1/projects").json()["total"] == 0
        assert them.get("/v1/stats").json()["memories"] == 0
        assert them.post("/v1/recall", json={"query": "secret"}).json()["considered"] == 0
        assert them.post("/v1/recall/why-not", json={"query": "secret", "memory_id": id}).status_code == 404
        assert them.post("/v1/export").text == ""
        assert them.post("/v1/memories", json={"content": "x", "supersedes": id}).status_code == 404
        assert len(them.get("/v1/keys").json()["items"]) == 1
        keep(them, "theirs", project="plans")
        assert us.get("/v1/memories", params={"project": "plans"}).json()["total"] == 1


def test_a_key_of_a_project_reaches_that_project_only(strict: Server) -> None:
    owner = strict.new_organization()
    with strict.client(strict.new_key(owner)) as everywhere, strict.client(strict.new_key(owner, "inside")) as inside:
        outside_id = keep(everywhere, "outside", project="outside")
        nowhere_id = keep(everywhere, "nowhere")
        inside_id = keep(inside, "inside")
        assert everywhere.get(f"/v1/memories/{inside_id}").json()["project"] == "inside"
        assert [m["id"] for m in inside.get("/v1/memories").json()["items"]] == [inside_id]
        assert inside.get("/v1/memories", params={"project": "outside"}).json()["total"] == 0
        for id in (outside_id, nowhere_id):
            assert inside.get(f"/v1/memories/{id}").status_code == 404
            assert inside.patch(f"/v1/memories/{id}", json={"title": "x"}).status_code == 404
            assert inside.delete(f"/v1/memories/{id}").status_code == 404
        assert inside.post("/v1/memories", json={"content": "x", "project": "outside"}).status_code == 403
        assert inside.patch(f"/v1/memories/{inside_id}", json={"project": None}).status_code == 400
        assert inside.post("/v1/projects", json={"key": "new"}).status_code == 403
        assert inside.post("/v1/keys", json={"name": "wider"}).status_code == 403
        assert [project["key"] for project in inside.get("/v1/projects").json()["items"]] == ["inside"]
        assert inside.post("/v1/recall", json={"query": "outside"}).json()["considered"] == 1


@pytest.mark.parametrize(("method", "path", "body"), CHANGING)
def test_a_key_that_only_reads_changes_nothing(strict: Server, method: str, path: str, body: Any) -> None:
    key = strict.new_key(strict.new_organization(), permissions=frozenset({Permission.READ}))
    with strict.client(key) as client:
        assert client.request(method, path, json=body).status_code in (403, 404)
        assert client.get("/v1/memories").json()["total"] == 0


def test_a_key_that_only_writes_reads_nothing(strict: Server) -> None:
    key = strict.new_key(strict.new_organization(), permissions=frozenset({Permission.WRITE}))
    with strict.client(key) as client:
        for path in ("/v1/memories", "/v1/trash", "/v1/projects", "/v1/keys"):
            assert client.get(path).status_code == 403
        assert client.post("/v1/export").status_code == 403
        assert client.post("/v1/recall", json={"query": "x"}).status_code == 403


def test_a_key_is_made_used_listed_and_revoked(strict: Server) -> None:
    with strict.client(strict.new_key(strict.new_organization())) as owner:
        owner.post("/v1/projects", json={"key": "travel"})
        made = owner.post("/v1/keys", json={"name": "laptop", "project": "travel", "expires_in_days": 30})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        key = made.json()
        assert list(key) == ["id", "name", "prefix", "project", "permissions", "created_at", "expires_at", "revoked_at",
                             "last_used_at", "secret"]  # fmt: skip
        assert (key["project"], key["permissions"]) == ("travel", ["read", "write"])
        assert key["secret"].startswith(key["prefix"])
        with strict.client(key["secret"]) as laptop:
            assert keep(laptop, "from the laptop")
            listed = owner.get("/v1/keys").json()["items"][-1]
            assert listed["last_used_at"] is not None
            assert listed | {"last_used_at": None} == {name: key[name] for name in listed}
            assert key["secret"] not in owner.get("/v1/keys").text
            assert owner.delete(f"/v1/keys/{key['id']}").status_code == 204
            assert laptop.get("/v1/memories").status_code == 401
        assert owner.delete(f"/v1/keys/{key['id']}").status_code == 404
        assert owner.get("/v1/keys").json()["items"][-1]["revoked_at"] is not None


def test_a_key_cannot_give_more_than_its_maker_has(strict: Server) -> None:
    key = strict.new_key(strict.new_organization(), permissions=frozenset({Permission.WRITE}))
    with strict.client(key) as client:
        assert client.post("/v1/keys", json={"name": "more"}).status_code == 403
        assert client.post("/v1/keys", json={"name": "same", "permissions": ["write"]}).status_code == 201


def test_what_cannot_be_a_key_is_refused(strict: Server) -> None:
    with strict.client(strict.new_key(strict.new_organization())) as client:
        for body in ({}, {"name": ""}, {"name": "a\u0000"}, {"name": "x", "permissions": []},
                     {"name": "x", "permissions": ["rule"]}, {"name": "x", "expires_in_days": 0},
                     {"name": "x", "expires_in_days": 10**9}, {"name": "x", "secret": "mk_mine"}):  # fmt: skip
            assert client.post("/v1/keys", json=body).status_code == 400, body
        assert client.post("/v1/keys", json={"name": "x", "project": "nowhere"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/health/ready", "/docs", "/redoc", "/openapi.json", "/metrics"]
)
def test_health_and_documentation_need_no_key(strict: Server, path: str) -> None:
    with strict.client() as client:
        assert client.get(path).status_code == 200
