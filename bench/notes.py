"""Retrieval quality on notes that are not conversations (`data/notes.json`, our own): by type of question, by part of
the ranking, and what a relevance floor costs and saves."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from bench.cores import OpenCore, open_core
from bench.notes_data import NO_ANSWER, NoteSet, Question, load
from bench.profiles import first_stage, only, without
from bench.setup import embedder, scratch
from polymem.core.filters import Filter, InProjects
from polymem.core.model import Draft
from polymem.core.ranking import DEFAULT_PROFILE, Mode, Profile
from polymem.core.recall import Hit, RecallQuery

DEPTH = 10

RANKINGS: Mapping[str, tuple[Mode, Profile]] = {
    "hybrid": (Mode.HYBRID, DEFAULT_PROFILE),
    "first stage only: no token vectors": (Mode.HYBRID, first_stage()),
    "token vectors only": (Mode.HYBRID, only("tokens")),
    "without meaning": (Mode.HYBRID, without("meaning")),
    "without words": (Mode.HYBRID, without("words")),
    "without the date match": (Mode.HYBRID, without("date")),
    "vector alone": (Mode.VECTOR, DEFAULT_PROFILE),
    "keyword alone": (Mode.KEYWORD, DEFAULT_PROFILE),
}


@dataclass(frozen=True)
class Answer:
    """A question with the ids and scores of the notes found, best first, and whether it was asked elsewhere."""

    question: Question
    notes: tuple[str, ...]
    scores: tuple[float, ...]


def main() -> None:
    """Print every table."""
    console = Console()
    asyncio.run(_run(load(), console))


async def _run(notes: NoteSet, console: Console) -> None:
    with scratch() as directory:
        async with embedder() as model, open_core(directory, model) as opened:
            drafts = [
                Draft(
                    content=note.content,
                    kind=note.kind,
                    tags=note.tags,
                    title=note.title,
                    project=note.project,
                    occurred_at=note.occurred_at,
                )
                for note in notes.notes
            ]
            added = await opened.core.memories.add_many(opened.scope, drafts)
            ids = {outcome.memory.id: note.id for outcome, note in zip(added, notes.notes, strict=True)}
            asking = _Asking(opened, ids)
            table = _table(f"{len(notes.notes)} notes, {len(notes.questions)} questions")
            for name, (mode, profile) in RANKINGS.items():
                answers = [await asking(question, mode, profile) for question in notes.questions]
                _add(table, name, answers)
                if name == "hybrid":
                    hybrid = answers
            for type_ in sorted({question.type for question in notes.questions} - {NO_ANSWER}):
                _add(table, f"hybrid, {type_}", [answer for answer in hybrid if answer.question.type == type_])
            console.print(table)
            elsewhere = [
                await asking(replace(question, project=_other(notes, question.project)))
                for question in notes.questions
                if question.project is not None and question.evidence
            ]
            console.print(_floors(hybrid, elsewhere))


class _Asking:
    """Asks questions of a core that holds the notes under other ids."""

    def __init__(self, opened: OpenCore, ids: Mapping[str, str]) -> None:
        self._opened = opened
        self._ids = ids

    async def __call__(
        self, question: Question, mode: Mode = Mode.HYBRID, profile: Profile = DEFAULT_PROFILE
    ) -> Answer:
        core, scope = self._opened.core, self._opened.scope
        filter_: Filter = ()
        if question.project is not None:
            filter_ = (InProjects(frozenset({(await core.projects.get(scope, question.project)).id})),)
        query = RecallQuery(
            text=question.text, filter=filter_, mode=mode, profile=profile, limit=DEPTH, min_score=0.0,
            record_access=False,
        )  # fmt: skip
        hits: Sequence[Hit] = (await core.recall(scope, query)).hits
        return Answer(question, tuple(self._ids[hit.memory.id] for hit in hits), tuple(hit.score for hit in hits))


def _other(notes: NoteSet, project: str | None) -> str:
    names = notes.projects
    return names[(names.index(project or names[0]) + 1) % len(names)]


def _table(title: str) -> Table:
    table = Table("", title=title)
    for column in ("questions", "R@1", "R@3", "R@10", "MRR"):
        table.add_column(column, justify="right")
    return table


def _add(table: Table, name: str, answers: Sequence[Answer]) -> None:
    answers = [answer for answer in answers if answer.question.evidence]

    def recall(k: int) -> float:
        shares = (len(a.question.evidence & set(a.notes[:k])) / len(a.question.evidence) for a in answers)
        return 100 * sum(shares) / len(answers)

    ranks = [next((1 / n for n, id_ in enumerate(a.notes, 1) if id_ in a.question.evidence), 0.0) for a in answers]
    figures = (recall(1), recall(3), recall(10), 100 * sum(ranks) / len(ranks))
    table.add_row(name, str(len(answers)), *(f"{figure:.1f}" for figure in figures))


def _floors(answers: Sequence[Answer], elsewhere: Sequence[Answer]) -> Table:
    """What each floor keeps of the evidence and of everything else, and which questions it leaves unanswered.

    "nothing like it" are the questions of one project asked in another; "near misses" are about its subjects, with
    words of its notes, but no note answers them.
    """
    table = Table(title="The relevance floor")
    columns = ("min_score", "evidence lost", "other hits left out", "answerable, empty", "near miss, empty")
    for column in (*columns, "nothing like it, empty"):
        table.add_column(column, justify="right")
    answerable = [answer for answer in answers if answer.question.evidence]
    near = [answer for answer in answers if not answer.question.evidence]
    hits = [
        (score, id_ in answer.question.evidence)
        for answer in answerable
        for id_, score in zip(answer.notes, answer.scores, strict=True)
    ]
    evidence = [score for score, is_evidence in hits if is_evidence]
    rest = [score for score, is_evidence in hits if not is_evidence]
    best = [[max(a.scores, default=0.0) for a in group] for group in (answerable, near, elsewhere)]
    for floor in (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3):
        shares = (100 * sum(score < floor for score in group) / len(group) for group in (evidence, rest, *best))
        table.add_row(f"{floor:.3f}", *(f"{share:.1f} %" for share in shares))
    return table
