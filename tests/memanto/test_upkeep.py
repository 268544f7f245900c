from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polymem.core.people import Scope
from tests.memanto.conftest import Agent
from tests.serving import Server

CONVERSATION = [
    {"role": "user", "content": "Hi! How are you? I prefer tea over coffee."},
    {"role": "assistant", "content": "Great! Shall I note that?"},
    {"role": "user", "content": "Yes. We decided to ship on 12 May 2026. My boss is Tom Berg."},
]


def test_what_is_worth_remembering_is_extracted_and_kept(agent: Agent) -> None:
    tried = agent.post("remember/extract", {"messages": CONVERSATION, "dry_run": True})
    assert [(one["content"], one["type"]) for one in tried["candidates"]] == [
        ("I prefer tea over coffee.", "preference"),
        ("We decided to ship on 12 May 2026.", "decision"),
        ("My boss is Tom Berg.", "relationship"),
    ]
    assert agent.contents(query="*") == []
    kept = agent.post("remember/extract", {"messages": CONVERSATION, "max_memories": 2})
    assert (kept["successful"], kept["count"], len(kept["results"])) == (2, 2, 2)
    assert len(agent.contents(query="*")) == 2
    assert agent.client.post(agent.path("remember/extract"), json={"messages": []}).status_code == 422


def test_a_day_is_summarised(agent: Agent) -> None:
    id = agent.remember("The team chose PostgreSQL")
    today = datetime.now(UTC).date()
    assert agent.post("daily-summary")["original_memory_ids"] == [id]
    told = agent.post("daily-summary", {"date": today.isoformat()})
    assert (told["date"], told["original_memory_ids"]) == (today.isoformat(), [id])
    assert agent.post("daily-summary", {"date": (today - timedelta(days=2)).isoformat()})["summary"] == ""
    assert agent.client.post(agent.path("daily-summary"), json={"date": "soon"}).status_code == 422


@pytest.fixture
def torn(agent: Agent) -> tuple[Agent, str, str]:
    """An agent with two memories in conflict, the older and the newer one."""
    return agent, agent.remember("The deploy runs on Friday"), agent.remember("The deploy runs on Monday")


def test_conflicts_are_listed(torn: tuple[Agent, str, str]) -> None:
    agent, old, new = torn
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for told in (agent.get("conflicts"), agent.get("conflicts", date=today), agent.post("conflicts/generate")):
        (conflict,) = told["conflicts"]
        assert (conflict["old_memory_id"], conflict["new_memory_id"], conflict["type"]) == (old, new, "update")
        assert conflict["old_content"] == "The deploy runs on Friday"
        assert told["count"] == 1
    assert agent.get("conflicts", date="2020-01-01")["count"] == 0


def test_conflicts_of_a_batch_are_found_when_they_are_looked_for(agent: Agent) -> None:
    contents = ["The deploy runs on Friday", "Ana likes tea", "The deploy runs on Monday", "The team lead is Emma"]
    ids = [one["id"] for one in agent.post("batch-remember", {"memories": contents})["results"]]
    late = agent.remember("The team lead is Frank")
    assert agent.get("conflicts")["count"] == 1
    assert agent.post("conflicts/generate", {"date": "2020-01-01"})["compared"] == 0
    told = agent.post("conflicts/generate")
    assert told["compared"] == 5
    assert {(one["old_memory_id"], one["new_memory_id"]) for one in told["conflicts"]} == {
        (ids[0], ids[2]), (ids[3], late),
    }  # fmt: skip
    # What is known or was settled is not asked about again.
    for conflict in told["conflicts"]:
        agent.post("conflicts/resolve", {"conflict_id": conflict["conflict_id"], "action": "keep_both"})
    assert agent.post("conflicts/generate", {"date": f"{datetime.now(UTC):%Y-%m-%d}"})["conflicts"] == []
    assert agent.client.post(agent.path("conflicts/generate"), json={"date": "soon"}).status_code == 422


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("keep_old", {"The deploy runs on Friday"}),
        ("keep_new", {"The deploy runs on Monday"}),
        ("keep_both", {"The deploy runs on Friday", "The deploy runs on Monday"}),
        ("remove_both", set()),
        ("expire_old", {"The deploy runs on Monday"}),
        ("expire_new", {"The deploy runs on Friday"}),
        ("expire_both", set()),
        ("manual", {"The deploy runs on Tuesday"}),
    ],
)
def test_conflicts_are_settled(torn: tuple[Agent, str, str], action: str, left: set[str]) -> None:
    agent, _, _ = torn
    body: dict[str, Any] = {"conflict_index": 0, "action": action}
    if action == "manual":
        assert agent.client.post(agent.path("conflicts/resolve"), json=body).status_code == 422
        body |= {"manual_content": "The deploy runs on Tuesday", "manual_type": "decision"}
    told = agent.post("conflicts/resolve", body)
    assert (told["status"], told["action"]) == ("resolved", action)
    assert set(agent.contents("recall/current")) == left
    assert agent.get("conflicts")["count"] == 0
    assert agent.client.post(agent.path("conflicts/resolve"), json=body).status_code == 404


def test_a_policy_is_kept_applied_and_purged_by(agent: Agent, server: Server, scope: Scope) -> None:
    assert agent.get("policy")["policy"] == {"ttl_days": {}, "purge_after_days": None}
    assert {one["name"] for one in agent.get("policy/presets")["presets"]} == {"keep-all", "balanced", "short"}
    assert agent.get("policy/presets/short")["ttl_days"]["event"] == 90
    assert agent.client.get(agent.path("policy/presets/none")).status_code == 404
    assert agent.post("policy/preset", {"name": "short"})["ttl_days"]["event"] == 90
    wanted = {"ttl_days": {"observation": 0}, "purge_after_days": 0}
    assert agent.client.put(agent.path("policy"), json=wanted).json()["policy"] == wanted
    assert agent.get("policy")["policy"] == wanted
    due, kept = agent.remember("It rains", type="observation"), agent.remember("It is wet")
    assert agent.post("policy/apply", dry_run=True)["memory_ids"] == [due]
    assert agent.get("recall", query="*")["count"] == 2
    assert agent.post("policy/apply")["expired_count"] == 1
    assert [memory["id"] for memory in agent.get("recall", query="*")["memories"]] == [kept]
    assert agent.post("policy/purge", {"dry_run": True})["purged_count"] == 0
    assert agent.post("policy/purge")["purged_count"] == 1
    assert agent.client.get(agent.path(f"memories/{due}")).status_code == 404
    for wrong in ({"ttl_days": {"rumour": 1}}, {"ttl_days": {"fact": -1}}, {"purge_after_days": -1}):
        assert agent.client.put(agent.path("policy"), json=wrong).status_code == 422
