"""Random histories through the core's verbs, with a clock that only the test moves, and what was seen at each step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from polymem.core import Core
from polymem.core.errors import Conflict, NotFound
from polymem.core.filters import (
    ContainsText,
    DeliveryIn,
    Filter,
    InProjects,
    KindIn,
    MetadataIs,
    Sort,
    SortKey,
    Superseded,
    TagsAll,
    true_at,
)
from polymem.core.model import Delivery, Draft, Memory
from polymem.core.people import Scope
from polymem.core.ports import Embedding, EmbeddingModel, QueryEmbedding, Store
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery
from tests.storage.support import MODEL, new_id, new_scope, vector

START = datetime(2026, 5, 1, tzinfo=UTC)
TICK = timedelta(seconds=1)

TEXTS = ["The cat sleeps.", "A dog barks.", "The cat barks at a dog?", "Ann: the dog sleeps", "Nothing of this"]
TAGS: list[tuple[str, ...]] = [(), ("a",), ("a", "b")]
QUERIES = ["cat", "the dog barks", "sleeps"]
FILTERS: list[Filter] = [
    (),
    (Superseded(False),),
    (TagsAll(frozenset({"a"})),),
    (ContainsText("cat"), KindIn(frozenset({"note", "fact"}))),
    (MetadataIs("n", 1),),
    (DeliveryIn(frozenset({Delivery.PINNED})),),
    true_at(START + 3 * TICK),
]
SORTS = [Sort(), Sort(SortKey.UPDATED, descending=False), Sort(SortKey.OCCURRED), Sort(SortKey.IMPORTANCE)]


class TestClock:
    """A clock that stands still until it is moved."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment


class TextVectors:
    """An embedder whose vectors depend on the text alone."""

    @property
    def model(self) -> EmbeddingModel:
        return MODEL

    async def embed_query(self, text: str) -> bytes:
        return vector(text)

    async def read_query(self, text: str) -> QueryEmbedding:
        return QueryEmbedding(vector(text))

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        return [Embedding(vector(text), 1) for text in texts]

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def close(self) -> None:
        pass


ticks = st.integers(0, 3)
places = st.integers(0, 7)
some_fields = st.fixed_dictionaries(
    {},
    optional={
        "content": st.sampled_from(TEXTS),
        "kind": st.sampled_from(["note", "fact"]),
        "tags": st.sampled_from(TAGS),
        "metadata": st.sampled_from([{}, {"n": 1}, {"n": 2}]),
        "importance": st.integers(4, 6),
        "delivery": st.sampled_from(Delivery),
        "container": st.sampled_from([None, "chat"]),
        "occurred_at": st.none() | ticks.map(lambda n: START - n * TICK),
        "valid_from": st.none() | ticks.map(lambda n: START + n * TICK),
        "valid_to": st.none() | st.integers(3, 6).map(lambda n: START + n * TICK),
        "expires_at": st.none() | st.integers(1, 12).map(lambda n: START + n * TICK),
        "project": st.sampled_from([None, "home", "work"]),
    },
)
new_fields = st.tuples(st.sampled_from(TEXTS), some_fields).map(lambda pair: {"content": pair[0], **pair[1]})
adding = st.tuples(st.just("add"), st.just(0), new_fields)
steps: st.SearchStrategy[tuple[str, int, Any]] = st.one_of(
    adding,
    st.tuples(st.just("revise"), places, some_fields),
    st.tuples(st.just("supersede"), places, new_fields),
    st.tuples(
        st.sampled_from(["forget", "restore", "validate", "contradict", "expire", "unexpire", "unsupersede", "purge"]),
        places,
        st.just({}),
    ),
)
histories = st.builds(
    lambda first, rest: [*first, *rest],
    st.lists(st.tuples(ticks, adding), min_size=2, max_size=4),
    st.lists(st.tuples(ticks, steps), min_size=2, max_size=12),
)


@dataclass
class Seen:
    """What the present was like at an instant: every memory, and what was answered."""

    memories: dict[str, Memory]
    listed: dict[tuple[int, int], tuple[str, ...]]
    recalled: dict[tuple[str, Mode, int], dict[str, float]]


@dataclass
class Lived:
    """A history that was lived through: its core, and what was seen at each instant."""

    core: Core
    scope: Scope
    clock: TestClock
    home: str
    seen: dict[datetime, Seen] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)


async def live(store: Store, history: list[tuple[int, Any]]) -> Lived:
    """Does all steps, and looks at everything after each."""
    clock = TestClock()
    scope = await new_scope(store)
    core = Core(store, TextVectors(), clock, new_id, None)
    home = await core.projects.ensure(scope, "home")
    lived = Lived(core, scope, clock, home.id)
    for ahead, (verb, place, values) in history:
        clock.moment += ahead * TICK
        await _do(lived, verb, place, values)
        lived.seen[clock.moment] = await look(lived, None)
    return lived


async def _do(lived: Lived, verb: str, place: int, values: dict[str, Any]) -> None:
    core, scope = lived.core, lived.scope
    known = [memory async for batch in core.memories.scan(scope, hidden=True) for memory in batch]
    if verb == "add":
        await core.memories.add(scope, Draft(**values))
        return
    if not known:
        return
    memory = known[place % len(known)]
    try:
        match verb:
            case "revise":
                await core.memories.revise(scope, memory.id, values)
            case "supersede":
                await core.memories.supersede(scope, memory.id, Draft(**values))
            case "purge":
                await core.memories.purge(scope, memory.id)
                lived.purged.add(memory.id)
            case "forget" | "restore":
                await getattr(core.memories, verb)(scope, memory.id)
            case "unsupersede":
                await core.chains.unsupersede(scope, memory.id)
            case _:
                await getattr(core.judgements, verb)(scope, memory.id, note=f"a reason to {verb}")
    except (NotFound, Conflict):
        pass  # Not possible as it stands: nothing is written, which is a step too.


async def look(lived: Lived, at: datetime | None) -> Seen:
    """Everything there is to see, now or as of `at`."""
    core, scope = lived.core, lived.scope

    async def listed(filter_: Filter, sort: Sort, *, hidden: bool = False) -> list[Memory]:
        pages: list[Memory] = []
        while True:
            # Small pages, so that what stands in rows and what stands in versions meets at their borders.
            where: dict[str, Any] = {"sort": sort, "limit": 3, "offset": len(pages), "hidden": hidden}
            if at is None:
                page = await core.memories.find(scope, filter_, **where)
            else:
                page = await core.timeline.find_as_of(scope, at, filter_, **where)
            pages += page.items
            if len(pages) >= page.total:
                assert len(pages) == page.total
                return pages

    async def recalled(text: str, mode: Mode, filter_: Filter) -> dict[str, float]:
        query = RecallQuery(
            text=text, mode=mode, filter=filter_, limit=100, min_score=0.0, record_access=False, as_of=at
        )
        return {hit.memory.id: hit.score for hit in (await core.recall(scope, query)).hits}

    filters = [*FILTERS, (InProjects(frozenset({lived.home})),)]
    return Seen(
        memories={memory.id: memory for memory in await listed((), Sort(SortKey.ID), hidden=True)},
        listed={
            (f, s): tuple(memory.id for memory in await listed(filter_, sort))
            for f, filter_ in enumerate(filters)
            for s, sort in enumerate(SORTS[f % 2 :: 2])
        },
        recalled={
            (text, mode, f): await recalled(text, mode, filters[f])
            for text in QUERIES
            for mode in Mode
            for f in (0, 2, len(filters) - 1)
        },
    )
