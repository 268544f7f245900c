"""The context document over HTTP: forms, validators, parameters."""

from typing import Any

import httpx2
import pytest

PATH = "/api/projects/my-project/context/"


@pytest.fixture
def told(api: httpx2.Client, project: dict[str, str]) -> dict[str, str]:
    """A project with something of everything."""
    api.patch("/api/projects/my-project/", json={"stack": "Django, React", "description": "A shop"})
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("memories", {"memory_type": "decision", "content": "We chose PostgreSQL", "importance": 9}),
        ("memories", {"memory_type": "learning", "content": "Index the foreign keys", "importance": 7}),
        ("sessions", {"summary": "Checkout works", "accomplished": ["Cart page"], "next_steps": ["Payment"]}),
        ("tasks", {"title": "Connect the bank", "priority": 9, "status": "in_progress"}),
        ("tasks", {"title": "Write the imprint"}),
        ("tasks", {"title": "Old and done", "status": "completed"}),
        ("tasks", {"title": "Never mind", "status": "cancelled"}),
        ("snippets", {"name": "Total", "code": "sum(line.price for line in cart)", "language": "python"}),
    ]
    for path, body in bodies:
        assert api.post(f"/api/{path}/", json=body | {"project": "my-project"}).status_code == 201
    return project


@pytest.mark.usefixtures("told")
def test_the_document_tells_of_everything_that_matters(api: httpx2.Client) -> None:
    answer = api.get(PATH)
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    text = answer.text
    for part in (
        "# My Project", "Django, React", "A shop", "Checkout works", "Cart page", "Payment", "### Decisions",
        "We chose PostgreSQL", "### Learnings", "Index the foreign keys", "### In progress", "Connect the bank",
        "### Pending", "Write the imprint",
    ):  # fmt: skip
        assert part in text
    for part in ("Old and done", "Never mind", "sum(line.price"):
        assert part not in text
    for flag in ("include_snippets=true", "include_snippets=1", "include_code=1"):
        assert "```python\nsum(line.price for line in cart)\n```" in api.get(f"{PATH}?{flag}").text


def test_the_same_state_has_the_same_bytes_and_need_not_be_sent_again(api: httpx2.Client, told: dict[str, str]) -> None:
    first = api.get(PATH)
    again = api.get(f"/api/projects/{told['id']}/context")
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    known = api.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", first.headers["etag"])
    memory = api.get("/api/memories/").json()[0]
    api.get(f"/api/memories/{memory['id']}/")
    assert api.get(PATH).content == first.content
    api.patch(f"/api/memories/{memory['id']}/", json={"content": "Changed"})
    changed = api.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert "Changed" in changed.text


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("*/*", False),
        ("text/markdown", False),
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("text/markdown, application/json;q=0.5", False),
        ("application/json;q=0.9, text/markdown;q=0.1", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
    ],
)
def test_the_caller_says_which_form_it_takes(api: httpx2.Client, accept: str, is_json: bool) -> None:
    answer = api.get(PATH, headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/json") == is_json
    if is_json:
        body = answer.json()
        assert body["context"] == body["markdown"] == api.get(PATH).text
        assert body["project"]["slug"] == "my-project"
        assert body["tokens"] > 0
        assert body["left_out"] == {"sessions": 0, "memories": 0, "tasks": 0}
        known = api.get(PATH, headers={"Accept": accept, "If-None-Match": answer.headers["etag"]})
        assert known.status_code == 304


@pytest.mark.usefixtures("told")
def test_only_what_changed_since_can_be_asked_for(api: httpx2.Client) -> None:
    as_of = api.get(PATH).headers["x-context-as-of"]
    assert "Nothing changed." in api.get(PATH, params={"since": as_of}).text
    memory = api.get("/api/memories/").json()[0]
    api.delete(f"/api/memories/{memory['id']}/")
    task = api.get("/api/tasks/?status=in_progress").json()[0]
    api.patch(f"/api/tasks/{task['id']}/", json={"status": "completed"})
    delta = api.get(PATH, params={"since": as_of})
    assert "1 memory was forgotten or replaced meanwhile." in delta.text
    assert "### Completed" in delta.text
    assert "Connect the bank" in delta.text
    assert memory["content"] not in delta.text
    assert "Checkout works" not in delta.text
    later = delta.headers["x-context-as-of"]
    assert later > as_of
    assert "Nothing changed." in api.get(PATH, params={"since": later}).text


@pytest.mark.usefixtures("told")
def test_a_budget_is_kept_and_what_it_cost_is_said(api: httpx2.Client) -> None:
    for number in range(40):
        body = {"project": "my-project", "memory_type": "fact", "content": f"Fact {number}: " + "word " * 30}
        api.post("/api/memories/", json=body | {"importance": 1})
    answer = api.get(f"{PATH}?max_tokens=500")
    assert int(answer.headers["x-context-tokens"]) <= 500
    assert "Left out to stay within 500 tokens:" in answer.text
    assert "We chose PostgreSQL" in answer.text
    assert "Connect the bank" in answer.text
    focused = api.get(PATH, params={"max_tokens": 500, "query": "fact 17"})
    assert "Fact 17:" in focused.text
