"""Sessions, tasks, snippets and the context document over the native API."""

from typing import Any

import httpx2
import pytest

from tests.serving import Server

BODIES: dict[str, dict[str, Any]] = {
    "sessions": {"summary": "Login works", "accomplished": ["Endpoint"], "next_steps": [], "blockers": ["Redis"]},
    "tasks": {
        "title": "Write the notes", "description": "", "status": "pending", "priority": 7,
        "due_date": "2026-04-01T12:00:00Z", "tags": ["release"],
    },
    "snippets": {
        "name": "Retry", "code": "  pass\r\n", "language": "python", "file_path": "a.py", "line_start": 1,
        "line_end": 2, "description": "",
    },
}  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "sessions": {"blockers": []}, "tasks": {"priority": 1, "due_date": None}, "snippets": {"code": "x"},
}  # fmt: skip


@pytest.fixture
def project(api: httpx2.Client) -> str:
    made: dict[str, str] = api.post("/v1/projects", json={"key": "travel", "name": "Travel"}).json()
    return made["id"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("path", BODIES)
def test_each_is_made_read_listed_changed_and_removed(api: httpx2.Client, path: str) -> None:
    answered = api.post(f"/v1/{path}", json=BODIES[path] | {"project": "travel"})
    assert answered.status_code == 201, answered.text
    made = answered.json()
    assert BODIES[path].items() <= made.items()
    assert (made["project"], made["version"]) == ("travel", 1)
    one = f"/v1/{path}/{made['id']}"
    assert api.get(one).json() == made
    assert api.get(f"/v1/{path}").json() == {"items": [made], "total": 1, "limit": 50, "offset": 0}
    changed = api.patch(one, json=CHANGES[path])
    assert changed.status_code == 200
    assert changed.json() == made | CHANGES[path] | {"version": 2, "updated_at": changed.json()["updated_at"]}
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404
    assert api.delete(one).status_code == 404


def test_lists_are_filtered(api: httpx2.Client, project: str) -> None:
    for title, status, priority in (("a", "pending", 3), ("b", "in_progress", 8), ("c", "cancelled", 9)):
        body = {"project": "travel", "title": title, "status": status, "priority": priority}
        assert api.post("/v1/tasks", json=body).status_code == 201

    def titles(**query: Any) -> list[str]:
        page = api.get("/v1/tasks", params=query).json()
        return [task["title"] for task in page["items"]]

    assert titles(status=["pending", "cancelled"]) == ["c", "a"]
    assert titles(priority_min=8, project=project) == ["c", "b"]
    assert titles(project="nowhere") == []
    assert titles(limit=1, offset=1) == ["b"]
    last = api.get("/v1/tasks").json()["items"][0]["updated_at"]
    assert titles(changed_after=last) == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("tasks", {"title": "x"}, "project"),
        ("tasks", {"title": "x", "project": "travel", "priority": 11}, "priority"),
        ("tasks", {"title": "x", "project": "travel", "status": "done"}, "status"),
        ("tasks", {"title": "x", "project": "travel", "colour": "red"}, "colour"),
        ("sessions", {"project": "travel", "accomplished": "all"}, "accomplished"),
        ("snippets", {"project": "travel", "name": "x", "code": "y", "line_start": 3, "line_end": 2}, "line_end"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_is_wrong_is_a_problem_that_names_the_field(
    api: httpx2.Client, path: str, body: dict[str, Any], field: str
) -> None:
    answer = api.post(f"/v1/{path}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == field
    assert api.get(f"/v1/{path}").json()["total"] == 0


def test_an_unknown_project_is_not_found(api: httpx2.Client) -> None:
    assert api.post("/v1/tasks", json={"project": "nowhere", "title": "x"}).status_code == 404
    assert api.get("/v1/projects/nowhere/context").status_code == 404


def test_the_context_document_is_markdown_or_json_and_need_not_be_sent_twice(api: httpx2.Client, project: str) -> None:
    api.post("/v1/memories", json={"content": "Ana flies from Lisbon", "kind": "decision", "project": "travel"})
    for name in ("travel", project):
        document = api.get(f"/v1/projects/{name}/context")
        assert document.headers["content-type"] == "text/markdown; charset=utf-8"
        assert "  > Ana flies from Lisbon" in document.text
        assert document.text.startswith("# Travel\n")
    known = api.get("/v1/projects/travel/context", headers={"If-None-Match": document.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    told = api.get("/v1/projects/travel/context", headers={"Accept": "application/json"}).json()
    assert told["markdown"] == document.text
    newer = api.get("/v1/projects/travel/context", params={"since": told["as_of"]})
    assert "Nothing changed." in newer.text
    refused = api.get("/v1/projects/travel/context", params={"max_tokens": 5})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "max_tokens")


def test_the_budget_is_counted_by_the_models_own_tokenizer(api: httpx2.Client, server: Server, project: str) -> None:
    for number in range(30):
        text = f"Fact {number}: " + "Lissabon ist schön, 日本語も。 " * 8
        api.post("/v1/memories", json={"content": text, "project": "travel"})
    document = api.get("/v1/projects/travel/context", params={"max_tokens": 1000}).text
    assert 600 < server.core.embedder.count_tokens(document) <= 1000
    assert "Left out to stay within 1,000 tokens:" in document


def test_another_organization_reaches_none_of_it(api: httpx2.Client, server: Server, project: str) -> None:
    made = api.post("/v1/tasks", json={"project": "travel", "title": "Mine"}).json()
    with server.client(server.new_key(server.new_organization())) as stranger:
        assert stranger.get("/v1/tasks").json()["total"] == 0
        assert stranger.get(f"/v1/tasks/{made['id']}").status_code == 404
        assert stranger.patch(f"/v1/tasks/{made['id']}", json={"title": "Yours"}).status_code == 404
        assert stranger.delete(f"/v1/tasks/{made['id']}").status_code == 404
        assert stranger.get(f"/v1/projects/{project}/context").status_code == 404
