"""The documented endpoints, row by row."""

import re
import uuid
from typing import Any

import httpx2
import pytest

UNKNOWN = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"


def keep(api: httpx2.Client, content: str, **fields: Any) -> dict[str, Any]:
    answer = api.post("/api/memories", json={"content": content} | fields)
    assert answer.status_code == 201, answer.text
    memory: dict[str, Any] = answer.json()["memory"]
    return memory


def listed(api: httpx2.Client, **params: Any) -> list[str]:
    answer = api.get("/api/memories", params=params)
    assert answer.status_code == 200, answer.text
    return [memory["content"] for memory in answer.json()]


@pytest.fixture
def several(api: httpx2.Client) -> None:
    """One memory of each sort."""
    keep(api, "Never commit .env files", type="rule", tags=["security"])
    keep(api, "Uses React 19", scope="project", project="match")
    keep(api, "Uses Postgres", scope="project", project="mememory", delivery="pinned")
    keep(api, "Match is the flagship", project="match", type="context")


# --- create ---------------------------------------------------------------------------------------


def test_a_memory_is_created_with_all_that_was_said_of_it(api: httpx2.Client) -> None:
    answer = api.post(
        "/api/memories",
        json={
            "content": "Uses PostgreSQL 17 with pgvector",
            "scope": "project",
            "project": "mememory",
            "type": "decision",
            "delivery": "pinned",
            "tags": ["database"],
            "weight": 0.5,
            "ttl": "30d",
            "supersedes": "",
        },
    )
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["memory"]
    uuid.UUID(body["memory"]["id"])
    assert list(body["memory"].items()) == [
        ("id", body["memory"]["id"]),
        ("content", "Uses PostgreSQL 17 with pgvector"),
        ("scope", "project"),
        ("project", "mememory"),
        ("type", "decision"),
        ("delivery", "pinned"),
        ("tags", ["database"]),
        ("weight", 0.5),
        ("created_at", "2026-03-01T12:00:00Z"),
        ("updated_at", "2026-03-01T12:00:00Z"),
        ("ttl", "2026-03-31T12:00:00Z"),
    ]
    assert api.get(f"/api/memories/{body['memory']['id']}").json() == body["memory"]


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"scope": "", "project": "", "type": "", "delivery": "", "ttl": "", "supersedes": "", "weight": 0, "tags": []},
        {"scope": None, "project": None, "type": None, "delivery": None, "ttl": None, "supersedes": None}
        | {"weight": None, "tags": None},
        {"unknown": {"field": 1}},
    ],
)
def test_what_is_left_out_has_its_default(api: httpx2.Client, nothing: dict[str, Any]) -> None:
    memory = keep(api, "x", **nothing)
    assert {name: memory[name] for name in set(memory) - {"id"}} == {
        "content": "x",
        "scope": "global",
        "type": "fact",
        "delivery": "on_demand",
        "weight": 1.0,
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }


@pytest.mark.parametrize("type", ["fact", "rule", "decision", "feedback", "context", "bootstrap"])
def test_every_documented_type_is_kept(api: httpx2.Client, type: str) -> None:
    memory = keep(api, "x", type=type)
    assert memory["type"] == type
    assert memory["delivery"] == ("bootstrap" if type == "bootstrap" else "on_demand")


def test_a_delivery_that_is_named_wins_over_the_type(api: httpx2.Client) -> None:
    assert keep(api, "x", type="bootstrap", delivery="on_demand")["delivery"] == "on_demand"


def test_a_global_memory_may_name_a_project(api: httpx2.Client) -> None:
    memory = keep(api, "x", project="match")
    assert (memory["scope"], memory["project"]) == ("global", "match")
    assert api.get(f"/api/memories/{memory['id']}").json() == memory


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "content is required"),
        ({"content": ""}, "content is required"),
        ({"content": None}, "content is required"),
        ({"content": "   "}, "content is required"),
        ({"content": 5}, "invalid JSON: content"),
        ({"content": "x", "weight": "1"}, "invalid JSON: weight"),
        ({"content": "x", "weight": True}, "invalid JSON: weight"),
        ({"content": "x", "ttl": 24}, "invalid JSON: ttl"),
        ({"content": "x", "tags": "a,b"}, "invalid JSON: tags"),
        ({"content": "x", "tags": [1]}, "invalid JSON: tags"),
        ({"content": "x", "weight": 1.5}, "weight"),
        ({"content": "x", "weight": 0.05}, "weight"),
        ({"content": "x", "weight": -1}, "weight"),
        ({"content": "x", "scope": "galaxy"}, "scope"),
        ({"content": "x", "type": "poem"}, "type"),
        ({"content": "x", "delivery": "drone"}, "delivery"),
        ({"content": "x", "scope": "project"}, "project is required"),
        ({"content": "x", "ttl": "soon"}, 'invalid ttl "soon"'),
        ({"content": "x", "supersedes": "nonsense"}, 'invalid supersedes "nonsense"'),
        ({"content": "a\x00b"}, "content contains a NUL"),
        ([], "invalid JSON"),
        ("x", "invalid JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(api: httpx2.Client, body: Any, error: str) -> None:
    answer = api.post("/api/memories", json=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert error in answer.json()["error"]
    assert listed(api) == []


@pytest.mark.parametrize("path", ["/api/memories", "/api/memories/search", "/api/memories/import"])
@pytest.mark.parametrize("body", ["{nope", "", "{} x", '{"content": NaN}'])
def test_what_is_no_json_is_refused(api: httpx2.Client, path: str, body: str) -> None:
    answer = api.post(path, content=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


def test_a_body_is_json_whatever_its_content_type_says(api: httpx2.Client) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert api.post("/api/memories", content='{"content": "x"}', headers=form).status_code == 201


# --- list -----------------------------------------------------------------------------------------


def test_nothing_found_is_an_empty_list_and_never_null(api: httpx2.Client) -> None:
    assert api.get("/api/memories").text == "[]"
    assert api.get("/api/memories", params={"scope": "galaxy"}).text == "[]"
    assert api.post("/api/memories/search", json={"query": "x"}).text == "[]"
    assert api.post("/api/memories/export").text == "[]"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "context postgres react rule"),
        ({"scope": "global"}, "context rule"),
        ({"scope": "project"}, "postgres react"),
        ({"project": "match"}, "context react"),
        ({"scope": "project", "project": "match"}, "react"),
        ({"scope": "global", "project": "match"}, "context"),
        ({"type": "rule"}, "rule"),
        ({"type": "fact", "project": "mememory"}, "postgres"),
        ({"delivery": "pinned"}, "postgres"),
        ({"delivery": "on_demand"}, "context react rule"),
        ({"delivery": "drone"}, ""),
        ({"type": "poem"}, ""),
        ({"project": "unknown"}, ""),
        ({"scope": "galaxy"}, ""),
        ({"scope": "", "project": "", "type": "", "delivery": "", "limit": ""}, "context postgres react rule"),
    ],
)
def test_filters_must_all_hold(api: httpx2.Client, several: None, params: dict[str, str], expected: str) -> None:
    names = {"Never commit .env files": "rule", "Uses React 19": "react", "Uses Postgres": "postgres",
             "Match is the flagship": "context"}  # fmt: skip
    assert sorted(names[content] for content in listed(api, **params)) == expected.split()


def test_a_list_is_in_the_order_of_the_last_change(api: httpx2.Client, clock: Any) -> None:
    first = keep(api, "first")
    clock.advance(minutes=1)
    keep(api, "second")
    clock.advance(minutes=1)
    keep(api, "third")
    assert listed(api) == ["third", "second", "first"]
    clock.advance(minutes=1)
    api.put(f"/api/memories/{first['id']}", json={"content": "changed"})
    assert listed(api) == ["changed", "third", "second"]


@pytest.mark.parametrize(
    ("limit", "count"), [("2", 2), ("0", 50), ("-3", 50), ("many", 50), ("100", 60), ("9" * 30, 60)]
)
def test_a_limit_that_makes_no_sense_is_the_default(api: httpx2.Client, limit: str, count: int) -> None:
    api.post("/api/memories/import", json=[{"content": f"memory {number}"} for number in range(60)])
    assert len(listed(api, limit=limit)) == count
    assert len(listed(api)) == 50


# --- get, update, delete --------------------------------------------------------------------------


def test_any_memory_can_be_read_however_old_it_is(api: httpx2.Client, clock: Any) -> None:
    old = keep(api, "the oldest")
    clock.advance(days=1)
    api.post("/api/memories/import", json=[{"content": f"memory {number}"} for number in range(150)])
    assert api.get(f"/api/memories/{old['id']}").json() == old


@pytest.mark.parametrize("id", [UNKNOWN, "nonsense", "%00", "x" * 2000])
def test_what_is_not_there_is_not_found(api: httpx2.Client, id: str) -> None:
    for answer in (api.get(f"/api/memories/{id}"), api.put(f"/api/memories/{id}", json={"content": "x"})):
        assert answer.status_code == 404
        assert answer.json() == {"error": "memory not found"}


def test_an_update_changes_the_text_alone_and_is_found_by_it(api: httpx2.Client, clock: Any) -> None:
    before = keep(api, "Ana plays the violin", scope="project", project="p", type="decision", tags=["a"], ttl="2d")
    clock.advance(hours=1)
    answer = api.put(f"/api/memories/{before['id']}", json={"content": "The server runs on Debian", "type": "rule"})
    assert answer.status_code == 200
    assert answer.json() == before | {"content": "The server runs on Debian", "updated_at": "2026-03-01T13:00:00Z"}
    (hit,) = api.post("/api/memories/search", json={"query": "The server runs on Debian", "project": "p"}).json()
    assert hit["score"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": None}])
def test_an_update_without_content_is_refused_before_anything_is_looked_up(api: httpx2.Client, body: Any) -> None:
    for id in (keep(api, "x")["id"], UNKNOWN):
        answer = api.put(f"/api/memories/{id}", json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "content is required"})


def test_a_deleted_memory_is_gone_from_everywhere_and_can_be_restored(api: httpx2.Client) -> None:
    memory = keep(api, "gone")
    answer = api.delete(f"/api/memories/{memory['id']}")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert api.get(f"/api/memories/{memory['id']}").status_code == 404
    assert listed(api) == []
    assert api.post("/api/memories/search", json={"query": "gone"}).json() == []
    assert api.get("/api/stats").json()["total"] == 0
    assert api.post("/api/memories/export").json() == []
    assert api.post(f"/native/v1/memories/{memory['id']}/restore").status_code == 200
    assert listed(api) == ["gone"]


def test_deleting_what_is_not_there_is_ok(api: httpx2.Client) -> None:
    assert api.delete(f"/api/memories/{UNKNOWN}").json() == {"ok": True}
    assert api.delete("/api/memories/nonsense").status_code == 404


@pytest.mark.parametrize(
    ("params", "deleted", "left"),
    [
        ({"scope": "project", "project": "match", "type": "fact"}, 1, 3),
        ({"project": "match"}, 2, 2),
        ({"scope": "global"}, 2, 2),
        ({"delivery": "pinned"}, 1, 3),
        ({"type": "poem"}, 0, 4),
        ({"project": "unknown"}, 0, 4),
        ({"scope": "galaxy"}, 0, 4),
        ({}, 4, 0),
    ],
)
def test_a_bulk_delete_takes_what_matches(
    api: httpx2.Client, several: None, params: dict[str, str], deleted: int, left: int
) -> None:
    answer = api.delete("/api/memories", params=params)
    assert (answer.status_code, answer.json()) == (200, {"deleted": deleted})
    assert len(listed(api)) == left
    assert len(api.get("/native/v1/trash").json()["items"]) == deleted


def test_a_bulk_delete_with_a_typing_error_deletes_nothing(api: httpx2.Client, several: None) -> None:
    answer = api.delete("/api/memories", params={"projct": "match"})
    assert (answer.status_code, answer.json()) == (400, {"error": "unknown filter projct"})
    assert len(listed(api)) == 4


def test_one_bulk_delete_takes_at_most_a_thousand_the_last_changed_first(api: httpx2.Client, clock: Any) -> None:
    keep(api, "the oldest")
    clock.advance(minutes=1)
    api.post("/api/memories/import", json=[{"content": f"memory {number}"} for number in range(1000)])
    assert api.delete("/api/memories").json() == {"deleted": 1000}
    assert listed(api) == ["the oldest"]


# --- stats, pinned, export, import ----------------------------------------------------------------


def test_stats_count_by_scope_project_type_and_delivery(api: httpx2.Client, several: None) -> None:
    assert api.get("/api/stats").json() == {
        "total": 4,
        "by_scope": {"global": 2, "project": 2},
        "by_project": {"match": 2, "mememory": 1},
        "by_type": {"context": 1, "fact": 2, "rule": 1},
        "by_delivery": {"on_demand": 3, "pinned": 1},
    }


def test_stats_of_nothing_are_empty_objects(api: httpx2.Client) -> None:
    empty: dict[str, int] = {}
    assert api.get("/api/stats").json() == {
        "total": 0, "by_scope": empty, "by_project": empty, "by_type": empty, "by_delivery": empty
    }  # fmt: skip


def test_the_preview_shows_what_is_pinned_everywhere_and_in_the_project(api: httpx2.Client) -> None:
    assert api.get("/api/pinned/preview").json() == {
        "markdown": "", "stats": {"global": 0, "project": 0, "tokens": 0}
    }  # fmt: skip
    keep(api, "Be brief", delivery="pinned", type="rule")
    keep(api, "Use tabs", delivery="pinned", scope="project", project="p")
    keep(api, "Use spaces", delivery="pinned", scope="project", project="q")
    everywhere = api.get("/api/pinned/preview").json()
    assert "Be brief" in everywhere["markdown"]
    assert "Use tabs" not in everywhere["markdown"]
    assert (everywhere["stats"]["global"], everywhere["stats"]["project"]) == (1, 0)
    here = api.get("/api/pinned/preview", params={"project": "p"}).json()
    assert "Be brief" in here["markdown"]
    assert "Use tabs" in here["markdown"]
    assert "Use spaces" not in here["markdown"]
    assert (here["stats"]["global"], here["stats"]["project"]) == (1, 1)
    assert here["stats"]["tokens"] == round(len(here["markdown"].encode()) / 3.5)


def test_an_export_is_a_file_of_all_memories_that_import_reads(api: httpx2.Client, several: None) -> None:
    keep(api, "for a while", ttl="2d")
    answer = api.post("/api/memories/export")
    assert answer.headers["content-disposition"] == "attachment; filename=memories.json"
    exported = answer.json()
    assert sorted(memory["content"] for memory in exported) == sorted(listed(api))
    assert api.delete("/api/memories").json() == {"deleted": 5}
    assert api.post("/api/memories/import", json=exported).json() == {"imported": 5}
    again = api.post("/api/memories/export").json()

    def known(memories: list[dict[str, Any]]) -> list[dict[str, Any]]:
        without_id = [{name: value for name, value in memory.items() if name != "id"} for memory in memories]
        return sorted(without_id, key=lambda memory: str(memory["content"]))

    assert known(again) == known(exported)
    assert not {memory["id"] for memory in again} & {memory["id"] for memory in exported}


def test_an_import_passes_over_what_is_bad_and_does_not_count_it(api: httpx2.Client) -> None:
    items = [
        {"content": "good", "weight": 1.0, "supersedes": UNKNOWN, "id": UNKNOWN, "created_at": "2001-01-01T00:00:00Z"},
        {"content": ""},
        {"content": "x", "type": "poem"},
        {"content": "x", "ttl": "soon"},
        "text",
        None,
        {"content": "also good", "ttl": "2027-01-01T00:00:00Z"},
    ]
    assert api.post("/api/memories/import", json=items).json() == {"imported": 2}
    memories = api.get("/api/memories").json()
    assert sorted(memory["content"] for memory in memories) == ["also good", "good"]
    assert UNKNOWN not in {memory["id"] for memory in memories}
    assert {memory["created_at"] for memory in memories} == {"2026-03-01T12:00:00Z"}
    assert {memory.get("ttl") for memory in memories} == {None, "2027-01-01T00:00:00Z"}


@pytest.mark.parametrize("body", [{}, {"memories": []}, "x", 5])
def test_an_import_that_is_no_array_is_refused(api: httpx2.Client, body: Any) -> None:
    answer = api.post("/api/memories/import", json=body)
    assert answer.status_code == 400
    assert "array" in answer.json()["error"]


def test_an_import_may_be_larger_than_other_bodies(alone: httpx2.Client) -> None:
    items = [{"content": f"{number} " + "x" * 500_000} for number in range(24)]
    assert alone.post("/api/memories/import", json=items).json() == {"imported": 24}


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/stats/", None),
        ("GET", "/api/memories/", None),
        ("POST", "/api/memories/", {"content": "x"}),
        ("DELETE", "/api/memories/", None),
        ("POST", "/api/memories/search/", {"query": "x"}),
        ("GET", "/api/pinned/preview/", None),
    ],
)
def test_a_slash_at_the_end_makes_no_difference(api: httpx2.Client, method: str, path: str, body: Any) -> None:
    answer = api.request(method, path, json=body)
    assert answer.status_code in (200, 201)


def test_a_memory_has_a_path_with_a_slash_too(api: httpx2.Client) -> None:
    path = f"/api/memories/{keep(api, 'x')['id']}/"
    assert api.get(path).status_code == 200
    assert api.put(path, json={"content": "y"}).json()["content"] == "y"
    assert api.delete(path).json() == {"ok": True}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PATCH", "/api/stats", 405)])
def test_every_failure_has_the_one_shape(api: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]


def test_every_instant_is_rfc_3339_in_utc(api: httpx2.Client, clock: Any) -> None:
    clock.advance(microseconds=1)
    memory = keep(api, "x", ttl="1.5h")
    for name in ("created_at", "updated_at", "ttl"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", memory[name])
