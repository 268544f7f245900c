from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.memanto.conftest import Agent

DAY = timedelta(days=1)


def now() -> str:
    """The present, as a query says it."""
    return datetime.now(UTC).isoformat()


@pytest.fixture
def moved(agent: Agent) -> tuple[Agent, str, str, str]:
    """An agent whose memory was superseded: the agent, the instant between, the old id, the new one."""
    old = agent.remember("Bonn is the capital of Germany", tags=["geo"], title="Capital", type="observation")
    between = now()
    told = agent.post(f"supersede/{old}", {"new_content": "Berlin is the capital of Germany", "reason": "It moved"})
    return agent, between, old, told["new_memory_id"]


def test_superseding_by_a_text_makes_a_memory_like_the_old_one(moved: tuple[Agent, str, str, str]) -> None:
    agent, _, old, new = moved
    (memory,) = agent.get("recall", query="capital of Germany")["memories"]
    assert memory["id"] == new
    assert (memory["supersedes"], memory["type"], memory["title"], memory["tags"]) == (
        old, "observation", "Capital", ["geo"],
    )  # fmt: skip
    was = agent.get(f"memories/{old}")
    assert (was["data"]["status"], was["superseded_by"], was["trust_score"]) == ("superseded", new, 0)


def test_superseding_by_a_memory_that_is_there(agent: Agent) -> None:
    old, new = agent.remember("Bonn is the capital"), agent.remember("Berlin is the capital")
    told = agent.post(f"supersede/{old}", new_memory_id=new)
    assert (told["old_memory_id"], told["new_memory_id"], told["data"]["status"]) == (old, new, "superseded")
    assert agent.contents(query="capital") == ["Berlin is the capital"]


def test_superseding_by_nothing_or_twice_is_refused(moved: tuple[Agent, str, str, str]) -> None:
    agent, _, old, new = moved
    post = agent.client.post
    assert post(agent.path(f"supersede/{new}")).status_code == 422
    assert post(agent.path(f"supersede/{new}"), params={"new_memory_id": "none"}).status_code == 404
    assert post(agent.path("supersede/none"), json={"new_content": "x"}).status_code == 404
    assert post(agent.path(f"supersede/{old}"), json={"new_content": "x"}).status_code == 409
    assert post(agent.path(f"supersede/{new}"), params={"new_memory_id": new}).status_code == 409


@pytest.mark.parametrize("query", [{"query": "capital of Germany"}, {}, {"query": "*"}])
def test_as_of_tells_what_was_known_before_a_supersede(
    moved: tuple[Agent, str, str, str], query: dict[str, str]
) -> None:
    agent, between, old, new = moved
    told = agent.get("recall/as-of", as_of=between, **query)
    assert [memory["id"] for memory in told["memories"]] == [old]
    assert told["memories"][0]["status"] == "active"
    assert told["temporal_mode"] == "as_of"
    assert told["as_of_date"] == between
    today = datetime.now(UTC)
    assert [m["id"] for m in agent.get("recall/as-of", as_of=f"{today:%Y-%m-%d}", **query)["memories"]] == [new]
    assert agent.get("recall/as-of", as_of=f"{today - DAY:%Y-%m-%d}", **query)["memories"] == []
    by_body = agent.post("recall/as-of", {"as_of": between, **query})
    assert [memory["id"] for memory in by_body["memories"]] == [old]


def test_as_of_tells_texts_as_they_were_and_what_was_deleted_since(agent: Agent) -> None:
    kept, gone = agent.remember("The sky is green"), agent.remember("The sky is flat")
    between = now()
    agent.client.patch(agent.path(f"memories/{kept}"), json={"content": "The sky is blue"})
    agent.client.delete(agent.path(f"memories/{gone}"))
    assert agent.contents("recall/as-of", query="sky green", as_of=between)[0] == "The sky is green"
    assert set(agent.contents("recall/as-of", as_of=between)) == {"The sky is green", "The sky is flat"}
    assert agent.contents("recall/as-of", as_of=now()) == ["The sky is blue"]


def test_no_cap_of_a_hundred_hides_the_past(agent: Agent) -> None:
    agent.remember("The needle is in the red barn")
    for start in range(0, 200, 100):
        items = [{"content": f"A straw, number {start + n}, of the haystack"} for n in range(100)]
        agent.post("batch-remember", {"memories": items})
    between = now()
    agent.remember("Something later")
    assert agent.contents("recall/as-of", query="needle red barn", as_of=between)[0] == "The needle is in the red barn"


def test_every_change_is_listed_with_its_kind_newest_first(agent: Agent) -> None:
    before = now()
    old = agent.remember("One")
    agent.client.patch(agent.path(f"memories/{old}"), json={"content": "One, again"})
    agent.post(f"validate/{old}", {"reason": "looked"})
    agent.post(f"contradict/{old}")
    new = agent.post(f"supersede/{old}", {"new_content": "Two"})["new_memory_id"]
    agent.client.delete(agent.path(f"memories/{new}"))
    agent.post(f"memories/{new}/restore")
    told = agent.get("recall/changed-since", since=before, limit=100)
    kinds = [(memory["id"], memory["change_type"]) for memory in told["memories"]]
    assert kinds[-4:] == [(old, "contradicted"), (old, "validated"), (old, "updated"), (old, "created")]
    assert {(new, "created"), (old, "superseded"), (new, "forgotten"), (new, "restored")} <= set(kinds)
    assert told["temporal_mode"] == "changed_since"
    assert told["since_date"] == before
    assert told["total_available"] == len(kinds)
    created = told["memories"][-1]
    assert created["content"] == "One"
    validated = next(memory for memory in told["memories"] if memory["change_type"] == "validated")
    assert validated["change_note"] == "looked"
    assert agent.get("recall/changed-since", since=now())["memories"] == []


def test_changes_are_told_under_both_names_by_body_and_since_a_day(agent: Agent) -> None:
    agent.remember("One")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for told in (
        agent.get("recall/changed-since", changed_since=today),
        agent.post("recall/changed-since", {"since": today}),
        agent.post("recall/changed-since", {"changed_since": today, "type": ["fact"]}),
    ):
        assert [memory["content"] for memory in told["memories"]] == ["One"]


def test_changed_memories_are_ranked_by_a_query(agent: Agent) -> None:
    agent.remember("The cat sleeps")
    before = now()
    agent.remember("The dog barks")
    agent.remember("Paris is the capital of France")
    agent.remember("The train is late")
    told = agent.get("recall/changed-since", since=before, query="capital of France")
    assert told["memories"][0]["content"] == "Paris is the capital of France"
    assert told["memories"][0]["change_type"] == "created"
    assert "The cat sleeps" not in [memory["content"] for memory in told["memories"]]


def test_current_leaves_out_what_was_superseded_or_ended(moved: tuple[Agent, str, str, str]) -> None:
    agent, _, _, new = moved
    ended = agent.remember("Germany has a capital, they say")
    agent.post(f"memories/{ended}/expire")
    for query in ({"query": "capital of Germany"}, {}):
        told = agent.get("recall/current", **query)
        assert [memory["id"] for memory in told["memories"]] == [new]
        assert told["temporal_mode"] == "current_only"
    assert agent.post("recall/current", {})["count"] == 1


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("recall/as-of", {"query": "x"}),
        ("recall/as-of", {"as_of": "soon"}),
        ("recall/as-of", {"as_of": "2026-13-01"}),
        ("recall/as-of", {"as_of": ""}),
        ("recall/changed-since", {}),
        ("recall/changed-since", {"since": "soon"}),
        ("recall/current", {"limit": 0}),
    ],
)
def test_what_cannot_be_asked_of_the_past_is_refused(agent: Agent, path: str, query: dict[str, Any]) -> None:
    answer = agent.client.get(agent.path(path), params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


# --- trust ----------------------------------------------------------------------------------------


def test_validations_count_and_stay(agent: Agent) -> None:
    id = agent.remember("Perhaps so", provenance="inferred", confidence=0.7)
    before = agent.get(f"memories/{id}")["trust_score"]
    told = agent.post(f"validate/{id}")
    assert (told["validated"], told["data"]["status"], told["validation_count"]) == (True, "validated", 1)
    assert told["provenance"] == "validated"
    assert told["validated_at"].endswith("Z")
    assert agent.post(f"validate/{id}")["validation_count"] == 2
    (memory,) = agent.get("recall", query="Perhaps so")["memories"]
    assert (memory["validation_count"], memory["provenance"]) == (2, "validated")
    assert memory["trust_score"] > before


def test_a_contradiction_stays_until_it_is_answered(agent: Agent) -> None:
    id, other = agent.remember("It is so"), agent.remember("It is not so")
    told = agent.post(f"contradict/{id}", {"reason": "they say", "contradicting_memory_id": other})
    assert told["data"]["status"] == "contradicted"
    memory = agent.get(f"memories/{id}")
    assert memory["contradiction_detected"] is True
    assert memory["trust_level"] == "low"
    agent.post(f"validate/{id}")
    assert agent.get(f"memories/{id}")["contradiction_detected"] is False
    assert agent.client.post(agent.path(f"contradict/{id}"), json={"contradicting_memory_id": "x"}).status_code == 404


@pytest.mark.parametrize("path", ["recall", "recall/current", "recall/as-of"])
def test_what_is_doubted_sinks_where_trust_is_given_weight(agent: Agent, path: str) -> None:
    doubted = agent.remember("The harbour opens at six in the morning")
    agent.remember("The harbour opens at seven on most mornings of the year")
    agent.post(f"contradict/{doubted}")
    asked = {"query": "harbour opens at six in the morning", "as_of": now()}
    before = agent.get(path, **asked)["memories"]
    after = agent.get(path, **asked, trust_weight=1)["memories"]
    assert before[0]["id"] == doubted
    assert after[-1]["id"] == doubted
    assert after[-1]["score"] < before[0]["score"]
    assert agent.client.get(agent.path(path), params={**asked, "trust_weight": 2}).status_code == 422
