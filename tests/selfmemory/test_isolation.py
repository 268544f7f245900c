"""Two organizations: nothing of one can be seen, changed, counted or guessed by the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.selfmemory.conftest import add, client
from tests.selfmemory.people import Person, people
from tests.serving import Server

UNKNOWN = "0197f2a0-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Estate:
    """Somebody's organization with one of everything in it."""

    person: Person
    project: str
    key: str
    key_id: str
    memory: str
    member: Person
    invitation: str
    notification: str


@pytest.fixture(scope="module")
def estates(server: Server) -> Iterator[tuple[Estate, Estate]]:
    """Two of them."""
    with people(server, 4) as (ana, amy, ben, bob):
        yield _estate(server, ana, amy), _estate(server, ben, bob)


def _estate(server: Server, person: Person, member: Person) -> Estate:
    project = person.new_project()
    person.invite(member)
    person.add_to(project, member, "editor")
    made = person.api.post(f"/api/projects/{project}/api-keys", json={"name": "key"}).json()
    with client(server, made["api_key"]) as api:
        memory = add(api, f"The secret of {person.email}", tags=f"of-{person.id}", people_mentioned=person.email)
    path = f"/api/organizations/{person.organization}/invitations"
    invitation = person.api.post(path, json={"email": f"guest-of-{person.email}"}).json()["invitation_id"]
    notification = person.api.get("/api/notifications").json()["notifications"][0]["id"]
    return Estate(person, project, made["api_key"], made["api_key_id"], memory, member, invitation, notification)


def requests_about(estate: Estate) -> list[tuple[str, str, object]]:
    """Every request that names something of an estate."""
    org, project = f"/api/organizations/{estate.person.organization}", f"/api/projects/{estate.project}"
    memory = f"/api/memories/{estate.memory}"
    messages = [{"role": "user", "content": "An intruder was here"}]
    within = f"?project_id={estate.project}"
    return [
        ("GET", org, None),
        ("GET", f"{org}/members", None),
        ("GET", f"{org}/projects", None),
        ("POST", f"{org}/invitations", {"email": "intruder@example.org"}),
        ("DELETE", f"{org}/invitations/{estate.invitation}", None),
        ("PUT", f"{org}/members/{estate.member.id}", {"role": "admin"}),
        ("DELETE", f"{org}/members/{estate.member.id}", None),
        ("PUT", f"{org}/transfer-ownership", {"new_owner_id": estate.member.id}),
        ("DELETE", org, None),
        ("POST", "/api/projects", {"name": "Intrusion", "organization_id": estate.person.organization}),
        ("GET", project, None),
        ("GET", f"{project}/members", None),
        ("POST", f"{project}/members", {"user_id": estate.member.id}),
        ("PUT", f"{project}/members/{estate.member.id}", {"role": "viewer"}),
        ("DELETE", f"{project}/members/{estate.member.id}", None),
        ("POST", f"{project}/invitations", {"email": "intruder@example.org"}),
        ("GET", f"{project}/api-keys", None),
        ("POST", f"{project}/api-keys", {"name": "intruder"}),
        ("DELETE", f"{project}/api-keys/{estate.key_id}", None),
        ("DELETE", project, None),
        ("GET", memory, None),
        ("PUT", memory, {"text": "Changed by an intruder"}),
        ("GET", f"{memory}{within}", None),
        ("PUT", f"{memory}{within}", {"text": "Changed by an intruder"}),
        ("DELETE", f"{memory}{within}", None),
        ("GET", f"/api/memories{within}", None),
        ("GET", f"/api/memories/stats{within}", None),
        ("GET", f"/v1/stats{within}", None),
        ("DELETE", f"/api/memories{within}", None),
        ("POST", f"/api/memories{within}", {"messages": messages}),
        ("POST", "/api/memories", {"messages": messages, "metadata": {"project_id": estate.project}}),
        ("POST", "/api/memories/search", {"query": "secret", "project_id": estate.project}),
        ("POST", "/api/memories/search", {"query": "", "filters": {"project_id": estate.project}}),
        ("POST", f"/v1/memories/tag-search{within}", {"tags": [f"of-{estate.person.id}"]}),
        ("PUT", f"/api/notifications/{estate.notification}/read", None),
    ]


def snapshot(estate: Estate) -> list[object]:
    """All that its owner can see of it."""
    api, org, project = estate.person.api, estate.person.organization, estate.project
    paths = (
        f"/api/organizations/{org}",
        f"/api/organizations/{org}/members",
        f"/api/projects/{project}",
        f"/api/projects/{project}/members",
        f"/api/memories?project_id={project}",
        f"/api/memories/stats?project_id={project}",
        "/api/notifications",
    )
    seen = [api.get(path) for path in paths]
    assert {answer.status_code for answer in seen} == {200}
    return [answer.json() for answer in seen]


def test_the_other_organization_is_answered_like_what_is_not_there(
    server: Server, estates: tuple[Estate, Estate]
) -> None:
    own, foreign = estates
    before = snapshot(foreign)
    nowhere = Estate(
        Person(UNKNOWN, "nobody@example.org", UNKNOWN, "", own.person.api),
        UNKNOWN,
        "",
        UNKNOWN,
        UNKNOWN,
        Person(UNKNOWN, "nobody@example.org", UNKNOWN, "", own.person.api),
        UNKNOWN,
        UNKNOWN,
    )
    pairs = list(zip(requests_about(foreign), requests_about(nowhere), strict=True))
    with client(server, own.key) as by_key:
        callers: list[httpx2.Client] = [own.person.api, own.member.api, by_key]
        for api in callers:
            for (method, path, body), (_, unknown, unknown_body) in pairs:
                answer = api.request(method, path, json=body)
                assert answer.status_code in (403, 404), (method, path, answer.text)
                assert foreign.person.email not in answer.text
                other = api.request(method, unknown, json=unknown_body)
                assert (answer.status_code, answer.json()) == (other.status_code, other.json()), (method, path)
    assert snapshot(foreign) == before


def test_lists_and_searches_never_show_the_other_organization(server: Server, estates: tuple[Estate, Estate]) -> None:
    own, foreign = estates
    with client(server, own.key) as api:
        for path in ("/api/memories?limit=1000", "/api/organizations", "/api/projects"):
            assert foreign.person.email not in api.get(path).text
            assert foreign.project not in api.get(path).text
        for body in (
            {"query": "secret"},
            {"query": ""},
            {"query": "", "filters": {"tags": f"of-{foreign.person.id}"}},
            {"query": foreign.person.email, "filters": {"people_mentioned": foreign.person.email, "threshold": 0}},
        ):
            assert foreign.memory not in api.post("/api/memories/search", json=body).text
        assert api.get("/api/memories/stats").json() == {"total": 1, "this_week": 1, "tag_count": 1}
    for path in ("/api/organizations", "/api/projects", "/api/invitations/pending", "/api/notifications"):
        text = own.person.api.get(path).text
        assert foreign.person.organization not in text
        assert foreign.person.email not in text
