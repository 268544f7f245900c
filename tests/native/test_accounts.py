"""People at the native API: coming in and going out, organizations, invitations, notifications, the audit trail."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from polymem.core.people.access import Standing
from tests.cast import OPERATOR, Cast, new_cast
from tests.conftest import MakeSettings
from tests.serving import Server, serving

PASSWORD = "correct horse battery"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def strict(make_settings: MakeSettings) -> Iterator[Server]:
    """A server where everybody needs a credential, nobody registers on their own, and ten logins are a minute's."""
    with serving(make_settings(auth="required", embedder="none")) as server:
        yield server


class Person:
    """Somebody with an account, a client that sends its token, and what the account is called."""

    def __init__(self, server: Server) -> None:
        self.name = f"person-{next(_numbers)}"
        self.email = f"{self.name}@example.org"
        made = server.run(server.core.accounts.create(OPERATOR, self.email, self.name, PASSWORD))
        self.id, self.organization = made[0].id, made[1].id
        _, self.token = server.run(server.core.accounts.create_token(made[0], "test"))
        self.client = server.client(self.token)


@pytest.fixture
def new_person(strict: Server) -> Iterator[Callable[[], Person]]:
    people: list[Person] = []

    def make() -> Person:
        people.append(Person(strict))
        return people[-1]

    yield make
    for person in people:
        person.client.close()


def invited(host: Person, guest: Person, **body: Any) -> dict[str, Any]:
    """What the host's invitation of the guest to their organization came to; it is accepted."""
    sent = host.client.post(f"/v1/organizations/{host.organization}/invitations", json={"email": guest.email} | body)
    assert sent.status_code == 201, sent.text
    accepted = guest.client.post(f"/v1/invitations/{sent.json()['token']}/accept")
    assert accepted.status_code == 200, accepted.text
    answer: dict[str, Any] = accepted.json()
    return answer


# --- sessions --------------------------------------------------------------------------------------


def test_a_browser_logs_in_works_and_logs_out(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    with strict.client() as browser:
        answer = browser.post("/v1/auth/login", json={"login": person.email.upper(), "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.json()["user"]["name"] == person.name
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        assert cookie.partition(";")[0].partition("=")[2] not in answer.text
        assert browser.get("/v1/me").json()["user"]["email"] == person.email
        assert browser.post("/v1/memories", json={"content": "From a browser."}).status_code == 201
        assert browser.post("/v1/auth/logout").status_code == 204
        assert browser.get("/v1/me").status_code == 401
        browser.cookies.set("polymem_session", cookie.partition(";")[0].partition("=")[2])
        assert browser.get("/v1/me").status_code == 401


def test_a_foreign_page_does_nothing_with_a_browsers_session(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    with strict.client() as browser:
        body = {"login": person.email, "password": PASSWORD}
        foreign = {"Origin": "https://evil.example"}
        assert browser.post("/v1/auth/login", json=body, headers=foreign).status_code == 403
        browser.post("/v1/auth/login", json=body, headers={"Origin": strict.url})
        assert browser.post("/v1/memories", json={"content": "x"}, headers=foreign).status_code == 403
        assert browser.post("/v1/auth/logout", headers=foreign).status_code == 403
        assert browser.post("/v1/memories", json={"content": "x"}, headers={"Origin": strict.url}).status_code == 201


def test_a_session_is_no_bearer_token_and_a_token_no_session(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    with strict.client() as browser:
        answer = browser.post("/v1/auth/login", json={"login": person.name, "password": PASSWORD})
        session = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    with strict.client(session) as bearer, strict.client(Cookie=f"polymem_session={person.token}") as visitor:
        assert bearer.get("/v1/me").status_code == 401
        assert visitor.get("/v1/me").status_code == 401


def test_a_wrong_password_and_an_unknown_account_answer_alike(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    with strict.client() as client:
        answers = [
            client.post("/v1/auth/login", json={"login": login, "password": "wrong"})
            for login in (person.email, "nobody@example.org")
        ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_logins_are_counted_and_refused_for_a_while(strict: Server, new_person: Callable[[], Person]) -> None:
    person, other = new_person(), new_person()
    with strict.client() as client:
        left = []
        for _ in range(10):
            answer = client.post("/v1/auth/login", json={"login": person.email, "password": "wrong"})
            assert answer.headers["x-ratelimit-limit"] == "10"
            left.append(int(answer.headers["x-ratelimit-remaining"]))
        assert left == list(range(9, -1, -1))
        refused = client.post("/v1/auth/login", json={"login": person.email, "password": PASSWORD})
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["x-ratelimit-reset"]) > 1_700_000_000
        assert client.post("/v1/auth/login", json={"login": other.email, "password": PASSWORD}).status_code == 200


def test_another_password_ends_all_other_sessions(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    body = {"login": person.email, "password": PASSWORD}
    with strict.client() as here, strict.client() as there:
        for browser in (here, there):
            assert browser.post("/v1/auth/login", json=body).status_code == 200
        change = {"old_password": "wrong", "new_password": "another password"}
        assert here.post("/v1/auth/password", json=change).status_code == 400
        assert here.post("/v1/auth/password", json=change | {"old_password": PASSWORD}).status_code == 204
        assert here.get("/v1/me").status_code == 200
        assert there.get("/v1/me").status_code == 401
        assert there.post("/v1/auth/login", json=body).status_code == 401
        assert person.client.get("/v1/me").status_code == 200
        short = {"old_password": "another password", "new_password": "short"}
        assert here.post("/v1/auth/password", json=short).status_code == 400


def test_a_reset_link_works_once(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    user = strict.run(strict.core.accounts.find(person.email))
    link = strict.run(strict.core.accounts.reset_link(user))
    token = link.rpartition("/")[2]
    with strict.client() as client:
        assert client.post("/v1/auth/reset", json={"token": token, "password": "short"}).status_code == 400
        assert client.post("/v1/auth/reset", json={"token": token, "password": "brand new one"}).status_code == 204
        assert client.post("/v1/auth/reset", json={"token": token, "password": "brand new two"}).status_code == 401
        again = client.post("/v1/auth/login", json={"login": person.email, "password": "brand new one"})
        assert again.status_code == 200


def test_nobody_registers_where_the_operator_does_not_let_them(strict: Server) -> None:
    with strict.client() as client:
        body = {"email": "new@example.org", "name": "New", "password": PASSWORD}
        assert client.post("/v1/auth/register", json=body).status_code == 403


def test_anybody_registers_where_the_operator_lets_them(make_settings: MakeSettings) -> None:
    with (
        serving(make_settings(auth="required", embedder="none", open_registration=True)) as server,
        server.client() as client,
    ):
        body = {"email": "new@example.org", "name": "New", "password": PASSWORD}
        assert client.post("/v1/auth/register", json=body).status_code == 201
        me = client.get("/v1/me").json()
        assert [seat["role"] for seat in me["organizations"]] == ["owner"]
        assert client.post("/v1/auth/register", json=body).status_code == 409
        for wrong in ({"email": "nowhere"}, {"password": "short"}, {"name": " "}):
            assert client.post("/v1/auth/register", json=body | wrong).status_code == 400


# --- accounts --------------------------------------------------------------------------------------


def test_account_tokens_are_made_listed_and_revoked(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    made = person.client.post("/v1/me/tokens", json={"name": "scripts", "expires_in_days": 3}).json()
    assert made["secret"].startswith(made["prefix"])
    listed = person.client.get("/v1/me/tokens").json()
    assert [one["name"] for one in listed["items"]] == ["test", "scripts"]
    assert made["secret"] not in str(listed)
    with strict.client(made["secret"]) as scripts:
        assert scripts.get("/v1/me").json()["user"]["id"] == person.id
        assert person.client.delete(f"/v1/me/tokens/{made['id']}").status_code == 204
        assert scripts.get("/v1/me").status_code == 401
    assert person.client.delete(f"/v1/me/tokens/{made['id']}").status_code == 404


def test_a_key_is_not_its_creators_account(strict: Server, new_person: Callable[[], Person]) -> None:
    person = new_person()
    secret = person.client.post("/v1/keys", json={"name": "all"}).json()["secret"]
    with strict.client(secret) as key:
        me = key.get("/v1/me").json()
        assert (me["kind"], me["user"]) == ("organization_key", None)
        assert [seat["id"] for seat in me["organizations"]] == [person.organization]
        for method, path in (("GET", "/v1/me/tokens"), ("DELETE", "/v1/me"), ("POST", "/v1/organizations")):
            assert key.request(method, path, json={"name": "x"} if method == "POST" else None).status_code == 403


def test_an_account_ends_only_when_nobody_is_left_alone(new_person: Callable[[], Person]) -> None:
    host, guest = new_person(), new_person()
    refused = guest.client.delete("/v1/me")
    assert refused.status_code == 409
    assert "owner of 1 organization" in refused.json()["detail"]
    invited(host, guest, role="admin")
    assert guest.client.delete(f"/v1/organizations/{guest.organization}").status_code == 200
    project = guest.client.post("/v1/projects", json={"key": "own"}).json()
    assert "sole admin" in guest.client.delete("/v1/me").json()["detail"]
    assert host.client.delete(f"/v1/projects/{project['id']}").status_code == 200
    assert guest.client.delete("/v1/me").json()["members"] == 1
    assert guest.client.get("/v1/me").status_code == 401
    assert host.client.get(f"/v1/organizations/{host.organization}/members").json()["total"] == 1


# --- organizations ---------------------------------------------------------------------------------


def test_an_organization_is_made_shared_transferred_and_deleted(new_person: Callable[[], Person]) -> None:
    host, guest = new_person(), new_person()
    made = host.client.post("/v1/organizations", json={"name": "Garden club"}).json()
    path = f"/v1/organizations/{made['id']}"
    assert made["role"] == "owner"
    assert host.client.post("/v1/organizations", json={"name": "Garden club"}).status_code == 409
    assert guest.client.get(path).status_code == 404
    sent = host.client.post(f"{path}/invitations", json={"email": guest.email}).json()
    guest.client.post(f"/v1/invitations/{sent['token']}/accept")
    assert guest.client.get(path).json()["role"] == "member"
    assert guest.client.delete(path).status_code == 403
    member = f"{path}/members/{guest.id}"
    assert host.client.post(f"{path}/transfer", json={"user_id": guest.id}).status_code == 409
    assert host.client.patch(member, json={"role": "admin"}).json()["role"] == "admin"
    assert host.client.patch(member, json={"role": "owner"}).status_code == 400
    assert host.client.post(f"{path}/transfer", json={"user_id": guest.id}).json()["role"] == "admin"
    assert host.client.patch(member, json={"role": "member"}).status_code == 409
    assert host.client.delete(member).status_code == 409
    page = guest.client.get(f"{path}/members", params={"limit": 1, "offset": 1}).json()
    assert (len(page["items"]), page["total"]) == (1, 2)
    kinds = [one["kind"] for one in guest.client.get("/v1/notifications").json()["items"]]
    assert kinds == ["ownership_received", "role_changed", "invited"]
    entries = guest.client.get("/v1/audit", headers={"X-Polymem-Organization": made["slug"]}).json()
    assert entries["items"][0]["action"] == "organization.transferred"
    assert entries["items"][0]["actor"] == f"user:{host.id}"
    assert {entry["door"] for entry in entries["items"]} == {"native"}
    assert sent["token"] not in str(entries)
    assert guest.client.delete(path).json()["members"] == 2
    assert host.client.get(path).status_code == 404


def test_an_organization_is_renamed_and_keeps_its_slug(new_person: Callable[[], Person]) -> None:
    host, guest = new_person(), new_person()
    made = host.client.post("/v1/organizations", json={"name": "Tool library"}).json()
    path = f"/v1/organizations/{made['slug']}"
    for name, expected in (
        ("", 400),
        ("x" * 101, 413),
        (7, 400),
        (host.client.get("/v1/organizations").json()["items"][0]["name"], 409),
    ):
        assert host.client.patch(path, json={"name": name}).status_code == expected
    assert guest.client.patch(path, json={"name": "Mine"}).status_code == 404
    for _ in range(2):
        renamed = host.client.patch(path, json={"name": " Lending library "}).json()
        assert (renamed["name"], renamed["slug"], renamed["role"]) == ("Lending library", made["slug"], "owner")
    entries = host.client.get("/v1/audit", headers={"X-Polymem-Organization": made["slug"]}).json()["items"]
    assert [entry["action"] for entry in entries] == ["organization.renamed", "organization.created"]
    assert entries[0]["detail"] == {"old_name": "Tool library", "name": "Lending library"}


def test_who_belongs_to_several_organizations_names_the_one_they_mean(new_person: Callable[[], Person]) -> None:
    host, guest = new_person(), new_person()
    host.client.post("/v1/projects", json={"key": "shared"})
    invited(host, guest, projects=[{"project": "shared", "role": "editor"}])
    guest.client.post("/v1/memories", json={"content": "Mine."})
    there = {"X-Polymem-Organization": host.organization}
    guest.client.post("/v1/memories", json={"content": "Ours.", "project": "shared"}, headers=there)
    contents = [
        [memory["content"] for memory in guest.client.get("/v1/memories", headers=headers).json()["items"]]
        for headers in ({}, there)
    ]
    assert contents == [["Mine."], ["Ours."]]
    assert guest.client.post("/v1/memories", json={"content": "No project."}, headers=there).status_code == 201
    guest.client.post("/v1/organizations", json={"name": "Second"})
    assert guest.client.get("/v1/memories").status_code == 400
    stranger = {"X-Polymem-Organization": "unknown"}
    assert guest.client.get("/v1/memories", headers=stranger).status_code == 404


# --- invitations -----------------------------------------------------------------------------------


def test_who_has_no_account_makes_one_by_the_invitation(strict: Server, new_person: Callable[[], Person]) -> None:
    host = new_person()
    project = host.client.post("/v1/projects", json={"key": "travel"}).json()
    email = f"guest-{next(_numbers)}@example.org"
    sent = host.client.post(f"/v1/projects/{project['id']}/invitations", json={"email": email, "role": "viewer"})
    assert sent.status_code == 201
    assert (sent.json()["kind"], sent.json()["mailed"]) == ("organization", False)
    token = sent.json()["token"]
    assert sent.json()["link"].endswith(f"/accept-invitation/{token}")
    again = host.client.post(f"/v1/projects/{project['id']}/invitations", json={"email": email, "role": "viewer"})
    assert again.status_code == 409
    with strict.client() as browser:
        assert browser.get(f"/v1/invitations/{token}").json()["email"] == email
        body = {"name": "Guest", "password": PASSWORD}
        assert browser.post(f"/v1/invitations/{token}/register", json=body | {"password": "x"}).status_code == 400
        assert browser.post(f"/v1/invitations/{token}/register", json=body).status_code == 201
        assert [one["key"] for one in browser.get("/v1/projects").json()["items"]] == ["travel"]
        assert browser.post("/v1/memories", json={"content": "x", "project": "travel"}).status_code == 403
        assert browser.get(f"/v1/invitations/{token}").status_code == 410
        assert browser.post(f"/v1/invitations/{token}/accept").status_code == 410
    news = host.client.get("/v1/notifications").json()
    assert news["items"][0]["kind"] == "invitation_accepted"
    assert news["unread"] == 1
    assert host.client.post(f"/v1/notifications/{news['items'][0]['id']}/read").status_code == 204
    assert host.client.post("/v1/notifications/unknown/read").status_code == 404
    assert host.client.post("/v1/notifications/read-all").json() == {"read": 0}


def test_an_invitation_is_for_its_address_alone(new_person: Callable[[], Person]) -> None:
    host, guest, thief = new_person(), new_person(), new_person()
    path = f"/v1/organizations/{host.organization}/invitations"
    first = host.client.post(path, json={"email": guest.email.upper()}).json()
    second = host.client.post(path, json={"email": guest.email}).json()
    assert thief.client.post(f"/v1/invitations/{second['token']}/accept").status_code == 403
    assert guest.client.post(f"/v1/invitations/{first['token']}/accept").status_code == 404
    assert [one["id"] for one in guest.client.get("/v1/invitations").json()["items"]] == [second["id"]]
    assert thief.client.get("/v1/invitations").json()["total"] == 0
    assert thief.client.delete(f"{path}/{second['id']}").status_code == 404
    assert host.client.delete(f"{path}/{second['id']}").status_code == 204
    assert host.client.delete(f"{path}/{second['id']}").status_code == 409
    assert guest.client.post(f"/v1/invitations/{second['token']}/accept").status_code == 404
    for body, status in (
        ({"email": host.email}, 409), ({"email": "nobody"}, 400), ({"email": guest.email, "role": "owner"}, 400),
        ({"email": guest.email, "projects": [{"project": "unknown"}]}, 404),
    ):  # fmt: skip
        assert host.client.post(path, json=body).status_code == status, body


# --- projects --------------------------------------------------------------------------------------


def test_a_project_is_shared_and_goes_with_all_that_is_in_it(strict: Server, new_person: Callable[[], Person]) -> None:
    host, guest = new_person(), new_person()
    project = host.client.post("/v1/projects", json={"key": "travel"}).json()
    path = f"/v1/projects/{project['id']}"
    assert host.client.post(f"{path}/members", json={"user_id": guest.id}).status_code == 409
    invited(host, guest)
    there = {"X-Polymem-Organization": host.organization}
    assert guest.client.get("/v1/projects", headers=there).json()["total"] == 0
    assert guest.client.get(f"{path}/members").status_code == 403
    added = host.client.post("/v1/projects/travel/members", json={"user_id": guest.id, "role": "admin"})
    assert added.status_code == 201
    assert added.json()["user"]["email"] == guest.email
    assert host.client.patch(f"{path}/members/{guest.id}", json={"role": "viewer"}).status_code == 409
    assert guest.client.patch("/v1/projects/travel", json={"name": "Trips"}, headers=there).json()["name"] == "Trips"
    key = guest.client.post("/v1/keys", json={"name": "key", "project": project["id"]}).json()
    assert [one["id"] for one in host.client.get("/v1/keys", params={"project": "travel"}).json()["items"]] == [
        key["id"]
    ]
    with strict.client(key["secret"]) as program:
        assert program.post("/v1/memories", json={"content": "Lisbon."}).status_code == 201
        assert guest.client.delete(path).status_code == 403
        assert host.client.delete(path).json() == {
            "projects": 1, "project_members": 1, "members": 0, "keys": 1, "invitations": 0, "memories": 1,
        }  # fmt: skip
        assert program.get("/v1/memories").status_code == 401
    assert host.client.get(path).status_code == 404
    assert host.client.get("/v1/stats").json()["memories"] == 0


# --- the permission table, over HTTP -----------------------------------------------------------------

REQUESTS: list[tuple[str, str, Any, set[Standing]]] = [
    ("GET", "/v1/organizations/{organization}/members", None, set(Standing)),
    ("GET", "/v1/audit", None, {Standing.ORGANIZATION_OWNER, Standing.ORGANIZATION_ADMIN}),
    ("POST", "/v1/organizations/{organization}/invitations", {"email": "x@example.org"},
     {Standing.ORGANIZATION_OWNER, Standing.ORGANIZATION_ADMIN}),
    ("PATCH", "/v1/organizations/{organization}", {"name": "Another name"},
     {Standing.ORGANIZATION_OWNER, Standing.ORGANIZATION_ADMIN}),
    ("GET", "/v1/projects/{project}/members", None,
     set(Standing) - {Standing.ORGANIZATION_ADMIN, Standing.ORGANIZATION_MEMBER}),
    ("POST", "/v1/projects/{project}/invitations", {"email": "y@example.org"},
     {Standing.ORGANIZATION_OWNER, Standing.PROJECT_OWNER, Standing.PROJECT_ADMIN}),
    ("POST", "/v1/memories", {"content": "x", "project": "garden"},
     {Standing.ORGANIZATION_OWNER, Standing.PROJECT_OWNER, Standing.PROJECT_ADMIN, Standing.PROJECT_EDITOR}),
    ("GET", "/v1/projects/garden", None,
     set(Standing) - {Standing.ORGANIZATION_ADMIN, Standing.ORGANIZATION_MEMBER}),
]  # fmt: skip


@pytest.fixture(scope="module")
def cast(strict: Server) -> Cast:
    return strict.run(new_cast(strict.core))


@pytest.mark.parametrize(("method", "path", "body", "allowed"), REQUESTS)
def test_everybody_may_do_over_http_what_the_table_says(
    strict: Server, cast: Cast, method: str, path: str, body: Any, allowed: set[Standing]
) -> None:
    address = path.format(organization=cast.organization, project=cast.project.id)
    headers = {"X-Polymem-Organization": cast.organization}
    for standing, secret in cast.secrets.items():
        # What the first one has done already is a conflict for the next, and no question of rights.
        fine = {200, 201, 409} if standing in allowed else {403, 404}
        answer = httpx2.request(
            method, strict.url + address, json=body, headers=headers | {"Authorization": f"Bearer {secret}"}
        )
        assert answer.status_code in fine, (standing, answer.text)
