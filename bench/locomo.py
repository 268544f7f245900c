"""Retrieval quality on LoCoMo: evidence found among the first hits, each part of the ranking switched off in turn.

A turn is a memory, its session the container, the session's date `occurred_at`. Nothing else is told, and no part of
the product knows of the benchmark. Memories arrive one by one over HTTP, as an agent would send them.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.cores import OpenCore, open_core
from bench.locomo_data import ADVERSARIAL, Conversation, Figures, Question, figures, load
from bench.profiles import first_stage, only, without, without_neighbours
from bench.servers import serving
from bench.setup import MODELS, embedder, scratch
from bench.store import new_database, server_url
from polymem.client import AsyncClient
from polymem.core.filters import Filter, InProjects
from polymem.core.model import Draft
from polymem.core.ranking import DEFAULT_PROFILE, Mode, Profile
from polymem.core.recall import RecallQuery

DEPTH = 20

TOGETHER = "everything"
"""The project that holds all conversations at once."""

_PLACES = {"each conversation its own project": None, "all in one project": TOGETHER}

ABLATIONS: Mapping[str, Profile] = {
    "the whole": DEFAULT_PROFILE,
    "first stage only: no token vectors": first_stage(),
    "first stage without neighbours": without_neighbours(profile=first_stage()),
    "token vectors only": only("tokens"),
    "token vectors only, without neighbours": only("own_tokens"),
    "without neighbours": without_neighbours(),
    "without neighbours' tokens": without_neighbours("tokens"),
    "without neighbours' words": without_neighbours("words"),
    "without neighbours' meaning": without_neighbours("meaning"),
    "without meaning": without("meaning", "own_meaning"),
    "without words": without("words", "own_words"),
    "without the speaker": without("speaker"),
    "without the question mark": without("question"),
    "without the length": without("length"),
    "without the date match": without("date"),
}

Ask = Callable[[Conversation, Question], Awaitable[Sequence[str]]]


def main(path: Path) -> None:
    """Print every table for the conversations in `path`."""
    conversations = load(path)
    console = Console()
    asyncio.run(_over_http(conversations, console))
    asyncio.run(_in_process(conversations, console))


async def _over_http(conversations: Sequence[Conversation], console: Console) -> None:
    table = _table("Over HTTP, memories arriving one by one")
    with server_url() as database:
        stores = {"SQLite": {}, "PostgreSQL": {"database_url": new_database(database, "bench_locomo")}}
        for store, settings in stores.items():
            with scratch() as directory, serving(directory, MODELS, **settings) as server:
                async with AsyncClient(server.url) as client:
                    turns = await _ingest(client, conversations)
                    for name, project in (
                        ("each conversation its own project", None),
                        ("all in one project", TOGETHER),
                    ):
                        for mode in Mode:
                            ask = _asking_over_http(client, turns, project, mode)
                            _add(table, f"{store}, {name}, {mode.value}", await _figures(conversations, ask))
    console.print(table)


def _asking_over_http(client: AsyncClient, turns: Mapping[str, str], project: str | None, mode: Mode) -> Ask:
    async def ask(conversation: Conversation, question: Question) -> Sequence[str]:
        within = project or conversation.id
        recalled = await client.recall(question.text, project=within, mode=mode.value, limit=DEPTH, min_score=0)
        return [turns[hit.memory.id] for hit in recalled.hits]

    return ask


async def _ingest(client: AsyncClient, conversations: Sequence[Conversation]) -> dict[str, str]:
    turns: dict[str, str] = {}
    every = [(conversation, turn) for conversation in conversations for turn in conversation.turns]
    for conversation, turn in track(every, "Remembering turn by turn"):
        for project, container in (
            (conversation.id, turn.container),
            (TOGETHER, f"{conversation.id} {turn.container}"),
        ):
            memory = await client.add(turn.content, project=project, container=container, occurred_at=turn.occurred_at)
            turns[memory.id] = f"{conversation.id} {turn.id}"
    return turns


async def _in_process(conversations: Sequence[Conversation], console: Console) -> None:
    with scratch() as directory:
        async with embedder() as model, open_core(directory, model) as opened:
            turns: dict[str, str] = {}
            for dated in (True, False):
                for conversation in conversations:
                    drafts = [
                        Draft(
                            content=turn.content,
                            project=_project(conversation, dated),
                            container=turn.container,
                            occurred_at=turn.occurred_at if dated else None,
                        )
                        for turn in conversation.turns
                    ]
                    for turn, added in zip(
                        conversation.turns, await opened.core.memories.add_many(opened.scope, drafts), strict=True
                    ):
                        turns[added.memory.id] = f"{conversation.id} {turn.id}"
            console.print(await _ablations(opened, conversations, turns))
            console.print(await _floors(opened, conversations, turns))


def _project(conversation: Conversation, dated: bool) -> str:
    return conversation.id if dated else f"{conversation.id} without dates"


async def _ablations(opened: OpenCore, conversations: Sequence[Conversation], turns: Mapping[str, str]) -> Table:
    table = _table("What each part adds")
    for name, profile in ABLATIONS.items():
        _add(table, name, await _figures(conversations, _asking(opened, turns, profile)))
    without_dates = _asking(opened, turns, DEFAULT_PROFILE, dated=False)
    _add(table, "without dates in the text", await _figures(conversations, without_dates))
    for mode in (Mode.VECTOR, Mode.KEYWORD):
        _add(table, f"{mode.value} alone", await _figures(conversations, _asking(opened, turns, mode=mode)))
    _add(table, "reciprocal rank fusion of the two, k = 60", await _figures(conversations, _fused(opened, turns)))
    return table


def _asking(
    opened: OpenCore,
    turns: Mapping[str, str],
    profile: Profile = DEFAULT_PROFILE,
    *,
    mode: Mode = Mode.HYBRID,
    dated: bool = True,
    limit: int = DEPTH,
) -> Ask:
    async def ask(conversation: Conversation, question: Question) -> Sequence[str]:
        query = await _query(opened, _project(conversation, dated), question.text)
        recalled = await opened.core.recall(opened.scope, replace(query, mode=mode, profile=profile, limit=limit))
        return [turns[hit.memory.id] for hit in recalled.hits]

    return ask


def _fused(opened: OpenCore, turns: Mapping[str, str]) -> Ask:
    legs = [_asking(opened, turns, mode=mode, limit=100) for mode in (Mode.VECTOR, Mode.KEYWORD)]

    async def ask(conversation: Conversation, question: Question) -> Sequence[str]:
        scores: dict[str, float] = {}
        for leg in legs:
            for rank, turn in enumerate(await leg(conversation, question), start=1):
                scores[turn] = scores.get(turn, 0.0) + 1 / (60 + rank)
        return sorted(scores, key=lambda turn: -scores[turn])[:DEPTH]

    return ask


async def _floors(opened: OpenCore, conversations: Sequence[Conversation], turns: Mapping[str, str]) -> Table:
    """How many questions come back empty at each floor: own ones, adversarial ones, another conversation's."""
    own: list[tuple[float, bool]] = []
    adversarial: list[float] = []
    foreign: list[float] = []
    for index, conversation in enumerate(conversations):
        other = conversations[(index + 1) % len(conversations)]
        for question in conversation.questions:
            score, turn = await _best(opened, conversation, question, turns)
            if question.category == ADVERSARIAL:
                adversarial.append(score)
            elif question.evidence:
                own.append((score, turn in _evidence(conversation, question)))
        for question in other.questions:
            if question.category != ADVERSARIAL:
                foreign.append((await _best(opened, conversation, question, turns))[0])
    table = Table(title="The relevance floor: share of questions answered with nothing")
    for column in ("min_score", "answerable", "… whose first hit was right", "adversarial", "another's"):
        table.add_column(column, justify="right")
    for floor in (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3):
        right = [score for score, is_right in own if is_right]
        shares = [_below(scores, floor) for scores in ([score for score, _ in own], right, adversarial, foreign)]
        table.add_row(f"{floor:.3f}", *(f"{share:.1f} %" for share in shares))
    return table


async def _best(
    opened: OpenCore, conversation: Conversation, question: Question, turns: Mapping[str, str]
) -> tuple[float, str]:
    query = await _query(opened, conversation.id, question.text)
    recalled = await opened.core.recall(opened.scope, replace(query, limit=1))
    return (recalled.hits[0].score, turns[recalled.hits[0].memory.id]) if recalled.hits else (0.0, "")


async def _query(opened: OpenCore, project: str, text: str) -> RecallQuery:
    found = await opened.core.projects.get(opened.scope, project)
    filter_: Filter = (InProjects(frozenset({found.id})),)
    return RecallQuery(text=text, filter=filter_, limit=DEPTH, min_score=0.0, record_access=False)


def _evidence(conversation: Conversation, question: Question) -> frozenset[str]:
    return frozenset(f"{conversation.id} {turn}" for turn in question.evidence)


async def _figures(conversations: Sequence[Conversation], ask: Ask) -> Figures:
    answers = [
        (replace(question, evidence=_evidence(conversation, question)), await ask(conversation, question))
        for conversation in conversations
        for question in conversation.questions
    ]
    return figures(answers)


def _below(scores: Sequence[float], floor: float) -> float:
    return 100 * sum(score < floor for score in scores) / len(scores) if scores else math.nan


def _table(title: str) -> Table:
    table = Table("", title=title)
    for column in ("R@5", "R@10", "R@20", "MRR"):
        table.add_column(column, justify="right")
    return table


def _add(table: Table, name: str, found: Figures) -> None:
    table.add_row(name, *(f"{value:.1f}" for value in (found.r5, found.r10, found.r20, found.mrr)))
