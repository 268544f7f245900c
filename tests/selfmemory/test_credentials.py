"""Who may call: keys, account tokens and sessions, and what is said to everybody else."""

from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from polymem.core.people import Permission, Scope
from tests.selfmemory.conftest import MakeKey, add, client, url
from tests.selfmemory.people import Person, people
from tests.serving import PATIENCE, Server

REQUIRED = "Authorization header required"


@pytest.fixture
def person(server: Server) -> Iterator[Person]:
    """An account with an organization."""
    with people(server, 1) as (one,):
        yield one


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, REQUIRED),
        ("", REQUIRED),
        ("Basic YTpi", "Authorization header must start with 'Bearer ' or 'Session '"),
        ("bearer sk_im_x", "Authorization header must start with 'Bearer ' or 'Session '"),
        ("Bearer", "Authorization header must start with 'Bearer ' or 'Session '"),
        ("Bearer sk_im_0123456789012345678901234567890123456789", "Invalid API key"),
        ("Bearer mk_unknown", "Invalid API key"),
        ("Bearer at_unknown", "Token is not active"),
        ("Bearer something.else.entirely", "Token is not active"),
        ("Session ps_unknown", "Invalid or expired session"),
        ("Session x", "Invalid or expired session"),
    ],
)
def test_without_a_valid_credential_nothing_is_answered(server: Server, header: str | None, detail: str) -> None:
    # The gateway of these tests is in local mode; this door demands a credential all the same.
    headers = {} if header is None else {"Authorization": header}
    with client(server, None, **headers) as api:
        for answer in (
            api.get("/api/memories"),
            api.post("/api/memories", content=b"{not json"),
            api.get("/api/users/me"),
            api.get("/v1/stats"),
            api.delete("/api/memories"),
        ):
            assert (answer.status_code, answer.json()) == (401, {"detail": detail})
            assert answer.headers["www-authenticate"] == "Bearer"


def test_what_is_open_needs_no_credential(server: Server) -> None:
    with client(server) as api:
        for path in ("/health", "/health/live", "/health/ready", "/v1/health", "/docs", "/openapi.json"):
            assert api.get(path).status_code == 200, path
        assert api.get("/api/invitations/unknown").json() == {"detail": "Invitation not found"}
        assert api.get("/api/invitations/a%00b").status_code == 404
        assert api.get("/api/invitations/pending").status_code == 401
        unknown = api.get("/api/nothing/here")
        assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
        wrong = api.patch("/api/memories")
        assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})


def test_a_key_is_good_for_its_project_alone(server: Server, scope: Scope, make_key: MakeKey) -> None:
    other = server.run(server.core.projects.ensure(scope, "other")).id
    with client(server, make_key("notes")) as api:
        own = server.run(server.core.projects.find(scope, "notes"))
        assert own is not None
        memory_id = add(api, "Mine", project_id=own.id, organization_id=scope.organization_id)
        assert "project_id" not in api.get(f"/api/memories/{memory_id}").json()["metadata"]
        body = {"messages": [{"role": "user", "content": "x"}]}
        project = "API key is not authorized for the requested project"
        refused = [
            api.post("/api/memories", json=body | {"metadata": {"project_id": other}}),
            api.post("/api/memories", json=body, params={"project_id": other}),
            api.post("/api/memories/search", json={"query": "x", "project_id": other}),
            api.post("/api/memories/search", json={"query": "x", "filters": {"project_id": other}}),
            api.post("/api/memories/search", json={"query": "x"}, params={"project_id": other}),
            api.get("/api/memories", params={"project_id": other}),
            api.get("/api/memories", params={"project_id": "proj_unknown"}),
            api.get("/api/memories/stats", params={"project_id": other}),
            api.delete("/api/memories", params={"project_id": other}),
            api.delete(f"/api/memories/{memory_id}", params={"project_id": other}),
            api.get(f"/api/memories/{memory_id}", params={"project_id": other}),
        ]
        for answer in refused:
            assert (answer.status_code, answer.json()) == (403, {"detail": project})
        elsewhere = api.post("/api/memories", json=body | {"metadata": {"organization_id": "org_other"}})
        assert elsewhere.status_code == 403
        assert elsewhere.json() == {"detail": "API key is not authorized for the requested organization"}
        for params in ({"project_id": own.id}, {"organization_id": scope.organization_id}, {"project_id": ""}):
            assert api.get("/api/memories", params=params).json()["total"] == 1
        found = api.post("/api/memories/search", json={"query": "", "project_id": own.id}).json()["results"]
        assert len(found) == 1


def test_a_key_does_what_its_permissions_say(server: Server, make_key: MakeKey) -> None:
    with (
        client(server, make_key("notes", frozenset({Permission.READ}))) as reader,
        client(server, make_key("notes", frozenset({Permission.WRITE}))) as writer,
    ):
        kept = add(writer, "Written blind")
        assert reader.get(f"/api/memories/{kept}").status_code == 200

        def refusal(answer: httpx2.Response) -> str:
            assert answer.status_code == 403
            detail: str = answer.json()["detail"]
            return detail

        body = {"messages": [{"role": "user", "content": "x"}]}
        assert refusal(reader.post("/api/memories", json=body)) == (
            "Permission denied - write access required to create memories"
        )
        assert refusal(reader.delete(f"/api/memories/{kept}")) == (
            "Permission denied - write access required to delete memories"
        )
        assert refusal(reader.delete("/api/memories")) == "Permission denied - write access required to delete memories"
        assert refusal(reader.put(f"/api/memories/{kept}", json={"text": "y"})) == (
            "Permission denied - write access required to update memories"
        )
        assert refusal(writer.get("/api/memories")) == "Permission denied - read access required"
        assert refusal(writer.post("/api/memories/search", json={"query": "x"})) == (
            "Permission denied - read access required to search memories"
        )
        assert reader.get("/api/memories").json()["total"] == 1


def test_an_account_names_the_project(person: Person) -> None:
    project = person.new_project()
    body = {"messages": [{"role": "user", "content": "Kept by an account"}]}
    api = person.api
    for answer in (
        api.post("/api/memories", json=body),
        api.get("/api/memories"),
        api.get("/api/memories/stats"),
        api.post("/api/memories/search", json={"query": "x"}),
        api.delete("/api/memories/mem_x"),
        api.delete("/api/memories"),
    ):
        expected = {"detail": "project_id required for session authentication"}
        assert (answer.status_code, answer.json()) == (400, expected)
    for place in ({"params": {"project_id": project}}, {"json": body | {"metadata": {"project_id": project}}}):
        answer = api.post("/api/memories", **{"json": body} | place)
        assert answer.status_code == 200, answer.text
    listed = api.get("/api/memories", params={"project_id": project}).json()
    assert listed["total"] == 2
    metadata = listed["results"][0]["metadata"]
    assert (metadata["createdBy"], metadata["createdByEmail"], metadata["user_id"]) == (
        person.id,
        person.email,
        person.id,
    )
    memory_id = listed["results"][0]["id"]
    assert api.get(f"/api/memories/{memory_id}").status_code == 200
    assert api.put(f"/api/memories/{memory_id}", json={"text": "Changed"}).json()["content"] == "Changed"
    assert api.get("/api/memories/mem_unknown").status_code == 404
    assert api.delete(f"/api/memories/{memory_id}", params={"project_id": project}).status_code == 200
    for word in ("body", "filters"):
        request = (
            {"query": "", "project_id": project}
            if word == "body"
            else {"query": "", "filters": {"project_id": project}}
        )
        assert len(api.post("/api/memories/search", json=request).json()["results"]) == 1
    assert api.get("/api/memories", params={"project_id": "a b"}).json() == {"detail": "Invalid project_id format"}


def test_a_session_calls_by_header_or_cookie(server: Server, person: Person) -> None:
    user = server.run(server.core.accounts.find(person.email))
    token, secret = server.run(server.core.accounts.open_session(user))
    with client(server, None, Authorization=f"Session {secret}") as api:
        assert api.get("/api/users/me").json()["email"] == person.email
    for name in ("ory_kratos_session", "polymem_session"):
        with httpx2.Client(base_url=url(server), cookies={name: secret}, trust_env=False, timeout=PATIENCE) as api:
            assert api.get("/api/users/me").json()["user_id"] == person.id
            assert api.post("/api/organizations", json={"name": f"By {name}"}).status_code == 200
            # Not for the pages of strangers, to whose requests a browser adds the cookie too.
            foreign = api.post("/api/organizations", json={"name": "Theirs"}, headers={"Origin": "http://evil.example"})
            assert foreign.status_code == 403
            known = api.put("/api/notifications/read-all", headers={"Origin": "http://localhost:3000"})
            assert known.status_code == 200
    server.run(server.core.store.people.revoke_token(user.id, token.id, server.core.clock.now()))
    with client(server, None, Authorization=f"Session {secret}") as api:
        assert api.get("/api/users/me").json() == {"detail": "Invalid or expired session"}
    # A session is no bearer token, and a token no session.
    with client(server, secret) as api:
        assert api.get("/api/users/me").status_code == 401
    with client(server, None, Authorization=f"Session {person.token}") as api:
        assert api.get("/api/users/me").status_code == 401


def test_a_key_ends_when_it_expires_or_is_deleted_and_with_the_account(server: Server, person: Person) -> None:
    project = person.new_project()
    core = server.core
    principal = server.run(core.access.principal_of(person.token))
    key, secret = server.run(
        core.keys.create(principal, "short", project=project, expires_in=timedelta(microseconds=1))
    )
    with client(server, secret) as api:
        assert (api.get("/api/memories").status_code, api.get("/api/memories").json()) == (
            401,
            {"detail": "API key expired"},
        )
    lasting = person.new_key(project)
    with client(server, lasting) as api:
        assert api.get("/api/memories").status_code == 200
        (listed,) = [
            one for one in person.api.get(f"/api/projects/{project}/api-keys").json()["api_keys"] if one["id"] != key.id
        ]
        person.api.delete(f"/api/projects/{project}/api-keys/{listed['id']}")
        assert api.get("/api/memories").json() == {"detail": "Invalid API key"}


def test_a_key_does_no_more_than_its_maker_may_at_that_moment(server: Server) -> None:
    with people(server, 2) as (owner, editor):
        project = owner.new_project()
        owner.invite(editor)
        owner.add_to(project, editor, "editor")
        key = editor.new_key(project)
        with client(server, key) as api:
            memory_id = add(api, "By a key")
            owner.api.put(f"/api/projects/{project}/members/{editor.id}", json={"role": "viewer"})
            assert api.get(f"/api/memories/{memory_id}").status_code == 200
            assert api.delete(f"/api/memories/{memory_id}").status_code == 403
            owner.api.delete(f"/api/projects/{project}/members/{editor.id}")
            assert api.get("/api/memories").status_code == 401


def test_health_tells_a_caller_what_its_credential_stands_for(server: Server, person: Person) -> None:
    project = person.new_project()
    with client(server, person.new_key(project)) as api:
        body = api.get("/health").json()
        assert (body["user_id"], body["project_id"], body["organization_id"]) == (
            person.id,
            project,
            person.organization,
        )
    with client(server, "sk_im_wrong") as api:
        assert (api.get("/health").status_code, api.get("/v1/health").status_code) == (401, 401)
