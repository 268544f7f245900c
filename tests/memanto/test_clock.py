"""What depends on the time of day, on a clock that stands still until a test moves it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import MakeSettings
from tests.memanto.conftest import Agent
from tests.serving import START, FixedClock, Server, serving

_clock = FixedClock()


@pytest.fixture(scope="module")
def server(make_settings: MakeSettings) -> Iterator[Server]:
    """A server without a model, on that clock."""
    with serving(make_settings(embedder="none"), _clock) as server:
        yield server


@pytest.fixture(autouse=True)
def clock() -> FixedClock:
    """The clock, where it begins: 1 March 2026, noon."""
    _clock.moment = START
    return _clock


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


# --- sessions -------------------------------------------------------------------------------------


def test_a_session_ends_after_six_hours_and_its_token_has_expired_then(agent: Agent, clock: FixedClock) -> None:
    told = agent.client.get("/session/current").json()
    assert (told["started_at"], told["expires_at"]) == ("2026-03-01T12:00:00Z", "2026-03-01T18:00:00Z")
    assert told["time_remaining_seconds"] == 6 * 3600
    clock.advance(hours=6)
    for answer in (agent.client.get("/session/current"), agent.client.get(agent.path("recall"), params={"query": "x"})):
        assert refused(answer) == (401, "EXPIRED_SESSION_TOKEN")
        assert answer.json()["error"]["message"] == "Session token has expired"


def test_a_session_lasts_as_long_as_was_asked(manager: httpx2.Client, clock: FixedClock) -> None:
    told = manager.post("/agents/short/activate", json={"duration_hours": 0.5, "agent_id": "short"}).json()
    assert told["expires_at"] == "2026-03-01T12:30:00Z"
    session = {"X-Session-Token": told["session_token"]}
    clock.advance(minutes=29, seconds=59)
    answer = manager.get("/agents/short/recall", params={"query": "x"}, headers=session)
    assert answer.status_code == 200
    # It was asked to be short, so use does not lengthen it.
    assert "X-Session-Token" not in answer.headers
    clock.advance(seconds=1)
    assert refused(manager.get("/session/current", headers=session)) == (401, "EXPIRED_SESSION_TOKEN")


def test_an_extended_session_outlives_its_first_end_with_the_old_token(agent: Agent, clock: FixedClock) -> None:
    told = agent.client.post("/session/extend", params={"additional_hours": 2}).json()
    assert told["new_expires_at"] == "2026-03-01T20:00:00Z"
    clock.advance(hours=7)
    assert agent.client.get("/session/current").json()["time_remaining_seconds"] == 3600
    clock.advance(hours=1)
    assert refused(agent.client.get("/session/current")) == (401, "EXPIRED_SESSION_TOKEN")


def test_use_shortly_before_the_end_lets_a_session_go_on(agent: Agent, clock: FixedClock) -> None:
    clock.advance(hours=5, minutes=29)
    assert "X-Session-Token" not in agent.client.get(agent.path("recall"), params={"query": "x"}).headers
    clock.advance(minutes=2)
    answer = agent.client.get(agent.path("recall"), params={"query": "x"})
    renewed = {"X-Session-Token": answer.headers["X-Session-Token"]}
    assert agent.client.get("/session/current", headers=renewed).json()["expires_at"] == "2026-03-01T23:31:00Z"


# --- days -----------------------------------------------------------------------------------------


def test_a_day_is_its_last_instant_in_as_of_and_its_first_in_since(agent: Agent, clock: FixedClock) -> None:
    clock.advance(hours=11, minutes=59, seconds=59.999999)
    agent.client.headers["X-Session-Token"] = activated(agent)
    late = agent.remember("The last of Sunday")
    clock.advance(microseconds=1)
    early = agent.remember("The first of Monday")
    clock.advance(hours=1)

    def ids(path: str, **query: str) -> list[str]:
        return [memory["id"] for memory in agent.get(path, **query)["memories"]]

    assert ids("recall/as-of", as_of="2026-03-01") == [late]
    assert ids("recall/as-of", as_of="2026-03-01", query="Sunday Monday") == [late]
    assert ids("recall/as-of", as_of="2026-03-02T00:00:00Z") == [early, late]
    assert ids("recall/as-of", as_of="2026-02-28") == []
    assert ids("recall/changed-since", since="2026-03-02") == [early]
    assert ids("recall/changed-since", since="2026-03-01") == [early, late]
    assert ids("recall", query="*", created_before="2026-03-01") == [late]
    assert ids("recall", query="*", created_after="2026-03-02") == [early]


def activated(agent: Agent) -> str:
    """The token of a new session."""
    token: str = agent.client.post(agent.path("activate")).json()["session_token"]
    return token


def test_what_is_true_for_a_day_is_true_to_its_end(agent: Agent) -> None:
    agent.remember("The shop is closed", valid_from="2026-03-01", valid_to="2026-03-02")
    (memory,) = agent.get("recall", query="shop")["memories"]
    assert (memory["valid_from"], memory["valid_to"]) == ("2026-03-01T00:00:00Z", "2026-03-02T23:59:59.999999Z")


# --- ends -----------------------------------------------------------------------------------------


def test_a_memory_that_ends_by_itself_is_gone_at_that_instant(agent: Agent, clock: FixedClock) -> None:
    id = agent.remember("The code is 4711", ttl_seconds=60)
    clock.advance(seconds=59)
    assert agent.contents(query="code") == ["The code is 4711"]
    clock.advance(seconds=1)
    for path in ("recall", "recall/current"):
        assert agent.contents(path, query="code") == []
    assert agent.contents("recall/current") == []
    (ended,) = agent.get("recall", query="code", status="expired")["memories"]
    assert (ended["status"], ended["expired_at"]) == ("expired", "2026-03-01T12:01:00Z")
    assert agent.contents("recall/as-of", query="code", as_of="2026-03-01T12:00:59Z") == ["The code is 4711"]
    assert agent.contents("recall/as-of", query="code", as_of="2026-03-01T12:01:00Z") == []
    changes = agent.get("recall/changed-since", since="2026-03-01")["memories"]
    assert [(one["id"], one["change_type"], one["changed_at"]) for one in changes] == [
        (id, "expired", "2026-03-01T12:01:00Z"),
        (id, "created", "2026-03-01T12:00:00Z"),
    ]


def test_a_policy_ends_what_is_older_than_its_type_lasts(agent: Agent, clock: FixedClock) -> None:
    old = agent.remember("It rains", type="observation")
    fact = agent.remember("Water is wet")
    clock.advance(days=13)
    agent.client.headers["X-Session-Token"] = activated(agent)
    new = agent.remember("It snows", type="observation")
    agent.post("policy/preset", {"name": "short"})
    assert agent.post("policy/apply")["memory_ids"] == []
    clock.advance(days=1)
    agent.client.headers["X-Session-Token"] = activated(agent)
    assert agent.post("policy/apply")["memory_ids"] == [old]
    assert {memory["id"] for memory in agent.get("recall", query="*")["memories"]} == {fact, new}
    clock.advance(days=29)
    agent.client.headers["X-Session-Token"] = activated(agent)
    assert agent.post("policy/purge")["memory_ids"] == []
    clock.advance(days=1)
    agent.client.headers["X-Session-Token"] = activated(agent)
    assert agent.post("policy/purge")["memory_ids"] == [old]
    assert agent.client.get(agent.path(f"memories/{old}")).status_code == 404


# --- trust ----------------------------------------------------------------------------------------


def test_an_observation_is_trusted_less_as_it_ages_until_it_is_validated(agent: Agent, clock: FixedClock) -> None:
    id = agent.remember("The heating is noisy", type="observation", confidence=0.9)

    def told() -> tuple[float, str]:
        memory = agent.get(f"memories/{id}")
        return memory["trust_score"], memory["trust_level"]

    assert told() == (0.9, "high")
    for days, expected in ((31, (0.8, "high")), (60, (0.7, "medium"))):
        clock.advance(days=days)
        agent.client.headers["X-Session-Token"] = activated(agent)
        assert told() == expected
    agent.post(f"validate/{id}")
    assert told() == (0.93, "high")


def test_stored_memories_of_the_last_days_are_compressed(agent: Agent, clock: FixedClock) -> None:
    agent.remember("We chose MySQL on 1 March")
    clock.advance(days=5)
    agent.client.headers["X-Session-Token"] = activated(agent)
    recent = agent.remember("We chose PostgreSQL on 6 March")
    body = {"agent_id": agent.id, "keep_recent_count": 0, "days_to_compress": 3}
    told = agent.client.post("/context/compress", json=body).json()
    assert told["original_memory_ids"] == [recent]
    assert told["compression_date"] == "2026-03-06T12:00:00Z"
