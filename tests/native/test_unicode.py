"""Any text goes in and comes out byte for byte."""

import json
from typing import Any

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Everything but NUL and surrogates, which no text can hold.
LETTERS = st.characters(codec="utf-8", exclude_characters="\x00")
TEXTS = st.text(LETTERS, min_size=1, max_size=200).filter(str.strip)
NAMES = st.text(LETTERS, min_size=1, max_size=50).filter(str.strip)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(LETTERS, max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=10), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
MEMORIES = st.fixed_dictionaries(
    {"content": TEXTS},
    optional={
        "kind": NAMES,
        "project": NAMES,
        "tags": st.lists(NAMES, max_size=4, unique=True),
        "container": NAMES,
        "context": st.text(LETTERS, max_size=50),
        "title": NAMES,
        "summary": st.text(LETTERS, max_size=50),
        "metadata": st.dictionaries(st.text(LETTERS, max_size=10), VALUES, max_size=4),
    },
)
QUIET = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(memory=MEMORIES)
def test_a_memory_of_any_letters_comes_back_as_it_was_sent(api: httpx2.Client, memory: dict[str, Any]) -> None:
    answer = api.post("/v1/memories", json=memory)
    assert answer.status_code == 201, answer.text
    kept = api.get(f"/v1/memories/{answer.json()['id']}").json()
    assert {name: kept[name] for name in memory} == memory


@QUIET
@given(memory=MEMORIES)
def test_a_memory_of_any_letters_is_listed_recalled_exported_and_imported(
    api: httpx2.Client, memory: dict[str, Any]
) -> None:
    id = api.post("/v1/memories", json=memory).json()["id"]
    assert api.get("/v1/memories", params={"ids": id}).json()["items"][0]["content"] == memory["content"]
    recalled = api.post("/v1/recall", json={"query": memory["content"], "ids": [id], "mode": "vector"})
    assert [hit["memory"]["content"] for hit in recalled.json()["hits"]] == [memory["content"]]
    (line,) = api.post("/v1/export", json={"ids": [id]}).text.splitlines()
    record = json.loads(line)
    assert {name: record[name] for name in memory} == memory
    api.post(f"/v1/memories/{id}/purge")
    assert api.post("/v1/import", content=line).json()["imported"] == 1
    kept = api.get(f"/v1/memories/{id}").json()
    assert {name: kept[name] for name in memory} == memory
    # The next example may have the same text, which would count as existing.
    api.post(f"/v1/memories/{id}/purge")


@QUIET
@given(query=TEXTS, text=NAMES, tag=NAMES, project=NAMES)
def test_any_question_has_an_answer(api: httpx2.Client, query: str, text: str, tag: str, project: str) -> None:
    for mode in ("hybrid", "keyword", "vector"):
        assert api.post("/v1/recall", json={"query": query, "mode": mode}).status_code == 200
    conditions = {"text": text, "tags": tag, "project": project}
    assert api.get("/v1/memories", params=conditions).status_code == 200
