"""The published overview's own examples, run as they stand against MEMANTO at the root of a port of its own.

Filled in are only the port, which must be a free one, and the key, which everybody makes for themselves.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from polymem.core.people import Scope
from polymem.dialects import memanto
from tests.conftest import MakeSettings
from tests.serving import PATIENCE, Server, serving

BASE_URL = "http://localhost:8000/api/v2"

QUICK_START = """
import httpx

api_key = "mk_your_api_key"
agent_id = "my-agent"
base_url = "http://localhost:8000/api/v2"

# 1. Activate session
response = httpx.post(
    f"{base_url}/agents/{agent_id}/activate",
    headers={"Authorization": f"Bearer {api_key}"}
)
session_token = response.json()["session_token"]

# 2. Store memory
response = httpx.post(
    f"{base_url}/agents/{agent_id}/remember",
    params={
        "memory_type": "fact",
        "content": "Paris is the capital of France",
        "confidence": 1.0
    },
    headers={
        "Authorization": f"Bearer {api_key}",
        "X-Session-Token": session_token
    }
)
memory_id = response.json()["memory_id"]

# 3. Recall memory
response = httpx.get(
    f"{base_url}/agents/{agent_id}/recall",
    params={"query": "What's the capital of France?"},
    headers={
        "Authorization": f"Bearer {api_key}",
        "X-Session-Token": session_token
    }
)
memories = response.json()["memories"]
print(f"Found {len(memories)} memory")
"""

CREATE_ACTIVATE_STORE = """
import httpx

api_key = "mk_your_key"
base_url = "http://localhost:8000/api/v2"

# Create
httpx.post(f"{base_url}/agents",
    json={"agent_id": "my-agent"},
    headers={"Authorization": f"Bearer {api_key}"})

# Activate
resp = httpx.post(f"{base_url}/agents/my-agent/activate",
    headers={"Authorization": f"Bearer {api_key}"})
token = resp.json()["session_token"]

# Remember
httpx.post(f"{base_url}/agents/my-agent/remember",
    params={"content": "Hello", "type": "fact"},
    headers={
        "Authorization": f"Bearer {api_key}",
        "X-Session-Token": token
    })
"""

BATCH_STORE = """
memories = [
    {"content": "Alice", "type": "fact"},
    {"content": "Prefers email", "type": "preference"}
]

httpx.post(f"{base_url}/agents/my-agent/batch-remember",
    json={"memories": memories},
    headers={
        "Authorization": f"Bearer {api_key}",
        "X-Session-Token": token
    })
"""

INVALID_KEY = """curl -X GET "http://localhost:8000/api/v2/agents" \\
  -H "Authorization: Bearer invalid_key"
"""

MISSING_TOKEN = """curl -X POST "http://localhost:8000/api/v2/agents/my-agent/remember" \\
  -H "Authorization: Bearer mk_valid_key"
"""

Names = dict[str, Any]


@pytest.fixture(scope="module")
def server(make_settings: MakeSettings) -> Iterator[Server]:
    """MEMANTO alone, with the local model."""
    with serving(make_settings(), dialect=memanto.DIALECT) as server:
        yield server


@pytest.fixture
def base(server: Server) -> str:
    return server.url + "/api/v2"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Response]:
    """What the code is answered. It imports httpx, whose successor has the same interface."""
    heard: list[httpx2.Response] = []

    def listening(call: Callable[..., httpx2.Response]) -> Callable[..., httpx2.Response]:
        def heard_call(*arguments: Any, **named: Any) -> httpx2.Response:
            heard.append(call(*arguments, trust_env=False, timeout=PATIENCE, **named))
            return heard[-1]

        return heard_call

    class Httpx:
        get = staticmethod(listening(httpx2.get))
        post = staticmethod(listening(httpx2.post))

    monkeypatch.setitem(sys.modules, "httpx", Httpx)
    return heard


def played(code: str, base: str, key: str, names: Names | None = None) -> Names:
    """Runs the code; the names it leaves."""
    names = {} if names is None else names
    for told, meant in ((BASE_URL, base), ("mk_your_api_key", key), ("mk_your_key", key)):
        code = code.replace(told, meant)
    exec(compile(code, "the overview", "exec"), names)
    return names


def curled(command: str, base: str, key: str) -> tuple[int, Names]:
    """The status and the body that the command is answered with."""
    words = shlex.split(command.replace(BASE_URL, base).replace("mk_valid_key", key).replace("\\\n", " "))
    command_line = [*words, "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]
    done = subprocess.run(command_line, capture_output=True, check=True, timeout=PATIENCE, text=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_the_quick_start(
    base: str, key: str, answers: list[httpx2.Response], capsys: pytest.CaptureFixture[str]
) -> None:
    names = played(QUICK_START, base, key)
    assert capsys.readouterr().out == "Found 1 memory\n"
    assert [answer.status_code for answer in answers] == [200, 201, 200]
    (memory,) = names["memories"]
    assert (memory["id"], memory["content"]) == (names["memory_id"], "Paris is the capital of France")
    assert (memory["type"], memory["confidence"]) == ("fact", 1.0)
    assert names["session_token"].startswith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9")
    for answer in answers:
        told = answer.json()
        assert told["status"] == "success"
        assert told["timestamp"].endswith("Z")
        assert told["data"].keys() | {"data", "timestamp", "status"} == told.keys()
    # Once more, as its reader may.
    assert len(played(QUICK_START, base, key)["memories"]) == 2


def test_the_common_patterns(base: str, key: str, answers: list[httpx2.Response]) -> None:
    names = played(CREATE_ACTIVATE_STORE, base, key)
    played(BATCH_STORE, base, key, names)
    assert [answer.status_code for answer in answers] == [201, 200, 201, 201]
    assert [one["type"] for one in answers[-1].json()["results"]] == ["fact", "preference"]
    found = httpx2.get(
        f"{base}/agents/my-agent/recall/current",
        headers={"Authorization": f"Bearer {key}", "X-Session-Token": names["token"]},
        trust_env=False,
    ).json()["memories"]
    assert [(memory["content"], memory["type"]) for memory in found] == [
        ("Prefers email", "preference"),
        ("Alice", "fact"),
        ("Hello", "fact"),
    ]


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (INVALID_KEY, "INVALID_API_KEY", "API key is invalid or expired"),
        (MISSING_TOKEN, "MISSING_SESSION_TOKEN", "X-Session-Token header is required"),
    ],
)
def test_the_documented_refusals(base: str, key: str, command: str, code: str, message: str) -> None:
    status, told = curled(command, base, key)
    assert status == 401
    assert told["status"] == "error"
    assert told["error"] == {"code": code, "message": message}


def test_an_agent_that_is_not_there(manager: httpx2.Client) -> None:
    answer = manager.get("/agents/xyz")
    assert answer.status_code == 404
    assert answer.json()["error"] == {"code": "INVALID_AGENT_ID", "message": "Agent 'xyz' not found"}


def test_agents_are_paged_as_documented(manager: httpx2.Client) -> None:
    for number in range(12):
        assert manager.post("/agents", json={"agent_id": f"agent-{number}"}).status_code == 201
    first = manager.get("/agents?limit=10&offset=0").json()
    assert [agent["agent_id"] for agent in first["agents"]] == [f"agent-{number}" for number in range(11, 1, -1)]
    assert (first["total"], first["limit"], first["offset"]) == (12, 10, 0)
    assert len(manager.get("/agents").json()["agents"]) == 10
    assert [one["agent_id"] for one in manager.get("/agents?offset=10").json()["agents"]] == ["agent-1", "agent-0"]


def test_there_is_no_limit_per_second(server: Server, scope: Scope, manager: httpx2.Client) -> None:
    statuses = {manager.get("/agents").status_code for _ in range(200)}
    assert statuses == {200}


def test_the_documentation_is_at_the_root(server: Server) -> None:
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client:
        for page in ("/docs", "/redoc"):
            text = client.get(page).text
            assert "/openapi.json" in text
            for source in text.split('src="')[1:]:
                assert client.get(source.partition('"')[0]).status_code == 200
        assert client.get("/health").json()["status"] == "healthy"
