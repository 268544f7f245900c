import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest

from polymem.core.agents.agents import RENEWED_BEFORE
from polymem.core.people import Permission, Scope
from polymem.dialects.memanto.tokens import to_token
from tests.memanto.conftest import Agent
from tests.serving import Server


def claims(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    body = token.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return told


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def test_activation_answers_with_a_session_and_a_token_of_the_documented_form(manager: httpx2.Client) -> None:
    manager.post("/agents", json={"agent_id": "a", "pattern": "tool"})
    answer = manager.post("/agents/a/activate", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["session_token"].startswith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.")
    assert told["session_id"].startswith("sess_")
    assert (told["agent_id"], told["pattern"], told["namespace"]) == ("a", "tool", "memanto_agent_a")
    assert (told["status"], told["data"]["status"]) == ("success", "active")
    lasts = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["started_at"])
    assert lasts == timedelta(hours=6)
    said = claims(told["session_token"])
    assert {"agent_id", "namespace", "session_id", "started_at", "expires_at"} <= said.keys()
    assert "exp" not in said


def test_activating_an_agent_nobody_created_makes_it(manager: httpx2.Client) -> None:
    assert manager.post("/agents/fresh/activate").status_code == 200
    assert manager.get("/agents/fresh").status_code == 200


def test_what_can_be_no_agents_id_is_not_made(manager: httpx2.Client) -> None:
    for id in ("a%20b", "a.b", "%C3%A4", "a%00"):
        assert refused(manager.post(f"/agents/{id}/activate")) == (404, "INVALID_AGENT_ID"), id
    assert manager.get("/agents").json()["total"] == 0


@pytest.mark.parametrize("hours", [0, -1, 1e9, "x", "NaN"])
def test_a_length_that_cannot_be_is_refused(manager: httpx2.Client, hours: object) -> None:
    assert manager.post("/agents/a/activate", json={"duration_hours": hours}).status_code == 422


def test_the_current_session_is_told(agent: Agent) -> None:
    told = agent.client.get("/session/current").json()
    assert told["agent_id"] == agent.id
    assert told["session_id"] == claims(agent.token)["session_id"]
    assert told["data"]["status"] == told["session_status"] == "active"
    assert 21_500 < told["time_remaining_seconds"] <= 21_600
    assert agent.client.get("/status").json()["status"] == "active"


def test_a_deactivated_token_is_refused_and_deactivating_twice_is_fine(manager: httpx2.Client, agent: Agent) -> None:
    agent.remember("One")
    agent.remember("Two")
    assert agent.contents(query="One")
    for _ in range(2):
        ended = manager.post(f"/agents/{agent.id}/deactivate")
        assert ended.status_code == 200
        told = ended.json()
        assert told["session_id"] == claims(agent.token)["session_id"]
        assert (told["memories_created"], told["memories_stored"]) == (2, 2)
        assert told["memories_recalled"] >= 1
        assert told["summary_memory_id"] is None
        assert told["ended_at"] >= told["started_at"]
    for answer in (
        agent.client.get(agent.path("recall"), params={"query": "One"}),
        agent.client.get("/session/current"),
        agent.client.post("/session/extend"),
    ):
        assert refused(answer) == (401, "INVALID_SESSION_TOKEN")
    # With the token that is over, too.
    assert agent.client.post(agent.path("deactivate")).status_code == 200


def test_an_agent_that_had_no_session_cannot_be_deactivated(manager: httpx2.Client) -> None:
    manager.post("/agents", json={"agent_id": "a"})
    assert refused(manager.post("/agents/a/deactivate")) == (404, "SESSION_NOT_FOUND")
    assert refused(manager.post("/agents/b/deactivate")) == (404, "INVALID_AGENT_ID")


def test_activating_again_leaves_the_first_session_and_its_token_ends_only_itself(
    manager: httpx2.Client, agent: Agent
) -> None:
    second = manager.post(f"/agents/{agent.id}/activate").json()["session_token"]
    assert agent.client.get("/session/current").status_code == 200
    manager.post(f"/agents/{agent.id}/deactivate", headers={"X-Session-Token": second})
    assert manager.get("/session/current", headers={"X-Session-Token": second}).status_code == 401
    assert agent.client.get("/session/current").status_code == 200


@pytest.mark.parametrize(
    ("query", "body", "hours"),
    [
        ({}, None, 6),
        ({"extend_hours": 3}, None, 3),
        ({"additional_hours": 2}, None, 2),
        ({}, {"extend_hours": 1}, 1),
        ({}, {"additional_hours": 4}, 4),
    ],
)
def test_extending_moves_the_end_for_the_token_that_is_there(
    agent: Agent, query: dict[str, int], body: dict[str, int] | None, hours: int
) -> None:
    before = datetime.fromisoformat(agent.client.get("/session/current").json()["expires_at"])
    sent = {} if body is None else {"json": body}
    told = agent.client.post("/session/extend", params=query, **sent).json()  # type: ignore[arg-type]
    assert datetime.fromisoformat(told["new_expires_at"]) == before + timedelta(hours=hours)
    assert told["hours_added"] == hours
    assert agent.client.get("/session/current").json()["expires_at"] == told["expires_at"]
    new = {"X-Session-Token": told["session_token"]}
    assert agent.client.get("/session/current", headers=new).json()["session_id"] == told["session_id"]
    assert claims(told["session_token"])["expires_at"] == told["new_expires_at"]


def test_an_extension_of_nothing_is_refused(agent: Agent) -> None:
    for name in ("extend_hours", "additional_hours"):
        assert agent.client.post("/session/extend", params={name: 0}).status_code == 422


def test_a_session_that_is_used_near_its_end_goes_on_and_its_new_token_is_told(
    server: Server, agent: Agent, scope: Scope
) -> None:
    now = server.core.clock.now()

    async def begun_long_ago() -> str:
        session = await server.core.agents.session(scope.organization_id, claims(agent.token)["session_id"])
        assert session is not None
        old = replace(session, id="sess_old", started_at=now - timedelta(hours=6), expires_at=now + RENEWED_BEFORE / 2)
        await server.core.store.agents.add_session(scope, old)
        return to_token(old, agent.id, "n", await server.core.agents.signing_secret())

    agent.client.headers["X-Session-Token"] = server.run(begun_long_ago())
    answer = agent.client.get(agent.path("recall"), params={"query": "x"})
    renewed = answer.headers["X-Session-Token"]
    left = agent.client.get("/session/current", headers={"X-Session-Token": renewed}).json()["time_remaining_seconds"]
    assert left > 20_000
    assert "X-Session-Token" not in agent.client.get(agent.path("recall"), params={"query": "x"}).headers


# --- tokens ---------------------------------------------------------------------------------------


def test_a_session_token_alone_stands_for_its_key(anyone: httpx2.Client, agent: Agent) -> None:
    session = {"X-Session-Token": agent.token}
    kept = anyone.post(agent.path("remember"), params={"content": "Hello"}, headers=session)
    assert kept.status_code == 201
    assert anyone.get("/session/current", headers=session).status_code == 200


def test_a_bad_key_is_refused_even_with_a_good_token(anyone: httpx2.Client, agent: Agent) -> None:
    for key in ({"Authorization": "Bearer mk_wrong"}, {"X-Api-Key": "mk_wrong"}, {"Authorization": "Basic eDp5"}):
        answer = anyone.get("/session/current", headers={"X-Session-Token": agent.token, **key})
        assert refused(answer) == (401, "INVALID_API_KEY"), key


def test_management_needs_the_key_itself(anyone: httpx2.Client, agent: Agent) -> None:
    session = {"X-Session-Token": agent.token}
    assert refused(anyone.get("/agents", headers=session)) == (401, "INVALID_API_KEY")
    assert refused(anyone.post("/agents/x/activate", headers=session)) == (401, "INVALID_API_KEY")


def test_a_revoked_key_ends_the_sessions_that_were_opened_with_it(
    server: Server, scope: Scope, anyone: httpx2.Client, agent: Agent
) -> None:
    (key,) = server.run(server.core.access.keys(scope))
    server.run(server.core.access.revoke_key(scope, key.id))
    answer = anyone.get(agent.path("recall"), params={"query": "x"}, headers={"X-Session-Token": agent.token})
    assert refused(answer) == (401, "INVALID_API_KEY")


def test_a_session_can_do_no_more_than_the_key_it_was_opened_with(
    server: Server, scope: Scope, manager: httpx2.Client, anyone: httpx2.Client
) -> None:
    manager.post("/agents", json={"agent_id": "a"})
    key = server.new_key(scope, permissions=frozenset({Permission.READ}))
    told = anyone.post("/agents/a/activate", headers={"X-Api-Key": key}).json()
    session = {"X-Session-Token": told["session_token"]}
    assert refused(anyone.post("/agents/a/remember", params={"content": "x"}, headers=session)) == (403, "FORBIDDEN")
    assert anyone.get("/agents/a/recall", params={"query": "x"}, headers=session).status_code == 200


def test_a_key_of_one_project_opens_that_agent_and_no_other(
    server: Server, scope: Scope, manager: httpx2.Client, anyone: httpx2.Client
) -> None:
    manager.post("/agents", json={"agent_id": "theirs"})
    key = {"Authorization": f"Bearer {server.new_key(scope, project='own')}"}
    assert anyone.post("/agents/own/activate", headers=key).status_code == 200
    assert [agent["agent_id"] for agent in anyone.get("/agents", headers=key).json()["agents"]] == ["own"]
    assert refused(anyone.post("/agents/theirs/activate", headers=key)) == (404, "INVALID_AGENT_ID")
    assert refused(anyone.post("/agents/third/activate", headers=key)) == (404, "INVALID_AGENT_ID")
    assert anyone.post("/agents", json={"agent_id": "third"}, headers=key).status_code == 403
    assert anyone.delete("/agents/own", headers=key).status_code == 403


def test_a_token_of_another_agent_is_forbidden(manager: httpx2.Client, agent: Agent) -> None:
    manager.post("/agents", json={"agent_id": "other"})
    answer = agent.client.get("/agents/other/recall", params={"query": "x"})
    assert refused(answer) == (403, "SESSION_AGENT_MISMATCH")
    assert refused(agent.client.get("/agents/nobody/recall", params={"query": "x"})) == (404, "INVALID_AGENT_ID")


def test_tokens_that_this_server_did_not_sign_are_refused(manager: httpx2.Client, agent: Agent) -> None:
    head, body, signature = agent.token.split(".")
    said = claims(agent.token)
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    forged = [
        jwt.encode(said, "change-me-in-production-and-make-it-long-enough", "HS256"),
        f"{none}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}",
        "not-a-token",
        "…",
        jwt.encode({**said, "session_id": "sess_000000000000"}, "x" * 32, "HS256"),
    ]
    for token in forged:
        answer = manager.get("/session/current", headers={b"X-Session-Token": token.encode()})
        assert refused(answer) == (401, "INVALID_SESSION_TOKEN"), token


def test_the_signing_secret_is_random_and_stays(server: Server) -> None:
    async def kept() -> tuple[str, str]:
        agents = server.core.agents
        return await agents.signing_secret(), await server.core.store.agents.signing_secret("another")

    first, again = server.run(kept())
    assert first == again
    assert len(first) >= 43
