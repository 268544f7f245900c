"""The labelled pairs of memories, and how well the rules tell them apart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polymem.core.conflicts.contradiction import Statement, compare
from polymem.core.conflicts.detection import SIMILARITY

PAIRS = Path(__file__).parent / "data" / "conflicts.tsv"
NONE = "none"
LABELS = ("duplicate", "paraphrase", "changed_value", "negation", NONE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts, what a person says the second is to the first, and the cosine the local model gives them."""

    label: str
    similarity: float
    old: str
    new: str

    @property
    def judged(self) -> str:
        """What the rules say."""
        reason = compare(self.old, self.new, self.similarity).reason
        return NONE if reason is None else reason.value

    @property
    def is_near(self) -> bool:
        """Whether a detection looks at it because of its meaning."""
        return self.similarity > SIMILARITY

    @property
    def passes(self) -> bool:
        """Whether a detection looks at it at all."""
        return self.is_near or Statement(self.new).agreement(self.old) > SIMILARITY

    @property
    def said(self) -> str:
        """What a detection says."""
        return self.judged if self.passes else NONE


@dataclass(frozen=True, slots=True)
class Quality:
    """Of the pairs that were called so, how many are; of those that are, how many were called so."""

    right: int
    called: int
    are: int

    @property
    def precision(self) -> float:
        return self.right / self.called if self.called else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.are if self.are else 1.0


def read_pairs() -> list[Pair]:
    """All labelled pairs. Those in even places were looked at while the rules were written, the others were not."""
    lines = (line.split("\t") for line in PAIRS.read_text("utf-8").splitlines())
    return [Pair(label, float(similarity), old, new) for label, similarity, old, new in lines]


def measure(pairs: Sequence[Pair]) -> dict[str, Quality]:
    """The quality of each label."""
    said = Counter((pair.label, pair.said) for pair in pairs)
    return {
        label: Quality(
            said[label, label],
            sum(count for (_, called), count in said.items() if called == label),
            sum(count for (is_, _), count in said.items() if is_ == label),
        )
        for label in LABELS
    }


def report() -> str:
    """The table of docs/conflicts.md."""
    pairs = read_pairs()
    looked_at, held_out = measure(pairs[0::2]), measure(pairs[1::2])
    lines = [
        "| class | pairs | precision, tuned on | recall, tuned on | precision, held out | recall, held out "
        "| similar by meaning | by meaning or words |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for label in LABELS:
        of_label = [pair for pair in pairs if pair.label == label]
        numbers = [
            number
            for quality in (looked_at[label], held_out[label])
            for number in (f"{quality.precision:.2f}", f"{quality.recall:.2f}")
        ]
        near, passing = sum(pair.is_near for pair in of_label), sum(pair.passes for pair in of_label)
        lines.append(f"| {label} | {len(of_label)} | {' | '.join(numbers)} | {near} | {passing} |")
    return "\n".join(lines)
