"""The documented memory endpoints, field by field."""

from datetime import UTC, datetime

import httpx2

from tests.selfmemory.conftest import add


def test_a_create_answers_as_documented_and_as_the_clients_read_it(api: httpx2.Client) -> None:
    answer = api.post(
        "/api/memories",
        json={
            "messages": [{"role": "user", "content": "I have a meeting with Alice on Friday"}],
            "metadata": {"tags": "work,meeting", "people_mentioned": "Alice", "topic_category": "schedule"},
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    memory_id = body["memory_id"]
    assert body == {
        "success": True,
        "message": "Memory created successfully",
        "memory_id": memory_id,
        "operations": [{"id": memory_id, "memory": "I have a meeting with Alice on Friday", "event": "ADD"}],
    }


def test_what_was_kept_comes_back_the_same_from_list_get_and_search(api: httpx2.Client) -> None:
    before = datetime.now(UTC)
    memory_id = add(
        api,
        "I have a meeting with Alice on Friday",
        tags="work, meeting",
        people_mentioned=["Alice", "Bob"],
        topic_category="schedule",
        source="slack",
        nested={"a": [1, None, "x"]},
    )
    (listed,) = api.get("/api/memories").json()["results"]
    assert listed["id"] == memory_id
    assert listed["content"] == "I have a meeting with Alice on Friday"
    metadata = listed["metadata"]
    assert metadata["tags"] == "work,meeting"
    assert metadata["people_mentioned"] == "Alice,Bob"
    assert metadata["topic_category"] == "schedule"
    assert (metadata["source"], metadata["nested"]) == ("slack", {"a": [1, None, "x"]})
    assert listed["created_at"].endswith("Z")
    assert listed["created_at"] == metadata["created_at"]
    assert before <= datetime.fromisoformat(listed["created_at"]) <= datetime.now(UTC)
    assert api.get(f"/api/memories/{memory_id}").json() == listed
    (hit,) = api.post("/api/memories/search", json={"query": "meeting with Alice"}).json()["results"]
    assert 0 < hit.pop("score") <= 1
    assert hit == listed
