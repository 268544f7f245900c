"""Searching: every filter really filters, before anything is cut."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from polymem.core.errors import InvalidInput
from polymem.core.intervals import to_interval
from polymem.core.model import Draft
from polymem.core.people import Scope
from tests.selfmemory.conftest import add
from tests.serving import Server

Find = Callable[..., set[str]]


@pytest.fixture
def find(api: httpx2.Client) -> Find:
    """Keeps four memories, and finds the first letters of what fits."""
    add(api, "A: lunch with Alice", tags="work,food", people_mentioned="Alice, Bob Stone", topic_category="schedule")
    add(api, "B: lunch with Bob", tags="food", people_mentioned="bobby", topic_category="Schedule")
    add(api, "C: lunch with Jürgen", tags="work", people_mentioned=["JÜRGEN"], topic_category="schedule")
    add(api, "D: lunch alone")

    def found(query: str = "lunch", **body: Any) -> set[str]:
        answer = api.post("/api/memories/search", json={"query": query, **body})
        assert answer.status_code == 200, answer.text
        return {hit["content"][0] for hit in answer.json()["results"]}

    return found


@pytest.mark.parametrize("query", ["lunch", ""])
def test_every_filter_really_filters(find: Find, query: str) -> None:
    def filtered(**filters: Any) -> set[str]:
        return find(query, filters=filters)

    assert filtered() == set("ABCD")
    assert filtered(tags="work") == set("AC")
    assert filtered(tags=["work", "food"]) == set("ABC")
    assert filtered(tags="work, food", match_all_tags=True) == set("A")
    assert filtered(tags=["wor"]) == set()
    assert filtered(people_mentioned="alice") == set("A")
    assert filtered(people_mentioned="BOB") == set("AB")
    assert filtered(people_mentioned="jürgen") == set("C")
    assert filtered(people_mentioned=["Stone", "Jürgen"]) == set("AC")
    assert filtered(people_mentioned="Nobody") == set()
    assert filtered(topic_category="schedule") == set("AC")
    assert filtered(topic_category="sched") == set()
    assert filtered(tags="work", people_mentioned="bob", topic_category="schedule") == set("A")
    assert filtered(tags="", people_mentioned=[], topic_category=None, limit=None) == set("ABCD")
    assert filtered(unknown="ignored") == set("ABCD")


def test_people_are_taken_beside_the_filters_too(find: Find) -> None:
    assert find(people_mentioned="alice,jürgen") == set("AC")
    assert find(people_mentioned=["bob"], filters={"tags": "work"}) == set("A")
    assert find(people_mentioned="bob", filters={"people_mentioned": "alice"}) == set("A")


def test_filters_hold_before_the_best_are_cut(api: httpx2.Client) -> None:
    for number in range(30):
        add(api, f"lunch lunch lunch {number}")
    wanted = add(api, "a note that mentions lunch once, at the end of a long day", tags="rare")
    body = {"query": "lunch", "filters": {"tags": "rare", "limit": 1}}
    (hit,) = api.post("/api/memories/search", json=body).json()["results"]
    assert hit["id"] == wanted


def test_scores_fall_and_a_threshold_is_a_floor(api: httpx2.Client) -> None:
    for text in ("Alice likes tea", "Alice drinks green tea every morning", "The car needs new tyres"):
        add(api, text)

    def scores(**filters: Any) -> list[float]:
        answer = api.post("/api/memories/search", json={"query": "Alice drinks green tea", "filters": filters})
        return [hit["score"] for hit in answer.json()["results"]]

    found = scores()
    assert found == sorted(found, reverse=True)
    assert all(0 < score <= 1 for score in found)
    assert 1 <= len(found) <= 3
    everything = scores(threshold=0)
    assert len(everything) >= len(found)
    assert scores(threshold=everything[0]) in ([everything[0]], [])
    assert scores(threshold=1) == []
    assert all(score >= everything[-1] for score in scores(threshold=everything[-1]))


def test_nothing_is_found_where_nothing_is_relevant(api: httpx2.Client) -> None:
    add(api, "The car needs new tyres")
    assert api.post("/api/memories/search", json={"query": "quantum chromodynamics"}).json() == {"results": []}


def test_limit_sort_and_metadata_are_as_asked(api: httpx2.Client) -> None:
    ids = [add(api, text) for text in ("tea tea tea", "tea and cake", "some tea")]

    def found(query: str = "tea", **filters: Any) -> list[dict[str, Any]]:
        answer = api.post("/api/memories/search", json={"query": query, "filters": filters})
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    assert len(found(limit=2)) == 2
    assert [hit["id"] for hit in found(sort_by="timestamp")] == ids[::-1]
    assert [hit["id"] for hit in found(sort_by="timestamp", limit=1)] == ids[-1:]
    assert [hit["id"] for hit in found(sort_by="score")] == [hit["id"] for hit in found(sort_by="relevance")]
    assert all("metadata" in hit for hit in found())
    assert all("metadata" not in hit for hit in found(include_metadata=False))
    assert all("metadata" not in hit for hit in found("", include_metadata=False))


def test_an_empty_query_lists_everything_newest_first(api: httpx2.Client) -> None:
    ids = [add(api, text) for text in ("One", "Two", "Three")]
    for query in ("", "  "):
        results = api.post("/api/memories/search", json={"query": query}).json()["results"]
        assert [hit["id"] for hit in results] == ids[::-1]
        assert {hit["score"] for hit in results} == {1.0}


def test_times_of_keeping_filter(server: Server, scope: Scope, api: httpx2.Client) -> None:
    add(api, "now")
    now = datetime.now(UTC)
    for name, at in {"yesterday": now - timedelta(days=1), "long ago": now - timedelta(days=800)}.items():
        server.run(server.core.memories.add(scope, Draft(content=name, project="notes", created_at=at)))

    def kept(when: str) -> set[str]:
        answer = api.post("/api/memories/search", json={"query": "", "filters": {"temporal_filter": when}})
        assert answer.status_code == 200, answer.text
        return {hit["content"] for hit in answer.json()["results"]}

    assert kept("today") == {"now"}
    assert kept("Yesterday") == {"yesterday"}
    assert "now" in kept("this week") & kept("this_month") & kept("this-year")
    assert kept("last_7_days") == {"now", "yesterday"}
    assert kept("last_2_hours") == {"now"}
    assert kept(f"{now - timedelta(days=800):%Y-%m-%d}") == {"long ago"}
    assert kept("last_year") <= {"yesterday"}


# A Sunday: the week began six days before.
SUNDAY = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "after"),
    [
        ("today", (2026, 3, 1), (2026, 3, 2)),
        ("yesterday", (2026, 2, 28), (2026, 3, 1)),
        ("this_week", (2026, 2, 23), (2026, 3, 2)),
        ("last_week", (2026, 2, 16), (2026, 2, 23)),
        ("this_month", (2026, 3, 1), (2026, 4, 1)),
        ("last_month", (2026, 2, 1), (2026, 3, 1)),
        ("this_year", (2026, 1, 1), (2027, 1, 1)),
        ("last_year", (2025, 1, 1), (2026, 1, 1)),
        ("2024-02-29", (2024, 2, 29), (2024, 3, 1)),
    ],
)
def test_names_of_times_mean_whole_days_weeks_months_and_years(
    name: str, first: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    since, until = to_interval(name, SUNDAY)
    assert since == datetime(*first, tzinfo=UTC)
    assert until == datetime(*after, tzinfo=UTC) - timedelta(microseconds=1)


def test_a_number_of_days_back_ends_now() -> None:
    assert to_interval("last_30_days", SUNDAY) == (SUNDAY - timedelta(days=30), SUNDAY)
    assert to_interval("past 3 hours", SUNDAY) == (SUNDAY - timedelta(hours=3), SUNDAY)
    assert to_interval("9999-12-31", SUNDAY)[1].year == 9999
    january = datetime(2026, 1, 15, tzinfo=UTC)
    assert to_interval("last_month", january)[0] == datetime(2025, 12, 1, tzinfo=UTC)
    december = datetime(2026, 12, 15, tzinfo=UTC)
    assert to_interval("this_month", december)[1].year == 2026


@pytest.mark.parametrize("name", ["someday", "last_days", "2026-13-01", "2026", "last_99999_days", "today;"])
def test_other_times_are_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(InvalidInput, match="yesterday"):
        to_interval(name, SUNDAY)


def test_the_three_special_searches_of_the_sdk(api: httpx2.Client, find: Find) -> None:
    def letters(path: str, **body: Any) -> set[str]:
        results: set[str] = set()
        for slash in ("", "/"):
            answer = api.post(f"/v1/memories/{path}{slash}", json=body)
            assert answer.status_code == 200, answer.text
            results = {hit["content"][0] for hit in answer.json()["results"]}
        return results

    assert find() == set("ABCD")
    assert letters("tag-search", tags=["work", "food"], semantic_query=None, match_all=False, limit=10) == set("ABC")
    assert letters("tag-search", tags=["work", "food"], match_all=True) == set("A")
    assert letters("tag-search", tags=["food"], semantic_query="lunch with Bob", limit=1) == set("B")
    assert letters("people-search", people=["bob"], semantic_query=None, limit=10) == set("AB")
    assert letters("temporal-search", temporal_query="today", semantic_query=None, limit=10) == set("ABCD")
    assert letters("temporal-search", temporal_query="today", semantic_query="lunch", limit=2) <= set("ABCD")
    assert letters("temporal-search", temporal_query="yesterday") == set()


def test_what_is_shown_of_a_search_sorted_by_time_counts_as_used(
    api: httpx2.Client, server: Server, scope: Scope
) -> None:
    ids = [add(api, text) for text in ("tea and cake", "some tea")]
    body = {"query": "tea", "filters": {"sort_by": "timestamp", "limit": 1}}
    assert [hit["id"] for hit in api.post("/api/memories/search", json=body).json()["results"]] == ids[1:]
    assert server.run(server.core.overview.recalls(scope)).total.recalls == 1
    uses = [server.run(server.core.memories.get(scope, id)).access_count for id in ids]
    assert uses == [0, 1]
