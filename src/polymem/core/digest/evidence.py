"""Memories as what a text is made of: lines for a chat model, or sentences to be quoted. Pure functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polymem.core.digest.prompts import to_line
from polymem.core.digest.salient import is_decision, is_pleasantry, salient
from polymem.core.digest.sentences import units
from polymem.core.model import Memory
from polymem.core.quoting import clipped, visible

_SHORT_CHARACTERS = 240
_LINE_TOKENS = 40
_LEAST_CLIP = 60


def to_lines(memories: Sequence[Memory], budget: int, count_tokens: Callable[[str], int]) -> list[str]:
    """The memories as lines of at most so many tokens together. Long ones are clipped before any is left out.

    A line's number is the memory's place, from 1. The first is there however small the budget.
    """
    sizes = [count_tokens(memory.content) + _LINE_TOKENS for memory in memories]
    lines: list[str] = []
    for place, memory in enumerate(memories):
        share = max(budget // (len(memories) - place), min(budget, _LEAST_CLIP + _LINE_TOKENS))
        wanted = sizes[place]
        if wanted > share and sum(sizes[place:]) > budget:
            wanted = share
        text = clipped(memory.content, max(wanted - _LINE_TOKENS, 1), count_tokens) if wanted < sizes[place] else None
        if lines and (budget < _LEAST_CLIP or wanted > budget):
            break
        lines.append(to_line(place + 1, memory, memory.content if text is None else f"{text} …"))
        budget -= wanted
    return lines


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a memory: how much it is worth beforehand, 0 to 1, and the memory's place among the others."""

    memory: Memory
    text: str
    worth: float
    place: int = 0

    @property
    def cited(self) -> str:
        """The sentence with its memory."""
        return f"{self.text} [{self.memory.id}]"


def pieces(memory: Memory) -> list[str]:
    """What of a memory can be quoted by itself, with its date where it has one."""
    # A short memory is quoted whole: its sentences explain each other.
    content = visible(memory.content).strip()
    when = "" if memory.occurred_at is None else f"({memory.occurred_at.date().isoformat()}) "
    if len(content) <= _SHORT_CHARACTERS:
        return [when + " ".join(content.split())]
    found = [unit.text if unit.is_code else " ".join(unit.text.split()) for unit in units(content)]
    worthy = [text for text in found if not is_pleasantry(text)]
    return [when + text for text in worthy or found]


def worth(memory: Memory, text: str) -> float:
    """How much a sentence tells where nothing was asked, 0 to 1."""
    told = min(len(salient(text)), 4) / 4
    return min(1.0, 0.4 * told + 0.3 * is_decision(text) + 0.3 * memory.importance / 10)
