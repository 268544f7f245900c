"""Time to live: what it means, and that nothing outlives it anywhere."""

from typing import Any

import httpx2
import pytest

from tests.mememory.test_contract import keep, listed
from tests.mememory.test_search import search


@pytest.mark.parametrize(
    ("ttl", "expires"),
    [
        ("24h", "2026-03-02T12:00:00Z"),
        ("7d", "2026-03-08T12:00:00Z"),
        ("30d", "2026-03-31T12:00:00Z"),
        ("2w", "2026-03-15T12:00:00Z"),
        ("1h30m", "2026-03-01T13:30:00Z"),
        ("1.5h", "2026-03-01T13:30:00Z"),
        (".5h", "2026-03-01T12:30:00Z"),
        ("+1m", "2026-03-01T12:01:00Z"),
        ("1d12h", "2026-03-03T00:00:00Z"),
        ("90s", "2026-03-01T12:01:30Z"),
        ("1500ms", "2026-03-01T12:00:01.500000Z"),
        ("10us", "2026-03-01T12:00:00.000010Z"),
        ("10µs", "2026-03-01T12:00:00.000010Z"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_a_ttl_is_a_duration_and_answers_as_an_instant(api: httpx2.Client, ttl: str, expires: str) -> None:
    assert keep(api, "x", ttl=ttl)["ttl"] == expires


@pytest.mark.parametrize("ttl", ["soon", "7", "d", "7 d", "7days", "1h-30m", "1e3s", "--1h", "٧d", "999999999w", "7D"])
def test_a_ttl_that_means_nothing_is_refused(api: httpx2.Client, ttl: str) -> None:
    answer = api.post("/api/memories", json={"content": "x", "ttl": ttl})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f'invalid ttl "{ttl}"')
    assert listed(api) == []


@pytest.mark.parametrize("ttl", ["0", "-1h", "-2d", "0s"])
def test_a_ttl_that_is_over_is_kept_and_gone_at_once(api: httpx2.Client, ttl: str) -> None:
    keep(api, "x", ttl=ttl)
    assert listed(api) == []


def test_an_expired_memory_is_gone_from_every_door_at_that_instant(api: httpx2.Client, clock: Any) -> None:
    memory = keep(api, "The office is closed today", ttl="8h", delivery="pinned")
    clock.advance(hours=8, microseconds=-1)
    assert listed(api) == ["The office is closed today"]
    assert len(search(api, "Is the office open?")) == 1
    clock.advance(microseconds=1)
    assert listed(api) == []
    assert search(api, "Is the office open?") == []
    assert api.get(f"/api/memories/{memory['id']}").status_code == 404
    assert api.put(f"/api/memories/{memory['id']}", json={"content": "x"}).status_code == 404
    assert api.post("/api/memories/export").json() == []
    assert api.get("/api/pinned/preview").json()["markdown"] == ""
    assert api.get("/api/stats").json()["total"] == 0
    assert api.delete("/api/memories").json() == {"deleted": 0}
    assert "contradictions" not in api.post("/api/memories", json={"content": "The office is closed today"}).json()
    assert api.get(f"/native/v1/memories/{memory['id']}").status_code == 404
    recalled = api.post("/native/v1/recall", json={"query": "The office is closed", "ids": [memory["id"]]})
    assert recalled.json()["hits"] == []


def test_an_exported_ttl_is_imported_again(api: httpx2.Client, clock: Any) -> None:
    keep(api, "x", ttl="8h")
    exported = api.post("/api/memories/export").json()
    api.delete("/api/memories")
    clock.advance(hours=1)
    assert api.post("/api/memories/import", json=exported).json() == {"imported": 1}
    (memory,) = api.get("/api/memories").json()
    assert memory["ttl"] == exported[0]["ttl"]
    clock.advance(hours=7)
    assert listed(api) == []
