"""One memory replaces another: hidden from recall, readable, and never lost."""

from typing import Any

import httpx2
import pytest

from tests.mememory.test_contract import UNKNOWN, keep, listed
from tests.mememory.test_search import search


def recalled(api: httpx2.Client, query: str = "Where is the office?") -> list[str]:
    return [hit["memory"]["content"] for hit in search(api, query)]


def read(api: httpx2.Client, memory: dict[str, Any]) -> dict[str, Any]:
    answer = api.get(f"/api/memories/{memory['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def old(api: httpx2.Client) -> dict[str, Any]:
    return keep(api, "The office is in Lisbon", weight=0.9)


@pytest.fixture
def new(api: httpx2.Client, clock: Any, old: dict[str, Any]) -> dict[str, Any]:
    clock.advance(days=1)
    return keep(api, "We moved everything to Porto", supersedes=old["id"])


def test_both_sides_of_a_replacement_name_each_other(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert new["supersedes"] == old["id"]
    assert read(api, old)["superseded_by"] == new["id"]


def test_the_replaced_one_is_not_recalled_whatever_the_wording(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    for query in ("The office is in Lisbon", "Where is the office?", "Lisbon"):
        assert recalled(api, query) == ["We moved everything to Porto"]


def test_the_replaced_one_stays_readable_with_the_least_weight_and_the_time_of_its_replacement(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    shown = {"weight": 0.1, "superseded_by": new["id"], "updated_at": "2026-03-02T12:00:00Z"}
    assert read(api, old) == old | shown
    assert "The office is in Lisbon" in listed(api)
    history = api.get(f"/native/v1/memories/{old['id']}/history").json()["items"]
    assert [version["change"] for version in history] == ["created", "superseded"]


def test_what_was_replaced_is_not_delivered_unasked(api: httpx2.Client) -> None:
    old = keep(api, "Use tabs", delivery="pinned")
    keep(api, "Use spaces", delivery="pinned", supersedes=old["id"])
    assert listed(api, delivery="pinned") == ["Use spaces"]
    assert "tabs" not in api.get("/api/pinned/preview").json()["markdown"]


def test_deleting_the_newer_one_brings_the_older_one_back(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert api.delete(f"/api/memories/{new['id']}").json() == {"ok": True}
    assert recalled(api) == ["The office is in Lisbon"]
    shown = read(api, old)
    assert shown["weight"] == 0.9
    assert "superseded_by" not in shown


def test_restoring_the_newer_one_replaces_the_older_one_again(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    api.delete(f"/api/memories/{new['id']}")
    assert api.post(f"/native/v1/memories/{new['id']}/restore").status_code == 200
    assert recalled(api) == ["We moved everything to Porto"]
    assert read(api, new)["supersedes"] == old["id"]


def test_deleting_the_older_one_leaves_the_newer_one_replacing_nothing(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    api.delete(f"/api/memories/{old['id']}")
    assert "supersedes" not in read(api, new)
    assert recalled(api) == ["We moved everything to Porto"]


def test_a_bulk_delete_of_the_newer_ones_brings_the_older_ones_back(api: httpx2.Client) -> None:
    for number in range(3):
        old = keep(api, f"old {number}", type="fact")
        keep(api, f"new {number}", type="decision", supersedes=old["id"])
    assert api.delete("/api/memories", params={"type": "decision"}).json() == {"deleted": 3}
    assert sorted(recalled(api, "old")) == ["old 0", "old 1", "old 2"]


def test_both_of_a_pair_can_be_deleted_and_restored_together(
    api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert api.delete("/api/memories").json() == {"deleted": 2}
    for memory in (old, new):
        assert api.post(f"/native/v1/memories/{memory['id']}/restore").status_code == 200
    assert recalled(api) == ["We moved everything to Porto"]


def test_a_memory_is_replaced_once(api: httpx2.Client, old: dict[str, Any], new: dict[str, Any]) -> None:
    answer = api.post("/api/memories", json={"content": "x", "supersedes": old["id"]})
    assert answer.status_code == 400
    assert "already superseded" in answer.json()["error"]
    assert api.post("/api/memories", json={"content": "x", "supersedes": new["id"]}).status_code == 201


def test_what_is_not_there_cannot_be_replaced(api: httpx2.Client) -> None:
    assert api.post("/api/memories", json={"content": "x", "supersedes": UNKNOWN}).status_code == 404
    assert listed(api) == []


def test_an_expired_successor_still_hides_what_it_replaced(api: httpx2.Client, clock: Any) -> None:
    old = keep(api, "The office is in Lisbon")
    keep(api, "The office is in Porto", supersedes=old["id"], ttl="1h")
    clock.advance(hours=2)
    assert recalled(api) == []
