"""The pieces a context document is made of: each stored thing as a block of Markdown, and how much it matters.

Pure functions of the state. There is no clock here: the same state gives the same bytes, however often and whenever
it is asked for, so that a model's prompt cache survives. "Recent" means newer than the others.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from polymem.core.model import Delivery, Memory
from polymem.core.quoting import clipped, fenced, inline, quoted
from polymem.core.work import Snippet, Task, TaskStatus, WorkSession

CountTokens = Callable[[str], int]


class Section(IntEnum):
    """The parts of the document, in their order."""

    SESSIONS = 0
    MEMORIES = 1
    TASKS = 2
    SNIPPETS = 3


NOUNS: Mapping[Section, tuple[str, str]] = {
    Section.SESSIONS: ("session", "sessions"),
    Section.MEMORIES: ("memory", "memories"),
    Section.TASKS: ("task", "tasks"),
    Section.SNIPPETS: ("code snippet", "code snippets"),
}
"""What one and what several are called."""

FOUND = "About what was asked"
_KINDS = {
    "decision": "Decisions",
    "learning": "Learnings",
    "fact": "Facts",
    "error": "Errors",
    "solution": "Solutions",
    "code": "Code notes",
    "preference": "Preferences",
    "note": "Notes",
}
_OTHER = "Other memories"
_STATUSES = {
    TaskStatus.IN_PROGRESS: "In progress",
    TaskStatus.PENDING: "Pending",
    TaskStatus.COMPLETED: "Completed",
    TaskStatus.CANCELLED: "Cancelled",
}
_ORDER: Mapping[Section, Sequence[str]] = {
    Section.SESSIONS: [""],
    Section.MEMORIES: [FOUND, *_KINDS.values(), _OTHER],
    Section.TASKS: list(_STATUSES.values()),
    Section.SNIPPETS: [""],
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Block:
    """One stored thing as it would stand in the document.

    `heading` is that of its part of the section, "" for none; `order` sorts blocks under it. `value` says how much it
    matters beside the others, about 0..1. `render` makes the Markdown when its texts together may have so many tokens.
    """

    section: Section
    heading: str
    order: tuple[Any, ...]
    value: float
    render: Callable[[int, CountTokens], str]


def place(block: Block) -> tuple[int, int, tuple[Any, ...]]:
    """Where in the document a block stands."""
    return block.section, _ORDER[block.section].index(block.heading), block.order


# --- how much things matter ----------------------------------------------------------------------


def _recency(things: Sequence[Any]) -> dict[str, float]:
    newest_first = sorted(things, key=lambda thing: (thing.updated_at, thing.id), reverse=True)
    return {thing.id: 1 - place / len(things) for place, thing in enumerate(newest_first)}


def _focus(text: str, query: str | None) -> float:
    # How many of the question's words the text has; 1 where there is no question.
    wanted = {word.casefold() for word in _WORD.findall(query or "")}
    if not wanted:
        return 1.0
    return 0.4 + 0.6 * len(wanted & {word.casefold() for word in _WORD.findall(text)}) / len(wanted)


# --- memories ------------------------------------------------------------------------------------


def memory_blocks(memories: Sequence[Memory], scores: Mapping[str, float] | None) -> list[Block]:
    """Importance counts 0.6, recency 0.25, use 0.15; with a question's `scores` (0..1) all that 0.4 and the score 0.6.

    What is pinned matters most of all.
    """
    recency = _recency(memories)
    most_used = max((math.log2(1 + memory.access_count) for memory in memories), default=0.0) or 1.0
    blocks = []
    for memory in memories:
        use = math.log2(1 + memory.access_count) / most_used
        value = 0.6 * memory.importance / 10 + 0.25 * recency[memory.id] + 0.15 * use
        score = None if scores is None else scores.get(memory.id)
        if scores is not None:
            value = 0.4 * value + 0.6 * (score or 0.0)
        if memory.delivery is Delivery.PINNED:
            value += 1.0
        heading = FOUND if score is not None else _KINDS.get(memory.kind, _OTHER)
        order = (-(score or 0.0), -memory.importance, -_micros(memory.created_at), memory.id)
        blocks.append(Block(Section.MEMORIES, heading, order, value, _memory(memory, heading)))
    return blocks


def _memory(memory: Memory, heading: str) -> Callable[[int, CountTokens], str]:
    def render(most: int, count: CountTokens) -> str:
        happened = memory.occurred_at or memory.created_at
        facts = [f"importance {memory.importance}", f"{happened:%Y-%m-%d}"]
        if heading in (FOUND, _OTHER):
            facts.insert(0, inline(memory.kind, 40))
        if memory.delivery is Delivery.PINNED:
            facts.insert(0, "pinned")
        text = clipped(memory.content, most, count)
        parts = [memory.title, text]
        if len(text) < len(memory.content):
            facts.append(f"cut, {len(memory.content) - len(text)} more characters")
        elif memory.context:
            parts.append(f"Context: {clipped(memory.context, max(40, most // 4), count)}")
        return _item([*facts, *_tags(memory.tags)], parts)

    return render


# --- work ----------------------------------------------------------------------------------------


def session_blocks(sessions: Sequence[WorkSession], query: str | None) -> list[Block]:
    """The newest matters most, each older one a tenth less."""
    newest_first = sorted(sessions, key=lambda session: (session.created_at, session.id), reverse=True)
    return [
        Block(
            Section.SESSIONS,
            "",
            (-_micros(session.created_at), session.id),
            0.95 * 0.9**place * _focus(" ".join((session.summary, *session.accomplished, *session.next_steps)), query),
            _session(session),
        )
        for place, session in enumerate(newest_first)
    ]


def _session(session: WorkSession) -> Callable[[int, CountTokens], str]:
    def render(most: int, count: CountTokens) -> str:
        lines = [f"### Session of {session.created_at:%Y-%m-%d %H:%M} UTC"]
        left = most
        if session.summary:
            summary = clipped(session.summary, left, count)
            lines += ["", quoted(summary)]
            left -= count(summary)
        cut = 0
        for name, entries in (
            ("Accomplished", session.accomplished),
            ("Next steps", session.next_steps),
            ("Blockers", session.blockers),
        ):
            shown = []
            for entry in entries:
                text = clipped(entry, max(left, 0), count) if left > 0 else ""
                left -= count(text) + 3 if text else 0
                cut += len(text) < len(entry)
                if text:
                    shown.append(f"- {quoted(text, '  ').lstrip()}")
            if shown:
                lines += ["", f"{name}:", "", *shown]
        if cut:
            lines += ["", f"({cut} {'entry is' if cut == 1 else 'entries are'} cut.)"]
        return "\n".join(lines)

    return render


def task_blocks(tasks: Sequence[Task], query: str | None) -> list[Block]:
    """Tasks in progress matter more than those that wait, and both by their priority."""
    blocks = []
    for task in tasks:
        begun = 0.55 if task.status is TaskStatus.IN_PROGRESS else 0.3
        due = (task.due_date is None, 0 if task.due_date is None else _micros(task.due_date))
        order = (-task.priority, due, -_micros(task.created_at), task.id)
        value = (begun + 0.4 * task.priority / 10) * _focus(f"{task.title} {task.description}", query)
        blocks.append(Block(Section.TASKS, _STATUSES[task.status], order, value, _task(task)))
    return blocks


def _task(task: Task) -> Callable[[int, CountTokens], str]:
    def render(most: int, count: CountTokens) -> str:
        facts = [f"priority {task.priority}"]
        if task.due_date is not None:
            facts.append(f"due {task.due_date:%Y-%m-%d}")
        if task.completed_at is not None:
            facts.append(f"completed {task.completed_at:%Y-%m-%d}")
        title = clipped(task.title, most, count)
        description = clipped(task.description, max(0, most - count(title)), count)
        if missing := len(task.title) - len(title) + len(task.description) - len(description):
            facts.append(f"cut, {missing} more characters")
        return _item([*facts, *_tags(task.tags)], [title, description])

    return render


def snippet_blocks(snippets: Sequence[Snippet], query: str | None) -> list[Block]:
    """Newer ones matter more; none as much as an important memory."""
    recency = _recency(snippets)
    return [
        Block(
            Section.SNIPPETS,
            "",
            (-_micros(snippet.created_at), snippet.id),
            (0.25 + 0.2 * recency[snippet.id]) * _focus(f"{snippet.name} {snippet.description}", query),
            _snippet(snippet),
        )
        for snippet in snippets
    ]


def _snippet(snippet: Snippet) -> Callable[[int, CountTokens], str]:
    def render(most: int, count: CountTokens) -> str:
        where = snippet.file_path
        if snippet.line_start is not None:
            lines = f"{snippet.line_start}" + ("" if snippet.line_end is None else f"–{snippet.line_end}")
            where += f" lines {lines}"
        code = clipped(snippet.code, most, count)
        about = [snippet.name, where.strip(), snippet.description and clipped(snippet.description, most // 4, count)]
        cut = len(snippet.code) - len(code)
        note = f"\n\n(Cut: {cut} more characters.)" if cut else ""
        said = quoted("\n".join(part for part in about if part))
        return f"{said}\n\n{fenced(code, snippet.language)}{note}"

    return render


# --- forms ---------------------------------------------------------------------------------------


def _item(facts: Sequence[str], texts: Sequence[str | None]) -> str:
    body = "\n\n".join(text.rstrip() for text in texts if text and text.strip())
    return f"- {' · '.join(facts)}\n{quoted(body, '  ')}"


def _tags(tags: Sequence[str]) -> list[str]:
    if not tags:
        return []
    more = f" and {len(tags) - 10} more" if len(tags) > 10 else ""
    return ["tags: " + ", ".join(inline(tag, 40) for tag in tags[:10]) + more]


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND
