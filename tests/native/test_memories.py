"""Keeping, reading, changing, forgetting, restoring and purging over HTTP."""

from typing import Any

import httpx2
import pytest

FIELDS = [
    "id", "project", "content", "kind", "delivery", "tags", "importance", "weight", "confidence", "provenance",
    "container", "context", "title", "summary", "metadata", "occurred_at", "valid_from", "valid_to", "expires_at",
    "supersedes", "superseded_by", "validations", "contradictions", "validated_at", "contradicted_at", "access_count",
    "last_accessed", "created_at", "updated_at", "version",
]  # fmt: skip


def keep(api: httpx2.Client, content: str = "Ana flies from Lisbon.", **fields: Any) -> dict[str, Any]:
    answer = api.post("/v1/memories", json={"content": content} | fields)
    assert answer.status_code == 201, answer.text
    memory: dict[str, Any] = answer.json()
    return memory


def test_a_memory_is_kept_with_everything_that_was_said_of_it(api: httpx2.Client) -> None:
    said = {
        "content": "Ana flies from Lisbon.",
        "project": "travel",
        "kind": "fact",
        "delivery": "pinned",
        "tags": ["people", "flights"],
        "importance": 8,
        "weight": 0.5,
        "confidence": 0.75,
        "container": "chat-1",
        "context": "Planning",
        "title": "Ana",
        "summary": "From Lisbon",
        "metadata": {"nested": {"list": [1, 2.5, None, True, "ü"]}},
        "occurred_at": "2026-01-31T12:00:00Z",
        "valid_from": "2026-01-01T00:00:00.000001Z",
        "valid_to": "2026-12-31T00:00:00Z",
        "expires_at": "2199-01-31T00:00:00Z",
    }
    answer = api.post("/v1/memories", json=said)
    assert answer.status_code == 201
    kept = answer.json()
    assert list(kept) == FIELDS
    assert {name: kept[name] for name in said} == said
    assert kept["version"] == 1
    assert api.get(f"/v1/memories/{kept['id']}").json() == kept


def test_what_is_left_out_has_its_default(api: httpx2.Client) -> None:
    kept = keep(api)
    assert (kept["kind"], kept["importance"], kept["weight"], kept["tags"], kept["metadata"]) == (
        "note",
        5,
        1.0,
        [],
        {},
    )
    empty = set(FIELDS) - {"id", "content", "kind", "delivery", "importance", "weight", "tags", "metadata",
                           "access_count", "created_at", "updated_at", "version", "validations",
                           "contradictions"}  # fmt: skip
    assert {kept[name] for name in empty} == {None}


def test_an_instant_without_an_offset_counts_as_utc_and_one_with_an_offset_is_converted(api: httpx2.Client) -> None:
    assert keep(api, occurred_at="2026-01-31T12:00:00")["occurred_at"] == "2026-01-31T12:00:00Z"
    assert keep(api, occurred_at="2026-01-31T12:00:00+02:00")["occurred_at"] == "2026-01-31T10:00:00Z"
    assert keep(api, occurred_at="2026-01-31")["occurred_at"] == "2026-01-31T00:00:00Z"


def test_the_same_text_is_kept_twice_unless_the_existing_one_is_asked_for(api: httpx2.Client) -> None:
    first = keep(api)
    assert keep(api)["id"] != first["id"]
    again = api.post("/v1/memories", json={"content": first["content"], "duplicates": "return_existing"})
    assert again.status_code == 200
    other = api.post(
        "/v1/memories", json={"content": first["content"], "project": "other", "duplicates": "return_existing"}
    )
    assert other.status_code == 201


def test_an_idempotency_key_makes_a_request_safe_to_repeat(api: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "order-17"}
    first = api.post("/v1/memories", json={"content": "once"}, headers=headers)
    second = api.post("/v1/memories", json={"content": "once"}, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert api.get("/v1/memories").json()["total"] == 1
    other = api.post("/v1/memories", json={"content": "another"}, headers=headers)
    assert other.status_code == 409


def test_a_batch_answers_with_ids_in_order(api: httpx2.Client) -> None:
    texts = [f"memory number {number}" for number in range(25)]
    answer = api.post("/v1/memories/batch", json={"memories": [{"content": text} for text in texts]})
    assert answer.status_code == 201
    assert list(answer.json()) == ["ids"]
    kept = [api.get(f"/v1/memories/{id}").json()["content"] for id in answer.json()["ids"]]
    assert kept == texts


def test_a_repeated_batch_with_an_idempotency_key_answers_with_the_same_ids(api: httpx2.Client) -> None:
    body = {"memories": [{"content": "one"}, {"content": "two"}]}
    first = api.post("/v1/memories/batch", json=body, headers={"Idempotency-Key": "b"})
    second = api.post("/v1/memories/batch", json=body, headers={"Idempotency-Key": "b"})
    assert first.json() == second.json()
    assert api.get("/v1/memories").json()["total"] == 2


def test_a_batch_with_bad_items_names_all_of_them_and_keeps_nothing(api: httpx2.Client) -> None:
    items: list[dict[str, Any]] = [
        {"content": "good"},
        {"content": "", "importance": 3},
        {"content": "good", "importance": 11},
        {"content": "good", "importance": True},
        {"content": "good", "surprise": 1},
        {"kind": "note"},
        {"content": "good", "valid_from": "2026-02-01T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"},
        {"content": "good", "tags": ["fine", 7]},
        {"content": "good", "occurred_at": "yesterday"},
    ]
    answer = api.post("/v1/memories/batch", json={"memories": items})
    assert answer.status_code == 400
    problem = answer.json()
    assert [(error["index"], error["field"]) for error in problem["errors"]] == [
        (1, "content"),
        (2, "importance"),
        (3, "importance"),
        (4, "surprise"),
        (5, "content"),
        (6, "valid_to"),
        (7, "tags.1"),
        (8, "occurred_at"),
    ]
    assert problem["detail"] == "memory 1: content is required (and 7 more)"
    assert api.get("/v1/memories").json()["total"] == 0


def test_a_batch_that_names_an_unknown_memory_to_supersede_keeps_nothing(api: httpx2.Client) -> None:
    items = [{"content": "good"}, {"content": "newer", "supersedes": "nobody"}]
    assert api.post("/v1/memories/batch", json={"memories": items}).status_code == 404
    assert api.get("/v1/memories").json()["total"] == 0


def test_an_empty_batch_is_refused(api: httpx2.Client) -> None:
    assert api.post("/v1/memories/batch", json={"memories": []}).status_code == 400


def test_a_change_replaces_what_is_sent_and_null_empties_what_can_be_empty(api: httpx2.Client) -> None:
    kept = keep(api, title="Ana", tags=["a"], metadata={"k": 1}, container="c", importance=8, project="travel")
    changes = {"title": None, "tags": None, "metadata": None, "project": None, "content": "Ana flies from Porto."}
    answer = api.patch(f"/v1/memories/{kept['id']}", json=changes)
    assert answer.status_code == 200
    changed = answer.json()
    assert changed["content"] == "Ana flies from Porto."
    assert (changed["title"], changed["tags"], changed["metadata"], changed["project"]) == (None, [], {}, None)
    assert (changed["container"], changed["importance"]) == ("c", 8)
    assert changed["version"] == 2
    assert changed["created_at"] == kept["created_at"]


@pytest.mark.parametrize("field", ["content", "kind", "importance", "weight"])
def test_null_is_refused_where_nothing_can_be_empty(api: httpx2.Client, field: str) -> None:
    answer = api.patch(f"/v1/memories/{keep(api)['id']}", json={field: None})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_change_of_nothing_makes_no_version(api: httpx2.Client) -> None:
    kept = keep(api, title="Ana")
    assert api.patch(f"/v1/memories/{kept['id']}", json={"title": "Ana"}).json() == kept
    assert api.patch(f"/v1/memories/{kept['id']}", json={}).json() == kept


def test_a_change_of_a_version_that_is_not_the_newest_is_refused(api: httpx2.Client) -> None:
    kept = keep(api)
    path = f"/v1/memories/{kept['id']}"
    etag = api.get(path).headers["etag"]
    assert etag == '"1"'
    first = api.patch(path, json={"title": "one"}, headers={"If-Match": etag})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert api.patch(path, json={"title": "two"}, headers={"If-Match": etag}).status_code == 412
    assert api.patch(path, json={"title": "two", "version": 1}).status_code == 409
    assert api.patch(path, json={"title": "two"}, headers={"If-Match": "*"}).status_code == 200
    assert api.patch(path, json={"title": "three", "version": 3}).status_code == 200
    assert api.patch(path, json={"title": "four"}, headers={"If-Match": "nonsense"}).status_code == 400


def test_a_forgotten_memory_is_nowhere_until_it_is_restored(api: httpx2.Client) -> None:
    kept = keep(api)
    path = f"/v1/memories/{kept['id']}"
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(path).status_code == 404
    assert api.patch(path, json={"title": "x"}).status_code == 404
    assert api.delete(path).status_code == 404
    assert api.get("/v1/memories").json()["total"] == 0
    assert api.post("/v1/recall", json={"query": "Lisbon"}).json()["hits"] == []
    trash = api.get("/v1/trash").json()
    assert ([memory["id"] for memory in trash["items"]], trash["total"]) == ([kept["id"]], 1)
    restored = api.post(f"{path}/restore")
    assert (restored.status_code, restored.json()["version"]) == (200, 3)
    assert api.get(path).json()["content"] == kept["content"]
    assert api.get("/v1/trash").json()["total"] == 0


@pytest.mark.parametrize("way", ["post", "delete"])
def test_a_purged_memory_is_gone_with_its_history(api: httpx2.Client, way: str) -> None:
    kept = keep(api)
    path = f"/v1/memories/{kept['id']}"
    api.delete(path)
    answer = api.post(f"{path}/purge") if way == "post" else api.delete(path, params={"purge": "true"})
    assert answer.status_code == 204
    assert api.post(f"{path}/restore").status_code == 404
    assert api.get(f"{path}/history").status_code == 404
    assert api.get("/v1/trash").json()["total"] == 0


def test_history_tells_every_change_in_order(api: httpx2.Client) -> None:
    kept = keep(api)
    path = f"/v1/memories/{kept['id']}"
    api.patch(path, json={"content": "Ana flies from Porto."})
    api.delete(path)
    api.post(f"{path}/restore")
    newer = keep(api, "Ana takes the train.", supersedes=kept["id"])
    versions = api.get(f"{path}/history").json()["items"]
    assert [version["change"] for version in versions] == ["created", "revised", "forgotten", "restored", "superseded"]
    assert [version["version"] for version in versions] == [1, 2, 3, 4, 5]
    assert versions[0]["memory"]["content"] == "Ana flies from Lisbon."
    assert versions[-1]["memory"]["superseded_by"] == newer["id"]
    assert all(list(version["memory"]) == FIELDS for version in versions)
    assert all(version["actor"].startswith("key:") for version in versions)


def test_a_memory_can_be_superseded_once(api: httpx2.Client) -> None:
    old = keep(api)
    new = keep(api, "Ana flies from Porto.", supersedes=old["id"])
    assert new["supersedes"] == old["id"]
    assert api.get(f"/v1/memories/{old['id']}").json()["superseded_by"] == new["id"]
    again = api.post("/v1/memories", json={"content": "Ana walks.", "supersedes": old["id"]})
    assert again.status_code == 409
    assert api.post("/v1/memories", json={"content": "x", "supersedes": "nobody"}).status_code == 404


@pytest.mark.parametrize("method_and_path", ["GET {}", "PATCH {}", "DELETE {}", "POST {}/restore", "POST {}/purge",
                                             "GET {}/history"])  # fmt: skip
def test_an_unknown_id_is_not_found(api: httpx2.Client, method_and_path: str) -> None:
    method, path = method_and_path.format("/v1/memories/0199-unknown").split()
    answer = api.request(method, path, json={} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "Memory 0199-unknown not found"
