"""Export and import over HTTP, in both directions as streams."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.serving import Server


@pytest.fixture
def other(server: Server) -> Iterator[httpx2.Client]:
    """A client of another organization."""
    with server.client(server.new_key(server.new_organization())) as client:
        yield client


def export(api: httpx2.Client, **selection: Any) -> list[dict[str, Any]]:
    answer = api.post("/v1/export", json=selection)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def import_(api: httpx2.Client, content: str | bytes | Iterator[bytes], **query: Any) -> dict[str, Any]:
    answer = api.post("/v1/import", content=content, params=query)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def test_what_one_organization_exports_another_imports_unchanged(api: httpx2.Client, other: httpx2.Client) -> None:
    old = api.post("/v1/memories", json={"content": "Ana flies from Lisbon.", "project": "travel", "tags": ["a"],
                                         "metadata": {"k": [1, {"ü": None}]}, "importance": 9}).json()  # fmt: skip
    api.post("/v1/memories", json={"content": "Ana flies from Porto.", "project": "travel", "supersedes": old["id"]})
    api.post("/v1/memories", json={"content": "unassigned", "occurred_at": "2026-01-31T12:00:00.123456Z"})
    lines = api.post("/v1/export").text
    report = import_(other, lines, keep_ids="false")
    assert report == {"imported": 3, "existing": 0, "skipped": []}
    exported, imported = (sorted(export(side), key=lambda record: record["content"]) for side in (api, other))
    volatile = ("id", "supersedes", "superseded_by", "updated_at", "version")
    plain = [[{k: v for k, v in record.items() if k not in volatile} for record in records]
             for records in (exported, imported)]  # fmt: skip
    assert plain[0] == plain[1]
    assert imported[0]["superseded_by"] == imported[1]["id"]


def test_importing_twice_doubles_nothing(api: httpx2.Client) -> None:
    lines = "".join(json.dumps({"content": f"text {number}"}) + "\n" for number in range(450))
    assert import_(api, lines) == {"imported": 450, "existing": 0, "skipped": []}
    assert import_(api, lines) == {"imported": 0, "existing": 450, "skipped": []}
    assert api.get("/v1/memories").json()["total"] == 450
    assert len(export(api)) == 450


def test_a_bad_record_is_skipped_and_named_and_the_others_are_kept(api: httpx2.Client) -> None:
    lines = [
        '{"content": "good"}',
        "not json",
        '{"kind": "note"}',
        '{"content": "x", "importance": 99}',
        "",
        '{"content": "also good"}',
        "[1, 2]",
        '{"content": NaN}',
    ]
    report = import_(api, "\r\n".join(lines))
    assert report["imported"] == 2
    assert [skip["position"] for skip in report["skipped"]] == [2, 3, 4, 6, 7]
    assert "content is required" in [skip["reason"] for skip in report["skipped"]]
    assert api.get("/v1/memories").json()["total"] == 2


def test_a_line_may_be_cut_anywhere_on_its_way(api: httpx2.Client) -> None:
    line = json.dumps({"content": "Zürich, 東京, 🛫"}, ensure_ascii=False).encode()
    report = import_(api, (bytes([byte]) for byte in line))
    assert report["imported"] == 1
    assert api.get("/v1/memories").json()["items"][0]["content"] == "Zürich, 東京, 🛫"


def test_a_line_beyond_all_limits_is_skipped_without_being_held(api: httpx2.Client) -> None:
    def lines() -> Iterator[bytes]:
        yield b'{"content": "before"}\n{"content": "'
        for _ in range(300):
            yield b"x" * 65536
        yield b'"}\n{"content": "after"}'

    report = import_(api, lines())
    assert report["imported"] == 2
    assert report["skipped"] == [{"position": 2, "reason": "the record is larger than 8388608 bytes"}]


def test_an_import_can_put_everything_into_one_project(api: httpx2.Client) -> None:
    import_(api, '{"content": "a", "project": "x"}\n{"content": "b"}\n', project="inbox")
    assert api.get("/v1/memories", params={"project": "inbox"}).json()["total"] == 2


def test_an_export_holds_only_what_is_selected(api: httpx2.Client) -> None:
    for content, project in (("a", "x"), ("b", "y"), ("c", None)):
        api.post("/v1/memories", json={"content": content, "project": project})
    assert [record["content"] for record in export(api, project="x")] == ["a"]
    assert [record["content"] for record in export(api, unassigned=True)] == ["c"]
    assert export(api, project="nowhere") == []
    assert api.post("/v1/export", json={"colour": "red"}).status_code == 400


def test_forgotten_memories_are_not_exported(api: httpx2.Client) -> None:
    kept = api.post("/v1/memories", json={"content": "a"}).json()
    api.delete(f"/v1/memories/{kept['id']}")
    assert export(api) == []


def test_an_empty_import_reports_nothing(api: httpx2.Client) -> None:
    assert import_(api, b"") == {"imported": 0, "existing": 0, "skipped": []}
