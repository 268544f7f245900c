"""What a newer text is to an older one that resembles it: the same, the same in other words, or its contradiction.

    tokens ─► words of meaning, each in its simplest form, with a role
                 topic  what is spoken of: the subject, the object of most verbs, what follows "for" or "of"
                 value  what is said of it: what follows "is", "uses", "on", "at" …; numbers, wherever they stand
    other topics on both sides      nothing: they only share words
    one of them denied              negation
    other values on both sides      changed value
    otherwise                       duplicate, or paraphrase

Rules, not a model: they are the same on every machine, cost a fraction of a millisecond, and are measured on labelled
pairs (docs/conflicts.md). They know English; of other languages they see numbers, names and equal words. Pure.
"""

from dataclasses import dataclass

from polymem.core.lexicon import Role, Token, contrast_removed, subject, tokens
from polymem.core.ports_conflicts import Reason

_LEAST_OVERLAP = 0.34
"""Share of the shorter text's words that both must have before word by word comparison says anything."""

_SAME_THING = 0.85
"""Cosine from which texts with few words in common say the same."""

_FEW = 3
"""A value is so many words at most; where more differ, the sentence was put differently."""


_STEM = 4
"""Letters two words begin with to be of one family."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reason of a conflict, None where there is none, and a sentence about the difference."""

    reason: Reason | None
    detail: str


def compare(old: str, new: str, similarity: float) -> Verdict:
    """What `new` is to `old`; `similarity` is the cosine of their vectors."""
    return _compare(_Reading(old), _Reading(new), similarity)


class _Reading:
    """One text as the comparison sees it."""

    def __init__(self, text: str) -> None:
        self.sequence = tokens(text)
        self.subject = subject(self.sequence)
        kept = contrast_removed(self.sequence)
        self.plain = [(token.form, token.denies) for token in self.sequence if token.form not in ",;"]
        self.denials = sum(token.denies for token in kept)
        meaning = [token for token in kept if not token.is_function]
        self.by_form = {token.form: token for token in reversed(meaning)}
        self.forms = frozenset(self.by_form)

    def of(self, forms: frozenset[str], role: Role) -> list[Token]:
        return [token for form, token in self.by_form.items() if form in forms and token.role is role]


def _compare(old: _Reading, new: _Reading, similarity: float) -> Verdict:
    if old.plain == new.plain:
        return Verdict(Reason.DUPLICATE, "Both say the same, word for word.")
    common = old.forms & new.forms
    least = min(len(old.forms), len(new.forms)) or 1
    overlap = len(common) / least
    gone, come = _unlike(old.forms - new.forms, new.forms - old.forms)
    topics = old.of(gone, Role.TOPIC), new.of(come, Role.TOPIC)
    values = old.of(gone, Role.VALUE), new.of(come, Role.VALUE)
    denied = old.denials % 2 != new.denials % 2
    if overlap < _LEAST_OVERLAP:
        if denied or similarity < _SAME_THING or _is_fixed(values):
            return Verdict(None, "They share few words.")
        return Verdict(Reason.PARAPHRASE, "Both seem to say the same in other words.")
    if all(topics):
        return Verdict(None, f"One is about {_named(topics[0])}, the other about {_named(topics[1])}.")
    if all(values) and None not in (old.subject, new.subject) and old.subject != new.subject:
        return Verdict(None, f"One is about {old.subject}, the other about {new.subject}.")
    if denied:
        return Verdict(Reason.NEGATION, "One says what the other denies.")
    if all(values) and (_is_fixed(values) or max(map(len, values)) <= _FEW):
        return Verdict(Reason.CHANGED_VALUE, f"{_named(values[0])} became {_named(values[1])}.")
    return Verdict(Reason.PARAPHRASE, "Both say the same in other words.")


def _unlike(gone: frozenset[str], come: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    # Words of one family ("indent", "indentation") are no difference.
    akin = {(a, b) for a in gone for b in come if _are_akin(a, b)}
    return gone - {a for a, _ in akin}, come - {b for _, b in akin}


def _are_akin(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return len(short) >= _STEM and short.isalpha() and long.startswith(short)


def _is_fixed(sides: tuple[list[Token], list[Token]]) -> bool:
    # Numbers and names are never put in other words.
    return all(any(token.is_fixed for token in side) for side in sides)


def _named(side: list[Token]) -> str:
    return " ".join(token.text for token in side)
