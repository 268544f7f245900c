"""What reaches an agent unasked: bootstrap memories when a session starts, pinned ones with every prompt.

Documents are Markdown, the rules first. A budget is in tokens, estimated at 3.5 bytes each; a document over budget says
so and is never cut, because half a rule is worse than a long document. Pure functions over memories.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

BYTES_PER_TOKEN = 3.5
"""A common estimate for English text with current tokenizers."""

BOOTSTRAP_BUDGET = 30_000
"""Tokens a bootstrap document should stay within."""

PINNED_BUDGET = 5_000
"""Tokens what is pinned should stay within: it is paid for with every prompt."""

_GROUPS = (
    ("rule", "Rules"),
    ("feedback", "Feedback"),
    ("fact", "Facts"),
    ("decision", "Decisions"),
    ("context", "Context"),
)


class Deliverable(Protocol):
    """What of a memory an agent is told."""

    @property
    def content(self) -> str:
        """Its text."""
        ...

    @property
    def kind(self) -> str:
        """What sort of memory it is."""
        ...

    @property
    def project(self) -> str | None:
        """Its project's key."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A text for an agent and its estimated size. Both are empty where there is nothing to tell."""

    markdown: str
    tokens: int


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is."""
    return round(len(text.encode()) / BYTES_PER_TOKEN)


def bootstrap_document(
    everywhere: Sequence[Deliverable],
    in_project: Sequence[Deliverable],
    project: str | None,
    budget: int = BOOTSTRAP_BUDGET,
) -> Document:
    """What a session starts with: memories of no project and those of this one, grouped by kind, rules first."""
    if not everywhere and not in_project:
        return Document("", 0)
    lines = ["# What you remember", ""]
    lines += ["These notes were kept for you in earlier sessions. Follow the rules among them.", ""]
    if project is not None:
        lines += [f"Project: {project}", ""]
    for title, group in _grouped([*everywhere, *in_project]):
        lines += [f"## {title}", ""]
        lines += [_item(memory, project) for memory in group]
        lines.append("")
    return _with_warning(lines, budget, "bootstrap")


def pinned_document(
    everywhere: Sequence[Deliverable],
    in_project: Sequence[Deliverable],
    project: str | None,
    budget: int = PINNED_BUDGET,
) -> Document:
    """What accompanies every prompt: pinned memories of no project, then those of this one."""
    if not everywhere and not in_project:
        return Document("", 0)
    lines = ["<system-reminder>", "These pinned notes hold for this request too:", ""]
    lines += [_item(memory, project) for memory in (*everywhere, *in_project)]
    lines.append("</system-reminder>")
    return _with_warning(lines, budget, "pinned")


def recalled_document(memories: Sequence[Deliverable], project: str | None) -> Document:
    """What was recalled for a prompt, best first."""
    if not memories:
        return Document("", 0)
    text = "\n".join(["These notes may help with this request:", "", *(_item(memory, project) for memory in memories)])
    return Document(text + "\n", estimate_tokens(text))


def _grouped(memories: Iterable[Deliverable]) -> list[tuple[str, list[Deliverable]]]:
    by_kind: dict[str, list[Deliverable]] = {}
    for memory in memories:
        by_kind.setdefault(memory.kind, []).append(memory)
    known = [(title, by_kind.pop(kind)) for kind, title in _GROUPS if kind in by_kind]
    rest = [memory for kind in sorted(by_kind) for memory in by_kind[kind]]
    return [*known, ("Notes", rest)] if rest else known


def _item(memory: Deliverable, project: str | None) -> str:
    # Which are of the project matters only where there is one.
    place = "" if project is None else f"[project/{project}] " if memory.project is not None else "[global] "
    first, *more = memory.content.strip().splitlines()
    return "\n".join([f"- {place}{first}", *(f"  {line}" if line.strip() else "" for line in more)])


def _with_warning(lines: list[str], budget: int, what: str) -> Document:
    text = "\n".join(lines).rstrip() + "\n"
    size = estimate_tokens(text)
    if size > budget:
        text += f"\nWARNING: these {what} memories take about {size} tokens, more than the {budget} meant for them.\n"
    return Document(text, estimate_tokens(text))
