"""Hierarchical search and its score: similarity × scope weight × weight × decay."""

import math
from typing import Any

import httpx2
import pytest

from tests.mememory.test_contract import keep

QUERY = "Which database do we use?"


def search(api: httpx2.Client, query: str = QUERY, **given: Any) -> list[dict[str, Any]]:
    answer = api.post("/api/memories/search", json={"query": query} | given)
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()
    return hits


def found(api: httpx2.Client, **given: Any) -> set[str]:
    return {hit["memory"]["content"] for hit in search(api, **given)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"global"}),
        ({"scope": "", "project": ""}, {"global"}),
        ({"scope": None, "project": None}, {"global"}),
        ({"project": "a"}, {"global", "of a"}),
        ({"project": "unknown"}, {"global"}),
        ({"scope": "global"}, {"global"}),
        ({"scope": "project"}, {"of a", "of b"}),
        ({"scope": "global", "project": "a"}, {"global"}),
        ({"scope": "project", "project": "a"}, {"of a"}),
        ({"scope": "project", "project": "unknown"}, set()),
    ],
)
def test_a_project_sees_itself_and_what_is_global(
    api: httpx2.Client, given: dict[str, Any], expected: set[str]
) -> None:
    keep(api, "global")
    keep(api, "of a", scope="project", project="a")
    keep(api, "of b", scope="project", project="b")
    assert found(api, **given) == expected


def test_an_answer_is_a_memory_and_a_score_best_first(api: httpx2.Client) -> None:
    memory = keep(api, "We use a PostgreSQL database", scope="project", project="p")
    keep(api, "The cat sleeps all day", scope="project", project="p")
    hits = search(api, project="p")
    assert [list(hit) for hit in hits] == [["memory", "score"]] * 2
    assert hits[0]["memory"] == memory
    assert hits[0]["score"] > hits[1]["score"]


def test_what_is_unrelated_is_returned_too_since_there_is_no_threshold(api: httpx2.Client) -> None:
    for number in range(12):
        keep(api, f"Penguins walk {number} miles")
    assert len(search(api)) == 5
    assert len(search(api, limit=0)) == 5
    assert len(search(api, limit=-2)) == 5
    assert len(search(api, limit=8)) == 8
    assert len(search(api, limit=8.0)) == 8
    assert len(search(api, limit=10**9)) == 12


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "query is required"),
        ({"query": ""}, "query is required"),
        ({"query": None}, "query is required"),
        ({"query": 5}, "invalid JSON: query"),
        ({"query": "x", "limit": "5"}, "invalid JSON: limit"),
        ({"query": "x", "limit": 1.5}, "invalid JSON: limit"),
        ({"query": "x", "scope": "galaxy"}, "scope"),
        ({"query": "x", "project": 5}, "invalid JSON: project"),
    ],
)
def test_a_search_that_says_nothing_is_refused(api: httpx2.Client, body: Any, error: str) -> None:
    answer = api.post("/api/memories/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)


def test_a_global_memory_counts_four_fifths_of_one_of_the_project(api: httpx2.Client) -> None:
    keep(api, "We use PostgreSQL", scope="project", project="p")
    keep(api, "We use PostgreSQL")
    own, everywhere = search(api, project="p")
    assert own["memory"]["scope"] == "project"
    assert everywhere["score"] == pytest.approx(0.8 * own["score"], rel=1e-6)


def test_the_weight_multiplies_the_score(api: httpx2.Client) -> None:
    keep(api, "We use PostgreSQL", weight=0.5)
    keep(api, "We use PostgreSQL")
    full, half = search(api)
    assert half["memory"]["weight"] == 0.5
    assert half["score"] == pytest.approx(0.5 * full["score"], rel=1e-6)


def test_the_similarity_is_the_cosine(api: httpx2.Client) -> None:
    memory = keep(api, QUERY, scope="project", project="p")
    (hit,) = search(api, project="p")
    assert hit["score"] == pytest.approx(1.0, abs=0.002)
    explained = api.post("/native/v1/recall", json={"query": QUERY, "explain": True}).json()["hits"]
    assert explained[0]["memory"]["id"] == memory["id"]
    assert hit["score"] == pytest.approx(explained[0]["explain"]["cosine"], abs=1e-6)


@pytest.mark.parametrize(
    ("type", "rate"),
    [("fact", 0.005), ("context", 0.005), ("decision", 0.001), ("feedback", 0.0005), ("rule", 0.0), ("bootstrap", 0.0)],
)
def test_a_memory_decays_at_the_rate_of_its_type(api: httpx2.Client, clock: Any, type: str, rate: float) -> None:
    keep(api, "We use PostgreSQL", type=type)
    (fresh,) = search(api)
    for days in (1, 30, 365):
        clock.moment = clock.moment.replace(2026, 3, 1)
        clock.advance(days=days)
        (aged,) = search(api)
        assert aged["score"] == pytest.approx(fresh["score"] * math.exp(-rate * days), rel=1e-6)


def test_a_rule_of_last_year_is_not_buried_by_a_fact_of_today(api: httpx2.Client, clock: Any) -> None:
    keep(api, "Never push to main without a review", type="rule")
    clock.advance(days=365)
    keep(api, "The push to main last week had no review", type="fact")
    hits = search(api, "May I push to main without a review?")
    assert hits[0]["memory"]["type"] == "rule"


def test_an_update_makes_a_memory_young_again(api: httpx2.Client, clock: Any) -> None:
    memory = keep(api, "We use PostgreSQL")
    (fresh,) = search(api)
    clock.advance(days=100)
    api.put(f"/api/memories/{memory['id']}", json={"content": "We use PostgreSQL."})
    api.put(f"/api/memories/{memory['id']}", json={"content": "We use PostgreSQL"})
    (again,) = search(api)
    assert again["score"] == pytest.approx(fresh["score"], rel=1e-6)


def test_without_a_model_words_take_the_place_of_meaning(alone: httpx2.Client) -> None:
    keep(alone, "We use a PostgreSQL database")
    keep(alone, "The cat sleeps all day")
    (hit,) = search(alone, "Which database?")
    assert hit["memory"]["content"] == "We use a PostgreSQL database"
    assert 0 < hit["score"] <= 0.8
