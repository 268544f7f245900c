"""Lists: every filter, every order, pages and true totals."""

from typing import Any

import httpx2
import pytest


@pytest.fixture
def trips(api: httpx2.Client) -> httpx2.Client:
    """A client whose organization holds five memories that differ in everything a list can filter by."""
    memories: list[dict[str, Any]] = [
        {"content": "alpha Lisbon", "project": "travel", "kind": "fact", "tags": ["a", "b"], "importance": 1,
         "container": "chat-1", "occurred_at": "2026-01-01T00:00:00Z"},
        {"content": "beta", "title": "LISBON again", "project": "travel", "tags": ["a"], "importance": 4,
         "occurred_at": "2026-01-02T00:00:00Z"},
        {"content": "gamma", "project": "work/deep", "kind": "task", "tags": ["b", "c"], "importance": 7,
         "container": "chat-2"},
        {"content": "delta", "tags": ["c"], "importance": 10, "occurred_at": "2026-01-03T00:00:00Z"},
        {"content": "epsilon 100% _sure_"},
    ]  # fmt: skip
    assert api.post("/v1/memories/batch", json={"memories": memories}).status_code == 201
    return api


def found(api: httpx2.Client, **query: Any) -> set[str]:
    answer = api.get("/v1/memories", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return {memory["content"].split()[0] for memory in answer.json()["items"]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "alpha beta gamma delta epsilon"),
        ({"project": "travel"}, "alpha beta"),
        ({"project": "work/deep"}, "gamma"),
        ({"project": "nowhere"}, ""),
        ({"projects": ["travel", "work/deep", "nowhere"]}, "alpha beta gamma"),
        ({"unassigned": "true"}, "delta epsilon"),
        ({"project": "travel", "unassigned": "true"}, "alpha beta delta epsilon"),
        ({"kind": "fact"}, "alpha"),
        ({"kind": ["fact", "task"]}, "alpha gamma"),
        ({"tags": "a"}, "alpha beta"),
        ({"tags": ["a", "b"]}, "alpha"),
        ({"tags_any": ["a", "c"]}, "alpha beta gamma delta"),
        ({"container": "chat-2"}, "gamma"),
        ({"importance_min": 7}, "gamma delta"),
        ({"importance_min": 4, "importance_max": 7}, "beta gamma epsilon"),
        ({"text": "lisbon"}, "alpha beta"),
        ({"text": "100%"}, "epsilon"),
        ({"text": "_sure_"}, "epsilon"),
        ({"text": "'; DROP TABLE memories; --"}, ""),
        ({"occurred_since": "2026-01-02T00:00:00Z"}, "beta delta"),
        ({"occurred_since": "2026-01-01T00:00:00Z", "occurred_until": "2026-01-02T00:00:00Z"}, "alpha beta"),
        ({"occurred_until": "2026-01-02T01:00:00+02:00"}, "alpha"),
        ({"created_since": "2000-01-01T00:00:00Z"}, "alpha beta gamma delta epsilon"),
        ({"created_until": "2000-01-01T00:00:00Z"}, ""),
        ({"updated_since": "2199-01-01T00:00:00Z"}, ""),
        ({"superseded": "true"}, ""),
        ({"superseded": "false"}, "alpha beta gamma delta epsilon"),
        ({"ids": ["nobody"]}, ""),
        ({"project": "travel", "tags": "b", "text": "Lisbon"}, "alpha"),
    ],
)
def test_a_filter_yields_exactly_what_it_describes(trips: httpx2.Client, query: dict[str, Any], expected: str) -> None:
    assert found(trips, **query) == set(expected.split())


def test_a_project_is_named_by_its_id_too(trips: httpx2.Client) -> None:
    project = trips.get("/v1/projects/travel").json()
    assert found(trips, project=project["id"]) == {"alpha", "beta"}


def test_memories_are_found_by_their_ids(trips: httpx2.Client) -> None:
    ids = [memory["id"] for memory in trips.get("/v1/memories", params={"project": "travel"}).json()["items"]]
    assert found(trips, ids=ids) == {"alpha", "beta"}


@pytest.mark.parametrize(
    ("sort", "order", "expected"),
    [
        ("importance", "asc", "alpha beta epsilon gamma delta"),
        ("importance", "desc", "delta gamma epsilon beta alpha"),
        ("id", "asc", "alpha beta gamma delta epsilon"),
        ("occurred_at", "asc", "alpha beta delta"),
        ("occurred_at", "desc", "delta beta alpha"),
    ],
)
def test_a_list_is_ordered_and_what_lacks_the_instant_comes_last(
    trips: httpx2.Client, sort: str, order: str, expected: str
) -> None:
    items = trips.get("/v1/memories", params={"sort": sort, "order": order}).json()["items"]
    names = [memory["content"].split()[0] for memory in items]
    assert names[: len(expected.split())] == expected.split()


def test_pages_do_not_overlap_and_the_total_is_that_of_all_pages(trips: httpx2.Client) -> None:
    pages = [trips.get("/v1/memories", params={"limit": 2, "offset": offset}).json() for offset in (0, 2, 4, 6)]
    assert [(len(page["items"]), page["total"], page["limit"], page["offset"]) for page in pages] == [
        (2, 5, 2, 0), (2, 5, 2, 2), (1, 5, 2, 4), (0, 5, 2, 6),
    ]  # fmt: skip
    assert len({memory["id"] for page in pages for memory in page["items"]}) == 5


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "ten"},
        {"offset": -1},
        {"offset": 10**19},
        {"importance_min": 0},
        {"importance_max": 11},
        {"created_since": "yesterday"},
        {"sort": "colour"},
        {"order": "up"},
        {"superseded": "perhaps"},
        {"text": "\x00"},
        {"kinds": "fact"},
        {"colour": "red"},
    ],
)
def test_a_query_that_cannot_be_understood_is_refused_and_the_parameter_named(
    api: httpx2.Client, query: dict[str, Any]
) -> None:
    answer = api.get("/v1/memories", params=query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == list(query)
