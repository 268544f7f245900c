"""What goes beyond the published reference: batch, get, update, restore, dates, export and import."""

import httpx2
import pytest

from tests.memento.conftest import Memento, Start


def entry(api: httpx2.Client, id: str) -> dict[str, object]:
    answer = api.get(f"/api/{id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["entry"])


def test_a_batch_is_saved_in_order(api: httpx2.Client, namespace: str) -> None:
    memories = [{"content": f"{number}", "namespace": namespace, "tags": [f"{number}"]} for number in range(3)]
    answer = api.post("/api/save/batch", json={"memories": memories})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["count"], body["saved"], body["message"]) == (3, 3, "Saved 3 memory entries")
    assert [entry(api, id)["content"] for id in body["ids"]] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "bad", [{"content": ""}, {}, {"content": "x", "tags": "x"}, {"content": "x", "priority": "top"}, 5]
)
def test_a_batch_with_one_bad_entry_saves_none_and_says_which(api: httpx2.Client, namespace: str, bad: object) -> None:
    memories = [{"content": "good", "namespace": namespace}, bad]
    answer = api.post("/api/save/batch", json={"memories": memories})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("memories.1")
    assert api.get("/api/list", params={"namespace": namespace}).json()["total"] == 0


def test_a_batch_of_nothing_saves_nothing(api: httpx2.Client) -> None:
    assert api.post("/api/save/batch", json={"memories": []}).json()["message"] == "Saved 0 memory entries"


def test_an_update_changes_what_it_names_and_nothing_else(api: httpx2.Client, namespace: str) -> None:
    fields = {"content": "old text", "namespace": namespace, "tags": ["a"], "container": "c", "priority": "low"}
    (id,) = api.post("/api/save", json=fields).json()["ids"]
    answer = api.patch(f"/api/{id}", json={"content": "new text", "priority": None})
    assert answer.status_code == 200
    assert answer.json()["message"] == f"Memory entry {id} updated successfully"
    changed = entry(api, id)
    assert changed == answer.json()["entry"]
    assert changed["content"] == "new text"
    metadata = changed["metadata"]
    assert isinstance(metadata, dict)
    assert {name: metadata[name] for name in ("namespace", "tags", "container", "priority", "version", "summary")} == {
        "namespace": namespace,
        "tags": ["a"],
        "container": "c",
        "priority": "low",
        "version": 2,
        "summary": "new text",
    }
    found = api.post("/api/recall", json={"query": "new", "namespace": namespace, "searchMode": "keyword"}).json()
    assert found["count"] == 1
    update = {"namespace": "__global__", "container": "", "tags": [], "priority": "high"}
    metadata = api.patch(f"/api/{id}", json=update).json()["entry"]["metadata"]
    assert metadata["namespace"] == metadata["container"] == "__global__"
    assert metadata["tags"] == []
    assert metadata["priority"] == "high"


def test_an_update_of_what_is_not_there_is_not_found(api: httpx2.Client) -> None:
    (id,) = api.post("/api/save", json={"content": "gone"}).json()["ids"]
    api.delete(f"/api/{id}")
    for missing in (id, "nope", "nul%00"):
        for answer in (api.patch(f"/api/{missing}", json={"content": "x"}), api.get(f"/api/{missing}")):
            assert answer.status_code == 404
            assert answer.json()["code"] == "NOT_FOUND"
    assert api.patch(f"/api/{id}", json={"content": " "}).json()["error"] == "content is required"


def test_a_deleted_entry_can_be_restored(api: httpx2.Client, namespace: str) -> None:
    (id,) = api.post("/api/save", json={"content": "back soon", "namespace": namespace}).json()["ids"]
    api.delete(f"/api/{id}")
    answer = api.post(f"/api/{id}/restore")
    assert answer.status_code == 200
    assert answer.json()["message"] == f"Memory entry {id} restored successfully"
    assert [one["id"] for one in api.get("/api/list", params={"namespace": namespace}).json()["entries"]] == [id]
    assert api.delete(f"/api/{id}").status_code == 200
    for missing in ("nope", "nul%00", "save"):
        assert api.post(f"/api/{missing}/restore").status_code == 404


def test_instants_limit_what_is_found(api: httpx2.Client, namespace: str) -> None:
    for text in ("first fact", "second fact", "third fact"):
        api.post("/api/save", json={"content": text, "namespace": namespace, "tags": [namespace]})
    listed = api.get("/api/list", params={"namespace": namespace}).json()["entries"]
    third, second, first = (one["timestamp"] for one in listed)

    def found(**instants: str) -> list[set[str]]:
        request = {"query": "fact", "tags": [namespace], **instants}
        recalled = api.post("/api/recall", json={**request, "namespace": namespace}).json()["results"]
        searched = api.post("/api/search", json=request).json()["results"]
        filtered = api.get("/api/list", params={"namespace": namespace, **instants}).json()["entries"]
        return [{one["content"] for one in answer} for answer in (recalled, searched, filtered)]

    # An entry's own timestamp, in milliseconds, includes it on both sides.
    assert all({"third fact"} <= contents for contents in found(after=third))
    assert all({"first fact"} <= contents for contents in found(before=first))
    assert all({"second fact"} <= contents for contents in found(after=second, before=second))
    assert found(before="2020-01-01") == [set()] * 3
    assert (
        found(after="2020-01-01T00:00:00+02:00", before="9999-12-31T23:59:59.999999Z")
        == [{"first fact", "second fact", "third fact"}] * 3
    )


def test_an_export_is_imported_elsewhere_as_it_was_and_only_once(local: Memento, start: Start, namespace: str) -> None:
    other = start()
    with local.open() as source, other.open() as target:
        (long,) = source.post("/api/save", json={"content": "a b " * 60, "namespace": namespace}).json()["ids"]
        fields = {"content": 'say "hi" 🧠', "namespace": namespace, "tags": ["t"], "container": "c", "priority": "high"}
        source.post("/api/save", json=fields)
        (deleted,) = source.post("/api/save", json={"content": "deleted", "namespace": namespace}).json()["ids"]
        source.delete(f"/api/{deleted}")
        exported = source.get("/api/export", params={"namespace": namespace}).json()
        assert (exported["success"], exported["count"]) == (True, 2)
        assert exported["entries"][0] == entry(source, long)
        answer = target.post("/api/import", json=exported)
        assert answer.json() == {"success": True, "imported": 2, "existing": 0, "skipped": []}
        again = target.post("/api/import", json=exported)
        assert again.json() == {"success": True, "imported": 0, "existing": 2, "skipped": []}
        assert target.get("/api/export").json() == exported


def test_an_import_names_what_it_skips_and_takes_the_rest(api: httpx2.Client, namespace: str) -> None:
    entries = [
        {"content": "flat", "namespace": namespace, "tags": ["f"], "priority": "low"},
        {"content": ""},
        {"metadata": {"namespace": namespace}},
        {"content": "bad metadata", "metadata": "x"},
        {"content": "bad tags", "metadata": {"tags": "x"}},
        {"content": "bad time", "metadata": {"timestamp": "soon"}},
        {
            "id": "from-memento",
            "content": "as Memento keeps it",
            "embedding": [0.1],
            "metadata": {
                "namespace": namespace,
                "timestamp": "2025-03-20T10:30:00.123Z",
                "source": "hook:stop",
                "files": ["a.py"],
                "sessionId": "s1",
                "importance": 0.8,
                "priority": ["nonsense"],
                "summary": "its own summary",
            },
        },
    ]
    body = api.post("/api/import", json={"entries": entries}).json()
    assert (body["imported"], body["existing"]) == (2, 0)
    assert [one["position"] for one in body["skipped"]] == [2, 3, 4, 5, 6]
    assert all(one["reason"] for one in body["skipped"])
    newest, oldest = api.get("/api/list", params={"namespace": namespace}).json()["entries"]
    assert newest["content"] == "flat"
    assert (newest["tags"], newest["metadata"]["priority"]) == (["f"], "low")
    assert oldest["id"] == "from-memento"
    metadata = oldest["metadata"]
    assert (metadata["timestamp"], metadata["source"]) == ("2025-03-20T10:30:00.123Z", "hook:stop")
    assert (metadata["files"], metadata["sessionId"]) == (["a.py"], "s1")
    assert (metadata["importance"], metadata["summary"]) == (0.8, "its own summary")


def test_an_import_can_put_everything_into_one_namespace(api: httpx2.Client, namespace: str) -> None:
    entries = [{"content": "one", "metadata": {"namespace": "elsewhere", "container": "elsewhere"}}, {"content": "two"}]
    assert api.post("/api/import", json={"entries": entries, "namespace": namespace}).json()["imported"] == 2
    listed = api.get("/api/list", params={"namespace": namespace}).json()
    assert listed["total"] == 2
    assert {one["metadata"]["container"] for one in listed["entries"]} == {namespace}
