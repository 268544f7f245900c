"""The past, changes, findings and trust over HTTP. The server's clock is the real one, so pasts are read from it."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.serving import Server

A_DAY = timedelta(days=1)


def keep(api: httpx2.Client, content: str, **fields: Any) -> dict[str, Any]:
    answer = api.post("/v1/memories", json={"content": content, **fields})
    assert answer.status_code == 201, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


def contents(api: httpx2.Client, query: str, **asked: Any) -> list[str]:
    answer = api.post("/v1/recall", json={"query": query, "min_score": 0, **asked})
    assert answer.status_code == 200, answer.text
    return [hit["memory"]["content"] for hit in answer.json()["hits"]]


def history(api: httpx2.Client, memory_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(f"/v1/memories/{memory_id}/history").json()["items"]
    return items


def test_recall_as_of_answers_with_the_texts_of_then(api: httpx2.Client) -> None:
    kept = keep(api, "Ana lives in Lisbon")
    then = history(api, kept["id"])[0]["recorded_at"]
    api.patch(f"/v1/memories/{kept['id']}", json={"content": "Ana lives in Porto"})
    assert contents(api, "Where does Ana live?") == ["Ana lives in Porto"]
    assert contents(api, "Where does Ana live?", as_of=then) == ["Ana lives in Lisbon"]
    assert contents(api, "Where does Ana live?", as_of="2026-01-31") == []
    listed = api.get("/v1/memories", params={"as_of": then}).json()
    assert ([item["content"] for item in listed["items"]], listed["total"]) == (["Ana lives in Lisbon"], 1)
    path = f"/v1/memories/{kept['id']}"
    assert api.get(path, params={"as_of": then}).json()["content"] == "Ana lives in Lisbon"
    assert api.get(path, params={"as_of": "2026-01-31"}).status_code == 404
    assert api.get(path, params={"as_of": "2999-01-31"}).json()["content"] == "Ana lives in Porto"


def test_the_end_of_today_is_now(api: httpx2.Client) -> None:
    kept = keep(api, "Ana lives in Lisbon")
    today = kept["created_at"][:10]
    assert contents(api, "Where does Ana live?", as_of=today) == ["Ana lives in Lisbon"]


def test_what_was_true_at_an_instant_is_asked_apart_from_what_was_known(api: httpx2.Client) -> None:
    keep(api, "Ana works for Acme", valid_from="2024-01-01T00:00:00Z", valid_to="2026-01-01T00:00:00Z")
    keep(api, "Ana works for Initech", valid_from="2026-01-01T00:00:00Z")
    query = "Whom does Ana work for?"
    assert set(contents(api, query)) == {"Ana works for Acme", "Ana works for Initech"}
    assert contents(api, query, true_at="2025-06-01T00:00:00Z") == ["Ana works for Acme"]
    assert contents(api, query, true_at="2026-01-01T00:00:00Z") == ["Ana works for Initech"]
    assert contents(api, query, true_at="2023-01-01T00:00:00Z") == []
    assert api.get("/v1/memories", params={"true_at": "2025-06-01T00:00:00Z"}).json()["total"] == 1


def test_changes_are_told_with_their_kind_and_reason_newest_first(api: httpx2.Client) -> None:
    kept = keep(api, "Ana lives in Lisbon", project="people")
    path = f"/v1/memories/{kept['id']}"
    api.post(f"{path}/validate", json={"note": "she said so"})
    new = api.post(f"{path}/supersede", json={"content": "Ana lives in Porto"}).json()
    api.delete(f"/v1/memories/{new['id']}")
    today = kept["created_at"][:10]

    page = api.get("/v1/changes", params={"since": today}).json()

    told = [(item["change"], item["note"], item["memory"]["id"] == kept["id"]) for item in page["items"]]
    assert page["total"] == len(told)
    assert [entry for entry in reversed(told) if entry[2]][:3] == [
        ("created", None, True),
        ("validated", "she said so", True),
        ("superseded", None, True),
    ]
    assert [change for change, _, old in reversed(told) if not old] == ["created", "forgotten"]
    some = api.get("/v1/changes", params={"since": today, "change": ["validated", "forgotten"], "order": "asc"}).json()
    assert [item["change"] for item in some["items"]] == ["validated", "forgotten"]
    assert api.get("/v1/changes", params={"since": today, "project": "nowhere"}).json()["total"] == 0
    assert api.get("/v1/changes", params={"since": today, "until": "2020-01-01"}).json()["total"] == 0
    paged = api.get("/v1/changes", params={"since": today, "limit": 1, "offset": 1}).json()
    assert (paged["items"], paged["total"]) == ([page["items"][1]], page["total"])


def test_findings_are_kept_and_make_the_trust(api: httpx2.Client) -> None:
    kept = keep(api, "Ana lives in Lisbon", confidence=0.8, provenance="inferred")
    path = f"/v1/memories/{kept['id']}"
    assert api.get(f"{path}/trust").json() == {
        "memory_id": kept["id"],
        "score": pytest.approx(0.56),
        "level": "medium",
        "confidence": 0.8,
        "provenance": "inferred",
        "validations": 0,
        "contradictions": 0,
        "contradicted": False,
    }
    contradicted = api.post(f"{path}/contradict", json={"note": "Bea says Porto"}).json()
    assert (contradicted["contradictions"], contradicted["contradicted_at"] is None) == (1, False)
    assert api.get(f"{path}/trust").json()["score"] == pytest.approx(0.24)
    validated = api.post(f"{path}/validate").json()
    assert (validated["validations"], validated["contradicted_at"], validated["provenance"]) == (1, None, "validated")
    assert api.get(f"{path}/trust").json()["score"] == pytest.approx(0.76)
    assert api.get(path).json() == validated
    entries = [(entry["change"], entry["note"]) for entry in history(api, kept["id"])]
    assert entries == [("created", None), ("contradicted", "Bea says Porto"), ("validated", None)]
    at_first = history(api, kept["id"])[0]["recorded_at"]
    assert api.get(f"{path}/trust", params={"as_of": at_first}).json()["score"] == pytest.approx(0.56)


def test_recall_weighs_trust_where_it_is_asked_to(api: httpx2.Client) -> None:
    doubted = keep(api, "The harbour opens at six")
    keep(api, "On most days the harbour opens at six or a little later")
    api.post(f"/v1/memories/{doubted['id']}/contradict")
    query = "When does the harbour open? At six?"
    assert contents(api, query)[0] == "The harbour opens at six"
    asked = {"query": query, "explain": True, "trust_weight": 1}
    first, last = api.post("/v1/recall", json=asked).json()["hits"]
    assert last["memory"]["id"] == doubted["id"]
    assert last["explain"]["factors"]["trust"] == pytest.approx(6 * -0.76)
    assert first["explain"]["factors"]["trust"] == pytest.approx(6 * -0.32)
    for wrong in (-0.1, 1.1, "much"):
        refused = api.post("/v1/recall", json={"query": "x", "trust_weight": wrong})
        assert (refused.status_code, "trust_weight" in refused.text) == (400, True)


def test_a_replacement_takes_the_place_of_the_old_one(api: httpx2.Client) -> None:
    old = keep(api, "Lisbon", project="people", kind="fact", tags=["home"], importance=8, title="Ana's home")
    path = f"/v1/memories/{old['id']}/supersede"
    answer = api.post(path, json={"content": "Porto", "tags": ["home", "new"]})
    new = answer.json()
    assert answer.status_code == 201
    assert (new["supersedes"], new["content"], new["tags"]) == (old["id"], "Porto", ["home", "new"])
    assert (new["project"], new["kind"], new["importance"], new["title"]) == ("people", "fact", 8, None)
    assert api.get(f"/v1/memories/{old['id']}").json()["superseded_by"] == new["id"]
    assert api.post(path, json={"content": "Braga"}).status_code == 409


def test_a_memory_that_exists_can_be_the_replacement(api: httpx2.Client) -> None:
    old, new = keep(api, "Ana lives in Lisbon"), keep(api, "Ana lives in Porto")
    answer = api.post(f"/v1/memories/{old['id']}/supersede", json={"memory_id": new["id"]})
    assert (answer.status_code, answer.json()["id"], answer.json()["supersedes"]) == (200, new["id"], old["id"])
    assert contents(api, "Where does Ana live?") == ["Ana lives in Porto"]


@pytest.mark.parametrize("verb", ["validate", "contradict", "supersede"])
def test_what_is_not_there_can_neither_be_judged_nor_replaced(api: httpx2.Client, verb: str) -> None:
    body = {"content": "x"} if verb == "supersede" else {}
    assert api.post(f"/v1/memories/unknown/{verb}", json=body).status_code == 404
    kept = keep(api, "Ana lives in Lisbon")
    api.delete(f"/v1/memories/{kept['id']}")
    assert api.post(f"/v1/memories/{kept['id']}/{verb}", json=body).status_code == 404
    assert len(history(api, kept["id"])) == 2, "nothing was recorded"


@pytest.mark.parametrize(
    ("method", "path", "request_", "field"),
    [
        ("GET", "/v1/changes", {}, "since"),
        ("GET", "/v1/changes", {"params": {"since": "yesterday"}}, "since"),
        ("GET", "/v1/changes", {"params": {"since": "2026-02-30"}}, "since"),
        ("GET", "/v1/changes", {"params": {"since": "2026-01-31", "change": "eaten"}}, "change.0"),
        ("GET", "/v1/changes", {"params": {"since": "2026-01-31", "limit": 0}}, "limit"),
        ("GET", "/v1/memories", {"params": {"as_of": "soon"}}, "as_of"),
        ("POST", "/v1/recall", {"json": {"query": "x", "as_of": "soon"}}, "as_of"),
        ("POST", "/v1/recall", {"json": {"query": "x", "as_of": 5}}, "as_of"),
        ("POST", "/v1/recall", {"json": {"query": "x", "true_at": "soon"}}, "true_at"),
        ("POST", "/v1/memories/m/validate", {"json": {"note": 1}}, "note"),
        ("POST", "/v1/memories/m/contradict", {"json": {"note": "\x00"}}, "note"),
        ("POST", "/v1/memories/m/supersede", {"json": {}}, "content"),
        ("POST", "/v1/memories/m/supersede", {"json": {"content": "x", "memory_id": "n"}}, "memory_id"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_field(
    api: httpx2.Client, method: str, path: str, request_: dict[str, Any], field: str
) -> None:
    answer = api.request(method, path, **request_)
    assert answer.status_code == 400, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


def test_an_export_carries_what_was_found_out(api: httpx2.Client, server: Server) -> None:
    kept = keep(api, "Ana lives in Lisbon")
    for verb in ("validate", "validate", "contradict"):
        api.post(f"/v1/memories/{kept['id']}/{verb}")
    lines = api.post("/v1/export").content
    found = ("validations", "contradictions", "validated_at", "contradicted_at")
    expected = {name: api.get(f"/v1/memories/{kept['id']}").json()[name] for name in found}
    assert expected["contradicted_at"] is not None
    with server.client(server.new_key(server.new_organization())) as other:
        assert other.post("/v1/import", content=lines).json()["imported"] == 1
        (imported,) = other.get("/v1/memories").json()["items"]
        assert {name: imported[name] for name in found} == expected
        then = kept["created_at"]
        assert other.get("/v1/memories", params={"as_of": then}).json()["total"] == 0, "known from today, not from then"
        bad = other.post("/v1/import", content=b'{"content": "x", "validations": -1}').json()
        assert (bad["imported"], bad["skipped"][0]["reason"]) == (0, "validations must be a whole number from 0")


def test_why_not_knows_what_was_not_known_yet(api: httpx2.Client) -> None:
    kept = keep(api, "Ana lives in Lisbon")
    body = {"query": "Ana", "memory_id": kept["id"], "as_of": "2026-01-31"}
    why = api.post("/v1/recall/why-not", json=body).json()
    assert why["stage"] == "unknown"
    assert datetime.fromisoformat(kept["created_at"]) > datetime.fromisoformat("2026-01-31T00:00:00+00:00") + A_DAY
