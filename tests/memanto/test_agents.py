import httpx2

from tests.memanto.conftest import Agent
from tests.serving import Server


def test_an_agent_is_made_listed_and_told_with_its_counts(manager: httpx2.Client, agent: Agent) -> None:
    agent.remember("Paris is the capital of France")
    agent.remember("Ana likes aisle seats", type="preference")
    told = manager.get(f"/agents/{agent.id}").json()
    assert told["agent_id"] == agent.id
    assert told["namespace"] == f"memanto_agent_{agent.id}"
    assert told["pattern"] == "support"
    assert told["memory_count"] == 2
    assert told["memory_breakdown"] == {"fact": 1, "preference": 1}
    assert told["session_count"] == 1
    assert told["last_active"].endswith("Z")
    assert manager.get("/agents").json()["agents"][0]["memory_count"] == 2


def test_an_answer_reads_flat_and_as_an_envelope(manager: httpx2.Client) -> None:
    made = manager.post("/agents", json={"agent_id": "both", "pattern": "tool", "description": "Two"})
    assert made.status_code == 201
    told = made.json()
    assert told["status"] == "success"
    assert told["data"]["status"] == "ready"
    assert told["timestamp"].endswith("Z")
    assert told["agent_id"] == told["data"]["agent_id"] == "both"
    assert told["pattern"] == told["data"]["pattern"] == "tool"
    assert told["description"] == "Two"


def test_an_id_that_is_taken_conflicts(manager: httpx2.Client) -> None:
    assert manager.post("/agents", json={"agent_id": "a"}).status_code == 201
    again = manager.post("/agents", json={"agent_id": "a"})
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "AGENT_ALREADY_EXISTS"


def test_ids_differ_by_case(manager: httpx2.Client) -> None:
    for id in ("Agent", "agent", "AGENT"):
        assert manager.post("/agents", json={"agent_id": id}).status_code == 201
        assert manager.get(f"/agents/{id}").json()["agent_id"] == id
    assert manager.get("/agents").json()["total"] == 3


def test_a_bad_id_or_none_is_refused(manager: httpx2.Client) -> None:
    bodies: list[object] = [
        {"agent_id": "a b"}, {"agent_id": ""}, {"agent_id": "ä"}, {"agent_id": "a\n"}, {}, {"agent_id": 1}, [],
    ]  # fmt: skip
    for body in bodies:
        answer = manager.post("/agents", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert manager.get("/agents").json()["total"] == 0


def test_unknown_members_of_a_body_are_ignored(manager: httpx2.Client) -> None:
    assert manager.post("/agents", json={"agent_id": "a", "colour": "red"}).status_code == 201


def test_agents_are_paged_and_sorted(manager: httpx2.Client) -> None:
    for number in range(12):
        assert manager.post("/agents", json={"agent_id": f"n{number:02}"}).status_code == 201
    manager.post("/agents/n03/activate")
    first = manager.get("/agents").json()
    assert (first["total"], first["count"], first["limit"], first["offset"]) == (12, 10, 10, 0)
    assert [agent["agent_id"] for agent in first["agents"]][:2] == ["n11", "n10"]
    second = manager.get("/agents", params={"limit": 10, "offset": 10}).json()
    assert [agent["agent_id"] for agent in second["agents"]] == ["n01", "n00"]
    by_name = manager.get("/agents", params={"sort": "name", "limit": 3}).json()
    assert [agent["agent_id"] for agent in by_name["agents"]] == ["n00", "n01", "n02"]
    assert manager.get("/agents", params={"sort": "recent"}).json()["agents"][0]["agent_id"] == "n03"


def test_a_page_out_of_bounds_is_refused(manager: httpx2.Client) -> None:
    assert manager.get("/agents", params={"limit": 101}).status_code == 400
    for query in ({"limit": 0}, {"offset": -1}, {"limit": "x"}, {"sort": "size"}):
        assert manager.get("/agents", params=query).status_code == 422, query


def test_an_unknown_agent_is_not_found(manager: httpx2.Client) -> None:
    for method in ("GET", "DELETE"):
        answer = manager.request(method, "/agents/xyz")
        assert answer.status_code == 404
        assert answer.json()["error"] == {"code": "INVALID_AGENT_ID", "message": "Agent 'xyz' not found"}
        assert answer.json()["detail"] == "Agent 'xyz' not found"


def test_deleting_an_agent_ends_its_session_and_hides_it(manager: httpx2.Client, agent: Agent) -> None:
    agent.remember("A memory")
    answer = manager.delete(f"/agents/{agent.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert manager.get(f"/agents/{agent.id}").status_code == 404
    assert manager.get("/agents").json()["total"] == 0
    gone = agent.client.get(agent.path("recall"), params={"query": "memory"})
    assert gone.status_code == 401
    assert manager.delete(f"/agents/{agent.id}").status_code == 404


def test_memories_of_a_deleted_agent_are_there_again_when_it_is_created_again(
    manager: httpx2.Client, agent: Agent
) -> None:
    agent.remember("A memory")
    manager.delete(f"/agents/{agent.id}")
    assert manager.post("/agents", json={"agent_id": agent.id}).json()["memory_count"] == 1


def test_memories_are_gone_when_the_backup_is_deleted_too(manager: httpx2.Client, agent: Agent) -> None:
    agent.remember("A memory")
    answer = manager.delete(f"/agents/{agent.id}", params={"delete-backup-too": "true"})
    assert answer.status_code == 204
    assert manager.post("/agents", json={"agent_id": agent.id}).json()["memory_count"] == 0


def test_another_organization_has_agents_of_its_own(manager: httpx2.Client, server: Server, agent: Agent) -> None:
    other = {"Authorization": f"Bearer {server.new_key(server.new_organization())}"}
    assert manager.get(f"/agents/{agent.id}", headers=other).status_code == 404
    assert manager.get("/agents", headers=other).json()["total"] == 0
    stranger = manager.post(
        agent.path("remember"), params={"content": "x"}, headers={**other, "X-Session-Token": agent.token}
    )
    assert stranger.status_code == 401
