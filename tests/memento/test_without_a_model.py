"""A server without an embedding model serves words, and says so when it is asked for vectors by name."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.memento.conftest import Start


@pytest.fixture(scope="module")
def api(start: Start) -> Iterator[httpx2.Client]:
    with start().open() as client:
        client.post("/api/save", json={"content": "The harbour opens at seven"})
        yield client


@pytest.mark.parametrize("path", ["/api/recall", "/api/search"])
@pytest.mark.parametrize("mode", [None, "hybrid", "keyword"])
def test_words_are_found_where_vectors_were_not_demanded(api: httpx2.Client, path: str, mode: str | None) -> None:
    body = api.post(path, json={"query": "harbour", "searchMode": mode}).json()
    assert body["searchMode"] == "keyword"
    assert [(result["content"], result["score"]) for result in body["results"]] == [("The harbour opens at seven", 1.0)]


@pytest.mark.parametrize("path", ["/api/recall", "/api/search"])
def test_vectors_that_were_demanded_are_refused_with_the_reason(api: httpx2.Client, path: str) -> None:
    answer = api.post(path, json={"query": "harbour", "searchMode": "vector"})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "searchMode vector needs an embedding model, and this server has none; keyword works",
        "code": "INVALID_REQUEST",
    }


def test_health_says_that_there_is_no_model(api: httpx2.Client) -> None:
    config = api.get("/api/health").json()["config"]
    assert config["embeddingProvider"] == "none"
    assert config["embeddingModel"] == "none"


def test_a_text_longer_than_one_memory_becomes_several_that_join_to_it(api: httpx2.Client) -> None:
    text = "eleven bytes " * 170_000
    answer = api.post("/api/save", json={"content": text})
    assert answer.status_code == 200, answer.text
    count = answer.json()["count"]
    assert count > 1
    assert answer.json()["message"] == f"Saved {count} memory entries"
    assert len(set(answer.json()["ids"])) == count
    parts = [api.get(f"/api/{id}").json()["entry"]["content"] for id in answer.json()["ids"]]
    assert "".join(parts) == text
