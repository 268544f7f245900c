from datetime import UTC, datetime

import pytest

from polymem.core.model import Memory
from polymem.core.text import indexed_text, is_question, speaker

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def memory(content: str, **fields: object) -> Memory:
    return Memory(
        id="m",
        organization_id="o",
        content=content,
        created_at=NOW,
        updated_at=NOW,
        **fields,  # type: ignore[arg-type]
    )


def test_the_day_of_the_event_and_the_title_are_part_of_the_indexed_text() -> None:
    plain = memory("We met.")
    full = memory("We met.", title="Lunch", occurred_at=datetime(2023, 5, 8, tzinfo=UTC))

    assert indexed_text(plain) == "We met."
    assert indexed_text(full) == "(8 May 2023) Lunch. We met."


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("Ann Lee: hello", "Ann Lee"),
        ("Zoë: hello", "Zoë"),
        ("no speaker here", None),
        ("http://example.org/x: gone", None),
        ("12:30 lunch", None),
        ("a b c d e: too long for a name", None),
        ("", None),
    ],
)
def test_the_name_before_a_colon_is_the_speaker(content: str, name: str | None) -> None:
    assert speaker(memory(content)) == name


def test_metadata_names_the_speaker_before_the_text_does() -> None:
    assert speaker(memory("Ann: hello", metadata={"speaker": " Bob "})) == "Bob"
    assert speaker(memory("Ann: hello", metadata={"speaker": 5})) == "Ann"


def test_what_ends_in_a_question_mark_asks() -> None:
    assert is_question(memory("Really? "))
    assert not is_question(memory("Really? Yes."))
