import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import notes_data

AT_LEAST = {
    "paraphrase": 90,
    "identifier": 45,
    "number": 35,
    "negation": 20,
    "multi_evidence": 40,
    "other_language": 20,
    "no_answer": 80,
}


@pytest.fixture(scope="module")
def notes() -> notes_data.NoteSet:
    return notes_data.load()


def test_there_are_enough_memories_of_every_sort(notes: notes_data.NoteSet) -> None:
    assert len(notes.notes) >= 620
    assert len(notes.projects) == 6
    assert {note.kind for note in notes.notes} == notes_data.KINDS
    assert sum(note.language != "en" for note in notes.notes) >= 40
    assert sum(len(note.content.split()) > 300 for note in notes.notes) >= 15


def test_there_are_enough_questions_of_every_type(notes: notes_data.NoteSet) -> None:
    counts = Counter(question.type for question in notes.questions)
    assert {type for type, least in AT_LEAST.items() if counts[type] < least} == set()
    assert counts.keys() == notes_data.TYPES


def test_no_memory_and_no_question_is_there_twice(notes: notes_data.NoteSet) -> None:
    assert len({note.content for note in notes.notes}) == len(notes.notes)
    assert len({(question.project, question.text) for question in notes.questions}) == len(notes.questions)


def test_some_questions_are_asked_across_all_projects(notes: notes_data.NoteSet) -> None:
    assert sum(question.project is None for question in notes.questions) >= 20


def test_every_entry_stands_on_its_own_line_in_the_order_of_its_id() -> None:
    lines = notes_data.NOTES.read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line.rstrip(","))["id"] for line in lines if line.startswith('{"id"')]
    assert ids == sorted(ids)
    raw = json.loads("\n".join(lines))
    assert len(ids) == len(raw["memories"]) + len(raw["questions"])


def small() -> dict[str, list[dict[str, Any]]]:
    memory = {"id": "n001", "project": "a", "kind": "fact", "content": "Water boils.", "tags": ["water"]}
    question = {"id": "q001", "question": "What boils?", "project": "a", "type": "number", "evidence": ["n001"]}
    return {
        "memories": [memory, memory | {"id": "n002", "project": "b", "occurred_at": "2025-06-01", "language": "de"}],
        "questions": [question, question | {"id": "q002", "project": None, "type": "no_answer", "evidence": []}],
    }


def load(raw: object, tmp_path: Path) -> notes_data.NoteSet:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return notes_data.load(path)


def test_what_a_memory_may_leave_out_has_a_default(tmp_path: Path) -> None:
    first, second = load(small(), tmp_path).notes
    assert (first.title, first.occurred_at, first.language) == (None, None, "en")
    assert second.occurred_at is not None
    assert second.occurred_at.isoformat() == "2025-06-01T00:00:00+00:00"
    assert second.language == "de"


@pytest.mark.parametrize(
    ("entries", "change", "sentence"),
    [
        ("memories", {"id": "n002"}, "The id n002 is used twice."),
        ("memories", {"content": " "}, "Entry n001 has an empty text."),
        ("memories", {"tags": [""]}, "Entry n001 has an empty text."),
        ("memories", {"kind": "rumour"}, "Memory n001 has the unknown kind 'rumour'."),
        ("questions", {"id": "q002"}, "The id q002 is used twice."),
        ("questions", {"question": ""}, "Entry q001 has an empty text."),
        ("questions", {"type": "riddle"}, "Question q001 has the unknown type 'riddle'."),
        ("questions", {"project": "c"}, "Question q001 asks in the unknown project 'c'."),
        ("questions", {"evidence": ["n009"]}, "Question q001 names n009 as evidence, and there is no such memory."),
        ("questions", {"evidence": ["n002"]}, "Question q001 asks in a, and its evidence n002 lies elsewhere."),
        ("questions", {"evidence": []}, "Question q001 of type number cannot have 0 memories as evidence."),
        ("questions", {"type": "no_answer"}, "Question q001 of type no_answer cannot have 1 memories as evidence."),
        (
            "questions",
            {"type": "multi_evidence"},
            "Question q001 of type multi_evidence cannot have 1 memories as evidence.",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named(entries: str, change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    raw = small()
    raw[entries][0] |= change
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is compared in full
        load(raw, tmp_path)
    assert str(caught.value) == sentence
