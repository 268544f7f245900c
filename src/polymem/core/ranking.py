"""Ranking: measured signals in, one score and its reasons out. Pure functions over a few hundred candidates.

A profile names the weights of one way to rank. The sum of weighted factors is the logarithm of the odds that a memory
answers the query, as a calibration set of our own has them (see `Profile`); the logistic curve makes a score between
0 and 1 of it. So one floor works for every query, and memories of all sorts stand in one order.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from polymem.core.errors import InvalidInput
from polymem.core.ports import Candidate


class Mode(StrEnum):
    """Which signals find and rank."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each signal adds to the logarithm of the odds; docs/recall.md has the ablation of each.

    `meaning`, `words`, `tokens`  similarity of meaning, match of words and match token by token, each widened by the
                                  neighbours in the same conversation
    `own_meaning`, `own_words`, `own_tokens`  the same three without any neighbour
    `coverage`   share of the query's words the memory has itself
    `names`      the memory has the names of the query that only programs write (paths, codes, versions), letter by
                 letter. Not fitted, there are too few in the sets: so much that no similar name comes before it
    `date`       the memory's date is the one the query names
    `speaker`    the query names whom the memory quotes
    `question`   the memory only asks
    `length`     for each e-fold of more than 20 words
    `base`       the logarithm of the odds where all signals are 0
    """

    base: float
    meaning: float = 0.0
    words: float = 0.0
    tokens: float = 0.0
    own_meaning: float = 0.0
    own_words: float = 0.0
    own_tokens: float = 0.0
    coverage: float = 0.0
    names: float = 3.0
    date: float = 0.0
    speaker: float = 0.0
    question: float = 0.0
    length: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The weights of a hybrid ranking, and from which score on a memory counts as an answer.

    `notes` ranks memories without neighbours, `turns` those that stand in a conversation, whose short texts say less
    to a vector. `bare_notes` and `bare_turns` are for memories without token vectors: of another embedder, or not
    embedded anew yet.

    All were fitted on LoCoMo's development half (turns) and on our notes (bench/data), pair by pair and each question
    counting the same, and then scaled so that the score is the share of hits of such a score that are evidence
    (Platt 1999). `bench.calibration` prints the fit anew. In `notes` the tokens weigh two thirds of what the fit gives
    them: with all of it more is found among the first ten and less among the first three.

    `trust`  what is missing of the memory's trust to 1, six times, taken away, so that nothing becomes relevant by
             being trusted; of no weight unless a caller gives it some
    `answering`, `answering_turn`  the score that the best hit must reach, and that it must reach where it is a turn of
                 a conversation: if it does not, nothing relevant is there and nothing is returned, unless the caller
                 names a floor
    `floor`  the score below which other hits are left out (see `usual_floor`), unless the caller names a floor
    """

    notes: Weights
    turns: Weights
    bare_notes: Weights
    bare_turns: Weights
    trust: float = 0.0
    floor: float = 0.0
    answering: float = 0.0
    answering_turn: float = 0.0


DEFAULT_PROFILE = Profile(
    notes=Weights(base=-8.07, meaning=9.70, words=5.39, tokens=3.77, date=0.86),
    turns=Weights(
        base=-7.01, meaning=1.35, words=3.10, own_words=-1.25, tokens=4.34, date=0.88,
        speaker=0.66, question=-0.18, length=0.10,
    ),
    bare_notes=Weights(base=-7.05, meaning=10.40, words=9.39, date=0.87),
    bare_turns=Weights(
        base=-6.15, meaning=2.76, words=10.10, own_words=-3.90, date=0.84, speaker=0.75, question=-0.23, length=0.29
    ),
    floor=0.005,
    answering=0.04,
    answering_turn=0.025,
)  # fmt: skip


def trusting(weight: float) -> Profile:
    """The default ranking, in which trust weighs so much, 0 to 1. Raises InvalidInput."""
    if not 0.0 <= weight <= 1.0:
        raise InvalidInput("trust_weight must be between 0 and 1", field="trust_weight")
    return replace(DEFAULT_PROFILE, trust=weight) if weight else DEFAULT_PROFILE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedProfile:
    """A ranking by a product: similarity × weight of the place × the memory's own weight × decay.

    `similarity` is the cosine of meaning; where there is no vector, the match of words. `in_project` and `unassigned`
    weigh the place. Decay is exp(-rate × days since the last change); `decay` holds the rates of kinds a day, and
    `usual_decay` that of all others. A product can be negative, as the cosine can, and is not clamped.
    `floor` as in `Profile`; -1 lets everything through.
    """

    in_project: float = 1.0
    unassigned: float = 1.0
    usual_decay: float = 0.0
    decay: Mapping[str, float] = field(default_factory=dict)
    floor: float = -1.0


SCOPED_FACTORS = ("similarity", "scope", "weight", "decay")
"""The names of what a total of a `ScopedProfile` is the product of."""

_DAY = timedelta(days=1)

_USUAL_LENGTH = math.log1p(20)
"""The length prior of a turn of 20 words is nothing, so that it shifts no score as a whole."""

FACTORS = (
    "base", "meaning", "words", "tokens", "own_meaning", "own_words", "own_tokens", "coverage", "names", "date",
    "trust", "few", "speaker", "question", "length",
)  # fmt: skip
"""The names of what a total is the sum of, in the order of `Ranked.values`."""

_SINGLE = ("meaning", "words")
"""The same for a ranking by one of the two alone."""

USUAL_SIZE = 100
"""The score was fitted on projects of at least so many memories. Of fewer, each is the more likely the one that is
meant: by Bayes' rule the logarithm of the odds is higher by that of how many times fewer they are (factor `few`).
More than these change nothing: their best hits by chance look only a little better."""

_FEWEST = 3
"""Fewer count as so many: something must speak for the only memory there is, too."""

_TRUST = 6.0
"""What a wholly untrusted memory loses in logarithm of odds where trust has its whole weight."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place: `score` is 0..1, `total` the sum of `values`, which `factors` names.

    By a `ScopedProfile` both are the product of `values`, and `names` are that profile's.
    """

    candidate: Candidate
    score: float
    total: float
    values: tuple[float, ...]
    names: tuple[str, ...] = FACTORS

    @property
    def factors(self) -> dict[str, float]:
        """What each signal added to the total; those that added nothing are left out."""
        return {name: value for name, value in zip(self.names, self.values, strict=False) if value}


def rank(
    query: str,
    candidates: Sequence[Candidate],
    mode: Mode,
    profile: Profile | ScopedProfile = DEFAULT_PROFILE,
    now: datetime | None = None,
    considered: int = USUAL_SIZE,
) -> list[Ranked]:
    """The candidates, best first. Ties go to the newer memory. A `ScopedProfile` ranks in every mode; `now` is what
    it counts ages from. `considered` is how many memories the candidates are the best of."""
    if isinstance(profile, ScopedProfile):
        ranked = [_ranked_by_product(c, profile, now) for c in candidates]
        ranked.sort(key=_newer_last, reverse=True)
        return ranked
    match mode:
        case Mode.VECTOR:
            ranked = [_ranked_by_one(c, c.cosine, 0.0) for c in candidates if c.cosine is not None]
        case Mode.KEYWORD:
            ranked = [_ranked_by_one(c, 0.0, c.keyword) for c in candidates if c.keyword > 0.0]
        case Mode.HYBRID:
            dates = named_dates(query)
            relief = few(considered)
            ranked = [_ranked_by_all(c, dates, relief, profile) for c in candidates]
    ranked.sort(key=_newer_last, reverse=True)
    return ranked


def few(considered: int) -> float:
    """What is added to the logarithm of the odds where only so many memories were considered."""
    return math.log(USUAL_SIZE / min(USUAL_SIZE, max(_FEWEST, considered)))


def usual_floor(profile: Profile, considered: int) -> float:
    """The floor of hits beside the best. Being one of few speaks for the best of them, not for its companions: their
    floor rises with the scores."""
    if not 0.0 < profile.floor < 1.0:
        return profile.floor
    return _logistic(math.log(profile.floor / (1.0 - profile.floor)) + few(considered))


def _newer_last(ranked: Ranked) -> tuple[float, datetime, str]:
    return ranked.total, ranked.candidate.created_at, ranked.candidate.memory_id


def _ranked_by_product(c: Candidate, profile: ScopedProfile, now: datetime | None) -> Ranked:
    days = 0.0 if now is None else max(0.0, (now - c.updated_at) / _DAY)
    values = (
        c.keyword if c.cosine is None else c.cosine,
        profile.unassigned if c.project_id is None else profile.in_project,
        c.weight,
        math.exp(-profile.decay.get(c.kind, profile.usual_decay) * days),
    )
    total = math.prod(values)
    return Ranked(c, total, total, values, SCOPED_FACTORS)


def _ranked_by_one(candidate: Candidate, cosine: float, keyword: float) -> Ranked:
    total = cosine + keyword
    return Ranked(candidate, min(1.0, max(0.0, total)), total, (cosine, keyword), _SINGLE)


def _ranked_by_all(c: Candidate, dates: "NamedDates", relief: float, profile: Profile) -> Ranked:
    bare = c.context_tokens is None
    if c.in_conversation:
        weights = profile.bare_turns if bare else profile.turns
    else:
        weights = profile.bare_notes if bare else profile.notes
    values: tuple[float, ...] = (
        weights.base,
        weights.meaning * (c.context_cosine or 0.0),
        weights.words * c.context_keyword,
        weights.tokens * (c.context_tokens or 0.0),
        weights.own_meaning * (c.cosine or 0.0),
        weights.own_words * c.keyword,
        weights.own_tokens * (c.tokens or 0.0),
        weights.coverage * c.coverage,
        weights.names * c.names,
        weights.date * date_match(c.occurred_at, dates) if dates else 0.0,
        profile.trust * _TRUST * (c.trust - 1.0) if c.trust is not None else 0.0,
        relief,
    )
    if c.in_conversation:
        values += (
            weights.speaker * c.speaker_named,
            weights.question * c.is_question,
            weights.length * (math.log1p(c.words) - _USUAL_LENGTH),
        )
    total = sum(values)
    return Ranked(c, _logistic(total), total, values)


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, x))))


# --- dates a query names ------------------------------------------------------------------------

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
         "august aug", "september sep sept", "october oct", "november nov", "december dec"), start=1)
    for name in names.split()
}  # fmt: skip
_MAY = re.compile(r"\b(?:in|on|of|during|by|since|until|early|late|mid)\s+may\b|\bmay\s+\d|\d\s+(?:of\s+)?may\b")
_ISO = re.compile(r"\b(20\d\d)-(0[1-9]|1[0-2])(?:-([0-3]\d))?\b")
_TOKEN = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class NamedDates:
    """Months (1–12), years and days of a month that a query names."""

    months: frozenset[int] = frozenset()
    years: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.months or self.years)


def named_dates(query: str) -> NamedDates:
    """The months, years and day numbers a query names, in English words or as an ISO date.

    "may" and "march" are also verbs: "may" counts only where a preposition or a day number stands beside it.
    """
    text = query.lower()
    months: set[int] = set()
    years: set[int] = set()
    days: set[int] = set()
    for year, month, day in _ISO.findall(text):
        years.add(int(year))
        months.add(int(month))
        if day:
            days.add(int(day))
    for token in _TOKEN.findall(_ISO.sub(" ", text)):
        if token.isdigit():
            number = int(token)
            if len(token) == 4 and 1900 <= number <= 2100:
                years.add(number)
            elif len(token) <= 2 and 1 <= number <= 31:
                days.add(number)
        elif token in _MONTHS and (token != "may" or _MAY.search(text)):
            months.add(_MONTHS[token])
    return NamedDates(frozenset(months), frozenset(years), frozenset(days) if months else frozenset())


def date_match(instant: datetime | None, dates: NamedDates) -> float:
    """How well an event's date fits the dates a query names: 0 (not at all) to 2 (month and day).

    The month counts 1 and a day within two of the named one another 1; the month after counts 0.5, since
    what happened in a month is often told in the next; only a year, 0.3. After the lab notes this ranking
    started from, where it gained 0.7 points of recall@10 on LoCoMo.
    """
    if instant is None or not dates:
        return 0.0
    if dates.years and instant.year not in dates.years:
        return 0.0
    if not dates.months:
        return 0.3
    if instant.month in dates.months:
        return 2.0 if any(abs(instant.day - day) <= 2 for day in dates.days) else 1.0
    return 0.5 if (instant.month - 2) % 12 + 1 in dates.months else 0.0
