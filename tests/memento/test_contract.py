"""The documented endpoints, row by row."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

import polymem
from polymem.core.model import Draft
from tests.memento.conftest import Memento

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def save(api: httpx2.Client, content: str, **fields: object) -> str:
    answer = api.post("/api/save", json={"content": content, **fields})
    assert answer.status_code == 200, answer.text
    (id,) = answer.json()["ids"]
    return str(id)


def contents(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if "results" in body:
        return [result["entry"]["content"] for result in body["results"]]
    return [entry["content"] for entry in body["entries"]]


# --- POST /api/save -------------------------------------------------------------------------------


def test_a_save_answers_with_count_ids_and_message(api: httpx2.Client, namespace: str) -> None:
    answer = api.post(
        "/api/save",
        json={
            "content": "Use PostgreSQL for production",
            "tags": ["decision", "architecture"],
            "namespace": namespace,
            "global": False,
            "container": "string",
            "priority": "high",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body == {"success": True, "count": 1, "ids": body["ids"], "message": "Saved 1 memory entry", "saved": 1}
    assert [str(uuid.UUID(id)) for id in body["ids"]] == body["ids"]


def test_what_was_saved_is_listed_with_all_of_its_metadata(api: httpx2.Client, namespace: str) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    id = save(api, "Use PostgreSQL", tags=["decision", "x"], namespace=namespace, container="c", priority="high")
    (entry,) = api.get("/api/list", params={"namespace": namespace}).json()["entries"]
    timestamp = entry["timestamp"]
    assert TIMESTAMP.fullmatch(timestamp)
    assert before <= datetime.fromisoformat(timestamp) <= datetime.now(UTC)
    assert entry == {
        "id": id,
        "content": "Use PostgreSQL",
        "metadata": {
            "namespace": namespace,
            "tags": ["decision", "x"],
            "timestamp": timestamp,
            "summary": "Use PostgreSQL",
            "container": "c",
            "priority": "high",
            "importance": 0.8,
            "accessCount": 0,
            "source": "explicit",
            "kind": "note",
            "updatedAt": timestamp,
            "version": 1,
            "supersededBy": None,
        },
        "summary": "Use PostgreSQL",
        "tags": ["decision", "x"],
        "timestamp": timestamp,
        "namespace": namespace,
        "importance": 0.8,
    }


@pytest.mark.parametrize(("priority", "importance"), [("low", 0.3), ("normal", 0.5), ("high", 0.8), (None, 0.5)])
def test_a_priority_becomes_an_importance(
    api: httpx2.Client, namespace: str, priority: str | None, importance: float
) -> None:
    save(api, "text", namespace=namespace, priority=priority)
    (entry,) = api.get("/api/list", params={"namespace": namespace}).json()["entries"]
    assert entry["metadata"]["importance"] == importance
    assert entry["metadata"]["priority"] == (priority or "normal")


def test_a_save_without_a_namespace_goes_to_the_detected_one(api: httpx2.Client) -> None:
    id = save(api, "no namespace named")
    assert api.get("/api/health").json()["config"]["namespace"] == "here"
    assert api.get(f"/api/{id}").json()["entry"]["metadata"]["namespace"] == "here"
    assert id in [entry["id"] for entry in api.get("/api/list").json()["entries"]]


@pytest.mark.parametrize("null", [None, ""])
def test_null_and_empty_optional_fields_count_as_absent(api: httpx2.Client, null: str | None) -> None:
    fields = {"tags": None, "namespace": null, "global": None, "container": null, "priority": None}
    entry = api.get(f"/api/{save(api, 'nulls', **fields)}").json()["entry"]
    assert entry["metadata"]["namespace"] == "here"
    assert entry["metadata"]["container"] == "here"
    assert entry["metadata"]["priority"] == "normal"
    assert entry["metadata"]["tags"] == []


def test_global_beats_the_namespace(api: httpx2.Client, namespace: str) -> None:
    id = save(api, f"for all of {namespace}", namespace=namespace, **{"global": True})
    assert contents(api.get("/api/list", params={"namespace": namespace})) == []
    assert api.get(f"/api/{id}").json()["entry"]["metadata"]["namespace"] == "__global__"
    assert f"for all of {namespace}" in contents(api.get("/api/list", params={"namespace": "__global__"}))


def test_the_global_namespace_can_be_named(api: httpx2.Client) -> None:
    id = save(api, "named global", namespace="__global__")
    assert api.get(f"/api/{id}").json()["entry"]["metadata"]["namespace"] == "__global__"


def test_the_same_content_twice_is_two_entries(api: httpx2.Client, namespace: str) -> None:
    assert save(api, "twice", namespace=namespace) != save(api, "twice", namespace=namespace)
    assert contents(api.get("/api/list", params={"namespace": namespace})) == ["twice", "twice"]


def test_namespaces_are_told_apart_exactly(api: httpx2.Client, namespace: str) -> None:
    names = [f"{namespace}{end}" for end in ("/a", "_a", "-a", "/A", " a", "ä", "%2Fa", "&a=b")]
    for name in names:
        save(api, name, namespace=name)
    for name in names:
        assert contents(api.get("/api/list", params={"namespace": name})) == [name]


@pytest.mark.parametrize("text", ["  spaces kept \n\n", "AKIA0123456789ABCDEF password=hunter2", "𝔘ñí\u202ecode 🧠"])
def test_a_text_is_kept_byte_for_byte(api: httpx2.Client, namespace: str, text: str) -> None:
    save(api, text, namespace=namespace, tags=[" a, b ", "Ä"])
    (entry,) = api.get("/api/list", params={"namespace": namespace}).json()["entries"]
    assert entry["content"] == text
    assert entry["tags"] == [" a, b ", "Ä"]


# --- POST /api/recall -----------------------------------------------------------------------------


@pytest.fixture
def filled(api: httpx2.Client, namespace: str) -> str:
    """A namespace with a few entries."""
    save(api, "We store everything in PostgreSQL", namespace=namespace, tags=["decision", "database"])
    save(api, "The login uses OAuth tokens", namespace=namespace, tags=["decision", "security"])
    save(api, "Lunch is at noon in the garden", namespace=namespace, tags=["social"], container="office")
    save(api, "We store nothing elsewhere", namespace=f"{namespace}-other", tags=["decision"])
    return namespace


@pytest.mark.parametrize("mode", ["vector", "keyword", "hybrid", None])
def test_a_recall_finds_the_memories_of_its_namespace_best_first(
    api: httpx2.Client, filled: str, mode: str | None
) -> None:
    answer = api.post("/api/recall", json={"query": "store in PostgreSQL", "namespace": filled, "searchMode": mode})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"success", "count", "results", "searchMode"}
    assert body["success"] is True
    assert body["searchMode"] == (mode or "vector")
    assert body["count"] == len(body["results"]) > 0
    assert contents(answer)[0] == "We store everything in PostgreSQL"
    assert "We store nothing elsewhere" not in contents(answer)
    scores = [result["score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 and score == round(score, 4) for score in scores)


def test_a_result_holds_the_entry_and_its_flat_copy(api: httpx2.Client, filled: str) -> None:
    (result,) = api.post("/api/recall", json={"query": "PostgreSQL", "namespace": filled, "limit": 1}).json()["results"]
    entry = result["entry"]
    assert set(entry) == {"id", "content", "metadata"}
    assert entry["metadata"]["namespace"] == filled
    assert entry["metadata"]["tags"] == ["decision", "database"]
    assert TIMESTAMP.fullmatch(entry["metadata"]["timestamp"])
    assert entry["metadata"]["summary"] == entry["content"]
    assert result == {
        "entry": entry,
        "score": result["score"],
        "id": entry["id"],
        "content": entry["content"],
        "tags": entry["metadata"]["tags"],
        "timestamp": entry["metadata"]["timestamp"],
        "summary": entry["metadata"]["summary"],
    }


def test_keyword_scores_begin_at_one_and_leave_out_what_does_not_match(api: httpx2.Client, filled: str) -> None:
    request = {"query": "OAuth login or lunch", "namespace": filled, "searchMode": "keyword"}
    answer = api.post("/api/recall", json=request)
    assert contents(answer) == ["The login uses OAuth tokens", "Lunch is at noon in the garden"]
    first, second = answer.json()["results"]
    assert first["score"] == 1.0
    assert 0 < second["score"] < 1


def test_vector_mode_finds_by_meaning_without_a_common_word(api: httpx2.Client, filled: str) -> None:
    request = {"query": "which database do we use?", "namespace": filled, "searchMode": "vector", "limit": 1}
    assert contents(api.post("/api/recall", json=request)) == ["We store everything in PostgreSQL"]


def test_a_recall_without_a_namespace_looks_into_the_detected_one(api: httpx2.Client, filled: str) -> None:
    save(api, "Zanzibar is far away")
    answer = api.post("/api/recall", json={"query": "Zanzibar store", "searchMode": "keyword", "limit": 100})
    assert {result["entry"]["metadata"]["namespace"] for result in answer.json()["results"]} == {"here"}


def test_a_recall_in_a_namespace_that_does_not_exist_finds_nothing_and_makes_nothing(api: httpx2.Client) -> None:
    answer = api.post("/api/recall", json={"query": "anything", "namespace": "never made"})
    assert answer.json() == {"success": True, "count": 0, "results": [], "searchMode": "vector"}


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["decision"], {"We store everything in PostgreSQL", "The login uses OAuth tokens"}),
        (["decision", "security"], {"The login uses OAuth tokens"}),
        (["security", "social"], set()),
        (["Decision"], set()),
        (
            ["", "  "],
            {"We store everything in PostgreSQL", "The login uses OAuth tokens", "Lunch is at noon in the garden"},
        ),
    ],
)
def test_all_tags_must_be_there(api: httpx2.Client, filled: str, tags: list[str], found: set[str]) -> None:
    recalled = api.post("/api/recall", json={"query": "what is decided", "namespace": filled, "tags": tags})
    assert set(contents(recalled)) == found
    listed = api.get("/api/list", params={"namespace": filled, "tags": ",".join(tags)})
    assert set(contents(listed)) == found


def test_a_recall_can_be_limited_to_a_container(api: httpx2.Client, filled: str) -> None:
    def found(container: str) -> set[str]:
        request = {"query": "what is where", "namespace": filled, "container": container}
        listed = api.get("/api/list", params={"namespace": filled, "container": container})
        assert set(contents(listed)) == set(contents(api.post("/api/recall", json=request)))
        return set(contents(listed))

    assert found("office") == {"Lunch is at noon in the garden"}
    assert found("elsewhere") == set()
    # The container of an entry saved without one is its namespace.
    assert found(filled) == {"We store everything in PostgreSQL", "The login uses OAuth tokens"}


@pytest.mark.parametrize(
    ("limit", "count"), [(2, 2), (2.0, 2), (2.9, 2), (0, 1), (-5, 1), (1000, 12), (1e300, 12), (None, 10)]
)
def test_a_limit_is_brought_into_its_range(api: httpx2.Client, namespace: str, limit: float | None, count: int) -> None:
    batch = [{"content": f"fact number {number}", "namespace": namespace} for number in range(12)]
    assert api.post("/api/save/batch", json={"memories": batch}).json()["count"] == 12
    recalled = api.post("/api/recall", json={"query": "fact", "namespace": namespace, "limit": limit})
    assert len(contents(recalled)) == count
    parameters = {"namespace": namespace} | ({} if limit is None else {"limit": str(limit)})
    assert len(contents(api.get("/api/list", params=parameters))) == count


def test_no_more_than_a_hundred_results_come_back(api: httpx2.Client, namespace: str) -> None:
    batch = [{"content": f"fact number {number}", "namespace": namespace} for number in range(101)]
    assert api.post("/api/save/batch", json={"memories": batch}).status_code == 200
    request = {"query": "fact", "namespace": namespace, "limit": 500, "searchMode": "keyword"}
    assert api.post("/api/recall", json=request).json()["count"] == 100
    listed = api.get("/api/list", params={"namespace": namespace, "limit": 500}).json()
    assert (listed["count"], listed["total"]) == (100, 101)


def test_a_recall_counts_as_use_and_a_search_does_not(local: Memento, namespace: str) -> None:
    with local.open() as api:
        id = save(api, f"quokka of {namespace}", namespace=namespace)

        def uses() -> int:
            local.run(local.core.recall.close())  # the counts are written behind the answer
            return int(api.get(f"/api/{id}").json()["entry"]["metadata"]["accessCount"])

        assert api.post("/api/search", json={"query": f"quokka of {namespace}"}).json()["count"]
        assert uses() == 0
        assert api.post("/api/recall", json={"query": "quokka", "namespace": namespace}).json()["count"] == 1
        assert uses() == 1


# --- POST /api/search -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["vector", "keyword", "hybrid", None])
def test_a_search_looks_into_all_namespaces_and_the_global_one(
    api: httpx2.Client, namespace: str, mode: str | None
) -> None:
    word = f"wombat{namespace.replace('-', '')}"
    save(api, f"frontend {word}", namespace=f"{namespace}-f", tags=[namespace, "decision"])
    save(api, f"backend {word}", namespace=f"{namespace}-b", tags=[namespace])
    save(api, f"everywhere {word}", tags=[namespace], **{"global": True})
    request = {"query": word, "tags": [namespace], "searchMode": mode, "namespace": "ignored", "container": "ignored"}
    answer = api.post("/api/search", json=request)
    assert answer.status_code == 200
    found = {result["entry"]["metadata"]["namespace"] for result in answer.json()["results"]}
    assert found == {f"{namespace}-f", f"{namespace}-b", "__global__"}
    assert all(result["entry"]["metadata"]["summary"] for result in answer.json()["results"])
    assert contents(api.post("/api/search", json={**request, "tags": [namespace, "decision"]})) == [f"frontend {word}"]
    assert len(contents(api.post("/api/search", json={**request, "limit": 1}))) == 1


# --- GET /api/list --------------------------------------------------------------------------------


def test_a_list_is_newest_first_and_pages_do_not_overlap(api: httpx2.Client, namespace: str) -> None:
    for number in range(5):
        save(api, f"entry {number}", namespace=namespace)
    pages = [
        api.get("/api/list", params={"namespace": namespace, "limit": 2, "offset": start}) for start in (0, 2, 4, 6)
    ]
    assert [contents(page) for page in pages] == [["entry 4", "entry 3"], ["entry 2", "entry 1"], ["entry 0"], []]
    assert [page.json()["count"] for page in pages] == [2, 2, 1, 0]
    assert [page.json()["total"] for page in pages] == [5, 5, 5, 5]
    assert [page.json()["offset"] for page in pages] == [0, 2, 4, 6]
    assert all(set(page.json()) == {"success", "count", "total", "offset", "entries"} for page in pages)


@pytest.mark.parametrize(("offset", "echoed"), [("-3", 0), ("1.0", 1), ("1e300", 2**53)])
def test_an_offset_is_brought_into_its_range(api: httpx2.Client, namespace: str, offset: str, echoed: int) -> None:
    save(api, "one", namespace=namespace)
    answer = api.get("/api/list", params={"namespace": namespace, "offset": offset})
    assert answer.json()["offset"] == echoed
    assert answer.json()["total"] == 1


@pytest.mark.parametrize(
    "query", ["tags=a,b", "tags=a,%20b%20,", "tags=%20,a,,b", "tags=a&tags=b", "tags=b,a&limit=20"]
)
def test_tags_of_a_list_are_separated_by_commas(api: httpx2.Client, namespace: str, query: str) -> None:
    save(api, "both", namespace=namespace, tags=["a", "b"])
    save(api, "one", namespace=namespace, tags=["a"])
    answer = api.get(f"/api/list?namespace={namespace}&{query}")
    assert contents(answer) == ["both"]
    assert answer.json()["total"] == 1


def test_empty_parameters_count_as_absent(api: httpx2.Client) -> None:
    save(api, "seen by a list of nothing in particular")
    bare = api.get("/api/list").json()
    empty = "namespace=&tags=&limit=&offset=&container=&after=&before="
    assert api.get(f"/api/list?{empty}").json() == bare
    assert bare["offset"] == 0


def test_an_entry_that_was_replaced_elsewhere_says_by_which(local: Memento, api: httpx2.Client, namespace: str) -> None:
    old = save(api, "The harbour opens at seven", namespace=namespace)
    assert local.core.local is not None
    draft = Draft(content="The harbour opens at eight", project=namespace)
    new = local.run(local.core.memories.supersede(local.core.local, old, draft)).memory.id
    assert api.get(f"/api/{old}").json()["entry"]["metadata"]["supersededBy"] == new
    answer = api.post("/api/recall", json={"query": "harbour", "namespace": namespace})
    assert contents(answer) == ["The harbour opens at eight"]


def test_a_long_content_is_summarised_by_its_beginning(api: httpx2.Client, namespace: str) -> None:
    save(api, "word " * 50, namespace=namespace)
    (entry,) = api.get("/api/list", params={"namespace": namespace}).json()["entries"]
    assert entry["metadata"]["summary"] == ("word " * 20).strip() + "..."


# --- GET /api/health ------------------------------------------------------------------------------


def test_health_tells_the_set_up_and_the_counts(local: Memento, api: httpx2.Client) -> None:
    assert local.core.embedder.model is not None
    before = api.get("/api/health").json()
    save(api, "counted here")
    save(api, "counted elsewhere", namespace="elsewhere")
    save(api, "counted everywhere", **{"global": True})
    answer = api.get("/api/health")
    assert answer.status_code == 200
    stats = before["stats"]
    assert answer.json() == {
        "success": True,
        "status": "healthy",
        "version": "0.9.0",
        "config": {
            "storageType": "local",
            "embeddingProvider": "local",
            "embeddingModel": local.core.embedder.model.name,
            "namespace": "here",
        },
        "stats": {
            "entriesInNamespace": stats["entriesInNamespace"] + 1,
            "globalEntries": stats["globalEntries"] + 1,
            "autoCapture": False,
        },
        "entries": before["entries"] + 3,
        "server": {"name": "polymem", "version": polymem.__version__},
    }


# --- DELETE /api/:id ------------------------------------------------------------------------------


def test_a_deleted_entry_is_gone_everywhere_and_a_second_delete_finds_nothing(
    api: httpx2.Client, namespace: str
) -> None:
    id = save(api, "gone soon", namespace=namespace)
    answer = api.delete(f"/api/{id}", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": f"Memory entry {id} deleted successfully", "deleted": True}
    assert api.get("/api/list", params={"namespace": namespace}).json()["total"] == 0
    for mode in ("vector", "keyword", "hybrid"):
        request = {"query": "gone soon", "namespace": namespace, "searchMode": mode}
        assert contents(api.post("/api/recall", json=request)) == []
    again = api.delete(f"/api/{id}")
    assert again.status_code == 404
    assert again.json() == {"success": False, "error": f"Memory entry {id} not found", "code": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("path", "id"),
    [
        ("uuid-1234", "uuid-1234"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("health", "health"),
        ("save", "save"),
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("%C3%A4%20%F0%9F%A7%A0", "ä 🧠"),
        ("nul%00", "nul\x00"),
        ("x" * 5000, "x" * 5000),
        ("uuid-1234/", "uuid-1234"),
    ],
)
def test_any_text_may_be_the_id_of_a_delete(api: httpx2.Client, path: str, id: str) -> None:
    answer = api.delete(f"/api/{path}")
    assert answer.status_code == 404
    assert answer.json() == {"success": False, "error": f"Memory entry {id} not found", "code": "NOT_FOUND"}


# --- GET / ----------------------------------------------------------------------------------------


def test_the_root_is_a_web_page_that_asks_nothing_of_other_hosts(api: httpx2.Client) -> None:
    for path in ("/", "/memento/"):
        answer = api.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"""(src|href)=["'](https?:)?//""", answer.text)


@pytest.mark.parametrize("path", ["/api/list/", "/api/health/", "/memento/api/list", "/memento/api/list//"])
def test_slashes_at_the_end_and_the_prefix_make_no_difference(api: httpx2.Client, path: str) -> None:
    assert api.get(path).json()["success"] is True
    assert api.head(path).status_code == 200


def test_a_save_with_a_slash_at_the_end_keeps_its_body(api: httpx2.Client, namespace: str) -> None:
    answer = api.post("/api/save/", json={"content": "slash", "namespace": namespace})
    assert answer.json()["count"] == 1
