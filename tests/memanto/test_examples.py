"""The flows of the published overview, as its reader types them: no agent is made beforehand, answers are read flat."""

import httpx2

from tests.serving import PATIENCE


def test_quick_start(base: str, key: str) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as http:
        activated = http.post(f"{base}/agents/my-agent/activate", headers=bearer)
        both = {**bearer, "X-Session-Token": activated.json()["session_token"]}
        kept = http.post(
            f"{base}/agents/my-agent/remember",
            params={"memory_type": "fact", "content": "Paris is the capital of France", "confidence": 1.0},
            headers=both,
        )
        memory_id = kept.json()["memory_id"]
        found = http.get(
            f"{base}/agents/my-agent/recall", params={"query": "What's the capital of France?"}, headers=both
        )
    (memory,) = found.json()["memories"]
    assert memory["id"] == memory_id
    assert memory["confidence"] == 1.0
    assert found.json()["data"]["memories"] == [memory]


def test_common_patterns(base: str, key: str) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as http:
        assert http.post(f"{base}/agents", json={"agent_id": "my-agent"}, headers=bearer).status_code == 201
        token = http.post(f"{base}/agents/my-agent/activate", headers=bearer).json()["session_token"]
        both = {**bearer, "X-Session-Token": token}
        hello = http.post(f"{base}/agents/my-agent/remember", params={"content": "Hello", "type": "fact"}, headers=both)
        assert hello.status_code == 201
        batch = http.post(
            f"{base}/agents/my-agent/batch-remember",
            json={
                "memories": [
                    {"content": "Alice", "type": "fact"},
                    {"content": "Prefers email", "type": "preference"},
                ]
            },
            headers=both,
        )
        assert batch.json()["successful"] == 2
        listed = http.get(f"{base}/agents?limit=10&offset=0", headers=bearer).json()
        assert listed["agents"][0]["memory_count"] == 3


def test_the_documented_refusals(base: str, key: str) -> None:
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as http:
        invalid = http.get(f"{base}/agents", headers={"Authorization": "Bearer invalid_key"})
        missing = http.post(f"{base}/agents/my-agent/remember", headers={"Authorization": f"Bearer {key}"})
    for answer, code, message in (
        (invalid, "INVALID_API_KEY", "API key is invalid or expired"),
        (missing, "MISSING_SESSION_TOKEN", "X-Session-Token header is required"),
    ):
        assert answer.status_code == 401
        assert answer.json()["status"] == "error"
        assert answer.json()["error"] == {"code": code, "message": message}
