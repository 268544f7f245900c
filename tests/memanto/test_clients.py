"""What MEMANTO's own clients send, and what they read of the answers: each plays its usual course."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.memanto.conftest import NO_TLS
from tests.serving import PATIENCE, Server

CONTENT = {"Content-Type": "application/json"}


@pytest.fixture
def root(base: str) -> Iterator[httpx2.Client]:
    """A client that says nothing by itself, of what lies above the API's prefix."""
    with httpx2.Client(
        base_url=base.removesuffix("/api/v2"), trust_env=False, verify=NO_TLS, timeout=PATIENCE
    ) as client:
        yield client


def ok(answer: httpx2.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def test_the_typescript_client_sends_the_key_to_manage_and_the_session_to_remember(
    root: httpx2.Client, key: str
) -> None:
    managing, agent = {"X-Api-Key": key} | CONTENT, "/api/v2/agents/ts-agent"
    assert root.get("/health").is_success
    assert root.get(agent, headers=managing).status_code == 404
    ok(root.post("/api/v2/agents", headers=managing, json={"agent_id": "ts-agent", "pattern": "tool"}))
    assert root.post("/api/v2/agents", headers=managing, json={"agent_id": "ts-agent"}).status_code == 409
    session = {"X-Session-Token": ok(root.post(f"{agent}/activate", headers=managing))["session_token"]} | CONTENT
    kept = ok(root.post(f"{agent}/remember", headers=session, json={"content": "Ana likes tea", "type": "preference"}))
    assert {"memory_id", "agent_id", "session_id", "namespace", "status", "provenance", "confidence"} <= kept.keys()
    found = ok(root.post(f"{agent}/recall", headers=session, json={"query": "tea", "limit": 5, "type": ["preference"]}))
    assert found["memories"][0]["id"] == kept["memory_id"]
    extracted = ok(
        root.post(
            f"{agent}/remember/extract",
            headers=session,
            json={"messages": [{"role": "user", "content": "I prefer email."}], "dry_run": True},
        )
    )
    assert extracted["candidates"]
    memory = f"{agent}/memories/{kept['memory_id']}"
    assert ok(root.patch(memory, headers=session, json={"title": "Tea"}))["updated_fields"] == ["title"]
    assert ok(root.post(f"{memory}/expire", headers=session, json={"reason": "old"}))["status"] == "expired"
    assert ok(root.post(f"{memory}/restore", headers=session))["status"] == "active"
    assert ok(root.delete(memory, headers=session))["status"] == "deleted"
    assert root.delete(agent, headers=managing).status_code == 204


def test_the_go_client_sends_its_key_always_and_activates_again_after_a_refusal(root: httpx2.Client, key: str) -> None:
    managing, agent = {"X-Api-Key": key} | CONTENT, "/api/v2/agents/go-agent"
    ok(root.post("/api/v2/agents", headers=managing, json={"agent_id": "go-agent"}))
    token = ok(root.post(f"{agent}/activate", headers=managing))["session_token"]
    ok(root.post(f"{agent}/deactivate", headers=managing))
    body = {"memories": [{"content": "One", "type": "fact", "source": "go", "provenance": "observed"}]}
    refused = root.post(f"{agent}/batch-remember", headers=managing | {"X-Session-Token": token}, json=body)
    assert refused.status_code == 401
    assert isinstance(refused.json()["detail"], str)
    token = ok(root.post(f"{agent}/activate", headers=managing))["session_token"]
    told = ok(root.post(f"{agent}/batch-remember", headers=managing | {"X-Session-Token": token}, json=body))
    assert (told["successful"], told["results"][0]["action"]) == (1, "store")
    answer = ok(root.post(f"{agent}/answer", headers=managing | {"X-Session-Token": token}, json={"question": "One?"}))
    assert isinstance(answer["status"], str)
    assert isinstance(answer["sources"], list)


def test_the_editors_extensions_look_remember_and_go_back(root: httpx2.Client, key: str) -> None:
    assert ok(root.get("/health"))["status"] == "healthy"
    managing = {"Authorization": f"Bearer {key}"}
    ok(root.post("/api/v2/agents", headers=managing, json={"agent_id": "editor", "pattern": "project"}))
    assert [agent["agent_id"] for agent in ok(root.get("/api/v2/agents", headers=managing))["agents"]] == ["editor"]
    agent = "/api/v2/agents/editor"
    session = {"X-Session-Token": ok(root.post(f"{agent}/activate", headers=managing))["session_token"]}
    before = datetime.now(UTC).isoformat()
    ok(root.post(f"{agent}/remember", headers=session, json={"content": "The linter is ruff", "type": "decision"}))
    for path, body in (
        ("recall", {"query": "linter", "limit": 10, "status": "active"}),
        ("recall/recent", {"limit": 10, "type": ["decision"], "created_after": before[:10]}),
        ("recall/as-of", {"as_of": datetime.now(UTC).date().isoformat(), "limit": 10}),
        ("recall/changed-since", {"since": before, "limit": 10}),
    ):
        (memory,) = ok(root.post(f"{agent}/{path}", headers=session, json=body))["memories"]
        assert {"id", "title", "content", "type", "confidence", "tags", "created_at", "score"} <= memory.keys(), path
    (source,) = ok(root.post(f"{agent}/answer", headers=session, json={"question": "Which linter?"}))["sources"]
    assert (source["title"], source["type"]) == ("The linter is ruff", "decision")
    refused = root.post(f"{agent}/recall", headers=session, json={})
    assert isinstance(refused.json()["detail"][0]["msg"], str)


def test_the_web_interface_shows_the_status_everything_and_conflicts(root: httpx2.Client, key: str) -> None:
    managing, api = {"X-Api-Key": key}, "/api/v2"
    missing = root.get(f"{api}/status", headers=managing)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    ok(root.post(f"{api}/agents/first/activate", headers=managing))
    told = ok(root.post(f"{api}/agents/web/activate", headers=managing))
    for headers in (managing, managing | {"X-Session-Token": told["session_token"]}):
        status = ok(root.get(f"{api}/status", headers=headers))
        assert (status["status"], status["agent_id"], status["session_id"]) == ("active", "web", told["session_id"])
    session = {"X-Session-Token": told["session_token"]}
    for content in ("The port is 8080", "The port is 9090"):
        ok(root.post(f"{api}/agents/web/remember", headers=session, json={"content": content}))
    everything = ok(root.post(f"{api}/agents/web/recall/all", headers=session, json={"status": "all"}))
    assert (everything["count"], everything["total_available"]) == (2, 2)
    listed = ok(root.get(f"{api}/agents/web/recall", headers=session, params={"query": "*", "limit": 100}))
    assert {"validation_count", "contradiction_detected", "expired_at"} <= listed["memories"][0].keys()
    assert ok(root.get(f"{api}/agents/web/conflicts", headers=session))["count"] == 1
    ok(root.post(f"{api}/agents/web/deactivate", headers=managing))
    # The agent that was activated last has no session any more.
    assert root.get(f"{api}/status", headers=managing).status_code == 404
    ended = root.get(f"{api}/status", headers=session)
    assert (ended.status_code, ended.json()["error"]["code"]) == (401, "INVALID_SESSION_TOKEN")


def test_nobody_is_told_the_status_of_others(
    root: httpx2.Client, server: Server, key: str, manager: httpx2.Client
) -> None:
    token = ok(manager.post("/agents/mine/activate"))["session_token"]
    other = {"X-Api-Key": server.new_key(server.new_organization())}
    assert root.get("/api/v2/status", headers=other).status_code == 404
    refused = root.get("/api/v2/status", headers=other | {"X-Session-Token": token})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "INVALID_SESSION_TOKEN")


def test_the_evaluation_client_sends_all_by_query(root: httpx2.Client, key: str) -> None:
    bearer, api = {"Authorization": f"Bearer {key}"}, "/api/v2/agents"
    ok(root.post(api, headers=bearer, json={"agent_id": "run-1", "pattern": "tool", "description": "evaluation"}))
    both = bearer | {"X-Session-Token": ok(root.post(f"{api}/run-1/activate", headers=bearer))["session_token"]}
    members: dict[str, str | float] = {
        "memory_type": "fact", "title": "Turn 1", "content": "[8 May 2023] Ana: I painted a sunrise", "confidence": 0.9,
        "tags": "ana,turn", "source": "locomo", "provenance": "observed",
    }  # fmt: skip
    ok(root.post(f"{api}/run-1/remember", headers=both, params=members))
    turns = [{"content": f"[8 May 2023] Bo: turn {number}", "type": "fact"} for number in range(50)]
    assert ok(root.post(f"{api}/run-1/batch-remember", headers=both, json={"memories": turns}))["successful"] == 50
    query: dict[str, str | float] = {"query": "sunrise painting", "limit": 100, "min_similarity": 0.05, "tags": "ana"}
    (found,) = ok(root.get(f"{api}/run-1/recall", headers=both, params=query))["memories"]
    assert found["title"] == "Turn 1"
    tuning: dict[str, str | float] = {
        "limit": 100,
        "threshold": 0.05,
        "temperature": 0,
        "aiModel": "any",
        "kiosk_mode": "false",
    }
    body = {"question": "What did Ana paint?", "header_prompt": "Be brief."}
    assert "sunrise" in ok(root.post(f"{api}/run-1/answer", headers=both, params=tuning, json=body))["answer"]
    ok(root.post(f"{api}/run-1/deactivate", headers=both))
    assert root.delete(f"{api}/run-1", headers=bearer).status_code == 204
