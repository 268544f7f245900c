from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.memanto.conftest import Agent


def test_the_best_memory_comes_first_by_get_and_by_post(agent: Agent) -> None:
    agent.remember("Paris is the capital of France")
    agent.remember("The cat sleeps on the sofa")
    told = agent.get("recall", query="What's the capital of France?")
    assert told["query"] == "What's the capital of France?"
    assert told["count"] == len(told["memories"])
    assert told["memories"][0]["content"] == "Paris is the capital of France"
    scores = [memory["score"] for memory in told["memories"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert agent.post("recall", {"query": "What's the capital of France?"})["memories"] == told["memories"]
    assert agent.post("recall", query="What's the capital of France?")["memories"] == told["memories"]


@pytest.fixture
def stocked(agent: Agent) -> Agent:
    """An agent with memories of several kinds."""
    for content, members in (
        ("Ana likes tea", {"type": "preference", "tags": ["drink", "ana"]}),
        ("Ana decided on tea", {"type": "decision", "tags": ["drink"]}),
        ("Ana met Bo at tea", {"type": "event", "tags": ["ana"]}),
    ):
        agent.remember(content, **members)
    return agent


@pytest.mark.parametrize("query", ["tea", "*"])
@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"type": "preference"}, {"Ana likes tea"}),
        ({"memory_type": "decision"}, {"Ana decided on tea"}),
        ({"memory_types": "decision,event"}, {"Ana decided on tea", "Ana met Bo at tea"}),
        ({"tags": "drink,ana"}, {"Ana likes tea"}),
        ({"tags": ["drink", "ana"]}, {"Ana likes tea"}),
        ({"tags": "ana"}, {"Ana likes tea", "Ana met Bo at tea"}),
        ({"tags": "coffee"}, set()),
        ({"type": "goal"}, set()),
    ],
)
def test_filters_hold_in_query_and_body(stocked: Agent, query: str, members: dict[str, Any], found: set[str]) -> None:
    assert set(stocked.contents(query=query, **members)) == found
    told = stocked.post("recall", {"query": query, **members})
    assert {memory["content"] for memory in told["memories"]} == found


def test_instants_and_days_bound_the_creation(stocked: Agent) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    today = now.strftime("%Y-%m-%d")
    assert len(stocked.contents(query="tea", created_after=(now - hour).isoformat())) == 3
    assert stocked.contents(query="tea", created_after=(now + hour).isoformat()) == []
    assert stocked.contents(query="tea", created_before=(now - hour).isoformat()) == []
    assert len(stocked.contents(query="tea", created_after=today, created_before=today)) == 3
    # A plus sign that was not encoded.
    unencoded = f"{stocked.path('recall')}?query=tea&created_after={now - hour:%Y-%m-%dT%H:%M:%S}+00:00"
    assert len(stocked.client.get(unencoded).json()["memories"]) == 3


def test_a_floor_leaves_out_what_scores_less(stocked: Agent) -> None:
    told = stocked.get("recall", query="Ana likes tea")["memories"]
    between = (told[0]["score"] + told[1]["score"]) / 2
    assert stocked.contents(query="Ana likes tea", min_similarity=between) == ["Ana likes tea"]
    assert stocked.contents(query="quantum chromodynamics", min_similarity=0.9) == []


def test_ten_are_returned_and_a_hundred_at_most(agent: Agent) -> None:
    agent.post("batch-remember", {"memories": [{"content": f"note {n}"} for n in range(15)]})
    assert len(agent.contents(query="note")) == 10
    assert len(agent.contents(query="note", limit=3)) == 3
    assert len(agent.contents(query="*", limit=100)) == 15
    assert len(agent.contents(query="*")) == 10
    for method, sent in (
        ("GET", {"params": {"query": "note", "limit": 101}}),
        ("POST", {"json": {"query": "x", "limit": 101}}),
    ):
        answer = agent.client.request(method, agent.path("recall"), **sent)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"query": ""},
        {"query": "  "},
        {"query": "x", "limit": 0},
        {"query": "x", "limit": -1},
        {"query": "x", "limit": "many"},
        {"query": "x", "min_similarity": 1.1},
        {"query": "x", "min_similarity": "nan"},
        {"query": "x", "type": "rumour"},
        {"query": "x", "memory_types": "fact,rumour"},
        {"query": "x", "created_after": "yesterday"},
        {"query": "x", "created_before": "2026-02-30"},
        {"query": "x", "status": "odd"},
        {"query": "a\x00b"},
    ],
)
def test_what_cannot_be_asked_is_refused(agent: Agent, query: dict[str, Any]) -> None:
    answer = agent.client.get(agent.path("recall"), params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_a_query_that_is_too_long_is_refused(agent: Agent) -> None:
    assert agent.client.get(agent.path("recall"), params={"query": "x" * 1000}).status_code == 200
    assert agent.client.get(agent.path("recall"), params={"query": "x" * 1001}).status_code == 413


def test_the_newest_and_all(agent: Agent) -> None:
    agent.post("batch-remember", {"memories": [{"content": f"note {n}"} for n in range(15)]})
    recent = agent.post("recall/recent", {"limit": 2})
    assert [memory["content"] for memory in recent["memories"]] == ["note 14", "note 13"]
    assert (recent["temporal_mode"], recent["total_available"]) == ("recent", 15)
    assert agent.post("recall/recent")["count"] == 10
    everything = agent.post("recall/all", {})
    assert (everything["count"], everything["total_available"]) == (15, 15)
    assert agent.post("recall/all", {"type": ["event"]})["count"] == 0
    assert agent.post("recall/all", {"limit": 4})["count"] == 4


def test_memories_of_other_doors_are_found_too(agent: Agent, server: Any, key: str) -> None:
    with server.client(key) as native:
        body = {"content": "Kept through /v1", "project": agent.id, "kind": "note", "metadata": {"source": 7}}
        assert native.post("/v1/memories", json=body).status_code == 201
    (memory,) = agent.get("recall", query="Kept through")["memories"]
    assert (memory["type"], memory["source"], memory["confidence"]) == ("note", "agent", 0.8)
