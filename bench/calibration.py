"""Fits the weights of `core.ranking` and the meaning of its score: `python -m bench.calibration LOCOMO`.

Two sets: LoCoMo's development half, whose turns stand in conversations, and our notes (`data/notes.json`), which stand
alone. Each question is asked where its answer is and, for the other half of the story, where it is not: in the next
conversation or project.

Weights: logistic regression on pairs of one evidence and one other candidate of a question (Burges et al. 2005, with
linear scores), every question weighing the same, since otherwise the few with many evidences decide. Score: the
logarithm of the odds that a hit is evidence, fitted on the ten best hits of every question (Platt 1999).
"""

import argparse
import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from bench import locomo_data, notes_data
from bench.cores import OpenCore, open_core
from bench.floor_chart import Point, draw
from bench.setup import embedder, scratch
from polymem.core.filters import Filter, InProjects
from polymem.core.model import Draft
from polymem.core.ports import Candidate
from polymem.core.ranking import DEFAULT_PROFILE, NamedDates, Weights, date_match, named_dates
from polymem.core.recall import RecallQuery

Matrix = npt.NDArray[np.float64]

SIGNALS = tuple(field.name for field in fields(Weights) if field.name != "base")
CANDIDATES = 50
"""Of each question so many of the best by the present weights are looked at."""
PAIRED = 30
"""Only so many of the best candidates are paired with the evidence: the others are beaten anyway …"""

ROUNDS = 3
"""… and which those are is decided anew by the weights found, so many times."""

SCALED = 10
"""The score is fitted on so many best hits of a question."""

RIDGE = 1e-3

FITTED: Mapping[str, tuple[str, ...]] = {
    "notes": ("meaning", "words", "tokens", "date"),
    "turns": (
        "meaning", "words", "own_words", "tokens", "date", "speaker", "question", "length",
    ),
    "bare_notes": ("meaning", "words", "date"),
    "bare_turns": ("meaning", "words", "own_words", "date", "speaker", "question", "length"),
}  # fmt: skip
"""The signals of each of a profile's weights. What is missing was tried and did not help (docs/recall.md)."""


@dataclass(frozen=True)
class Asked:
    """A question's candidates: a row of SIGNALS for each, and which are evidence. `answerable` is whether there is
    any at all; `near` marks a question about what is there whose answer is not."""

    signals: Matrix
    evidence: npt.NDArray[np.bool_]
    answerable: bool
    near: bool = False


def main() -> None:
    """Print the weights, and the curve of the floor; draw the curve."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("locomo", type=Path)
    parser.add_argument("--chart", type=Path, help="draw the curve into this SVG file")
    arguments = parser.parse_args()
    console = Console(width=160)
    turns, notes = asyncio.run(_asked(arguments.locomo))
    for name, weights in fit(turns, notes).items():
        named = {signal: value for signal, value in asdict(weights).items() if value}
        console.print(f"{name}=Weights({', '.join(f'{signal}={value}' for signal, value in named.items())}),")
    curves = {"notes": curve(notes, DEFAULT_PROFILE.notes), "conversations": curve(turns, DEFAULT_PROFILE.turns)}
    curves["both"] = [_mean(*points) for points in zip(*curves.values(), strict=True)]
    for name, points in curves.items():
        console.print(_table(name, points))
    if arguments.chart is not None:
        del curves["both"]
        chosen = {"notes": DEFAULT_PROFILE.answering, "conversations": DEFAULT_PROFILE.answering_turn}
        arguments.chart.write_text(draw(curves, chosen))


def fit(turns: Sequence[Asked], notes: Sequence[Asked]) -> dict[str, Weights]:
    """The weights of a profile, in the logarithm of odds."""
    return {
        name: scaled(_of(name, turns, notes), pairwise(_of(name, turns, notes), signals))
        for name, signals in FITTED.items()
    }


def _of(name: str, turns: Sequence[Asked], notes: Sequence[Asked]) -> Sequence[Asked]:
    return turns if name.endswith("turns") else notes


def pairwise(asked: Sequence[Asked], signals: Sequence[str]) -> Matrix:
    """One weight for each of SIGNALS, 0 for those not named."""
    weights = np.array([float(name in signals and name in ("meaning", "words", "tokens")) for name in SIGNALS])
    for _ in range(ROUNDS):
        weights = _paired(asked, [SIGNALS.index(name) for name in signals], weights)
    return weights


def _paired(asked: Sequence[Asked], columns: list[int], former: Matrix) -> Matrix:
    differences, shares = [], []
    for one in asked:
        if not one.evidence.any():
            continue
        best = np.argsort(-(one.signals @ former), kind="stable")[:PAIRED]
        others = best[~one.evidence[best]]
        pairs = one.signals[one.evidence][:, None, columns] - one.signals[others][None][:, :, columns]
        if len(others):
            differences.append(pairs.reshape(-1, len(columns)))
            shares.append(np.full(len(differences[-1]), 1 / len(differences[-1])))
    all_pairs, weights = np.concatenate(differences), np.concatenate(shares)
    spread = np.sqrt((weights[:, None] * all_pairs**2).sum(axis=0) / weights.sum()) + 1e-9
    fitted = np.zeros(len(SIGNALS))
    fitted[columns] = _logistic(all_pairs / spread, np.ones(len(all_pairs)), weights, RIDGE) / spread
    return fitted


def scaled(asked: Sequence[Asked], direction: Matrix) -> Weights:
    """The weights along `direction` whose sum is the logarithm of the odds that a hit is evidence."""
    totals, evidence, shares = [], [], []
    for one in asked:
        sums = one.signals @ direction
        best = np.argsort(-sums)[:SCALED]
        totals += sums[best].tolist()
        evidence += one.evidence[best].tolist()
        shares += [1 / max(1, len(best))] * len(best)
    design = np.column_stack([totals, np.ones(len(totals))])
    slope, base = _logistic(design, np.array(evidence, float), np.array(shares), 0.0)
    named = {name: round(float(slope * value), 2) for name, value in zip(SIGNALS, direction, strict=True) if value}
    return Weights(base=round(float(base), 2), **named)


def _logistic(design: Matrix, outcomes: Matrix, weights: Matrix, ridge: float) -> Matrix:
    """Weighted logistic regression by Newton's method."""
    fitted = np.zeros(design.shape[1])
    for _ in range(100):
        likely = 1 / (1 + np.exp(-(design @ fitted)))
        gradient = design.T @ (weights * (likely - outcomes)) + ridge * weights.sum() * fitted
        curvature = (design.T * (weights * likely * (1 - likely))) @ design
        curvature += (ridge * weights.sum() + 1e-9) * np.eye(len(fitted))
        step = np.linalg.solve(curvature, gradient)
        fitted = fitted - step
        if np.abs(step).max() < 1e-7:
            break
    return fitted


# --- the floor -----------------------------------------------------------------------------------


def curve(asked: Sequence[Asked], weights: Weights) -> list[Point]:
    """What each floor for the best hit costs and saves."""
    direction = np.array([getattr(weights, name) for name in SIGNALS])

    def best(group: Iterable[Asked]) -> Matrix:
        sums = (weights.base + one.signals @ direction for one in group)
        return np.array([1 / (1 + np.exp(-one.max())) if len(one) else 0.0 for one in sums])

    answerable = [one for one in asked if one.answerable]
    own = best(answerable)
    elsewhere = best(one for one in asked if not one.answerable and not one.near)
    near = best(one for one in asked if one.near)
    points = []
    for floor in (0.005, 0.01, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4):
        shares = [100 * float((group < floor).mean()) for group in (own, elsewhere, near)]
        points.append(Point(floor, *shares))
    return points


def _mean(one: Point, other: Point) -> Point:
    """Both sets counting the same."""
    return Point(
        one.floor, (one.lost + other.lost) / 2, (one.elsewhere + other.elsewhere) / 2, (one.near + other.near) / 2
    )


def _table(name: str, points: Sequence[Point]) -> Table:
    table = Table(title=f"Questions answered with nothing, by the score the best hit must reach: {name}")
    for column in ("score", "answerable", "asked elsewhere", "near misses"):
        table.add_column(column, justify="right")
    for point in points:
        shares = (point.lost, point.elsewhere, point.near)
        table.add_row(f"{point.floor:.3f}", *(f"{share:.1f} %" for share in shares))
    return table


# --- asking --------------------------------------------------------------------------------------


async def _asked(path: Path) -> tuple[list[Asked], list[Asked]]:
    async with embedder() as model:
        with scratch() as directory:
            async with open_core(directory, model) as opened:
                turns = await _of_conversations(opened, locomo_data.load(path))
        with scratch() as directory:
            async with open_core(directory, model) as opened:
                notes = await _of_notes(opened, notes_data.load())
    return turns, notes


async def _of_conversations(opened: OpenCore, conversations: Sequence[locomo_data.Conversation]) -> list[Asked]:
    ids: dict[str, str] = {}
    for one in conversations:
        drafts = [
            Draft(content=turn.content, project=one.id, container=turn.container, occurred_at=turn.occurred_at)
            for turn in one.turns
        ]
        added = await opened.core.memories.add_many(opened.scope, drafts)
        ids.update((outcome.memory.id, turn.id) for outcome, turn in zip(added, one.turns, strict=True))
    asked = []
    for index, one in enumerate(conversations):
        other = conversations[(index + 1) % len(conversations)]
        for question in one.questions:
            near = question.category == locomo_data.ADVERSARIAL
            evidence = frozenset() if near else question.evidence
            if near or evidence:
                asked.append(await _ask(opened, ids, question.text, one.id, evidence, near=near))
            if evidence:
                asked.append(await _ask(opened, ids, question.text, other.id, frozenset()))
    return asked


async def _of_notes(opened: OpenCore, notes: notes_data.NoteSet) -> list[Asked]:
    drafts = [
        Draft(
            content=note.content, kind=note.kind, tags=note.tags, title=note.title, project=note.project,
            occurred_at=note.occurred_at,
        )
        for note in notes.notes
    ]  # fmt: skip
    added = await opened.core.memories.add_many(opened.scope, drafts)
    ids = {outcome.memory.id: note.id for outcome, note in zip(added, notes.notes, strict=True)}
    names = notes.projects
    asked = []
    for question in notes.questions:
        near = question.type == notes_data.NO_ANSWER
        asked.append(await _ask(opened, ids, question.text, question.project, question.evidence, near=near))
        if question.project is not None and not near:
            other = names[(names.index(question.project) + 1) % len(names)]
            asked.append(await _ask(opened, ids, question.text, other, frozenset()))
    return asked


async def _ask(
    opened: OpenCore,
    ids: Mapping[str, str],
    text: str,
    project: str | None,
    evidence: frozenset[str],
    *,
    near: bool = False,
) -> Asked:
    filter_: Filter = ()
    if project is not None:
        found = await opened.core.projects.get(opened.scope, project)
        filter_ = (InProjects(frozenset({found.id})),)
    query = RecallQuery(text=text, filter=filter_, limit=CANDIDATES, min_score=0.0, record_access=False)
    hits = (await opened.core.recall(opened.scope, query)).hits
    dates = named_dates(text)
    signals = np.array([_signals(hit.why.candidate, dates) for hit in hits]).reshape(-1, len(SIGNALS))
    is_evidence = np.array([ids[hit.memory.id] in evidence for hit in hits], np.bool_)
    return Asked(signals, is_evidence, bool(evidence), near)


def _signals(candidate: Candidate, dates: NamedDates) -> list[float]:
    """A candidate's row of SIGNALS, as `ranking` weighs them."""
    measured = {
        "meaning": candidate.context_cosine or 0.0,
        "words": candidate.context_keyword,
        "tokens": candidate.context_tokens or 0.0,
        "own_meaning": candidate.cosine or 0.0,
        "own_words": candidate.keyword,
        "own_tokens": candidate.tokens or 0.0,
        "coverage": candidate.coverage,
        "names": candidate.names,
        "date": date_match(candidate.occurred_at, dates),
    }
    if candidate.in_conversation:
        measured |= {
            "speaker": float(candidate.speaker_named),
            "question": float(candidate.is_question),
            "length": math.log1p(candidate.words) - math.log1p(20),
        }
    return [measured.get(name, 0.0) for name in SIGNALS]


if __name__ == "__main__":
    main()
