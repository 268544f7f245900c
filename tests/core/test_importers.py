"""Files of memories, whatever their form, become the same records."""

import json
from typing import Any

import pytest

from polymem.core.errors import InvalidInput
from polymem.core.exchange.formats import from_memento, is_memento, memento_summary
from polymem.core.exchange.importers import Format, read_records

A = {"content": "a", "created_at": "2026-01-31T12:00:00Z"}
B = {"content": "b", "created_at": "2026-01-31T12:00:00Z", "metadata": {"namespace": "kept as it is"}}


def lines_of(text: str | bytes) -> list[bytes]:
    return (text if isinstance(text, bytes) else text.encode()).splitlines(keepends=True)


def read(text: str | bytes, format: Format = Format.AUTO) -> list[Any]:
    return list(read_records(lines_of(text), format))


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(A)}\n{json.dumps(B)}",
        f"\n{json.dumps(A)}\r\n\n{json.dumps(B)}\n\n",
        json.dumps([A, B]),
        json.dumps([A, B], indent=2),
        json.dumps({"entries": [A, B]}),
        json.dumps({"version": 1, "memories": [A, B]}, indent=2),
        json.dumps({"items": [A, B], "total": 2}),
        f"\ufeff{json.dumps([A, B])}",
    ],
)
def test_every_form_of_file_gives_the_same_records(text: str) -> None:
    assert read(text) == [A, B]


def test_one_object_over_several_lines_is_one_record() -> None:
    assert read(json.dumps(A, indent=2)) == [A]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_holds_nothing(text: str) -> None:
    assert read(text) == []


def test_a_bad_line_stands_as_its_reason_in_its_place() -> None:
    first, bad, last = read(b'{"content": "a"}\n{"content": \xff}\n{"content": "c"}\n')
    assert (first, last) == ({"content": "a"}, {"content": "c"})
    assert isinstance(bad, InvalidInput)
    assert str(bad) == "it is not UTF-8 text"


def test_a_line_that_says_it_is_ndjson_is_forgiven_everything() -> None:
    bad, good = read('{"content": "a"\n{"content": "b"}\n', Format.NDJSON)
    assert isinstance(bad, InvalidInput)
    assert good == {"content": "b"}


@pytest.mark.parametrize(
    ("text", "format", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n", Format.AUTO, "neither NDJSON nor JSON"),
        (b"Hello, world\nHow are you?", Format.AUTO, "neither NDJSON nor JSON"),
        (b'{"content": "a"}\n{"content": "b"}\n', Format.JSON, "not JSON"),
        (b"[" * 100_000, Format.AUTO, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", Format.AUTO, "not valid JSON"),
    ],
)
def test_a_file_of_something_else_is_refused_as_a_whole(text: bytes, format: Format, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read(text, format)


ENTRY = {
    "id": "8b0f6c1e-3c55-4b52-9a53-2a1f6e0a4a11",
    "content": "We chose SQLite",
    "metadata": {
        "namespace": "shop",
        "tags": ["decision"],
        "timestamp": "2026-01-31T12:00:00.000Z",
        "summary": "SQLite",
        "container": "sprint-1",
        "priority": "high",
        "source": "hook:stop",
        "files": ["a.py"],
        "accessCount": 3,
    },
}


def test_a_memento_entry_becomes_a_record() -> None:
    assert is_memento(ENTRY)
    assert read(json.dumps({"entries": [ENTRY]})) == [
        {
            "id": "8b0f6c1e-3c55-4b52-9a53-2a1f6e0a4a11",
            "content": "We chose SQLite",
            "project": "shop",
            "tags": ["decision"],
            "container": "sprint-1",
            "created_at": "2026-01-31T12:00:00.000Z",
            "importance": 8,
            "provenance": "hook:stop",
            "summary": "SQLite",
            "metadata": {"files": ["a.py"]},
        }
    ]


@pytest.mark.parametrize("namespace", ["__global__", "global", None])
def test_the_global_namespace_is_no_project(namespace: str | None) -> None:
    record = from_memento({"content": "a", "metadata": {"namespace": namespace}})
    assert isinstance(record, dict)
    assert "project" not in record


@pytest.mark.parametrize(
    ("metadata", "importance"),
    [
        ({}, 5),
        ({"priority": "low"}, 3),
        ({"priority": "medium"}, 5),
        ({"priority": ["odd"]}, 5),
        ({"priority": "high", "importance": 0.1}, 1),
        ({"importance": 1}, 10),
        ({"importance": 0}, 1),
        ({"importance": 7}, 5),
        ({"importance": True}, 5),
    ],
)
def test_importance_comes_from_either_of_mementos_measures(metadata: dict[str, Any], importance: int) -> None:
    record = from_memento({"content": "a", "metadata": metadata})
    assert isinstance(record, dict)
    assert record["importance"] == importance


def test_a_container_that_repeats_the_namespace_is_none() -> None:
    record = from_memento({"content": "a", "metadata": {"namespace": "shop", "container": "shop"}})
    assert isinstance(record, dict)
    assert "container" not in record


def test_a_summary_that_memento_made_itself_is_made_again_instead_of_kept() -> None:
    content = "word " * 50
    record = from_memento({"content": content, "metadata": {"summary": memento_summary(content)}})
    assert isinstance(record, dict)
    assert "summary" not in record


def test_entries_of_memento_may_be_flat() -> None:
    (record,) = read('{"content": "a", "namespace": "shop", "tags": ["t"], "priority": "high"}', Format.MEMENTO)
    assert record == {
        "content": "a",
        "project": "shop",
        "tags": ["t"],
        "importance": 8,
        "metadata": {},
    }


def test_metadata_that_is_no_object_is_a_reason_not_to_import() -> None:
    (refused,) = read('{"content": "a", "metadata": "b"}', Format.MEMENTO)
    assert isinstance(refused, InvalidInput)


def test_records_of_polymem_are_never_taken_for_mementos() -> None:
    assert not is_memento(B)
    assert read(json.dumps([B])) == [B]
