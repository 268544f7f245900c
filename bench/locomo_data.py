"""LoCoMo (Maharana et al., ACL 2024) in a neutral JSON form, as memories and questions.

The data is not part of this repository (CC BY-NC 4.0, evaluation only); get it from its authors and pass its
path. The form: a list of `{id, speakers, turns: [{id, session, date, speaker, text, image_caption?}],
questions: [{question, answer, category, evidence: [turn ids]}]}`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ADVERSARIAL = 5
"""The category of questions that the conversation does not answer."""


@dataclass(frozen=True)
class Turn:
    """One utterance, as the memory it becomes."""

    id: str
    content: str
    container: str
    occurred_at: datetime


@dataclass(frozen=True)
class Question:
    """A question and the turns that hold its answer."""

    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True)
class Conversation:
    """Two people talking over months."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def load(path: Path) -> list[Conversation]:
    """All conversations of the file. Evidence ids that do not resolve are dropped."""
    return [_conversation(raw) for raw in json.loads(path.read_text())]


def _conversation(raw: Mapping[str, Any]) -> Conversation:
    turns = tuple(
        Turn(
            id=turn["id"],
            content=f"{turn['speaker']}: {turn['text']}" + (f" [image: {caption}]" if caption else ""),
            container=f"session-{turn['session']}",
            occurred_at=datetime.strptime(turn["date"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC),
        )
        for turn in raw["turns"]
        for caption in [turn.get("image_caption")]
    )
    known = {turn.id for turn in turns}
    questions = tuple(
        Question(question["question"], question["category"], frozenset(question["evidence"]) & known)
        for question in raw["questions"]
    )
    return Conversation(raw["id"], turns, questions)


@dataclass(frozen=True)
class Figures:
    """Means over the questions with evidence, in per cent: evidence found among the first k, reciprocal rank."""

    r5: float
    r10: float
    r20: float
    mrr: float
    questions: int

    def __str__(self) -> str:
        return f"{self.r5:5.1f} {self.r10:5.1f} {self.r20:5.1f} {self.mrr:5.1f}"


def figures(answers: Sequence[tuple[Question, Sequence[str]]]) -> Figures:
    """Figures over (question, turn ids found, best first); adversarial ones and those without evidence left out."""
    counted = [(q, found) for q, found in answers if q.evidence and q.category != ADVERSARIAL]

    def recall(k: int) -> float:
        return 100 * sum(len(q.evidence & set(found[:k])) / len(q.evidence) for q, found in counted) / len(counted)

    ranks = [next((1 / n for n, turn in enumerate(found, 1) if turn in q.evidence), 0.0) for q, found in counted]
    return Figures(recall(5), recall(10), recall(20), 100 * sum(ranks) / len(counted), len(counted))
