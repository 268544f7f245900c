"""Lists, searches, uses, soft delete and addresses, as documented."""

from typing import Any

import httpx2
import pytest

from polymem.dialects.aimemory.mapping import to_page
from tests.aimemory.conftest import client
from tests.serving import Server


def remember(api: httpx2.Client, content: str, **fields: Any) -> dict[str, Any]:
    made = api.post(
        "/api/memories/", json={"project": "my-project", "memory_type": "fact", "content": content} | fields
    )
    assert made.status_code == 201, made.text
    memory: dict[str, Any] = made.json()
    return memory


def contents(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [memory["content"] for memory in answer.json()]


# --- projects ------------------------------------------------------------------------------------


def test_a_slug_is_made_of_the_name_and_numbered_when_taken(api: httpx2.Client) -> None:
    names = ["My New Project", "My New Project", "São Paulo", "  Spaces & signs! ", "日本", "my new project"]
    slugs = [api.post("/api/projects/", json={"name": name}).json()["slug"] for name in names]
    assert slugs == ["my-new-project", "my-new-project-2", "sao-paulo", "spaces-signs", "project", "my-new-project-3"]


def test_a_slug_that_is_sent_is_kept_as_it_is_and_must_be_free(api: httpx2.Client) -> None:
    made = api.post("/api/projects/", json={"name": "One", "slug": "My_Slug-1"})
    assert (made.status_code, made.json()["slug"]) == (201, "My_Slug-1")
    again = api.post("/api/projects/", json={"name": "Two", "slug": "My_Slug-1"})
    assert (again.status_code, again.json()) == (400, {"slug": ["Project with this slug already exists."]})
    other = api.post("/api/projects/", json={"name": "Two"}).json()
    taken = api.patch(f"/api/projects/{other['id']}/", json={"slug": "My_Slug-1"})
    assert (taken.status_code, taken.json()) == (400, {"slug": ["Project with this slug already exists."]})


def test_a_slug_given_up_can_be_used_again(api: httpx2.Client) -> None:
    first = api.post("/api/projects/", json={"name": "Home"}).json()
    assert api.patch("/api/projects/home/", json={"slug": "house"}).status_code == 200
    second = api.post("/api/projects/", json={"name": "Home", "slug": "home"})
    assert (second.status_code, second.json()["slug"]) == (201, "home")
    assert api.get("/api/projects/house/").json()["id"] == first["id"]
    assert api.get("/api/projects/home/").json()["id"] == second.json()["id"]


def test_no_slug_can_be_taken_for_the_id_of_another_project(api: httpx2.Client, project: dict[str, str]) -> None:
    twin = api.post("/api/projects/", json={"name": "Twin", "slug": project["id"]})
    assert (twin.status_code, set(twin.json())) == (400, {"slug"})
    assert api.get(f"/api/projects/{project['id']}/").json() == project


@pytest.mark.parametrize("stack", ["", "Django, React, PostgreSQL", "Python,Django", "a, , b", ", x", "Only one"])
def test_a_stack_is_kept_byte_for_byte(api: httpx2.Client, stack: str) -> None:
    made = api.post("/api/projects/", json={"name": "Stack", "stack": stack}).json()
    assert api.get(f"/api/projects/{made['slug']}/").json()["stack"] == stack


def test_a_project_is_changed_by_either_method(api: httpx2.Client, project: dict[str, str]) -> None:
    changed = api.patch("/api/projects/my-project/", json={"description": "New", "is_active": "false", "id": "x"})
    assert changed.status_code == 200
    body = changed.json()
    assert (body["description"], body["is_active"], body["id"]) == ("New", False, project["id"])
    assert body["updated_at"] > body["created_at"]
    replaced = api.put(f"/api/projects/{project['id']}/", json={"name": "Renamed", "stack": "Go"}).json()
    assert (replaced["name"], replaced["slug"], replaced["stack"]) == ("Renamed", "my-project", "Go")
    assert replaced["description"] == "New"


def test_projects_are_searched_by_name(api: httpx2.Client) -> None:
    for name in ("Alpha tools", "Beta", "ALPHA two"):
        api.post("/api/projects/", json={"name": name})
    found = api.get("/api/projects/", params={"search": "alpha"})
    assert [one["name"] for one in found.json()] == ["ALPHA two", "Alpha tools"]
    assert found.headers["x-total-count"] == "2"


def test_a_deleted_project_takes_all_it_has_with_it(api: httpx2.Client, project: dict[str, str]) -> None:
    memory = remember(api, "Gone with it")
    task = api.post("/api/tasks/", json={"project": "my-project", "title": "Gone too"}).json()
    deleted = api.delete("/api/projects/my-project/")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(f"/api/projects/{project['id']}/").status_code == 404
    assert api.get(f"/api/memories/{memory['id']}/").status_code == 404
    assert api.get(f"/api/tasks/{task['id']}/").status_code == 404
    assert api.get("/api/memories/").json() == []


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("project")
def test_a_list_is_a_bare_array_with_its_total_in_a_header(api: httpx2.Client) -> None:
    for number in range(60):
        remember(api, f"Memory {number:02}")
    page = api.get("/api/memories/")
    assert contents(page) == [f"Memory {number:02}" for number in range(59, 9, -1)]
    assert page.headers["x-total-count"] == "60"
    assert 'rel="next"' in page.headers["link"]
    assert contents(api.get("/api/memories/?limit=20&offset=40")) == [f"Memory {n:02}" for n in range(19, -1, -1)]
    assert len(contents(api.get("/api/memories/?limit=5"))) == 5
    assert api.get("/api/memories/?offset=1000").json() == []


@pytest.mark.usefixtures("project")
def test_a_limit_that_is_none_is_passed_over_and_a_large_one_clamped(api: httpx2.Client) -> None:
    for number in range(55):
        api.post("/api/sessions/", json={"project": "my-project", "summary": str(number)})
    for limit in ("", "abc", "0", "-1", "1.5", "9" * 30):
        assert len(api.get("/api/sessions/", params={"limit": limit, "offset": "x"}).json()) == 50, limit
    for limit, expected in (("200", 55), ("5000", 55), ("1", 1)):
        assert len(api.get("/api/sessions/", params={"limit": limit, "offset": "-3"}).json()) == expected, limit
    assert to_page("5000", None) == (200, 0)


def test_filters_of_memories_combine(api: httpx2.Client, project: dict[str, str]) -> None:
    api.post("/api/projects/", json={"name": "Other"})
    remember(api, "Important decision about caching", memory_type="decision", importance=9, tags=["cache"])
    remember(api, "Minor decision", memory_type="decision", importance=2)
    remember(api, "Important fact about Caching", importance=8, tags=["cache", "perf"])
    remember(api, "Elsewhere", project="other", importance=9)
    for reference in ("my-project", project["id"]):
        assert len(contents(api.get("/api/memories/", params={"project": reference}))) == 3
    assert contents(api.get("/api/memories/?project=nowhere")) == []
    assert contents(api.get("/api/memories/?memory_type=decision&importance__gte=5")) == [
        "Important decision about caching"
    ]
    assert contents(api.get("/api/memories/?search=CACHING&memory_type=fact")) == ["Important fact about Caching"]
    assert contents(api.get("/api/memories/?tags=cache,perf")) == ["Important fact about Caching"]
    assert contents(api.get("/api/memories/?importance__gte=9&project=other")) == ["Elsewhere"]


@pytest.mark.usefixtures("project")
def test_filters_of_tasks_and_snippets(api: httpx2.Client) -> None:
    for title, status, priority in (("a", "pending", 3), ("b", "in_progress", 8), ("c", "completed", 9)):
        task = {"project": "my-project", "title": title, "status": status, "priority": priority}
        assert api.post("/api/tasks/", json=task).status_code == 201

    def titles(query: str) -> list[str]:
        return [task["title"] for task in api.get(f"/api/tasks/?{query}").json()]

    assert titles("") == ["c", "b", "a"]
    assert titles("status=in_progress") == ["b"]
    assert titles("priority__gte=8") == ["c", "b"]
    assert titles("priority__gte=8&status=completed&project=my-project") == ["c"]
    assert titles("project=nowhere") == []
    for name, language in (("one", "python"), ("two", "javascript")):
        api.post("/api/snippets/", json={"project": "my-project", "name": name, "code": "x", "language": language})
    assert [one["name"] for one in api.get("/api/snippets/?language=Python").json()] == ["one"]


# --- memories ------------------------------------------------------------------------------------


def test_a_memory_is_changed_by_either_method_and_moves(api: httpx2.Client, project: dict[str, str]) -> None:
    other = api.post("/api/projects/", json={"name": "Other"}).json()
    memory = remember(api, "Before", tags=["a"], context="Where", importance=3)
    changed = api.patch(f"/api/memories/{memory['id']}/", json={"content": "After", "access_count": 99, "id": "x"})
    assert changed.status_code == 200
    assert changed.json() == memory | {"content": "After", "updated_at": changed.json()["updated_at"]}
    moved = api.patch(f"/api/memories/{memory['id']}/", json={"project": "other", "tags": []}).json()
    assert (moved["project"], moved["tags"]) == (other["id"], [])
    full = {"project": project["id"], "memory_type": "error", "content": "Replaced", "importance": "7"}
    replaced = api.put(f"/api/memories/{memory['id']}/", json=full).json()
    assert (replaced["project"], replaced["memory_type"], replaced["importance"]) == (project["id"], "error", 7)


@pytest.mark.usefixtures("project")
def test_text_is_kept_byte_for_byte(api: httpx2.Client) -> None:
    content = "  Line one\r\n\tLine two \U0001f980  "
    memory = remember(api, content)
    assert api.get(f"/api/memories/{memory['id']}/").json()["content"] == content
    code = "\n    def f():\r\n\treturn '```'  \n\n"
    snippet = {"project": "my-project", "name": "f", "code": code, "line_start": 3, "line_end": 5}
    made = api.post("/api/snippets/", json=snippet).json()
    kept = api.get(f"/api/snippets/{made['id']}/").json()
    assert (kept["code"], kept["line_start"], kept["line_end"]) == (code, 3, 5)


@pytest.mark.usefixtures("project")
def test_reading_and_finding_count_as_uses_and_nothing_else_does(api: httpx2.Client) -> None:
    memory = remember(api, "The launch code is tulip")
    assert (memory["access_count"], memory["last_accessed"]) == (0, None)
    api.get("/api/memories/")
    api.patch(f"/api/memories/{memory['id']}/", json={"importance": 6})
    api.get("/api/projects/my-project/context/")
    assert api.get("/api/memories/").json()[0]["access_count"] == 0
    read = api.get(f"/api/memories/{memory['id']}/").json()
    assert read["access_count"] == 1
    assert read["last_accessed"].endswith("Z")
    assert len(api.get("/api/memories/search/?q=tulip").json()) == 1
    assert api.get("/api/memories/").json()[0]["access_count"] == 2


@pytest.mark.usefixtures("project")
def test_a_deleted_memory_is_gone_everywhere_at_once_and_can_be_restored(api: httpx2.Client) -> None:
    memory = remember(api, "The launch code is tulip", memory_type="decision")
    path = f"/api/memories/{memory['id']}/"
    deleted = api.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(path).status_code == 404
    assert api.patch(path, json={"content": "x"}).status_code == 404
    assert api.put(path, json={"project": "my-project", "memory_type": "fact", "content": "x"}).status_code == 404
    assert api.delete(path).status_code == 404
    assert api.get("/api/memories/").json() == []
    assert api.get("/api/memories/?search=tulip").json() == []
    assert api.get("/api/memories/search/?q=tulip").json() == []
    assert "tulip" not in api.get("/api/projects/my-project/context/").text
    assert contents(api.get("/api/memories/trash/")) == ["The launch code is tulip"]
    restored = api.post(f"{path}restore/")
    assert (restored.status_code, restored.json()["content"]) == (200, "The launch code is tulip")
    assert contents(api.get("/api/memories/")) == ["The launch code is tulip"]
    assert api.get("/api/memories/trash/").json() == []


# --- search --------------------------------------------------------------------------------------

ALIASES = ["/api/memories/search/", "/api/memories/semantic_search/", "/api/memories/semantic-search/", "/api/search/"]


@pytest.mark.parametrize("path", [*ALIASES, *(alias.rstrip("/") for alias in ALIASES)])
@pytest.mark.usefixtures("project")
def test_search_answers_at_every_address_it_could_have(api: httpx2.Client, path: str) -> None:
    remember(api, "Tulips bloom in spring")
    remember(api, "Nothing of the kind")
    found = api.get(path, params={"q": "tulips", "project": "my-project", "limit": "5"})
    assert contents(found) == ["Tulips bloom in spring"]
    assert 0 < found.json()[0]["score"] <= 1
    assert contents(api.post(path, json={"query": "tulips", "limit": 5})) == ["Tulips bloom in spring"]
    assert contents(api.get(path, params={"q": "tulips", "project": "nowhere"})) == []


@pytest.mark.usefixtures("project")
def test_search_gives_ten_unless_told_otherwise(api: httpx2.Client) -> None:
    for number in range(15):
        remember(api, f"Tulip number {number}")
    assert len(api.get("/api/search/?q=tulip").json()) == 10
    assert len(api.get("/api/search/?q=tulip&limit=12").json()) == 12
    assert len(api.get("/api/search/?q=tulip&limit=many").json()) == 10


def test_search_finds_by_meaning_without_a_common_word(server: Server) -> None:
    token = server.new_key(server.new_organization())
    with client(server, token, "/aimemory") as api:
        api.post("/api/projects/", json={"name": "My Project"})
        for content in (
            "We chose PostgreSQL for better JSON support",
            "The office cat sleeps on the printer",
            "Deployments happen on Thursdays",
        ):
            remember(api, content)
        found = api.get("/api/memories/search/", params={"q": "which database engine was selected"})
        assert contents(found)[0] == "We chose PostgreSQL for better JSON support"
        best = found.json()[0]
        assert 0 < best["similarity"] <= 1
        assert contents(api.get("/api/memories/search/", params={"q": "pet animal in the workplace"}))[0] == (
            "The office cat sleeps on the printer"
        )


# --- sessions, tasks, snippets ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("sessions", {"summary": "A", "accomplished": ["x"], "next_steps": [], "blockers": []}, {"blockers": ["b"]}),
        ("tasks", {"title": "T", "description": "D", "priority": 7, "tags": ["x"]}, {"status": "in_progress"}),
        ("snippets", {"name": "N", "code": "c", "file_path": "a/b.py", "language": "go"}, {"description": "new"}),
        ("code-snippets", {"name": "N", "code": "c"}, {"code": "d"}),
        ("code_snippets", {"name": "N", "code": "c"}, {"code": "d"}),
        ("codesnippets", {"name": "N", "code": "c"}, {"code": "d"}),
    ],
)
def test_each_resource_is_made_read_changed_and_deleted(
    api: httpx2.Client, project: dict[str, str], path: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    answered = api.post(f"/api/{path}/", json=body | {"project": project["id"]})
    assert answered.status_code == 201
    made = answered.json()
    assert made["project"] == project["id"]
    assert body.items() <= made.items()
    assert {"id", "created_at", "updated_at"} <= set(made)
    assert api.get(f"/api/{path}/{made['id']}/").json() == made
    assert api.get(f"/api/{path}/").json() == [made]
    changed = api.patch(f"/api/{path}/{made['id']}/", json=change).json()
    assert changed == made | change | {"updated_at": changed["updated_at"]}
    replaced = api.put(f"/api/{path}/{made['id']}/", json=body | {"project": "my-project"})
    assert replaced.status_code == 200
    deleted = api.delete(f"/api/{path}/{made['id']}/")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(f"/api/{path}/{made['id']}/").status_code == 404


@pytest.mark.usefixtures("project")
def test_a_task_knows_when_it_was_completed(api: httpx2.Client) -> None:
    task = {"project": "my-project", "title": "T", "due_date": "2026-05-01T12:00:00+02:00"}
    made = api.post("/api/tasks/", json=task).json()
    assert (made["status"], made["priority"], made["completed_at"]) == ("pending", 5, None)
    assert made["due_date"] == "2026-05-01T10:00:00Z"
    path = f"/api/tasks/{made['id']}/"
    assert api.patch(path, json={"status": "completed"}).json()["completed_at"].endswith("Z")
    assert api.patch(path, json={"status": "pending", "due_date": None}).json()["completed_at"] is None


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/projects", "/api/memories", "/api/sessions", "/api/tasks", "/api/snippets"])
def test_a_slash_at_the_end_is_never_needed(api: httpx2.Client, project: dict[str, str], path: str) -> None:
    body = {
        "name": "N", "project": project["id"], "memory_type": "fact", "content": "c", "title": "t", "code": "c",
    }  # fmt: skip
    made = api.post(path, json=body)
    assert made.status_code == 201
    assert api.get(path).status_code == 200
    for method in ("GET", "PATCH", "DELETE"):
        sent: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        assert api.request(method, f"{path}/{made.json()['id']}", **sent).status_code in (200, 204)


def test_another_head_than_get_has_no_body(api: httpx2.Client) -> None:
    head = api.head("/api/projects/")
    assert (head.status_code, head.content) == (200, b"")
