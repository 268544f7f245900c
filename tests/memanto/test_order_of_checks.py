"""Key, then session, then agent, then body: what a request that is wrong in several ways is told."""

import httpx2
import pytest

from tests.memanto.conftest import Agent

MEMORY_OPERATIONS = [
    ("POST", "/agents/{agent}/remember"),
    ("POST", "/agents/{agent}/batch-remember"),
    ("GET", "/agents/{agent}/recall"),
    ("POST", "/agents/{agent}/recall"),
    ("GET", "/agents/{agent}/recall/as-of"),
    ("GET", "/agents/{agent}/recall/changed-since"),
    ("GET", "/agents/{agent}/recall/current"),
    ("POST", "/agents/{agent}/recall/recent"),
    ("POST", "/agents/{agent}/validate/m"),
    ("POST", "/agents/{agent}/supersede/m"),
    ("POST", "/agents/{agent}/contradict/m"),
    ("GET", "/agents/{agent}/export"),
    ("PATCH", "/agents/{agent}/memories/m"),
    ("DELETE", "/agents/{agent}/memories/m"),
    ("GET", "/session/current"),
    ("POST", "/session/extend"),
]
MANAGEMENT = [
    ("GET", "/agents"),
    ("POST", "/agents"),
    ("GET", "/agents/x"),
    ("DELETE", "/agents/x"),
    ("POST", "/agents/x/activate"),
    ("POST", "/agents/x/deactivate"),
]
GARBAGE = b'{"content": '


@pytest.mark.parametrize(("method", "path"), MEMORY_OPERATIONS + MANAGEMENT)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer invalid_key"}, {"X-Api-Key": "mk_wrong"}])
def test_the_key_comes_first(anyone: httpx2.Client, method: str, path: str, headers: dict[str, str]) -> None:
    answer = anyone.request(method, path.format(agent="nobody"), headers=headers, content=GARBAGE)
    assert answer.status_code == 401
    told = answer.json()
    assert told["status"] == "error"
    assert told["error"] == {"code": "INVALID_API_KEY", "message": "API key is invalid or expired"}
    assert told["detail"] == "API key is invalid or expired"
    assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize(("method", "path"), MEMORY_OPERATIONS)
def test_the_session_comes_before_the_agent_and_the_body(manager: httpx2.Client, method: str, path: str) -> None:
    missing = manager.request(method, path.format(agent="nobody"), content=GARBAGE)
    assert missing.status_code == 401
    assert missing.json()["error"] == {
        "code": "MISSING_SESSION_TOKEN",
        "message": "X-Session-Token header is required",
    }
    wrong = manager.request(
        method, path.format(agent="nobody"), content=GARBAGE, headers={"X-Session-Token": "eyJx.eyJ9.x"}
    )
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "INVALID_SESSION_TOKEN")


@pytest.mark.parametrize(("method", "path"), [one for one in MEMORY_OPERATIONS if "{agent}" in one[1]])
def test_the_agent_comes_before_the_body(agent: Agent, method: str, path: str) -> None:
    answer = agent.client.request(method, path.format(agent="nobody"), content=GARBAGE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "INVALID_AGENT_ID")


def test_then_the_body(agent: Agent) -> None:
    for method, path in MEMORY_OPERATIONS:
        if method in ("POST", "PATCH") and "memories" not in path:
            answer = agent.client.request(method, path.format(agent=agent.id), content=GARBAGE)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR"), path


def test_a_refused_value_is_named_as_fastapi_names_it(agent: Agent) -> None:
    answer = agent.client.post(agent.path("remember"), json={"content": "x", "memory_type": "rumour"})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "memory_type"]
    assert problem["type"] == "literal_error"
    assert isinstance(problem["msg"], str)


def test_unknown_paths_and_methods(manager: httpx2.Client) -> None:
    assert manager.get("/nothing").status_code == 404
    assert manager.get("/nothing").json()["error"]["code"] == "NOT_FOUND"
    assert manager.put("/agents").status_code == 405
    assert manager.put("/agents").json()["status"] == "error"


def test_what_needs_no_key(server_root: httpx2.Client) -> None:
    assert server_root.get("/health").json()["status"] == "healthy"
    assert server_root.get("/health").json()["service"] == "MEMANTO"
    assert server_root.get("/ready").json() == {"status": "ready"}
    assert server_root.get("/live").json() == {"status": "alive"}
    assert server_root.get("/").json()["service"] == "MEMANTO"
    for page in ("/docs", "/redoc"):
        text = server_root.get(page).text
        assert "https://" not in text, page
    assert server_root.get("/openapi.json").status_code == 200
