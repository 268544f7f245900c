"""Who may do what, asked of every door handle: the contract's table over HTTP, and the core's own beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx2
import pytest

from polymem.core.people.access import TABLE, Action, Standing
from tests.selfmemory.conftest import client
from tests.selfmemory.people import Person, people
from tests.serving import Server

ROLES = {
    "organization owner": {Standing.ORGANIZATION_OWNER},
    "organization admin": {Standing.ORGANIZATION_ADMIN},
    "organization member": {Standing.ORGANIZATION_MEMBER},
    "project owner": {Standing.ORGANIZATION_ADMIN, Standing.PROJECT_OWNER},
    "project admin": {Standing.ORGANIZATION_MEMBER, Standing.PROJECT_ADMIN},
    "project editor": {Standing.ORGANIZATION_MEMBER, Standing.PROJECT_EDITOR},
    "project viewer": {Standing.ORGANIZATION_MEMBER, Standing.PROJECT_VIEWER},
    "stranger": set[Standing](),
}
"""What the people here are, to one organization and one project in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with a project, somebody of every role, and members to be done things to."""

    cast: dict[str, Person]
    organization: str
    project: str
    victim: Person
    """A plain member of the organization, and an editor of the project."""

    @property
    def owner(self) -> Person:
        """The organization's owner."""
        return self.cast["organization owner"]


@pytest.fixture(scope="module")
def place(server: Server) -> Iterator[Place]:
    """The place of all tests here; each leaves it as it was."""
    with people(server, len(ROLES) + 1) as everybody:
        cast = dict(zip(ROLES, everybody, strict=False))
        owner, victim = cast["organization owner"], everybody[-1]
        for role, person in cast.items():
            if role not in ("organization owner", "stranger"):
                owner.invite(person, role="admin" if role in ("organization admin", "project owner") else "member")
        owner.invite(victim)
        project = cast["project owner"].new_project(owner.organization)
        for role in ("admin", "editor", "viewer"):
            owner.add_to(project, cast[f"project {role}"], role)
        owner.add_to(project, victim, "editor")
        yield Place(cast, owner.organization, project, victim)


Try = Callable[[Place, httpx2.Client], httpx2.Response]


def _message(place: Place, api: httpx2.Client) -> httpx2.Response:
    body = {"messages": [{"role": "user", "content": "Kept"}], "metadata": {"project_id": place.project}}
    return api.post("/api/memories", json=body)


def _delete_memory(place: Place, api: httpx2.Client) -> httpx2.Response:
    kept = _message(place, place.owner.api).json()["memory_id"]
    return api.delete(f"/api/memories/{kept}", params={"project_id": place.project})


def _new_project(place: Place, api: httpx2.Client) -> httpx2.Response:
    answer = api.post("/api/projects", json={"name": "Passing by", "organization_id": place.organization})
    if answer.status_code == 200:
        assert place.owner.api.delete(f"/api/projects/{answer.json()['project_id']}").status_code == 200
    return answer


def _role(place: Place, api: httpx2.Client) -> httpx2.Response:
    path = f"/api/organizations/{place.organization}/members/{place.victim.id}"
    answer = api.put(path, json={"role": "admin"})
    place.owner.api.put(path, json={"role": "member"})
    return answer


def _project_role(place: Place, api: httpx2.Client) -> httpx2.Response:
    path = f"/api/projects/{place.project}/members/{place.victim.id}"
    answer = api.put(path, json={"role": "viewer"})
    place.owner.api.put(path, json={"role": "editor"})
    return answer


def _remove(place: Place, api: httpx2.Client) -> httpx2.Response:
    answer = api.delete(f"/api/projects/{place.project}/members/{place.victim.id}")
    if answer.status_code == 200:
        place.owner.add_to(place.project, place.victim, "editor")
    return answer


def _remove_member(place: Place, api: httpx2.Client) -> httpx2.Response:
    answer = api.delete(f"/api/organizations/{place.organization}/members/{place.victim.id}")
    if answer.status_code == 200:
        place.owner.invite(place.victim)
        place.owner.add_to(place.project, place.victim, "editor")
    return answer


def _revoke(place: Place, api: httpx2.Client) -> httpx2.Response:
    path = f"/api/projects/{place.project}/api-keys"
    key = place.owner.api.post(path, json={"name": "k"}).json()["api_key_id"]
    answer = api.delete(f"{path}/{key}")
    place.owner.api.delete(f"{path}/{key}")
    return answer


TRIES: dict[str, tuple[Action, Try]] = {
    "see organization": (Action.SEE_ORGANIZATION, lambda p, api: api.get(f"/api/organizations/{p.organization}")),
    "see members": (Action.SEE_ORGANIZATION, lambda p, api: api.get(f"/api/organizations/{p.organization}/members")),
    "invite": (
        Action.INVITE_TO_ORGANIZATION,
        lambda p, api: api.post(f"/api/organizations/{p.organization}/invitations", json={"email": "new@example.org"}),
    ),
    "change role": (Action.CHANGE_ROLES, _role),
    "remove member": (Action.REMOVE_MEMBERS, _remove_member),
    "create project": (Action.CREATE_PROJECT, _new_project),
    "see project": (Action.SEE_PROJECT, lambda p, api: api.get(f"/api/projects/{p.project}")),
    "see project members": (Action.SEE_PROJECT, lambda p, api: api.get(f"/api/projects/{p.project}/members")),
    "see keys": (Action.SEE_PROJECT, lambda p, api: api.get(f"/api/projects/{p.project}/api-keys")),
    "change project role": (Action.MANAGE_PROJECT_MEMBERS, _project_role),
    "remove project member": (Action.REMOVE_PROJECT_MEMBERS, _remove),
    "create key": (
        Action.CREATE_KEY,
        lambda p, api: api.post(f"/api/projects/{p.project}/api-keys", json={"name": "k"}),
    ),
    "delete key": (Action.REVOKE_KEYS, _revoke),
    "list": (Action.READ_MEMORIES, lambda p, api: api.get("/api/memories", params={"project_id": p.project})),
    "statistics": (
        Action.READ_MEMORIES,
        lambda p, api: api.get("/api/memories/stats", params={"project_id": p.project}),
    ),
    "search": (
        Action.READ_MEMORIES,
        lambda p, api: api.post("/api/memories/search", json={"query": "x", "project_id": p.project}),
    ),
    "keep": (Action.WRITE_MEMORIES, _message),
    "delete": (Action.WRITE_MEMORIES, _delete_memory),
    "delete all": (
        Action.WRITE_MEMORIES,
        lambda p, api: api.delete("/api/memories", params={"project_id": p.project}),
    ),
}


@pytest.mark.parametrize("what", TRIES)
@pytest.mark.parametrize("role", ROLES)
def test_the_table_holds_over_http(place: Place, role: str, what: str) -> None:
    action, attempt = TRIES[what]
    answer = attempt(place, place.cast[role].api)
    if ROLES[role] & TABLE[action].allowed:
        assert answer.status_code == 200, answer.text
    else:
        # A stranger may not even learn that it is there.
        assert answer.status_code in ((403, 404) if role == "stranger" else (403,)), answer.text


@pytest.mark.parametrize("role", ROLES)
def test_what_cannot_be_undone_is_for_owners(place: Place, role: str) -> None:
    api, owned = place.cast[role].api, Standing.ORGANIZATION_OWNER in ROLES[role]
    victims = place.cast["organization admin"]
    if not owned:
        answer = api.put(
            f"/api/organizations/{place.organization}/transfer-ownership", json={"new_owner_id": victims.id}
        )
        assert answer.status_code in ((403, 404) if role == "stranger" else (403,))
        answer = api.delete(f"/api/organizations/{place.organization}")
        assert answer.status_code in ((403, 404) if role == "stranger" else (403,))
    if not owned and Standing.PROJECT_OWNER not in ROLES[role]:
        answer = api.delete(f"/api/projects/{place.project}")
        assert answer.status_code in ((403, 404) if role == "stranger" else (403,))


def test_a_project_key_administers_nobody(server: Server, place: Place) -> None:
    key = place.owner.new_key(place.project)
    other = place.owner.new_project()
    with client(server, key) as api:
        own = f"/api/projects/{place.project}"
        assert api.get(own).status_code == 200
        refused = [
            api.delete(own),
            api.get(f"/api/projects/{other}"),
            api.post(f"/api/projects/{other}/api-keys", json={"name": "k"}),
            api.post(f"{own}/members", json={"user_id": place.victim.id}),
            api.post(f"{own}/invitations", json={"email": "x@example.org"}),
            api.post("/api/organizations", json={"name": "By a key"}),
            api.delete(f"/api/organizations/{place.organization}"),
            api.put(f"/api/organizations/{place.organization}/members/{place.victim.id}", json={"role": "admin"}),
            api.delete("/api/users/me"),
        ]
        assert [answer.status_code for answer in refused] == [403] * len(refused)
        shown = api.get("/api/projects").json()["projects"]
        assert [project["_id"] for project in shown] == [place.project]
