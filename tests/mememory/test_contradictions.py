"""What a new memory resembles: told at once, and kept as a conflict until somebody decides."""

from typing import Any

import httpx2
import pytest

from tests.mememory.test_contract import keep
from tests.mememory.test_search import search


def create(api: httpx2.Client, content: str, **fields: Any) -> dict[str, Any]:
    answer = api.post("/api/memories", json={"content": content} | fields)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def conflicts(api: httpx2.Client, **params: Any) -> list[dict[str, Any]]:
    answer = api.get("/native/v1/conflicts", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert answer.json()["total"] == len(items)
    return items


def settle(api: httpx2.Client, conflict: dict[str, Any], resolution: str, **more: Any) -> httpx2.Response:
    return api.post(f"/native/v1/conflicts/{conflict['id']}/resolve", json={"resolution": resolution} | more)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("The API listens on port 8080", "The API listens on port 8080.", "duplicate"),
        ("The API listens on port 8080", "Port 8080 is what the API listens on", "paraphrase"),
        ("The API listens on port 8080", "The API listens on port 8081", "changed_value"),
        ("The API listens on port 8080", "The API does not listen on port 8080", "negation"),
        ("The staging API listens on port 8080", "The production API listens on port 8080", "related"),
    ],
)
def test_a_similar_memory_is_told_with_a_reason(api: httpx2.Client, old: str, new: str, reason: str) -> None:
    memory = keep(api, old)
    (contradiction,) = create(api, new)["contradictions"]
    assert contradiction["memory"] == memory
    assert 0.75 < contradiction["similarity"] <= 1.0001
    assert (contradiction["reason"], contradiction["judge"]) == (reason, "rules")


def test_the_key_is_missing_when_nothing_is_similar(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    assert list(create(api, "Ana plays the violin")) == ["memory"]


def test_only_the_project_and_what_is_global_is_compared(api: httpx2.Client) -> None:
    content = "The API listens on port 8080"
    keep(api, content, scope="project", project="a")
    keep(api, content, scope="project", project="b")
    everywhere = keep(api, "The API listens on port 8081")
    own = create(api, content, scope="project", project="a")
    assert sorted(one["memory"]["scope"] for one in own["contradictions"]) == ["global", "project"]
    assert {one["memory"].get("project") for one in own["contradictions"]} == {"a", None}
    (only,) = create(api, "The API listens on port 8082")["contradictions"]
    assert only["memory"] == everywhere


def test_at_most_five_are_told_nearest_first(api: httpx2.Client) -> None:
    for number in range(8):
        keep(api, f"The API listens on port 80{number}0")
    similarities = [one["similarity"] for one in create(api, "The API listens on port 8080")["contradictions"]]
    assert len(similarities) == 5
    assert similarities == sorted(similarities, reverse=True)


def test_the_replaced_one_is_told_but_is_no_open_conflict(api: httpx2.Client) -> None:
    old = keep(api, "The API listens on port 8080")
    created = create(api, "The API listens on port 8081", supersedes=old["id"])
    assert [one["memory"]["id"] for one in created["contradictions"]] == [old["id"]]
    assert created["contradictions"][0]["memory"]["weight"] == 1.0
    assert conflicts(api, status="all") == []
    assert "contradictions" in create(api, "The API listens on port 8082")
    (conflict,) = conflicts(api)
    assert conflict["old"]["id"] == created["memory"]["id"]


def test_a_conflict_is_kept_open_with_both_memories(api: httpx2.Client, clock: Any) -> None:
    old = keep(api, "The API listens on port 8080")
    new = keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    assert (conflict["reason"], conflict["detail"], conflict["judge"]) == (
        "changed_value",
        "8080 became 8081.",
        "rules",
    )
    assert (conflict["old"]["id"], conflict["new"]["id"]) == (old["id"], new["id"])
    assert conflict["created_at"] == "2026-03-01T12:00:00Z"
    assert (conflict["resolution"], conflict["resolved_at"], conflict["resolved_by"]) == (None, None, None)
    assert api.get(f"/native/v1/conflicts/{conflict['id']}").json() == conflict


def test_what_only_shares_words_is_told_but_is_no_conflict(api: httpx2.Client) -> None:
    keep(api, "The staging API listens on port 8080")
    assert "contradictions" in create(api, "The production API listens on port 8080")
    assert conflicts(api) == []


def test_keeping_the_new_one_makes_it_replace_the_old_one(api: httpx2.Client) -> None:
    old, new = keep(api, "The API listens on port 8080"), keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    answer = settle(api, conflict, "keep_new")
    assert answer.status_code == 200
    assert answer.json()["resolution"] == "keep_new"
    assert answer.json()["resolved_by"]
    assert conflicts(api) == []
    assert len(conflicts(api, status="resolved")) == 1
    assert [hit["memory"]["id"] for hit in search(api, "port")] == [new["id"]]
    chain = api.get(f"/native/v1/memories/{new['id']}/chain").json()["items"]
    assert [memory["id"] for memory in chain] == [old["id"], new["id"]]


def test_keeping_the_old_one_puts_the_new_one_into_the_trash(api: httpx2.Client) -> None:
    old, new = keep(api, "The API listens on port 8080"), keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    assert settle(api, conflict, "keep_old").status_code == 200
    assert [hit["memory"]["id"] for hit in search(api, "port")] == [old["id"]]
    assert [memory["id"] for memory in api.get("/native/v1/trash").json()["items"]] == [new["id"]]


def test_keeping_both_changes_neither(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    assert settle(api, conflict, "keep_both").status_code == 200
    assert conflicts(api) == []
    assert len(search(api, "port")) == 2


def test_merging_gives_the_new_one_the_text_of_both(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    assert settle(api, conflict, "merge").status_code == 400
    assert settle(api, conflict, "keep_new", content="x").status_code == 400
    merged = settle(api, conflict, "merge", content="The API listens on ports 8080 and 9090")
    assert merged.status_code == 200
    assert [hit["memory"]["content"] for hit in search(api, "port")] == ["The API listens on ports 8080 and 9090"]


def test_one_memory_can_win_against_several(api: httpx2.Client) -> None:
    first, second = keep(api, "The API listens on port 8080"), keep(api, "The API listens on port 8081")
    new = keep(api, "The API listens on port 8082")
    for conflict in conflicts(api):
        if conflict["new"]["id"] == new["id"]:
            assert settle(api, conflict, "keep_new").status_code == 200
    assert [hit["memory"]["id"] for hit in search(api, "port")] == [new["id"]]
    chain = [memory["id"] for memory in api.get(f"/native/v1/memories/{first['id']}/chain").json()["items"]]
    assert sorted(chain[:2]) == sorted([first["id"], second["id"]])
    assert chain[2] == new["id"]
    assert conflicts(api) == []


def test_a_settled_conflict_cannot_be_settled_again(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    settle(api, conflict, "keep_both")
    assert settle(api, conflict, "keep_new").status_code == 409


def test_a_conflict_whose_memory_is_gone_is_not_open(api: httpx2.Client, clock: Any) -> None:
    keep(api, "The API listens on port 8080", ttl="1h")
    new = keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    clock.advance(hours=2)
    assert conflicts(api) == []
    assert settle(api, conflict, "keep_new").status_code == 404
    api.delete(f"/native/v1/memories/{new['id']}", params={"purge": True})
    assert conflicts(api, status="all") == []
    assert settle(api, conflict, "keep_new").status_code == 404


def test_a_replacement_can_be_ended(api: httpx2.Client) -> None:
    old = keep(api, "The API listens on port 8080", weight=0.7)
    new = keep(api, "The API listens on port 8081", supersedes=old["id"])
    answer = api.post(f"/native/v1/memories/{old['id']}/unsupersede")
    assert answer.status_code == 200
    assert answer.json()["superseded_by"] is None
    assert len(search(api, "port")) == 2
    assert "supersedes" not in api.get(f"/api/memories/{new['id']}").json()
    assert api.get(f"/api/memories/{old['id']}").json()["weight"] == 0.7
    assert api.post(f"/native/v1/memories/{old['id']}/unsupersede").status_code == 200
    assert api.post("/native/v1/memories/unknown/unsupersede").status_code == 404


def test_the_native_api_compares_when_it_is_asked_to(api: httpx2.Client) -> None:
    api.post("/native/v1/memories", json={"content": "The API listens on port 8080"})
    api.post("/native/v1/memories", json={"content": "The API listens on port 8081"})
    assert conflicts(api) == []
    api.post("/native/v1/memories", json={"content": "The API listens on port 8082", "compare": True})
    assert len(conflicts(api)) == 2


def test_another_organization_sees_none_of_it(api: httpx2.Client, local: Any) -> None:
    keep(api, "The API listens on port 8080")
    keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    with local.open(authorization=f"Bearer {local.new_key(local.new_organization())}") as other:
        assert conflicts(other, status="all") == []
        assert settle(other, conflict, "keep_both").status_code == 404


def test_a_key_of_one_project_sees_no_conflict_with_what_it_cannot_reach(start: Any) -> None:
    server = start(embedder="local")
    scope = server.new_organization()
    with server.open(authorization=f"Bearer {server.new_key(scope)}") as owner:
        keep(owner, "The API listens on port 8080")
        keep(owner, "The API listens on port 8081", scope="project", project="p")
        assert len(conflicts(owner)) == 1
        with server.open(authorization=f"Bearer {server.new_key(scope, 'p')}") as other:
            assert conflicts(other, status="all") == []


def test_without_a_model_words_tell(alone: httpx2.Client) -> None:
    keep(alone, "The API listens on port 8080")
    (other,) = create(alone, "The API listens on port 8081")["contradictions"]
    assert 0.75 < other["similarity"] <= 1
    assert other["reason"] == "changed_value"
    same = create(alone, "The API listens on port 8080")["contradictions"]
    assert (same[0]["similarity"], same[0]["reason"]) == (1.0, "duplicate")
    assert "contradictions" not in create(alone, "The API is written in Go")


SQLITE = "Uses SQLite for storage"
POSTGRESQL = "Uses PostgreSQL 17 with pgvector"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SQLITE, POSTGRESQL),
        ("Tickets are tracked in Jira", "Tickets are tracked in Linear"),
        ("The team lead is Emma", "The team lead is Frank"),
        ("The hotel has a swimming pool", "The hotel has no swimming pool"),
    ],
)
def test_a_conflict_is_found_where_names_keep_the_vectors_apart(api: httpx2.Client, old: str, new: str) -> None:
    for number in range(30):
        api.post("/native/v1/memories", json={"content": f"Uses a swimming team of tickets for hotel {number}"})
    kept = keep(api, old)
    (told,) = create(api, new)["contradictions"]
    assert told["memory"]["id"] == kept["id"]
    assert 0.75 < told["similarity"] <= 1
    (conflict,) = [one for one in conflicts(api) if one["old"]["id"] == kept["id"]]
    assert conflict["reason"] in ("changed_value", "negation")
    assert conflict["similarity"] == told["similarity"]


def test_what_the_documentation_shows_is_answered(api: httpx2.Client) -> None:
    where = {"scope": "project", "project": "mememory", "type": "fact"}
    old = keep(api, SQLITE, **where)
    created = create(api, POSTGRESQL, **where)
    (told,) = created["contradictions"]
    assert told["memory"]["content"] == SQLITE
    assert told["memory"]["id"] == old["id"]
    assert told["similarity"] > 0.75
    assert created["memory"]["content"] == POSTGRESQL
    # And as it goes on: the new text says more, and the same.
    change(api, created["memory"], "Uses PostgreSQL 17 with pgvector and HNSW indexing")
    (conflict,) = conflicts(api)
    assert (conflict["old"]["id"], conflict["detail"]) == (old["id"], "SQLite became PostgreSQL.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ana knows Python", "Ana knows Rust"),
        ("Staging is hosted on Heroku", "Production is hosted on Hetzner"),
        ("The kitchen is small", "The kitchen is blue"),
        ("Ben visited Rome", "Ben visited Athens"),
    ],
)
def test_what_can_both_be_true_is_no_conflict(api: httpx2.Client, old: str, new: str) -> None:
    keep(api, old)
    create(api, new)
    assert conflicts(api) == []


# --- a text that changes --------------------------------------------------------------------------


def change(api: httpx2.Client, memory: dict[str, Any], content: str) -> None:
    assert api.put(f"/api/memories/{memory['id']}", json={"content": content}).status_code == 200


def pairs(api: httpx2.Client, **params: Any) -> set[tuple[str, str, str]]:
    return {(one["old"]["content"], one["new"]["content"], one["reason"]) for one in conflicts(api, **params)}


def test_a_changed_text_is_compared_like_a_new_one(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    memory = keep(api, "Ana plays the violin")
    assert conflicts(api) == []
    change(api, memory, "The API listens on port 8081")
    assert pairs(api) == {("The API listens on port 8080", "The API listens on port 8081", "changed_value")}


def test_what_a_changed_text_contradicts_no_more_is_no_conflict(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    memory = keep(api, "The API listens on port 8081")
    assert len(conflicts(api)) == 1
    change(api, memory, "The API is written in Go")
    assert conflicts(api, status="all") == []


def test_a_changed_older_text_settles_or_renews_its_conflicts(api: httpx2.Client) -> None:
    older = keep(api, "The API listens on port 8080")
    keep(api, "The API listens on port 8081")
    change(api, older, "The API listens on port 9000")
    # What was said last is the newer one.
    assert pairs(api) == {("The API listens on port 8081", "The API listens on port 9000", "changed_value")}
    change(api, older, "The API listens on port 8081")
    assert pairs(api) == {("The API listens on port 8081", "The API listens on port 8081", "duplicate")}


def test_many_conflicts_are_all_looked_at_again(api: httpx2.Client) -> None:
    memory = keep(api, "The API listens on port 9000")
    for number in range(8):
        keep(api, f"The API listens on port 80{number}0")
    opposed = {one["new"]["id"] for one in conflicts(api) if one["old"]["id"] == memory["id"]}
    assert len(opposed) >= 5
    change(api, memory, "The API listens on port 9001")
    assert opposed <= {one["old"]["id"] for one in conflicts(api) if one["new"]["id"] == memory["id"]}


def test_what_was_decided_is_not_asked_again(api: httpx2.Client) -> None:
    older, newer = keep(api, "The API listens on port 8080"), keep(api, "The API listens on port 8081")
    (conflict,) = conflicts(api)
    settle(api, conflict, "keep_both")
    for memory, content in ((older, "The API listens on port 8082"), (newer, "The API listens on port 8083")):
        change(api, memory, content)
        assert conflicts(api) == []
    assert len(conflicts(api, status="all")) == 1


def test_no_door_leaves_a_conflict_about_a_text_that_is_gone(api: httpx2.Client) -> None:
    keep(api, "The API listens on port 8080")
    memory = keep(api, "The API listens on port 8081")
    path = f"/native/v1/memories/{memory['id']}"
    assert api.patch(path, json={"tags": ["a"]}).status_code == 200
    assert len(conflicts(api)) == 1
    assert api.patch(path, json={"content": "The API is written in Go"}).status_code == 200
    assert conflicts(api) == []
    # There is none any more, so the native API compares only if it is told to.
    api.patch(path, json={"content": "The API listens on port 8082"})
    assert conflicts(api) == []
    api.patch(path, json={"content": "The API listens on port 8083", "compare": True})
    assert pairs(api) == {("The API listens on port 8080", "The API listens on port 8083", "changed_value")}
