"""Who reaches what: tokens of accounts, keys of organizations and projects, viewers, and other tenants."""

from typing import Any

import httpx2
import pytest

from polymem.core.people import Membership, OrganizationRole, Permission, Principal, PrincipalKind, ProjectRole, Scope
from tests.aimemory.conftest import Account, client
from tests.serving import Server

BODIES: dict[str, dict[str, Any]] = {
    "memories": {"memory_type": "fact", "content": "The launch code is tulip"},
    "sessions": {"summary": "The launch code is tulip"},
    "tasks": {"title": "The launch code is tulip"},
    "snippets": {"name": "tulip", "code": "The launch code is tulip"},
}
DENIED = {"detail": "You do not have permission to perform this action."}


@pytest.fixture
def stranger(site: Server) -> Any:
    with client(site, site.new_key(site.new_organization())) as made:
        yield made


def test_nothing_of_another_tenant_is_there(
    api: httpx2.Client, project: dict[str, str], stranger: httpx2.Client
) -> None:
    made = {
        path: api.post(f"/api/{path}/", json=body | {"project": "my-project"}).json() for path, body in BODIES.items()
    }
    for path, entry in made.items():
        assert stranger.get(f"/api/{path}/").json() == []
        assert stranger.get(f"/api/{path}/", params={"project": project["id"]}).json() == []
        one = f"/api/{path}/{entry['id']}/"
        for method, sent in (("GET", None), ("PATCH", {"tags": []}), ("PUT", BODIES[path]), ("DELETE", None)):
            assert stranger.request(method, one, json=sent).status_code == 404
        refused = stranger.post(f"/api/{path}/", json=BODIES[path] | {"project": project["id"]})
        assert (refused.status_code, set(refused.json())) == (400, {"project"})
        assert api.get(one).status_code == 200
    for path in ("", "context/"):
        assert stranger.get(f"/api/projects/{project['id']}/{path}").status_code == 404
    assert stranger.delete(f"/api/projects/{project['id']}/").status_code == 404
    assert stranger.get("/api/search/?q=tulip").json() == []
    assert stranger.get("/api/memories/?search=tulip").json() == []
    assert stranger.get("/api/memories/trash/").json() == []
    assert stranger.post(f"/api/memories/{made['memories']['id']}/restore/").status_code == 404


def test_what_one_moves_to_a_foreign_project_stays(
    api: httpx2.Client, project: dict[str, str], stranger: httpx2.Client
) -> None:
    stranger.post("/api/projects/", json={"name": "Mine"})
    own = stranger.post("/api/tasks/", json={"project": "mine", "title": "Mine"}).json()
    moved = stranger.patch(f"/api/tasks/{own['id']}/", json={"project": project["id"]})
    assert moved.json() == {"project": [f'Invalid pk "{project["id"]}" - object does not exist.']}


def test_slugs_are_each_tenants_own(api: httpx2.Client, project: dict[str, str], stranger: httpx2.Client) -> None:
    twin = stranger.post("/api/projects/", json={"name": "My Project"}).json()
    assert twin["slug"] == project["slug"] == "my-project"
    assert stranger.get("/api/projects/my-project/").json()["id"] == twin["id"]
    assert api.get("/api/projects/my-project/").json()["id"] == project["id"]


def test_a_key_that_only_reads_is_refused_every_change(
    site: Server, scope: Scope, api: httpx2.Client, project: dict[str, str]
) -> None:
    kept = api.post("/api/memories/", json=BODIES["memories"] | {"project": "my-project"}).json()
    key = site.new_key(scope, permissions=frozenset({Permission.READ}))
    with client(site, key) as viewer:
        assert viewer.get(f"/api/memories/{kept['id']}/").status_code == 200
        assert viewer.get("/api/projects/my-project/context/").status_code == 200
        for method, path in (
            ("POST", "/api/projects/"),
            ("PATCH", "/api/projects/my-project/"),
            ("DELETE", "/api/projects/my-project/"),
            ("POST", "/api/memories/"),
            ("PATCH", f"/api/memories/{kept['id']}/"),
            ("DELETE", f"/api/memories/{kept['id']}/"),
            ("POST", f"/api/memories/{kept['id']}/restore/"),
            ("POST", "/api/sessions/"),
            ("POST", "/api/tasks/"),
            ("POST", "/api/snippets/"),
        ):
            refused = viewer.request(method, path, json={})
            assert (refused.status_code, refused.json()) == (403, DENIED), (method, path)
    assert api.get("/api/memories/").json()[0]["content"] == kept["content"]


def test_a_viewer_of_a_project_reads_it_and_no_more(site: Server, account: Account) -> None:
    api = client(site, account.token)
    project = api.post("/api/projects/", json={"name": "My Project"}).json()
    hidden = api.post("/api/projects/", json={"name": "Hidden"}).json()
    kept = api.post("/api/memories/", json=BODIES["memories"] | {"project": "my-project"}).json()
    secret = api.post("/api/memories/", json=BODIES["memories"] | {"project": "hidden"}).json()

    async def joined() -> str:
        core = site.core
        owner = Principal(kind=PrincipalKind.USER, user=account.user)
        guest = await core.accounts.make(f"guest-{account.user.id}@example.com", "Guest", "a long password")
        membership = Membership(
            organization_id=account.organization.id,
            user_id=guest.id,
            role=OrganizationRole.MEMBER,
            joined_at=core.clock.now(),
        )
        await core.store.people.add_member(account.scope, membership)
        await core.teams.add(owner, project["id"], guest.id, ProjectRole.VIEWER)
        _, token = await core.accounts.create_token(guest, "test")
        return token

    with client(site, site.run(joined())) as viewer:
        assert [one["id"] for one in viewer.get("/api/projects/").json()] == [project["id"]]
        assert [one["id"] for one in viewer.get("/api/memories/").json()] == [kept["id"]]
        assert viewer.get(f"/api/memories/{secret['id']}/").status_code == 404
        assert viewer.get(f"/api/projects/{hidden['id']}/").status_code == 404
        refused = viewer.patch(f"/api/memories/{kept['id']}/", json={"importance": 1})
        assert (refused.status_code, refused.json()) == (403, DENIED)
        assert viewer.post("/api/memories/", json={}).status_code == 403
    api.close()


def test_a_key_of_one_project_reaches_that_project(
    site: Server, scope: Scope, api: httpx2.Client, project: dict[str, str]
) -> None:
    api.post("/api/projects/", json={"name": "Other"})
    api.post("/api/memories/", json=BODIES["memories"] | {"project": "other"})
    key = site.new_key(scope, "my-project")
    with client(site, key) as limited:
        assert [one["id"] for one in limited.get("/api/projects/").json()] == [project["id"]]
        assert limited.post("/api/memories/", json=BODIES["memories"] | {"project": "my-project"}).status_code == 201
        assert len(limited.get("/api/memories/").json()) == 1
        assert limited.post("/api/memories/", json=BODIES["memories"] | {"project": "other"}).status_code == 400
        assert limited.post("/api/projects/", json={"name": "New"}).status_code == 403
        assert limited.delete("/api/projects/my-project/").status_code == 403


def test_a_key_of_the_organization_does_what_its_owner_does(api: httpx2.Client) -> None:
    made = api.post("/api/projects/", json={"name": "By key"})
    assert made.status_code == 201
    assert api.delete(f"/api/projects/{made.json()['id']}/").status_code == 204


def test_every_login_gives_a_token_and_ends_none(site: Server, account: Account, api: httpx2.Client) -> None:
    sent = {"username": account.user.name, "password": account.password}
    first = api.post("/api/auth/login/", json=sent).json()
    second = api.post("/api/auth/login/", json=sent | {"username": account.user.email.upper()}).json()
    assert first["user_id"] == second["user_id"]
    for token in (first["token"], second["token"], account.token):
        with client(site, token) as other:
            assert other.get("/api/projects/").status_code == 200
    with client(site, first["token"]) as leaving:
        assert leaving.post("/api/auth/logout/").status_code == 204
        assert leaving.get("/api/projects/").status_code == 401
    with client(site, second["token"]) as staying:
        assert staying.get("/api/projects/").status_code == 200


@pytest.mark.parametrize(("username", "password"), [("nobody", "x"), ("", "x"), (None, "correct horse"), (None, "x")])
def test_a_login_that_fails_never_tells_why(
    api: httpx2.Client, account: Account, username: str | None, password: str
) -> None:
    sent = {"username": account.user.name if username is None else username, "password": password}
    answer = api.post("/api/auth/login/", json=sent)
    if (username, password) == (None, "correct horse"):
        assert answer.status_code == 200
    elif username == "":
        assert (answer.status_code, answer.json()) == (400, {"username": ["This field may not be blank."]})
    else:
        said = {"non_field_errors": ["Unable to log in with provided credentials."]}
        assert (answer.status_code, answer.json()) == (400, said)


def test_whoever_guesses_too_many_passwords_has_to_wait_and_nobody_else(site: Server, account: Account) -> None:
    right = {"username": account.user.name, "password": account.password}
    with httpx2.Client(base_url=site.url, trust_env=False, timeout=60) as caller:
        for _ in range(12):
            assert caller.post("/api/auth/login/", json=right).status_code == 200
        for _ in range(50):
            answer = caller.post("/api/auth/login/", json=right | {"password": "guess"})
            if answer.status_code == 429:
                break
            assert answer.status_code == 400
        assert answer.json()["detail"].startswith("Request was throttled. Expected available in ")
        assert int(answer.headers["retry-after"]) > 0
        assert caller.post("/api/auth/login/", json=right).status_code == 429
