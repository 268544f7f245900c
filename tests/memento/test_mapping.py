from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polymem.core.model import Memory
from polymem.dialects.memento import mapping

NOW = datetime(2026, 3, 20, 10, 30, 0, 123456, tzinfo=UTC)


def memory(content: str, **fields: object) -> Memory:
    values = {"id": "1", "organization_id": "o", "content": content, "created_at": NOW, "updated_at": NOW, **fields}
    return Memory(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        ("short", "short"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "..."),
        ("x" * 100 + " y", "x" * 100 + "..."),
        ("x" * 99 + " yz", "x" * 99 + "..."),
        ("one " * 30, ("one " * 25).strip() + "..."),
        ("  \nlead" + " y" * 60, "lead" + " y" * 48 + "..."),
    ],
)
def test_a_summary_is_the_first_hundred_characters_cut_between_words(content: str, summary: str) -> None:
    assert mapping.summary_of(memory(content)) == summary


def test_a_summary_of_its_own_wins() -> None:
    assert mapping.summary_of(memory("x" * 200, summary="own")) == "own"


@given(st.text(min_size=1))
def test_a_summary_is_short_and_begins_as_the_content_does(content: str) -> None:
    summary = mapping.summary_of(memory(content))
    assert len(summary) <= 103
    assert content.strip().startswith(summary if len(content.strip()) <= 100 else summary.removesuffix("..."))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(8, 40))
def test_parts_are_small_enough_and_join_to_the_whole(content: str, most_bytes: int) -> None:
    parts = mapping.to_parts(content, most_bytes)
    assert "".join(parts) == content
    assert all(len(part.encode()) <= most_bytes for part in parts)


def test_parts_are_cut_after_white_space() -> None:
    assert mapping.to_parts("one two three\nfour five", 8) == ["one two ", "three\n", "four ", "five"]


def test_no_part_is_a_mere_remainder() -> None:
    assert [len(part) for part in mapping.to_parts("x" * 100 + "\n", 100)] == [51, 50]


@pytest.mark.parametrize(
    ("importance", "priority"),
    [(1, "low"), (3, "low"), (4, "low"), (5, "normal"), (6, "normal"), (7, "high"), (10, "high")],
)
def test_an_importance_given_elsewhere_is_told_as_the_nearest_priority(importance: int, priority: str) -> None:
    assert mapping.from_importance(importance) == priority


def test_a_timestamp_is_utc_with_milliseconds() -> None:
    assert mapping.from_instant(NOW) == "2026-03-20T10:30:00.123Z"
    assert mapping.from_instant(datetime(2026, 3, 20, tzinfo=UTC)) == "2026-03-20T00:00:00.000Z"


def test_metadata_given_elsewhere_is_passed_on_but_never_hides_what_is_known() -> None:
    metadata = mapping.from_memory(memory("x", metadata={"files": ["a"], "tags": "forged", "model_dump": 1})).metadata
    dumped = metadata.model_dump()
    assert dumped["files"] == ["a"]
    assert dumped["tags"] == []
    assert dumped["model_dump"] == 1
