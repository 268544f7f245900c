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

from polymem.core.conflicts.alternatives import kinds_of, members, own_words
from polymem.core.conflicts.lexicon import MANIFOLD, Role, Token, contrast_removed, sort_of, subject, tokens, verb
from polymem.core.conflicts.ports import Reason

_LEAST_OVERLAP = 0.34
"""Share of the shorter text's words that both must have before word by word comparison says anything."""

_SAME_THING = 0.85
"""Cosine from which texts with few words in common say the same."""

_FEW = 3
"""A value is so many words at most; where more differ, the sentence was put differently."""


_FEW_APART = 0.25
"""Share of both texts' words that may keep two apart that name two of a kind."""

_LONGEST_STATEMENT = 300
"""Characters up to which a text is taken for one statement."""

_CHOOSING = frozenset({"use", "like"})
"""Of what it is said with these, one of a kind is meant: who uses one database or prefers one editor, not several."""

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


class Statement:
    """A text that says one thing, to be held against others that may say it with another value.

    Vectors put short sentences with different names far apart ("tickets are tracked in Jira", "… in Linear": cosine
    0.62); their words tell that both say the same of something.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._reading: _Reading | None = None

    @property
    def is_short(self) -> bool:
        """Whether the text can be held against others: a long one says more than one thing."""
        return len(self._text) <= _LONGEST_STATEMENT

    @property
    def alternatives(self) -> tuple[str, ...]:
        """What might stand in another text instead of what this one names: other databases for a database."""
        return members(kinds_of(self._read().forms)) if self.is_short else ()

    def agreement(self, other: str) -> float:
        """How far the other text makes this statement with another value, or denies it: the share of their words that
        both have or that take each other's place, 0..1.

        It is 0 where the words do not tell: in long texts, where the values are neither names nor numbers nor two of a
        kind (`core.alternatives`), or where of what is named there can be several at once ("Ana knows …").
        """
        if not self.is_short or len(other) > _LONGEST_STATEMENT:
            return 0.0
        return _agreement(_Reading(other), self._read())

    def _read(self) -> "_Reading":
        if self._reading is None:
            self._reading = _Reading(self._text)
        return self._reading


class _Reading:
    """One text as the comparison sees it."""

    def __init__(self, text: str) -> None:
        self.sequence = tokens(text)
        self.subject = subject(self.sequence)
        self.verb = verb(self.sequence)
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
    apart = _of_kinds(old, new, gone, come)
    if apart is not None and apart <= _FEW_APART * (len(old.forms) + len(new.forms)):
        return Verdict(Reason.CHANGED_VALUE, f"{_named(_one_of(old, gone))} became {_named(_one_of(new, come))}.")
    if overlap < _LEAST_OVERLAP:
        if denied or similarity < _SAME_THING or _is_fixed(values):
            return Verdict(None, "They share few words.")
        return Verdict(Reason.PARAPHRASE, "Both seem to say the same in other words.")
    if all(topics):
        return Verdict(None, f"One is about {_named(topics[0])}, the other about {_named(topics[1])}.")
    if all(values) and _differ(old.subject, new.subject):
        return Verdict(None, f"One is about {old.subject}, the other about {new.subject}.")
    if denied:
        return Verdict(Reason.NEGATION, "One says what the other denies.")
    if all(values) and (_is_fixed(values) or max(map(len, values)) <= _FEW):
        return Verdict(Reason.CHANGED_VALUE, f"{_named(values[0])} became {_named(values[1])}.")
    return Verdict(Reason.PARAPHRASE, "Both say the same in other words.")


def _agreement(old: _Reading, new: _Reading) -> float:
    gone, come = _unlike(old.forms - new.forms, new.forms - old.forms)
    together = len(old.forms) + len(new.forms)
    if (apart := _of_kinds(old, new, gone, come)) is not None:
        return (together - apart) / together
    reason = _compare(old, new, 0.0).reason
    values = old.of(gone, Role.VALUE), new.of(come, Role.VALUE)
    if reason is Reason.NEGATION and not any(token.is_fixed for side in values for token in side):
        return (together - len(gone) - len(come)) / together
    common = old.forms & new.forms
    told = any(old.by_form[form].role is not Role.VERB for form in common)
    if reason is not Reason.CHANGED_VALUE or not told or old.verb != new.verb:
        return 0.0
    sorts = [{sort_of(token) for token in side if token.is_fixed} for side in values]
    if not sorts[0] & sorts[1] or ("name" in sorts[0] & sorts[1] and common & MANIFOLD):
        return 0.0
    return (together - len(gone) - len(come) + sum(map(len, values))) / together


def _of_kinds(old: _Reading, new: _Reading, gone: frozenset[str], come: frozenset[str]) -> float | None:
    """How many words keep two texts apart which name two of a kind ("SQLite", "PostgreSQL") of one subject; neither
    the kind's own words ("database") nor numbers of versions do, and what only one of them adds counts half. None for
    other texts."""
    kinds = kinds_of(gone) & kinds_of(come)
    if not kinds or old.denials % 2 != new.denials % 2 or _differ(old.subject, new.subject):
        return None
    if (old.forms & new.forms & MANIFOLD) - _CHOOSING:
        return None
    sides = [_besides(old, gone, kinds), _besides(new, come, kinds)]
    if old.of(sides[0], Role.TOPIC) and new.of(sides[1], Role.TOPIC):
        return None
    counts = [len(side - own_words(kinds)) for side in sides]
    return sum(counts) if all(counts) else sum(counts) / 2


def _besides(reading: _Reading, forms: frozenset[str], kinds: frozenset[int]) -> frozenset[str]:
    # But for what names one of a kind, and its version.
    return frozenset(
        form for form in forms if not kinds_of([form]) & kinds and not reading.by_form[form].text[:1].isdigit()
    )


def _differ(old: str | None, new: str | None) -> bool:
    return None not in (old, new) and old != new


def _unlike(gone: frozenset[str], come: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    # Words of one family ("indent", "indentation") are no difference.
    akin = {(a, b) for a in gone for b in come if _are_akin(a, b)}
    return gone - {a for a, _ in akin}, come - {b for _, b in akin}


def _are_akin(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return len(short) >= _STEM and short.isalpha() and long.startswith(short)


def _one_of(reading: _Reading, forms: frozenset[str]) -> list[Token]:
    return [token for form, token in reading.by_form.items() if form in forms and kinds_of([form])]


def _is_fixed(sides: tuple[list[Token], list[Token]]) -> bool:
    # Numbers and names are never put in other words.
    return all(any(token.is_fixed for token in side) for side in sides)


def _named(side: list[Token]) -> str:
    return " ".join(token.text for token in side)
