"""Every clause means on every database what `core.filters.holds` says it means."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polymem.core.filters import (
    AnyOf,
    Between,
    Clause,
    ContainerIs,
    ContainsText,
    DeliveryIn,
    Expired,
    Filter,
    Forgotten,
    IdIn,
    ImportanceBetween,
    InProjects,
    Instant,
    KindIn,
    MetadataContains,
    MetadataIs,
    Not,
    Sort,
    Superseded,
    TagsAll,
    TagsAny,
    predicate,
)
from polymem.core.model import Delivery, Memory
from polymem.core.ports import CandidateQuery, Store
from tests.storage.support import MODEL, NOW, keep, memory, new_scope, project, vector

# Few values, so that filters meet memories; odd ones, so that they meet what SQL gets wrong: wildcards, quotes,
# letters whose case folds beyond ASCII, combining marks, texts no column can hold.
TEXTS = ["a", "A", "ab", "%", "_", "\\", "'", '"', "ä", "Ä", "\u212a", "k", "İ", "i", "ß", "e\u0301", "🐈", " ", ":f0"]
UNSTORABLE = ["\x00", "\ud800", "a\x00"]
KEYS = ["a", "A", "$", "$.a", "a.b", '"', "", "ä"]
NUMBERS: list[Any] = [0, 1, True, False, 1.0, -1, 0.5, 2**62, float(2**62), 2**53 + 1, float(2**53), 1e300, -0.0]

words = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4).map("".join)
asked = st.sampled_from([*TEXTS, *UNSTORABLE]) | words
moments = st.sampled_from([NOW + timedelta(microseconds=step) for step in (-2, -1, 0, 1, 2)])
asked_moments = moments | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
scalars = st.sampled_from([*NUMBERS, *TEXTS, "1", "true"])
metadata = st.dictionaries(st.sampled_from(KEYS), scalars | st.none() | st.lists(scalars, max_size=2), max_size=3)

states = st.fixed_dictionaries(
    {
        "content": words,
        "title": st.none() | words,
        "kind": st.sampled_from(TEXTS[:4]),
        "delivery": st.sampled_from(Delivery),
        "tags": st.lists(st.sampled_from(TEXTS), unique=True, max_size=4).map(tuple),
        "container": st.none() | st.sampled_from(TEXTS[:4]),
        "importance": st.integers(1, 10),
        "metadata": metadata,
        "created_at": moments,
        "updated_at": moments,
        "occurred_at": st.none() | moments,
        "valid_from": st.none() | moments,
        "valid_to": st.none() | moments,
        "expires_at": st.none() | moments,
        "forgotten_at": st.none() | moments,
        "last_accessed": st.none() | moments,
        "superseded_by": st.none() | st.sampled_from(TEXTS[:2]),
        "place": st.sampled_from([None, 0, 1]),
    }
)


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(values, max_size=3)


# Numbers stand for the projects and memories of an example, whose ids are not known yet.
project_ids = st.frozensets(st.sampled_from(["0", "1", "unknown", "\x00"]), max_size=3)
plain: st.SearchStrategy[Clause] = st.one_of(
    st.builds(InProjects, project_ids, st.booleans()),
    st.builds(KindIn, some(asked)),
    st.builds(DeliveryIn, st.frozensets(st.sampled_from(Delivery))),
    st.builds(TagsAll, some(asked)),
    st.builds(TagsAny, some(asked)),
    st.builds(ContainerIs, st.none() | asked),
    st.builds(
        ImportanceBetween,
        st.none() | st.integers(0, 11) | st.just(-(2**70)),
        st.none() | st.integers(0, 11) | st.just(2**70),
    ),
    st.builds(ContainsText, asked | st.just("") | st.just(60_000).map("a".__mul__)),
    st.builds(Between, st.sampled_from(Instant), st.none() | asked_moments, st.none() | asked_moments),
    st.builds(MetadataIs, st.sampled_from(KEYS) | asked, scalars | asked),
    st.builds(MetadataContains, st.sampled_from(KEYS) | asked, asked | st.just("")),
    st.builds(IdIn, project_ids),
    st.builds(Forgotten, st.booleans()),
    st.builds(Expired, st.booleans(), asked_moments),
    st.builds(Superseded, st.booleans()),
)


def nested(clauses: st.SearchStrategy[Clause]) -> st.SearchStrategy[Clause]:
    alternative = st.lists(clauses, max_size=2).map(tuple)
    return st.builds(AnyOf, st.lists(alternative, max_size=3).map(tuple)) | st.builds(Not, clauses)


filters = st.lists(st.recursive(plain, nested, max_leaves=5), max_size=3).map(tuple)

on_both_databases = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def with_ids(clause: Clause, projects: list[str], memories: list[str]) -> Clause:
    """The clause with real ids in place of their numbers."""

    def real(names: frozenset[str], ids: list[str]) -> frozenset[str]:
        return frozenset(ids[int(name)] if name.isdecimal() and int(name) < len(ids) else name for name in names)

    match clause:
        case InProjects(ids, unassigned):
            return InProjects(real(ids, projects), unassigned)
        case IdIn(ids):
            return IdIn(real(ids, memories))
        case Not(inner):
            return Not(with_ids(inner, projects, memories))
        case AnyOf(alternatives):
            return AnyOf(
                tuple(tuple(with_ids(inner, projects, memories) for inner in filter_) for filter_ in alternatives)
            )
        case _:
            return clause


@on_both_databases
@given(st.lists(states, min_size=1, max_size=6), st.lists(filters, min_size=1, max_size=5))
@example([{"content": "\u212a", "place": None}], [(ContainsText("k"),), (Not(ContainsText("K")),)])
@example([{"content": "100%", "place": 1}], [(ContainsText("0%"),), (ContainsText("_"),), (ContainsText("\\"),)])
@example(
    [{"content": "x", "place": None, "metadata": {"n": value}} for value in (1, 1.0, True, "1", None)],
    [(MetadataIs("n", value),) for value in (1, 1.0, True, "1", False)],
)
@example(
    [
        {"content": "x", "place": None, "metadata": {"a.b": value}}
        for value in ('Ann, Ä"%', "ann\n", 1, True, None, ["Ann"])
    ],
    [(MetadataContains("a.b", text),) for text in ("aNN", "ä", 'Ä"', "%", "\n", "1", "true", "")],
)
async def test_a_filter_means_the_same_in_the_database_and_in_the_core(
    store: Store, drawn: list[dict[str, Any]], asked_filters: list[Filter]
) -> None:
    scope = await new_scope(store)
    projects = [await store.put_project(scope, project(scope, key)) for key in ("one", "two")]
    memories: list[Memory] = []
    for fields in drawn:
        place = fields["place"]
        values = {name: value for name, value in fields.items() if name != "place"}
        memories.append(memory(scope, project=None if place is None else projects[place], **values))
    await keep(store, scope, *memories)
    for asked_filter in asked_filters:
        filter_ = tuple(
            with_ids(clause, [one.id for one in projects], [one.id for one in memories]) for clause in asked_filter
        )
        expected = {one.id for one in memories if predicate(filter_)(one)}
        page = await store.find(scope, filter_, Sort(), 100, 0)
        assert {one.id for one in page.items} == expected, filter_
        assert (await store.find(scope, filter_, Sort(), 0, 0)).total == len(expected)
        scanned = [one.id async for batch in store.scan(scope, filter_) for one in batch]
        assert set(scanned) == expected

        # Recall never sees what is in the trash.
        visible = {one.id for one in memories if one.id in expected and one.forgotten_at is None}
        query = CandidateQuery(text=None, vector=vector("q"), model=MODEL, filter=filter_)
        found = await store.candidates(scope, query)
        assert {item.memory_id for item in found.items if item.dense_rank is not None} == visible, filter_
        assert found.considered == len(visible)
