"""Key, then session, then agent, then body: what a request that is wrong in several ways is told."""

import re
from typing import cast

import httpx2
import pytest

from polymem.core import Core
from polymem.dialects import memanto
from polymem.dialects.dialect import DialectOptions
from polymem.dialects.memanto import PREFIX
from tests.memanto.conftest import Agent

DOCUMENT = memanto.DIALECT.create_app(cast(Core, None), DialectOptions(version="1")).openapi()


def _operations(*schemes: str) -> list[tuple[str, str]]:
    # All that the document says need these, and nothing that needs less.
    return [
        (method.upper(), re.sub(r"{(memory_id|name)}", "m", path.removeprefix(PREFIX)).replace("{agent_id}", "{agent}"))
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if {name for one in operation.get("security", ()) for name in one} == set(schemes)
    ]


EITHER = [("POST", "/context/summarize"), ("POST", "/context/summarize/custom"), ("POST", "/context/compress")]
EITHER += [("POST", "/agents/{agent}/deactivate"), ("GET", "/status")]
"""A session may stand for the key here, and is not needed where there is one."""

MEMORY_OPERATIONS = [one for one in _operations("bearer", "key", "session") if one not in EITHER]
MANAGEMENT = _operations("bearer", "key")
GARBAGE = b'{"content": '


@pytest.mark.parametrize(("method", "path"), MEMORY_OPERATIONS + MANAGEMENT + EITHER)
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


@pytest.mark.parametrize(("method", "path"), [one for one in MEMORY_OPERATIONS if "{agent}" in one[1]])
def test_so_does_whose_session_it_is(agent: Agent, manager: httpx2.Client, method: str, path: str) -> None:
    manager.post("/agents", json={"agent_id": "other"})
    answer = agent.client.request(method, path.format(agent="other"), content=GARBAGE, params={"limit": "many"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SESSION_AGENT_MISMATCH")


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
