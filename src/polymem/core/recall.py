"""Finding memories again: candidates → rank → floor → page, and why a memory was not found.

read the query (cached) → store.candidates (scope and filter applied before any cut; the best compared token by token)
→ ranking.rank → relevance floor → page → the memories themselves
"""

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from polymem.core.checks import check_query
from polymem.core.errors import EmbeddingUnavailable, InvalidInput, NotFound, PolymemError
from polymem.core.filters import Clause, Expired, Filter, Forgotten, InProjects, Superseded, active, holds, predicate
from polymem.core.history.timeline import past
from polymem.core.history.trust import trust
from polymem.core.model import MAX_LIMIT, Memory
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ports import Candidate, CandidateQuery, Candidates, Clock, Embedder, QueryEmbedding, Store
from polymem.core.ranking import DEFAULT_PROFILE, Mode, Profile, Ranked, ScopedProfile, rank, usual_floor

_logger = logging.getLogger(__name__)

_LEAST_DEPTH = 100
"""Candidates each leg yields at least, and how many of the best of both are compared token by token: with fewer,
fusion loses what only the other leg ranks high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallQuery:
    """What to find. `min_score` is the relevance floor, 0..1; 0 lets everything through that either leg
    yields. Left out, it is the profile's in hybrid mode, where besides nothing is returned when not even the best hit
    looks like an answer (`Profile.answering`), and 0 in the others, whose scores mean less.

    Superseded memories are left out unless `superseded`, and expired ones unless `expired`. `record_access` counts
    the recall and uses of its hits.
    With `as_of` the question goes to the memories as they were known at that instant: their texts and tags,
    what was forgotten, expired or superseded then. One that is not past yet asks the present; looking back
    is not counted.
    """

    text: str
    filter: Filter = ()
    mode: Mode = Mode.HYBRID
    limit: int = 10
    offset: int = 0
    min_score: float | None = None
    superseded: bool = False
    expired: bool = False
    record_access: bool = True
    profile: Profile | ScopedProfile = DEFAULT_PROFILE
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory found: its score 0..1, its rank from 1, and how it came there."""

    memory: Memory
    score: float
    rank: int
    why: Ranked


@dataclass(frozen=True, slots=True)
class Recalled:
    """The answer to a recall. `mode` is the one that ran: keyword, when no vector could be made for a
    hybrid query. `matched` counts the hits above the floor on all pages that were ranked;
    `considered` what scope and filter admitted; `without_vector` what the dense leg could not see."""

    hits: tuple[Hit, ...]
    mode: Mode
    matched: int
    considered: int
    without_vector: int


class Stage(StrEnum):
    """Where a memory was lost on its way to the answer."""

    UNKNOWN = "unknown"
    FORGOTTEN = "forgotten"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    FILTER = "filter"
    CANDIDATES = "candidates"
    FLOOR = "floor"
    PAGE = "page"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Which stage lost a memory, one sentence about it, and the smallest change that would bring it back."""

    stage: Stage
    sentence: str
    remedy: str | None = None
    rank: int | None = None
    score: float | None = None
    ranked: Ranked | None = None
    clause: Clause | None = field(default=None)


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a question is asked (`now`), and at which past instant it is to be answered, if at one."""

    now: datetime
    past: datetime | None

    @property
    def answered_at(self) -> datetime:
        return self.past or self.now


class Recall:
    """Finds memories. `await recall(scope, query)` is the verb; `why_not` explains an absence."""

    def __init__(self, store: Store, embedder: Embedder, clock: Clock) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, query: RecallQuery) -> Recalled:
        """The best memories for the query, best first.

        Raises InvalidInput, Forbidden, and EmbeddingUnavailable in vector mode without a vector.
        """
        moment = self._moment(query)
        mode, found, ranked = await self._ranked(scope, query, moment)
        above = _above(query, mode, found.considered, ranked)
        page = above[query.offset : query.offset + query.limit]
        memories = await self._read(scope, [r.candidate.memory_id for r in page], moment)
        # What was forgotten between ranking and reading must not slip out.
        visible = predicate(self._filter(query, moment))
        hits = tuple(
            Hit(memories[r.candidate.memory_id], r.score, position, r)
            for position, r in enumerate(page, start=query.offset + 1)
            if r.candidate.memory_id in memories and visible(memories[r.candidate.memory_id])
        )
        answer = Recalled(hits, mode, len(above), found.considered, found.without_vector)
        if query.record_access:
            # Counting is not worth a caller's wait; a count lost in a crash is no lost memory.
            task = asyncio.get_running_loop().create_task(self.record(scope, query, answer))
            self._background.add(task)
            task.add_done_callback(self._background.discard)
        return answer

    async def record(self, scope: Scope, query: RecallQuery, answer: Recalled) -> None:
        """Count a recall, and a use of each of its hits: for those who asked without `record_access`, and want to
        wait for it. A question about the past is not counted, and a failure is only logged.

        A recall belongs to the one project that scope and filter name, even where they let in memories of no project
        besides. One that names none, or several, belongs to no project: who sees only some of the projects is not to
        learn what was asked about others.
        """
        require(scope, Permission.READ)
        if (moment := self._moment(query)).past is not None:
            return
        ids = [hit.memory.id for hit in answer.hits]
        project_id = _asked_in(scope, query.filter)
        try:
            # A page behind the last one is empty, and yet something was found.
            await self._store.overview.count_recall(scope, project_id, ids, answer.matched == 0, moment.now)
        except PolymemError as error:
            _logger.warning("a recall was not counted: %s", error)

    async def why_not(self, scope: Scope, query: RecallQuery, memory_id: str) -> WhyNot:
        """Why `memory_id` is (not) in the answer to `query`. Raises NotFound and as a recall does."""
        require(scope, Permission.READ)
        memory = (await self._store.get_many(scope, [memory_id])).get(memory_id)
        if memory is None:
            raise NotFound("Memory", memory_id)
        moment = self._moment(query)
        if moment.past is not None:
            then = (await self._read(scope, [memory_id], moment)).get(memory_id)
            if then is None:
                return WhyNot(Stage.UNKNOWN, f"It was not known at {moment.past}.", "ask as of a later instant")
            memory = then
        if (lost := self._excluded(memory, query, moment)) is not None:
            return lost
        mode, found, ranked = await self._ranked(scope, query, moment, include=memory_id)
        position = next((i for i, r in enumerate(ranked, start=1) if r.candidate.memory_id == memory_id), None)
        if position is None:
            remedy = "use mode hybrid" if mode is not Mode.HYBRID else "use other words"
            return WhyNot(Stage.CANDIDATES, f"Nothing in it matches the query in {mode.value} mode.", remedy)
        r = ranked[position - 1]
        if ranked[0].score < (least := _answering(query, mode, ranked[0])):
            sentence = (
                f"Nothing looks like an answer: the best score is {ranked[0].score:.4f}, and {least:.4f} is needed."
            )
            return WhyNot(Stage.FLOOR, sentence, _lower_to(r.score), position, r.score, r)
        if r.score < (floor := _floor(query, mode, found.considered)) and not _leads(query, mode, position):
            sentence = f"Its score {r.score:.4f} is below the floor {floor:.4f}."
            return WhyNot(Stage.FLOOR, sentence, _lower_to(r.score), position, r.score, r)
        if (first := r.candidate.first_rank) is not None and first > self._depth(query):
            sentence = (
                f"By meaning and words together it is number {first}; only the best {self._depth(query)} are compared "
                f"token by token. Rank {r.candidate.dense_rank} by meaning, {r.candidate.keyword_rank} by words."
            )
            return WhyNot(Stage.CANDIDATES, sentence, "narrow the query with a filter", position, r.score, r)
        if _beyond_both_legs(r.candidate, self._depth(query)):
            sentence = (
                f"Both searches found more than {self._depth(query)} better ones among {found.considered}: "
                f"rank {r.candidate.dense_rank} by meaning, {r.candidate.keyword_rank} by words."
            )
            return WhyNot(Stage.CANDIDATES, sentence, "narrow the query with a filter", position, r.score, r)
        if not query.offset < position <= query.offset + query.limit:
            sentence = f"It is number {position} of the answer, and this page shows {query.limit} from {query.offset}."
            return WhyNot(Stage.PAGE, sentence, f"raise limit to {position}", position, r.score, r)
        return WhyNot(Stage.RETURNED, f"It is number {position} of the answer.", None, position, r.score, r)

    async def close(self) -> None:
        """Waits for the access counts that are still being written."""
        await asyncio.gather(*self._background, return_exceptions=True)

    def _moment(self, query: RecallQuery) -> _Moment:
        now = self._clock.now()
        return _Moment(now, past(query.as_of, now))

    async def _read(self, scope: Scope, ids: Sequence[str], moment: _Moment) -> dict[str, Memory]:
        if moment.past is None:
            return await self._store.get_many(scope, ids)
        return await self._store.time.get_many(scope, ids, moment.past)

    async def _ranked(
        self, scope: Scope, query: RecallQuery, moment: _Moment, include: str | None = None
    ) -> tuple[Mode, Candidates, list[Ranked]]:
        require(scope, Permission.READ)
        check_query(query.text, limit=query.limit, offset=query.offset)
        if query.min_score is not None and not 0.0 <= query.min_score <= 1.0:
            raise InvalidInput("min_score must be between 0 and 1", field="min_score")
        mode, read = await self._read_query(query)
        model = self._embedder.model
        found = await self._store.candidates(
            scope,
            CandidateQuery(
                text=None if mode is Mode.VECTOR else query.text,
                vector=None if read is None else read.vector,
                # A server that has not answered yet has a name and no dimensions: nothing to search with.
                model=model if model is not None and model.dimensions else None,
                filter=self._filter(query, moment),
                tokens=b"" if read is None else read.tokens,
                words=() if read is None else read.words,
                depth=self._depth(query),
                include=include,
                known_at=moment.past,
            ),
        )
        if isinstance(query.profile, Profile) and query.profile.trust:
            await self._weigh_trust(scope, found.items, moment)
        return mode, found, rank(query.text, found.items, mode, query.profile, moment.answered_at, found.considered)

    async def _weigh_trust(self, scope: Scope, candidates: Sequence[Candidate], moment: _Moment) -> None:
        # Only where a profile asks: trust changes with time and findings, so no index keeps it.
        memories = await self._read(scope, [candidate.memory_id for candidate in candidates], moment)
        for candidate in candidates:
            if (memory := memories.get(candidate.memory_id)) is not None:
                candidate.trust = trust(memory, moment.answered_at).score

    async def _read_query(self, query: RecallQuery) -> tuple[Mode, QueryEmbedding | None]:
        # Only a hybrid ranking by a profile has a second stage; the others are what they are named after.
        if query.mode is Mode.KEYWORD:
            return Mode.KEYWORD, None
        try:
            if query.mode is Mode.HYBRID and isinstance(query.profile, Profile):
                return query.mode, await self._embedder.read_query(query.text)
            return query.mode, QueryEmbedding(await self._embedder.embed_query(query.text))
        except EmbeddingUnavailable:
            if query.mode is Mode.VECTOR:
                raise
            return Mode.KEYWORD, None

    def _depth(self, query: RecallQuery) -> int:
        return min(max(_LEAST_DEPTH, 2 * (query.offset + query.limit)), 2 * MAX_LIMIT)

    def _filter(self, query: RecallQuery, moment: _Moment) -> Filter:
        current: Filter = () if query.superseded else (Superseded(False),)
        visible: Filter = (Forgotten(False),) if query.expired else active(moment.answered_at)
        return (*query.filter, *visible, *current)

    def _excluded(self, memory: Memory, query: RecallQuery, moment: _Moment) -> WhyNot | None:
        for clause in self._filter(query, moment):
            if holds(clause, memory):
                continue
            match clause:
                case Forgotten(False):
                    return WhyNot(Stage.FORGOTTEN, "It was forgotten.", "restore it", clause=clause)
                case Expired(False, _):
                    return WhyNot(Stage.EXPIRED, f"It expired at {memory.expires_at}.", "set expires_at", clause=clause)
                case Superseded(False) if clause not in query.filter:
                    sentence = f"Memory {memory.superseded_by} supersedes it."
                    return WhyNot(Stage.SUPERSEDED, sentence, "ask for superseded memories too", clause=clause)
                case _:
                    return WhyNot(
                        Stage.FILTER, f"The filter {clause} leaves it out.", "drop that filter", clause=clause
                    )
        return None


def _asked_in(scope: Scope, filter: Filter) -> str | None:
    named = scope.projects
    for clause in filter:
        if isinstance(clause, InProjects):
            named = clause.project_ids if named is None else named & clause.project_ids
    return next(iter(named)) if named is not None and len(named) == 1 else None


def _above(query: RecallQuery, mode: Mode, considered: int, ranked: Sequence[Ranked]) -> list[Ranked]:
    """What is relevant enough to be returned."""
    if not ranked or ranked[0].score < _answering(query, mode, ranked[0]):
        return []
    floor = _floor(query, mode, considered)
    return [r for place, r in enumerate(ranked, start=1) if r.score >= floor or _leads(query, mode, place)]


def _by_profile(query: RecallQuery, mode: Mode) -> Profile | None:
    """The profile that decides what is relevant: none where the caller does, or where scores do not mean that."""
    if query.min_score is not None or mode is not Mode.HYBRID or isinstance(query.profile, ScopedProfile):
        return None
    return query.profile


def _floor(query: RecallQuery, mode: Mode, considered: int) -> float:
    if query.min_score is not None:
        return query.min_score
    if isinstance(query.profile, ScopedProfile):
        return query.profile.floor
    profile = _by_profile(query, mode)
    return 0.0 if profile is None else usual_floor(profile, considered)


def _answering(query: RecallQuery, mode: Mode, best: Ranked) -> float:
    profile = _by_profile(query, mode)
    if profile is None:
        return -math.inf
    return profile.answering_turn if best.candidate.in_conversation else profile.answering


def _leads(query: RecallQuery, mode: Mode, place: int) -> bool:
    # The best hit is held to what an answer must reach, and not to the floor besides.
    return place == 1 and _by_profile(query, mode) is not None


def _lower_to(score: float) -> str:
    # Rounded down, so that the number named really lets it in.
    return f"lower min_score to {int(score * 1000) / 1000:g}"


def _beyond_both_legs(candidate: Candidate, depth: int) -> bool:
    ranks = [r for r in (candidate.dense_rank, candidate.keyword_rank) if r is not None]
    return not candidate.in_conversation and bool(ranks) and min(ranks) > depth
