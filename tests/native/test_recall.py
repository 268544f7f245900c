"""Recall and why-not over HTTP."""

from typing import Any

import httpx2
import pytest

TEXTS = {
    "seat": "Ana likes to sit by the window on planes.",
    "start": "Ana flies from Lisbon.",
    "bread": "The bakery on Elm Street sells rye bread on Tuesdays.",
    "server": "The staging server listens on port 8443.",
}


@pytest.fixture
def ids(api: httpx2.Client) -> dict[str, str]:
    """Ids of the four memories of the test's organization."""
    memories = [
        {"content": text, "project": "travel" if text.startswith("Ana") else "town", "tags": [name], "kind": name}
        for name, text in TEXTS.items()
    ]
    kept = api.post("/v1/memories/batch", json={"memories": memories}).json()["ids"]
    return dict(zip(TEXTS, kept, strict=True))


def recall(api: httpx2.Client, query: str, **conditions: Any) -> dict[str, Any]:
    answer = api.post("/v1/recall", json={"query": query} | conditions)
    assert answer.status_code == 200, answer.text
    answered: dict[str, Any] = answer.json()
    return answered


def test_a_memory_is_found_by_its_meaning(api: httpx2.Client, ids: dict[str, str]) -> None:
    answer = recall(api, "Which place does she prefer in an aircraft?", mode="vector")
    assert list(answer) == ["hits", "mode", "matched", "considered", "took_ms"]
    assert answer["hits"][0]["memory"]["id"] == ids["seat"]
    assert (answer["mode"], answer["considered"]) == ("vector", 4)
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert answer["took_ms"] > 0


def test_a_memory_is_found_by_a_word_that_only_it_has(api: httpx2.Client, ids: dict[str, str]) -> None:
    for mode in ("keyword", "hybrid"):
        assert recall(api, "8443", mode=mode)["hits"][0]["memory"]["id"] == ids["server"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"project": "travel"}, "seat start"),
        ({"projects": ["town"]}, "bread server"),
        ({"project": "nowhere"}, ""),
        ({"kinds": ["bread", "seat"]}, "bread seat"),
        ({"tags": ["bread"]}, "bread"),
        ({"tags": ["bread", "seat"]}, ""),
        ({"tags_any": ["bread", "seat"]}, "bread seat"),
        ({"container": "none"}, ""),
        ({"importance_min": 6}, ""),
        ({"text": "lisbon"}, "start"),
    ],
)
def test_conditions_decide_what_is_considered(
    api: httpx2.Client, ids: dict[str, str], conditions: dict[str, Any], expected: str
) -> None:
    answer = recall(api, "Ana", mode="vector", **conditions)
    assert {hit["memory"]["id"] for hit in answer["hits"]} == {ids[name] for name in expected.split()}
    assert answer["considered"] == len(expected.split())


def test_pages_continue_each_other(api: httpx2.Client, ids: dict[str, str]) -> None:
    whole = recall(api, "Ana", mode="vector")["hits"]
    parts = [recall(api, "Ana", mode="vector", limit=2, offset=offset)["hits"] for offset in (0, 2)]
    assert [hit["memory"]["id"] for part in parts for hit in part] == [hit["memory"]["id"] for hit in whole]


def test_min_score_leaves_out_what_scores_less(api: httpx2.Client, ids: dict[str, str]) -> None:
    best, second, *_ = recall(api, "bread on Tuesdays", mode="vector")["hits"]
    between = (best["score"] + second["score"]) / 2
    answer = recall(api, "bread on Tuesdays", mode="vector", min_score=between)
    assert [hit["memory"]["id"] for hit in answer["hits"]] == [ids["bread"]]
    assert answer["matched"] == 1


def test_explain_says_how_a_hit_came_there_and_is_absent_otherwise(api: httpx2.Client, ids: dict[str, str]) -> None:
    explained = recall(api, "rye bread", explain=True)["hits"][0]
    assert explained["explain"]["rank"] == 1
    assert explained["explain"]["cosine"] > 0.3
    assert explained["explain"]["keyword"] > 0
    assert sum(explained["explain"]["factors"].values()) == pytest.approx(explained["explain"]["total"])
    assert list(recall(api, "rye bread")["hits"][0]) == ["memory", "score"]


def test_a_superseded_memory_is_found_only_when_asked_for(api: httpx2.Client, ids: dict[str, str]) -> None:
    api.post("/v1/memories", json={"content": "Ana flies from Porto.", "supersedes": ids["start"]})
    usual = {hit["memory"]["id"] for hit in recall(api, "Ana flies")["hits"]}
    everything = {hit["memory"]["id"] for hit in recall(api, "Ana flies", superseded=True)["hits"]}
    assert ids["start"] not in usual
    assert ids["start"] in everything


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "  "}, "query"),
        ({"query": 7}, "query"),
        ({"query": "x", "mode": "magic"}, "mode"),
        ({"query": "x", "limit": 0}, "limit"),
        ({"query": "x", "limit": True}, "limit"),
        ({"query": "x", "limit": "5"}, "limit"),
        ({"query": "x", "offset": -1}, "offset"),
        ({"query": "x", "min_score": 1.5}, "min_score"),
        ({"query": "x", "tags": "a"}, "tags"),
        ({"query": "x", "kind": "a"}, "kind"),
        ({"query": "x", "text": "a\u0000"}, "text"),
    ],
)
def test_a_recall_that_cannot_be_understood_is_refused(api: httpx2.Client, body: dict[str, Any], field: str) -> None:
    answer = api.post("/v1/recall", json=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_query_over_16_kib_is_too_large(api: httpx2.Client) -> None:
    assert api.post("/v1/recall", json={"query": "x" * 16385}).status_code == 413


def test_why_not_names_the_stage_that_lost_a_memory(api: httpx2.Client, ids: dict[str, str]) -> None:
    def stage(query: str, name: str, **conditions: Any) -> str:
        body = {"query": query, "memory_id": ids[name]} | conditions
        answer = api.post("/v1/recall/why-not", json=body)
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["stage", "sentence", "remedy", "rank", "score", "explain"]
        lost: str = answer.json()["stage"]
        return lost

    assert stage("rye bread", "bread") == "returned"
    assert stage("rye bread", "bread", project="travel") == "filter"
    assert stage("rye bread", "seat", mode="keyword") == "candidates"
    assert stage("rye bread", "seat", mode="vector", min_score=0.99) == "floor"
    assert stage("rye bread", "seat", mode="vector", limit=1) == "page"
    api.delete(f"/v1/memories/{ids['bread']}")
    assert stage("rye bread", "bread") == "forgotten"
    assert api.post("/v1/recall/why-not", json={"query": "x", "memory_id": "nobody"}).status_code == 404


@pytest.fixture
def diary(api: httpx2.Client) -> dict[str, str]:
    """Ids of a hundred and more memories about the work in a kitchen, by their text."""
    texts = [
        f"On day {number} the kitchen used {number * 3} kilos of flour and baked rye bread." for number in range(120)
    ]
    kept = api.post("/v1/memories/batch", json={"memories": [{"content": text} for text in texts]}).json()["ids"]
    return dict(zip(texts, kept, strict=True))


def test_a_question_that_nothing_answers_is_answered_with_nothing(api: httpx2.Client, diary: dict[str, str]) -> None:
    foreign = "Which TLS certificate authority signs the staging servers?"
    assert recall(api, foreign)["hits"] == []
    assert recall(api, foreign)["matched"] == 0
    assert len(recall(api, foreign, min_score=0)["hits"]) == 10
    assert recall(api, "How much flour did the kitchen use on day 17?")["hits"][0]["score"] > 0.2
    body = {"query": foreign, "memory_id": next(iter(diary.values()))}
    lost = api.post("/v1/recall/why-not", json=body).json()
    assert lost["stage"] in {"floor", "candidates"}


def test_explain_tells_how_well_each_word_is_matched(api: httpx2.Client, ids: dict[str, str]) -> None:
    explained = recall(api, "rye bread", explain=True)["hits"][0]["explain"]
    assert explained["tokens"] > 0.6
    assert explained["context_tokens"] == explained["tokens"]
    assert explained["first_rank"] == 1
    assert {"base", "meaning", "words", "tokens", "few"} <= set(explained["factors"])


@pytest.mark.parametrize("question", ["How do I bake sourdough?", "quantum chromodynamics", "the price of copper"])
def test_being_one_of_few_memories_is_not_enough(api: httpx2.Client, question: str) -> None:
    api.post("/v1/memories", json={"content": "The cat sleeps on the sofa"})
    assert recall(api, question)["hits"] == []
    assert len(recall(api, "pets")["hits"]) == 1


def test_beside_a_good_hit_an_unrelated_one_is_left_out(api: httpx2.Client, ids: dict[str, str]) -> None:
    answer = recall(api, "Where does the bakery sell rye bread?")
    assert [hit["memory"]["id"] for hit in answer["hits"]] == [ids["bread"]]


def test_why_not_tells_of_a_memory_that_never_came_to_the_second_stage(
    api: httpx2.Client, diary: dict[str, str]
) -> None:
    query = "flour on day 17"
    found = {hit["memory"]["id"] for hit in recall(api, query, min_score=0, limit=50)["hits"]}
    told = [
        api.post("/v1/recall/why-not", json={"query": query, "memory_id": id_, "min_score": 0}).json()
        for id_ in list(diary.values())[-20:]
        if id_ not in found
    ]
    assert {each["stage"] for each in told} <= {"page", "candidates"}
    assert any(each["stage"] == "candidates" and "token by token" in each["sentence"] for each in told)


@pytest.mark.parametrize("container", [None, "a-session"])
def test_ids_paths_codes_and_versions_are_found_exactly(api: httpx2.Client, container: str | None) -> None:
    texts = [
        f"Step {n} failed with ERR_47{n:02} in src/app/part_{n}/main.py; fixed in v2.{n}.1, see PROJ-{1000 + n}."
        for n in range(60)
    ]
    memories = [{"content": text, "container": container} for text in texts]
    api.post("/v1/memories/batch", json={"memories": memories})
    for n in (7, 31):
        for name in (f"ERR_47{n:02}", f"src/app/part_{n}/main.py", f"v2.{n}.1", f"PROJ-{1000 + n}"):
            for query in (name, f"What do we know about {name}?"):
                assert recall(api, query)["hits"][0]["memory"]["content"] == texts[n], query
