import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polymem.dialects.memanto.wire.recall import KINDS
from tests.memanto.conftest import Agent


def only(agent: Agent, **query: Any) -> dict[str, Any]:
    """The one memory there is."""
    (memory,) = agent.get("recall", query="*", **query)["memories"]
    found: dict[str, Any] = memory
    return found


MEMBERS: dict[str, Any] = {
    "content": "Paris is the capital of France",
    "memory_type": "observation",
    "title": "Capital",
    "confidence": 0.6,
    "source": "book",
    "provenance": "observed",
}


@pytest.mark.parametrize("where", ["query", "body"])
def test_all_members_are_taken_from_query_and_from_body(agent: Agent, where: str) -> None:
    if where == "query":
        answer = agent.client.post(agent.path("remember"), params={**MEMBERS, "tags": "a, b"})
    else:
        answer = agent.client.post(agent.path("remember"), json={**MEMBERS, "tags": ["a", "b"]})
    assert answer.status_code == 201
    told = answer.json()
    assert told["agent_id"] == agent.id
    assert (told["status"], told["data"]["status"]) == ("success", "queued")
    assert (told["type"], told["provenance"], told["confidence"]) == ("observation", "observed", 0.6)
    memory = only(agent)
    assert memory["id"] == told["memory_id"] == told["data"]["memory_id"]
    assert memory["type"] == "observation"
    assert {name: memory[name] for name in MEMBERS if name != "memory_type"} == {
        name: value for name, value in MEMBERS.items() if name != "memory_type"
    }
    assert memory["tags"] == ["a", "b"]
    assert memory["text"] == "[OBSERVATION] Capital\n\nParis is the capital of France\n\nTags: a, b"
    assert memory["status"] == "active"
    assert memory["created_at"].endswith("Z")


def test_what_is_left_out_has_its_default(agent: Agent) -> None:
    content = "A sentence that is longer than fifty characters, certainly."
    agent.remember(content)
    memory = only(agent)
    assert memory["type"] == "fact"
    assert memory["confidence"] == 0.8
    assert memory["source"] == "agent"
    assert memory["provenance"] == "explicit_statement"
    assert memory["title"] == content[:50] + "..."
    assert memory["tags"] == []
    assert memory["validation_count"] == 0
    assert memory["contradiction_detected"] is False


def test_empty_parameters_count_as_absent(agent: Agent) -> None:
    query = {"content": "x y", "tags": "", "title": "", "memory_type": "", "confidence": ""}
    assert agent.client.post(agent.path("remember"), params=query).status_code == 201


def test_a_json_content_type_without_a_body_is_fine(agent: Agent) -> None:
    answer = agent.client.post(
        agent.path("remember"), params={"content": "Hello"}, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["type", "memory_type"])
def test_every_type_is_kept_under_both_names(agent: Agent, kind: str, name: str) -> None:
    assert agent.post("remember", **{"content": "x", name: kind})["type"] == kind


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"content": ""},
        {"content": "   "},
        {"content": "x" * 10_001},
        {"content": "a\x00b"},
        {"content": "x", "memory_type": "rumour"},
        {"content": "x", "type": "FACT"},
        {"content": "x", "confidence": 1.5},
        {"content": "x", "confidence": -0.1},
        {"content": "x", "confidence": "high"},
        {"content": "x", "provenance": "hearsay"},
        {"content": "x", "title": "t" * 101},
        {"content": "x", "tags": ["t"] * 21},
        {"content": "x", "tags": ["t" * 65]},
        {"content": 5},
        {"content": "x", "status": "expired"},
        {"content": "x", "status": "expired", "expired_at": "2020-01-01"},
        {"content": "x", "status": "expired", "expired_at": "2999-01-01", "expired_by": "me"},
        {"content": "x", "expires_at": "tomorrow"},
        {"content": "x", "metadata": [1]},
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is(agent: Agent, members: dict[str, Any]) -> None:
    answer = agent.client.post(agent.path("remember"), json=members)
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["error"]["code"] == "VALIDATION_ERROR"
    assert told["detail"][0]["loc"][0] == "body"
    assert agent.contents(query="*") == []


def test_the_longest_content_and_any_alphabet_are_kept(agent: Agent) -> None:
    for content in ("x" * 10_000, "Zürich – 東京 🗼", "line\nline\ttab", "a" * 5_000 + "é" * 5_000):
        agent.remember(content)
        assert agent.contents(query="*", limit=1) == [content]


def test_a_memory_that_ended_is_only_found_when_it_is_asked_for(agent: Agent) -> None:
    agent.remember("Paris was Lutetia", status="expired", expired_at="2020-01-01T00:00:00Z", expired_by="rome")
    agent.remember("Paris is Paris")
    assert agent.contents(query="Paris") == ["Paris is Paris"]
    (ended,) = agent.get("recall", query="Paris", status="expired")["memories"]
    assert (ended["status"], ended["expired_by"]) == ("expired", "rome")
    assert ended["expired_at"] == "2020-01-01T00:00:00Z"
    assert len(agent.get("recall", query="Paris", status="all")["memories"]) == 2
    assert len(agent.get("recall", query="*", status="all")["memories"]) == 2


def test_a_memory_can_end_by_itself(agent: Agent) -> None:
    agent.remember("Short", ttl_seconds=3600)
    memory = only(agent)
    assert memory["ttl_seconds"] == 3600
    ends = datetime.fromisoformat(memory["expires_at"])
    assert timedelta(minutes=59) < ends - datetime.now(UTC) < timedelta(minutes=61)


def test_a_conflict_is_told_at_once(agent: Agent) -> None:
    old = agent.remember("The deploy runs on Friday")
    told = agent.post("remember", {"content": "The deploy runs on Monday"})
    assert [one["memory_id"] for one in told["conflicts"]] == [old]


# --- batches --------------------------------------------------------------------------------------


def test_a_batch_keeps_its_order(agent: Agent) -> None:
    contents = [f"Entry number {number}" for number in range(30)]
    told = agent.post("batch-remember", {"memories": [{"content": content} for content in contents]})
    assert (told["total_submitted"], told["successful"], told["failed"]) == (30, 30, 0)
    assert [one["status"] for one in told["results"]] == ["queued"] * 30
    assert agent.contents(query="*", limit=100) == contents[::-1]
    recent = agent.post("recall/recent", {"limit": 100})
    assert [memory["id"] for memory in recent["memories"]] == [one["id"] for one in told["results"]][::-1]


def test_a_bad_item_does_not_sink_the_rest(agent: Agent) -> None:
    items = [
        {"content": "Alice", "type": "fact"},
        {"content": ""},
        {"content": "x", "type": "rumour"},
        "A text alone",
        7,
        {"content": "Prefers email", "type": "preference", "tags": ["a"], "source": "user", "title": "Mail"},
    ]
    answer = agent.client.post(agent.path("batch-remember"), json={"memories": items})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["total_submitted"], told["successful"], told["failed"]) == (6, 3, 3)
    results = told["results"]
    assert [one["status"] for one in results] == ["queued", "failed", "failed", "queued", "failed", "queued"]
    assert [bool(one["error"]) for one in results] == [False, True, True, False, True, False]
    assert [bool(one["id"]) for one in results] == [True, False, False, True, False, True]
    assert results[5]["type"] == "preference"
    assert set(agent.contents(query="*")) == {"Alice", "A text alone", "Prefers email"}


def test_a_batch_of_nothing_but_bad_items_keeps_nothing(agent: Agent) -> None:
    answer = agent.client.post(agent.path("batch-remember"), json={"memories": [{"content": ""}]})
    assert (answer.status_code, answer.json()["failed"]) == (200, 1)


@pytest.mark.parametrize("body", [{}, {"memories": []}, {"memories": [{"content": "x"}] * 101}, [], {"memories": 1}])
def test_a_batch_out_of_bounds_is_refused(agent: Agent, body: object) -> None:
    assert agent.client.post(agent.path("batch-remember"), json=body).status_code == 422


# --- changes --------------------------------------------------------------------------------------


def test_a_memory_is_changed_and_deleted_and_restored(agent: Agent) -> None:
    id = agent.remember("Lyon", tags=["a"])
    changed = agent.client.patch(agent.path(f"memories/{id}"), json={"content": "Lyon is in France", "type": "event"})
    assert changed.status_code == 200
    told = changed.json()
    assert (told["memory_id"], told["action"], told["updated_fields"]) == (id, "update", ["content", "type"])
    assert only(agent)["content"] == "Lyon is in France"
    assert only(agent)["tags"] == ["a"]
    deleted = agent.client.delete(agent.path(f"memories/{id}")).json()
    assert (deleted["status"], deleted["data"]["memory_id"]) == ("deleted", id)
    assert agent.contents(query="Lyon") == []
    assert agent.client.delete(agent.path(f"memories/{id}")).status_code == 404
    assert agent.post(f"memories/{id}/restore")["status"] == "active"
    assert agent.contents(query="Lyon") == ["Lyon is in France"]


def test_a_memory_is_ended_and_restored(agent: Agent) -> None:
    id = agent.remember("Lyon")
    assert agent.post(f"memories/{id}/expire", {"reason": "old"})["status"] == "expired"
    assert agent.contents(query="Lyon") == []
    assert agent.post(f"memories/{id}/restore")["status"] == "active"
    assert agent.contents(query="Lyon") == ["Lyon"]


def test_a_change_of_nothing_or_of_nothing_that_is_there(agent: Agent) -> None:
    id = agent.remember("Lyon")
    assert agent.client.patch(agent.path(f"memories/{id}"), json={}).status_code == 400
    for method, path in (
        ("PATCH", "memories/none"),
        ("DELETE", "memories/none"),
        ("POST", "memories/none/expire"),
        ("POST", "memories/none/restore"),
        ("POST", "validate/none"),
        ("POST", "contradict/none"),
        ("POST", "memories/a%00b/expire"),
    ):
        answer = agent.client.request(method, agent.path(path), json={"content": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "MEMORY_NOT_FOUND"), path


def test_another_agents_memory_is_not_there(agent: Agent, manager: Any) -> None:
    id = agent.remember("Mine")
    token = manager.post("/agents/other/activate").json()["session_token"]
    session = {"X-Session-Token": token}
    for path in (f"validate/{id}", f"contradict/{id}", f"memories/{id}/expire"):
        assert manager.post(f"/agents/other/{path}", headers=session).status_code == 404, path
    assert manager.get("/agents/other/recall", params={"query": "Mine"}, headers=session).json()["memories"] == []


def test_memories_are_exported(agent: Agent) -> None:
    first, second = agent.remember("One"), agent.remember("Two", type="event")
    agent.post(f"supersede/{first}", {"new_content": "One, corrected"})
    told = agent.get("export")
    assert [memory["content"] for memory in told["memories"]] == ["Two", "One, corrected"]
    assert told["count"] == 2
    everything = agent.get("export", include_inactive=True)
    assert [memory["id"] for memory in everything["memories"]][:2] == [first, second]
    assert [memory["id"] for memory in agent.get("export", memory_types="event")["memories"]] == [second]
    lines = agent.client.get(agent.path("export"), params={"format": "jsonl"}).text.splitlines()
    assert [json.loads(line)["content"] for line in lines] == ["Two", "One, corrected"]
