"""What other systems export becomes memories, with all that both sides know."""

import json
from typing import Any

import pytest

from polymem.core.errors import InvalidInput
from polymem.core.exchange.importers import Format, read_records
from polymem.core.exchange.transfer import from_record

MEM0 = {
    "results": [
        {
            "id": "892db2ae-06d9-49e5-8b3e-585ef9b85b8e",
            "memory": "Likes to travel by train",
            "hash": "bae0f4",
            "metadata": {"category": "travel"},
            "categories": ["travel"],
            "user_id": "ana",
            "run_id": "chat-7",
            "created_at": "2024-07-26T08:29:36.412143-07:00",
            "updated_at": None,
        }
    ]
}
MEMEMORY = [
    {
        "id": "a1",
        "content": "Never commit .env files",
        "scope": "global",
        "type": "rule",
        "delivery": "pinned",
        "tags": ["security"],
        "weight": 0.5,
        "created_at": "2025-01-10T08:00:00Z",
        "updated_at": "2025-01-11T08:00:00Z",
    },
    {"id": "a2", "content": "Uses React", "scope": "project", "project": "match", "type": "bootstrap", "weight": 1}
    | {"supersedes": "a0", "ttl": "2199-01-01T00:00:00Z"},
    {"id": "a3", "content": "Named", "scope": "global", "project": "match", "type": "fact", "weight": 0.1}
    | {"superseded_by": "a4"},
]
AIMEMORY = [
    {
        "id": "7f3c",
        "project": "my-app",
        "memory_type": "decision",
        "content": "Use PostgreSQL",
        "context": "Scaling",
        "importance": 8,
        "tags": ["db"],
        "access_count": 3,
        "last_accessed": None,
        "created_at": "2025-01-15T10:30:00Z",
    }
]
MEMANTO = {
    "memories": [
        {
            "memory_id": "m-1",
            "agent_id": "support-bot",
            "type": "preference",
            "title": "Contact",
            "content": "Prefers email",
            "confidence": 0.9,
            "provenance": "explicit",
            "tags": "contact,email",
            "source": "chat",
            "created_at": "2025-02-01T00:00:00Z",
        }
    ]
}
MCP = (
    '{"type":"entity","name":"John_Smith","entityType":"person","observations":["Speaks Spanish","Lives in Porto"]}\n'
    '{"type":"relation","from":"John_Smith","to":"Anthropic","relationType":"works_at"}\n'
    '{"type":"entity","name":"Anthropic","entityType":"company","observations":[]}\n'
)


def read(value: Any, format: Format = Format.AUTO) -> list[Any]:
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    return list(read_records(text.encode().splitlines(keepends=True), format))


def notes(text: str, name: str = "trips") -> list[Any]:
    return list(read_records(text.encode().splitlines(keepends=True), Format.MARKDOWN, name=name))


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("export", "format"),
    [
        (MEM0, Format.MEM0),
        (MEMEMORY, Format.MEMEMORY),
        (AIMEMORY, Format.AIMEMORY),
        (MEMANTO, Format.MEMANTO),
        (MCP, Format.MCP),
    ],
)
def test_every_record_can_be_kept_whether_the_system_is_named_or_not(export: Any, format: Format, named: bool) -> None:
    records = read(export, format if named else Format.AUTO)
    assert records == read(export, format)
    for record in records:
        from_record(record, keep_id=True)


def test_a_memory_of_mem0() -> None:
    assert read(MEM0) == [
        {
            "id": "892db2ae-06d9-49e5-8b3e-585ef9b85b8e",
            "content": "Likes to travel by train",
            "tags": ["travel"],
            "container": "chat-7",
            "metadata": {"category": "travel", "user_id": "ana"},
            "created_at": "2024-07-26T08:29:36.412143-07:00",
        }
    ]
    assert [record["content"] for record in read([MEM0["results"][0]])] == ["Likes to travel by train"]
    assert [record["content"] for record in read(MEM0["results"][0])] == ["Likes to travel by train"]


def test_memories_of_mememory() -> None:
    rule, react, named = read(MEMEMORY)
    assert rule == {
        "id": "a1",
        "content": "Never commit .env files",
        "kind": "rule",
        "delivery": "pinned",
        "tags": ["security"],
        "weight": 0.5,
        "created_at": "2025-01-10T08:00:00Z",
        "updated_at": "2025-01-11T08:00:00Z",
    }
    assert (react["project"], react["delivery"], react["supersedes"]) == ("match", "bootstrap", "a0")
    assert react["expires_at"] == "2199-01-01T00:00:00Z"
    assert named["metadata"] == {"scope": "global", "project": "match"}
    assert "weight" not in named
    assert "project" not in named


def test_a_memory_of_ai_memory() -> None:
    assert read(AIMEMORY) == [
        {
            "id": "7f3c",
            "content": "Use PostgreSQL",
            "kind": "decision",
            "project": "my-app",
            "context": "Scaling",
            "importance": 8,
            "tags": ["db"],
            "created_at": "2025-01-15T10:30:00Z",
        }
    ]


def test_a_memory_of_memanto() -> None:
    assert read(MEMANTO) == [
        {
            "id": "m-1",
            "content": "Prefers email",
            "title": "Contact",
            "kind": "preference",
            "project": "support-bot",
            "tags": ["contact", "email"],
            "confidence": 0.9,
            "provenance": "explicit",
            "metadata": {"source": "chat"},
            "created_at": "2025-02-01T00:00:00Z",
        }
    ]


def test_a_graph_of_the_mcp_server() -> None:
    assert [(record["content"], record["kind"]) for record in read(MCP)] == [
        ("John Smith: Speaks Spanish", "observation"),
        ("John Smith: Lives in Porto", "observation"),
        ("John Smith works at Anthropic.", "relationship"),
        ("Anthropic: company", "entity"),
    ]
    assert read(MCP)[0]["tags"] == ["John_Smith"]
    assert read(MCP)[2]["tags"] == ["John_Smith", "Anthropic"]


def test_an_object_of_another_system_than_the_named_one_is_told() -> None:
    good, bad = read([AIMEMORY[0], {"content": "x"}], Format.AIMEMORY)
    assert good["kind"] == "decision"
    assert isinstance(bad, InvalidInput)
    assert str(bad) == "it is no entry of aimemory"


@pytest.mark.parametrize(
    "record",
    [
        {"content": "x"},
        {"content": "x", "kind": "fact", "confidence": 0.5, "provenance": "import"},
        {"content": "x", "kind": "note", "scope": "global"},
        {"content": "x", "metadata": {"type": "entity"}},
        {"entries": 5},
    ],
)
def test_polymems_own_records_are_nobody_elses(record: Any) -> None:
    assert read([record]) == [record]


# --- Markdown -------------------------------------------------------------------------------------


def test_a_list_gives_a_memory_for_each_item_and_other_text_one_for_each_section() -> None:
    found = notes(
        "Before all headings.\n\n# Trip to Porto\n\nWe took the train.\n\nIt was late.\n\n## Packing\n\n"
        "- passport\n  of both of us\n- camera\n\nDo not forget.\n\n1. first\n2) second\n* [x] done\n"
    )
    assert [(record.get("title"), record["content"]) for record in found] == [
        ("trips", "Before all headings."),
        ("Trip to Porto", "We took the train.\n\nIt was late."),
        ("Trip to Porto › Packing", "passport\nof both of us"),
        ("Trip to Porto › Packing", "camera"),
        ("Trip to Porto › Packing", "first"),
        ("Trip to Porto › Packing", "second"),
        ("Trip to Porto › Packing", "done"),
        ("Trip to Porto › Packing", "Do not forget."),
    ]


def test_headings_that_name_kinds_give_kinds() -> None:
    found = notes("# Memory\n\n## Decisions\n- Use PostgreSQL\n\n## Preferences\n- Tea\n\n## Other\n- x\n", "MEMORY")
    assert [(record.get("kind"), record.get("title"), record["content"]) for record in found] == [
        ("decision", None, "Use PostgreSQL"),
        ("preference", None, "Tea"),
        (None, "Other", "x"),
    ]


def test_code_is_no_list_and_no_heading() -> None:
    (record,) = notes("# Setup\n```sh\n# install\n- not an item\n```\n")
    assert record["content"] == "```sh\n# install\n- not an item\n```"


def test_front_matter_is_said_of_all_memories() -> None:
    found = notes(
        "---\ntitle: Porto\ntags: [travel, 'city trip']\nproject: trips\nkind: event\ndate: 2026-01-31\n---\n- a\n- b\n"
    )
    common = {"title": "Porto", "tags": ["travel", "city trip"], "project": "trips", "kind": "event"}
    common["created_at"] = "2026-01-31"
    assert found == [common | {"content": "a"}, common | {"content": "b"}]
    assert notes("---\ntags:\n  - a\n  - b\n---\nx")[0]["tags"] == ["a", "b"]
    assert notes("---\nnot closed\n")[0]["content"] == "---\nnot closed"


def test_a_wrong_date_is_told_once() -> None:
    (error,) = notes("---\ndate: soon\n---\n- a\n- b\n")
    assert isinstance(error, InvalidInput)


@pytest.mark.parametrize("text", ["", "\n\n", "# Only\n\n## headings\n"])
def test_a_note_that_says_nothing_gives_nothing(text: str) -> None:
    assert notes(text) == []
