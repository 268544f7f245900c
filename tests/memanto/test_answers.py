from typing import Any

import httpx2
import pytest

from polymem.core.digest.digest import REFUSED
from tests.memanto.conftest import Agent


def test_a_question_is_answered_from_memories_with_full_sources(agent: Agent) -> None:
    paris = agent.remember("Paris is the capital of France", title="Capital")
    agent.remember("The cat sleeps on the sofa")
    told = agent.post("answer", {"question": "What is the capital of France?"})
    assert told["status"] == "success"
    assert told["question"] == "What is the capital of France?"
    assert told["answer"] == f"Paris is the capital of France [{paris}]"
    assert (told["mode"], told["refused"], told["citations"]) == ("extractive", False, [paris])
    (source,) = told["sources"]
    assert (source["id"], source["title"], source["type"]) == (paris, "Capital", "fact")
    assert 0.2 < source["score"] <= 1
    assert told["data"]["answer"] == told["answer"]


def test_a_question_comes_by_query_or_body_with_its_tuning(agent: Agent) -> None:
    agent.remember("Paris is the capital of France")
    for query, body in (
        ({"question": "capital of France?"}, None),
        ({"limit": 5, "threshold": 0.25, "aiModel": "x", "kiosk_mode": "true"}, {"question": "capital of France?"}),
        ({}, {"question": "capital of France?", "ai_model": "x", "temperature": 0.7, "header_prompt": "h"}),
        ({}, {"query": "capital of France?", "footer_prompt": "f", "threshold": 0.1}),
    ):
        assert "Paris" in agent.post("answer", body, **query)["answer"]


def test_what_no_memory_answers_is_refused(agent: Agent) -> None:
    agent.remember("The cat sleeps on the sofa")
    told = agent.post("answer", {"question": "How do I bake sourdough bread?"})
    assert (told["answer"], told["refused"], told["sources"]) == (REFUSED, True, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"question": " "}, 422),
        ({"question": "x" * 1001}, 413),
        ({"question": "x", "limit": 0}, 422),
        ({"question": "x", "limit": 101}, 400),
        ({"question": "x", "temperature": 3}, 422),
        ({"question": "x", "threshold": 2}, 422),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(agent: Agent, body: dict[str, Any], status: int) -> None:
    assert agent.client.post(agent.path("answer"), json=body).status_code == status


# --- summaries ------------------------------------------------------------------------------------


def context(agent: Agent, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = agent.client.post(f"/context/{path}", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def informed(agent: Agent) -> tuple[Agent, list[str]]:
    """An agent with three memories, and their ids."""
    contents = ("The team chose PostgreSQL on 3 May", "Bo leads the migration", "The budget is 40k euros")
    return agent, [agent.remember(content) for content in contents]


@pytest.mark.parametrize("named", ["agent_id", "scope", "session"])
def test_an_agents_memories_are_summarised_and_the_summary_is_kept(
    informed: tuple[Agent, list[str]], named: str
) -> None:
    agent, ids = informed
    scopes: dict[str, dict[str, Any]] = {
        "agent_id": {"agent_id": agent.id},
        "scope": {"scope_type": "agent", "scope_id": agent.id, "actor_id": "me"},
        "session": {},
    }
    told = context(agent, "summarize", scopes[named])
    assert (told["data"]["status"], told["summarized_count"]) == ("queued", 3)
    assert told["original_memory_ids"] == ids
    assert "PostgreSQL" in told["summary"]
    assert told["summary"].startswith(told["summary_preview"].removesuffix("..."))
    kept = agent.get(f"memories/{told['summary_id']}")
    assert (kept["type"], kept["title"], kept["content"]) == ("context", "Context Summary", told["summary"])
    assert {"summary", "ai-generated"} <= set(kept["tags"])
    assert kept["metadata"]["summarizes"] == ids


def test_a_summary_without_links_and_of_some_types(informed: tuple[Agent, list[str]]) -> None:
    agent, _ = informed
    goal = agent.remember("Ship by June", type="goal")
    body = {"agent_id": agent.id, "memory_types": ["goal"], "link_to_originals": False, "summary_title": "Goals"}
    told = context(agent, "summarize", body)
    assert told["original_memory_ids"] == [goal]
    kept = agent.get(f"memories/{told['summary_id']}")
    assert kept["title"] == "Goals"
    assert "summarizes" not in kept["metadata"]


def test_named_memories_are_summarised(informed: tuple[Agent, list[str]], manager: httpx2.Client) -> None:
    agent, ids = informed
    for body in (
        {"memory_ids": ids[:2], "agent_id": agent.id},
        {"memory_ids": ids[:2], "namespace": f"memanto_agent_{agent.id}", "scope_type": "agent", "actor_id": "me"},
        {"memory_ids": ids[:2]},
    ):
        told = manager.post("/context/summarize/custom", json=body).json()
        assert told["original_memory_ids"] == ids[:2], told
        assert "40k" not in told["summary"]
    missing = manager.post("/context/summarize/custom", json={"memory_ids": ["none"], "agent_id": agent.id})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "MEMORY_NOT_FOUND")
    assert manager.post("/context/summarize/custom", json={"memory_ids": []}).status_code == 422


def test_an_agent_without_memories_has_no_summary(agent: Agent) -> None:
    told = context(agent, "summarize", {"agent_id": agent.id})
    assert (told["summary_id"], told["summarized_count"], told["summary"]) == (None, 0, "")


@pytest.mark.parametrize("path", ["summarize", "compress"])
def test_whose_memories_are_meant_must_be_known(manager: httpx2.Client, agent: Agent, path: str) -> None:
    assert manager.post(f"/context/{path}", json={}).status_code == 422
    unknown = manager.post(f"/context/{path}", json={"scope_type": "agent", "scope_id": "nobody"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "INVALID_AGENT_ID")
    other = manager.post("/agents/other/activate").json()["session_id"]
    assert manager.post(f"/context/{path}", json={"scope_type": "session", "scope_id": other}).status_code == 200
    assert manager.post(f"/context/{path}", json={"scope_type": "session", "scope_id": "x"}).status_code == 404


# --- compression ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["messages", "conversation", "text"])
def test_a_conversation_is_compressed(manager: httpx2.Client, name: str) -> None:
    messages = [
        {"role": "user", "content": "Hi! How are you?"},
        {"role": "assistant", "content": "Fine, thanks!"},
        {
            "role": "user",
            "content": "Well, I think we decided to ship v2.1 on 12 May 2026. Lovely weather, by the way.",
        },
    ]
    told = manager.post("/context/compress", json={name: messages}).json()
    assert told["compressed"] is True
    assert "We decided to ship v2.1 on 12 May 2026." in told["compressed_text"]
    assert "How are you" not in told["compressed_text"]
    assert told["compressed_tokens"] < told["original_tokens"]
    assert told["ratio"] < 1
    assert told["summary"] == told["compressed_text"]
    text = "Well, I think we decided to ship v2.1 on 12 May 2026. Thanks!"
    told = manager.post("/context/compress", json={name: text}).json()
    assert told["compressed_text"] == "user: We decided to ship v2.1 on 12 May 2026."
    empty = manager.post("/context/compress", json={name: []}).json()
    assert (empty["compressed"], empty["compressed_text"]) == (False, None)


def test_stored_memories_are_compressed_into_one_and_stay(informed: tuple[Agent, list[str]]) -> None:
    agent, ids = informed
    told = context(agent, "compress", {"agent_id": agent.id, "keep_recent_count": 1, "days_to_compress": 3})
    assert told["compressed"] is True
    assert (told["compressed_count"], told["original_memory_ids"]) == (2, ids[:2])
    kept = agent.get(f"memories/{told['summary_id']}")
    assert "3 May" in kept["content"]
    assert kept["metadata"]["summarizes"] == ids[:2]
    assert agent.get(f"memories/{ids[0]}")["data"]["status"] == "active"
    spared = context(agent, "compress", {"agent_id": agent.id, "keep_recent_count": 50})
    assert (spared["compressed"], spared["summary_id"]) == (False, None)
