"""Our own evaluation set of notes that are not conversations (`data/notes.json`), as memories and questions.

What the fields mean and how the set was made is told in `data/README.md`. Reading checks everything a benchmark
relies on, so that a mistake in the file is an error here and not a wrong figure later.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOTES = Path(__file__).parent / "data" / "notes.json"
"""Where the set lives."""

KINDS = frozenset({"decision", "preference", "error", "fact", "person", "procedure", "event"})
"""What a memory can be."""

NO_ANSWER = "no_answer"
"""The type of the questions that no memory answers."""

MULTI_EVIDENCE = "multi_evidence"
"""The type of the questions that need two to four memories."""

TYPES = frozenset(
    {"paraphrase", "identifier", "number", "negation", MULTI_EVIDENCE, "other_language", NO_ANSWER},
)
"""What a question can test."""


@dataclass(frozen=True)
class Note:
    """One memory. `language` is an ISO 639-1 code; `occurred_at` is midnight UTC of the day it tells of."""

    id: str
    project: str
    kind: str
    content: str
    tags: tuple[str, ...]
    title: str | None
    occurred_at: datetime | None
    language: str


@dataclass(frozen=True)
class Question:
    """A question, the project to search (None: all of them) and the ids of all memories that answer it."""

    id: str
    text: str
    project: str | None
    type: str
    evidence: frozenset[str]


@dataclass(frozen=True)
class NoteSet:
    """All memories and all questions, in the order of the file."""

    notes: tuple[Note, ...]
    questions: tuple[Question, ...]

    @property
    def projects(self) -> tuple[str, ...]:
        """The names of the projects, in the order in which they appear."""
        return tuple(dict.fromkeys(note.project for note in self.notes))


def load(path: Path = NOTES) -> NoteSet:
    """Read and check the set.

    Raises ValueError with a sentence that names the entry when an id is used twice, a text is empty, a kind or a
    type is unknown, or evidence does not resolve within the question's project or does not suit its type.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    notes = tuple(map(_note, raw["memories"]))
    _check_unique(note.id for note in notes)
    questions = tuple(map(_question, raw["questions"]))
    _check_unique(question.id for question in questions)
    projects = {note.id: note.project for note in notes}
    for question in questions:
        _check_evidence(question, projects)
    return NoteSet(notes, questions)


def _note(raw: Mapping[str, Any]) -> Note:
    occurred_at = raw.get("occurred_at")
    note = Note(
        id=raw["id"],
        project=raw["project"],
        kind=raw["kind"],
        content=raw["content"],
        tags=tuple(raw["tags"]),
        title=raw.get("title"),
        occurred_at=datetime.fromisoformat(occurred_at).replace(tzinfo=UTC) if occurred_at else None,
        language=raw.get("language", "en"),
    )
    _check_text(note.id, note.project, note.content, *note.tags, *([] if note.title is None else [note.title]))
    if note.kind not in KINDS:
        raise ValueError(f"Memory {note.id} has the unknown kind {note.kind!r}.")
    return note


def _question(raw: Mapping[str, Any]) -> Question:
    question = Question(raw["id"], raw["question"], raw["project"], raw["type"], frozenset(raw["evidence"]))
    _check_text(question.id, question.text)
    if question.type not in TYPES:
        raise ValueError(f"Question {question.id} has the unknown type {question.type!r}.")
    return question


def _check_text(entry: str, *texts: str) -> None:
    if not all(text.strip() for text in texts):
        raise ValueError(f"Entry {entry} has an empty text.")


def _check_unique(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for id in ids:
        if id in seen:
            raise ValueError(f"The id {id} is used twice.")
        seen.add(id)


def _check_evidence(question: Question, projects: Mapping[str, str]) -> None:
    if question.project is not None and question.project not in projects.values():
        raise ValueError(f"Question {question.id} asks in the unknown project {question.project!r}.")
    for id in question.evidence:
        if id not in projects:
            raise ValueError(f"Question {question.id} names {id} as evidence, and there is no such memory.")
        if question.project not in (None, projects[id]):
            raise ValueError(
                f"Question {question.id} asks in {question.project}, and its evidence {id} lies elsewhere."
            )
    count = len(question.evidence)
    if question.type == NO_ANSWER:
        suits = count == 0
    elif question.type == MULTI_EVIDENCE:
        suits = 2 <= count <= 4
    else:
        suits = count >= 1
    if not suits:
        raise ValueError(f"Question {question.id} of type {question.type} cannot have {count} memories as evidence.")
