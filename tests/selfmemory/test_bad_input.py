"""Bad input of every field: 400 with a sentence, and nothing stored."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.selfmemory.conftest import add
from tests.selfmemory.people import Person, people
from tests.serving import Server

GOOD = [{"role": "user", "content": "Good"}]
DEEP: Any = "x"
for _ in range(60):
    DEEP = [DEEP]

# Field, what is said must name it, and the body.
CREATES: list[tuple[str, Any]] = [
    ("messages", {}),
    ("messages", {"messages": None}),
    ("messages", {"messages": "Good"}),
    ("messages", {"messages": {"role": "user", "content": "Good"}}),
    ("messages", {"messages": []}),
    ("messages", {"messages": [{"role": "user", "content": "  \n"}]}),
    ("messages", {"messages": GOOD * 1001}),
    ("messages.0", {"messages": ["Good"]}),
    ("messages.0", {"messages": [None]}),
    ("messages.0.role", {"messages": [{"content": "Good"}]}),
    ("messages.0.role", {"messages": [{"role": None, "content": "Good"}]}),
    ("messages.0.role", {"messages": [{"role": 1, "content": "Good"}]}),
    ("messages.0.role", {"messages": [{"role": " ", "content": "Good"}]}),
    ("messages.1.content", {"messages": [*GOOD, {"role": "user"}]}),
    ("messages.1.content", {"messages": [*GOOD, {"role": "user", "content": None}]}),
    ("messages.1.content", {"messages": [*GOOD, {"role": "user", "content": ["Good"]}]}),
    ("messages.1.content", {"messages": [*GOOD, {"role": "user", "content": "x" * 10_001}]}),
    ("messages.1.content", {"messages": [*GOOD, {"role": "user", "content": "a\x00b"}]}),
    ("metadata", {"messages": GOOD, "metadata": "tags"}),
    ("metadata", {"messages": GOOD, "metadata": ["tags"]}),
    ("metadata.tags", {"messages": GOOD, "metadata": {"tags": 5}}),
    ("metadata.tags", {"messages": GOOD, "metadata": {"tags": ["a", 5]}}),
    ("metadata.tags", {"messages": GOOD, "metadata": {"tags": {"a": 1}}}),
    ("metadata.tags", {"messages": GOOD, "metadata": {"tags": "x" * 501}}),
    ("metadata.tags", {"messages": GOOD, "metadata": {"tags": ",".join(map(str, range(101)))}}),
    ("metadata.tags", {"messages": GOOD, "metadata": {"tags": "a\x00b"}}),
    ("metadata.people_mentioned", {"messages": GOOD, "metadata": {"people_mentioned": 5}}),
    ("metadata.people_mentioned", {"messages": GOOD, "metadata": {"people_mentioned": [None]}}),
    ("metadata.topic_category", {"messages": GOOD, "metadata": {"topic_category": 5}}),
    ("metadata.topic_category", {"messages": GOOD, "metadata": {"topic_category": ["a", 5]}}),
    ("metadata.topic_category", {"messages": GOOD, "metadata": {"topic_category": "x" * 501}}),
    ("metadata.user_id", {"messages": GOOD, "metadata": {"user_id": 5}}),
    ("metadata.project_id", {"messages": GOOD, "metadata": {"project_id": 5}}),
    ("metadata.organization_id", {"messages": GOOD, "metadata": {"organization_id": []}}),
    ("metadata", {"messages": GOOD, "metadata": {"deep": DEEP}}),
    ("metadata", {"messages": GOOD, "metadata": {"large": "x" * 70_000}}),
    ("metadata", {"messages": GOOD, "metadata": {"number": 2**64}}),
    ("metadata", {"messages": GOOD, "metadata": {"nul": "a\x00b"}}),
    ("metadata", {"messages": GOOD, "metadata": {"a\x00b": 1}}),
    ("user_id", {"messages": GOOD, "user_id": 5}),
    ("user_id", {"messages": GOOD, "user_id": "x" * 501}),
    ("JSON object", []),
    ("JSON object", "Good"),
]


def sentence(answer: httpx2.Response) -> str:
    """The detail of a refusal of bad input."""
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["detail"]
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    assert len(detail) > 10
    return detail


@pytest.mark.parametrize(("field", "body"), CREATES)
def test_a_create_of_bad_input_keeps_nothing(api: httpx2.Client, field: str, body: Any) -> None:
    assert field in sentence(api.post("/api/memories", json=body))
    assert api.get("/api/memories").json()["total"] == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1,", b"\xff\xfe", b'{"messages": NaN}', b'{"messages": [], "messages": []}', b'{"a": "\\ud800"}'],
)
def test_what_is_no_json_is_refused(api: httpx2.Client, content: bytes) -> None:
    for method, path in (("POST", "/api/memories"), ("POST", "/api/memories/search"), ("PUT", "/api/memories/mem_x")):
        sentence(api.request(method, path, content=content))
    assert api.get("/api/memories").json()["total"] == 0


@pytest.mark.parametrize(
    ("field", "params"),
    [
        ("limit", {"limit": "many"}),
        ("limit", {"limit": "0"}),
        ("limit", {"limit": "-1"}),
        ("limit", {"limit": "1.5"}),
        ("limit", {"limit": "10001"}),
        ("limit", {"limit": ""}),
        ("offset", {"offset": "-1"}),
        ("offset", {"offset": "x"}),
        ("offset", {"offset": "99999999999999999999"}),
        ("user_id", {"user_id": "a\x00b"}),
        ("user_id", {"user_id": "x" * 501}),
    ],
)
def test_a_list_with_bad_parameters_is_refused(api: httpx2.Client, field: str, params: dict[str, str]) -> None:
    assert field in sentence(api.get("/api/memories", params=params))


SEARCHES: list[tuple[str, Any]] = [
    ("query", {}),
    ("query", {"query": None}),
    ("query", {"query": 5}),
    ("query", {"query": "x" * 4001}),
    ("query", {"query": "a\x00b"}),
    ("filters", {"query": "x", "filters": "tags"}),
    ("filters", {"query": "x", "filters": []}),
    ("filters.limit", {"query": "x", "filters": {"limit": 0}}),
    ("filters.limit", {"query": "x", "filters": {"limit": "5"}}),
    ("filters.limit", {"query": "x", "filters": {"limit": True}}),
    ("filters.limit", {"query": "x", "filters": {"limit": 1001}}),
    ("filters.tags", {"query": "x", "filters": {"tags": 5}}),
    ("filters.tags", {"query": "x", "filters": {"tags": [5]}}),
    ("filters.match_all_tags", {"query": "x", "filters": {"match_all_tags": "yes"}}),
    ("filters.people_mentioned", {"query": "x", "filters": {"people_mentioned": {}}}),
    ("filters.topic_category", {"query": "x", "filters": {"topic_category": 5}}),
    ("filters.temporal_filter", {"query": "x", "filters": {"temporal_filter": 5}}),
    ("yesterday", {"query": "x", "filters": {"temporal_filter": "someday"}}),
    ("filters.threshold", {"query": "x", "filters": {"threshold": 1.5}}),
    ("filters.threshold", {"query": "x", "filters": {"threshold": -0.1}}),
    ("filters.threshold", {"query": "x", "filters": {"threshold": "high"}}),
    ("filters.sort_by", {"query": "x", "filters": {"sort_by": "luck"}}),
    ("filters.include_metadata", {"query": "x", "filters": {"include_metadata": "no"}}),
    ("filters.user_id", {"query": "x", "filters": {"user_id": 5}}),
    ("filters.project_id", {"query": "x", "filters": {"project_id": 5}}),
    ("people_mentioned", {"query": "x", "people_mentioned": 5}),
    ("project_id", {"query": "x", "project_id": 5}),
    ("user_id", {"query": "x", "user_id": 5}),
]


@pytest.mark.parametrize(("field", "body"), SEARCHES)
def test_a_bad_search_is_refused(api: httpx2.Client, field: str, body: Any) -> None:
    assert field in sentence(api.post("/api/memories/search", json=body))


@pytest.mark.parametrize(
    ("path", "field", "body"),
    [
        ("temporal-search", "temporal_query", {}),
        ("temporal-search", "temporal_query", {"temporal_query": " "}),
        ("temporal-search", "yesterday", {"temporal_query": "someday"}),
        ("temporal-search", "semantic_query", {"temporal_query": "today", "semantic_query": 5}),
        ("tag-search", "tags", {}),
        ("tag-search", "tags", {"tags": []}),
        ("tag-search", "tags", {"tags": [" "]}),
        ("tag-search", "match_all", {"tags": ["a"], "match_all": 1}),
        ("tag-search", "limit", {"tags": ["a"], "limit": 0}),
        ("people-search", "people", {"people": None}),
        ("people-search", "people", {"people": []}),
    ],
)
def test_a_bad_special_search_is_refused(api: httpx2.Client, path: str, field: str, body: Any) -> None:
    assert field in sentence(api.post(f"/v1/memories/{path}/", json=body))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": None, "metadata": None},
        {"text": 5},
        {"text": ""},
        {"text": "x" * 10_001},
        {"text": "a\x00b"},
        {"metadata": "x"},
        {"metadata": {"tags": 5}},
        {"text": "Changed", "metadata": {"large": "x" * 70_000}},
    ],
)
def test_a_bad_update_changes_nothing(api: httpx2.Client, body: Any) -> None:
    memory_id = add(api, "As it was", tags="a")
    before = api.get(f"/api/memories/{memory_id}").json()
    sentence(api.put(f"/api/memories/{memory_id}", json=body))
    assert api.get(f"/api/memories/{memory_id}").json() == before


@pytest.fixture(scope="module")
def person(server: Server) -> Iterator[Person]:
    """An account with a project that is not changed."""
    with people(server, 1) as (one,):
        one.new_project()
        yield one


NAMES: list[Any] = [None, 5, "", " ", "x", "x" * 101, "semi;colon", "Ärger", "a\x00b", ["x"]]


@pytest.mark.parametrize("name", NAMES)
def test_places_need_a_proper_name(person: Person, name: Any) -> None:
    assert "name" in sentence(person.api.post("/api/organizations", json={"name": name}))
    body = {"name": name, "organization_id": person.organization}
    assert "name" in sentence(person.api.post("/api/projects", json=body))
    assert len(person.api.get("/api/organizations").json()["organizations"]) == 1
    assert person.api.get("/api/projects").json()["total_count"] == 1


@pytest.mark.parametrize(
    ("method", "path", "field", "body"),
    [
        ("POST", "/api/organizations", "name", {}),
        ("POST", "/api/projects", "organization_id", {"name": "Fine"}),
        ("POST", "/api/projects", "organization_id", {"name": "Fine", "organization_id": 5}),
        ("POST", "/api/projects", "organization_id", {"name": "Fine", "organization_id": "not an id"}),
        ("PUT", "/api/organizations/ORG/members/USER", "role", {}),
        ("PUT", "/api/organizations/ORG/members/USER", "role", {"role": "king"}),
        ("PUT", "/api/organizations/ORG/transfer-ownership", "new_owner_id", {}),
        ("PUT", "/api/organizations/ORG/transfer-ownership", "new_owner_id", {"new_owner_id": "not an id"}),
        ("POST", "/api/organizations/ORG/invitations", "email", {}),
        ("POST", "/api/organizations/ORG/invitations", "email", {"email": "nobody"}),
        ("POST", "/api/organizations/ORG/invitations", "email", {"email": 5}),
        ("POST", "/api/organizations/ORG/invitations", "role", {"email": "a@example.org", "role": "king"}),
        ("POST", "/api/organizations/ORG/invitations", "projectIds", {"email": "a@example.org", "projectIds": "x"}),
        ("POST", "/api/organizations/ORG/invitations", "projectRoles", {"email": "a@example.org", "projectRoles": []}),
        ("POST", "/api/projects/PROJECT/members", "user_id", {}),
        ("POST", "/api/projects/PROJECT/members", "user_id", {"user_id": "not an id"}),
        ("POST", "/api/projects/PROJECT/members", "role", {"user_id": "user_x", "role": "owner"}),
        ("PUT", "/api/projects/PROJECT/members/USER", "role", {"role": "owner"}),
        ("POST", "/api/projects/PROJECT/invitations", "email", {"email": "a b@example.org"}),
        ("POST", "/api/projects/PROJECT/invitations", "role", {"email": "a@example.org", "role": "owner"}),
        ("POST", "/api/projects/PROJECT/api-keys", "name", {}),
        ("POST", "/api/projects/PROJECT/api-keys", "name", {"name": " "}),
        ("POST", "/api/projects/PROJECT/api-keys", "name", {"name": "x" * 101}),
        ("POST", "/api/projects/PROJECT/api-keys", "permissions", {"name": "k", "permissions": "read"}),
        ("POST", "/api/projects/PROJECT/api-keys", "permissions", {"name": "k", "permissions": [5]}),
        ("POST", "/api/projects/PROJECT/api-keys", "expires_in_days", {"name": "k", "expires_in_days": -1}),
        ("POST", "/api/projects/PROJECT/api-keys", "expires_in_days", {"name": "k", "expires_in_days": "9"}),
        ("POST", "/api/projects/PROJECT/api-keys", "expires_in_days", {"name": "k", "expires_in_days": 10**9}),
        ("GET", "/api/projects/not an id", "project_id", None),
        ("DELETE", "/api/projects/PROJECT/api-keys/not an id", "key_id", None),
        ("DELETE", "/api/organizations/ORG/invitations/not an id", "invitation_id", None),
    ],
)
def test_bad_input_about_places_and_people_is_refused(
    person: Person, method: str, path: str, field: str, body: Any
) -> None:
    project = person.api.get("/api/projects").json()["projects"][0]["_id"]
    real = path.replace("ORG", person.organization).replace("PROJECT", project).replace("USER", person.id)
    assert field in sentence(person.api.request(method, real, json=body))
    assert person.api.get(f"/api/projects/{project}/api-keys").json()["total"] == 0
    assert person.api.get(f"/api/organizations/{person.organization}/members").json()["total_pending"] == 0
