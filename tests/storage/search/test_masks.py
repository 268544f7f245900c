"""The part of a filter that the index evaluates, against what the filter language says it means."""

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
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
    Superseded,
    TagsAll,
    TagsAny,
)
from polymem.storage.search import OrganizationIndex, split_filter
from tests.storage.search.reference import MODEL, NOW, SCOPE, Reference, at, query, row

OWN_INSTANTS = (Instant.CREATED, Instant.UPDATED, Instant.OCCURRED, Instant.EXPIRES)
SECONDS = st.integers(-3, 3)
BOUNDS = st.one_of(st.none(), SECONDS.map(lambda seconds: NOW + timedelta(seconds=seconds)))
PROJECTS = st.frozensets(st.sampled_from(("p", "q", "unknown")))

BY_KIND: tuple[st.SearchStrategy[Clause], ...] = (
    st.builds(InProjects, PROJECTS, st.booleans()),
    st.builds(KindIn, st.frozensets(st.sampled_from(("note", "fact", "unknown")))),
    st.builds(ContainerIs, st.sampled_from((None, "a", "b", "unknown"))),
    st.builds(ImportanceBetween, st.one_of(st.none(), st.integers(0, 11)), st.one_of(st.none(), st.integers(0, 11))),
    st.builds(Between, st.sampled_from(OWN_INSTANTS), BOUNDS, BOUNDS),
    st.builds(IdIn, st.frozensets(st.sampled_from(("m0", "m1", "m2", "unknown")))),
    st.builds(Forgotten, st.booleans()),
    st.builds(Expired, st.booleans(), SECONDS.map(lambda seconds: NOW + timedelta(seconds=seconds))),
    st.builds(Superseded, st.booleans()),
)
OWN_CLAUSES = st.one_of(BY_KIND)
OTHER_CLAUSES: st.SearchStrategy[Clause] = st.sampled_from(
    (
        TagsAll(frozenset({"x"})),
        TagsAny(frozenset({"x"})),
        ContainsText("x"),
        MetadataIs("x", 1),
        MetadataContains("x", "y"),
        Between(Instant.VALID_FROM, NOW),
        Between(Instant.VALID_TO, NOW),
    )
)


def nested(clauses: st.SearchStrategy[Clause]) -> st.SearchStrategy[Clause]:
    return st.recursive(
        clauses,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(AnyOf, st.lists(st.lists(inner, max_size=2).map(tuple), max_size=3).map(tuple)),
        ),
        max_leaves=4,
    )


@st.composite
def known_memories(draw: st.DrawFn) -> Reference:
    instants = st.one_of(st.none(), SECONDS.map(at))
    rows = [
        row(
            f"m{number}",
            number + 1,
            "kayak",
            project_id=draw(st.sampled_from((None, "p", "q"))),
            kind=draw(st.sampled_from(("note", "fact"))),
            container=draw(st.sampled_from((None, "a", "b"))),
            importance=draw(st.integers(1, 10)),
            created_at=at(draw(SECONDS)),
            updated_at=at(draw(SECONDS)),
            occurred_at=draw(instants),
            expires_at=draw(instants),
            superseded=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 8)))
    ]
    return Reference({known.memory_id: known for known in rows})


@settings(deadline=None)
@given(known_memories(), st.lists(nested(OWN_CLAUSES), max_size=3).map(tuple))
def test_the_index_admits_what_the_filter_holds_for(reference: Reference, filter_: Filter) -> None:
    index = OrganizationIndex(MODEL)
    index.apply(reference.rows.values(), [], 1)
    answer = index.search(SCOPE, query("kayak", filter_=filter_))
    assert {candidate.memory_id for candidate in answer.items} == reference.admitted(SCOPE, filter_)
    assert answer.considered == len(answer.items)


@pytest.mark.parametrize("clauses", BY_KIND, ids=range(len(BY_KIND)))
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_each_kind_of_clause_holds_for_the_same_memories(
    clauses: st.SearchStrategy[Clause], data: st.DataObject
) -> None:
    reference, clause = data.draw(known_memories()), data.draw(clauses)
    index = OrganizationIndex(MODEL)
    index.apply(reference.rows.values(), [], 1)
    answer = index.search(SCOPE, query("kayak", filter_=(clause,)))
    assert {candidate.memory_id for candidate in answer.items} == reference.admitted(SCOPE, (clause,))


@given(st.lists(nested(st.one_of(OWN_CLAUSES, OTHER_CLAUSES)), max_size=5).map(tuple))
def test_a_filter_is_split_without_loss(filter_: Filter) -> None:
    own, rest = split_filter(filter_)
    assert sorted(map(repr, own + rest)) == sorted(map(repr, filter_))
    assert split_filter(own) == (own, ())
    assert split_filter(rest) == ((), rest)


@pytest.mark.parametrize(
    "clause",
    [
        TagsAll(frozenset()),
        DeliveryIn(frozenset()),
        Between(Instant.VALID_TO),
        Between(Instant.USED),
        ContainsText(""),
        MetadataIs("", 1),
        MetadataContains("", ""),
    ],
)
def test_a_clause_that_needs_the_rows_is_left_to_the_store_also_inside_others(clause: Clause) -> None:
    for filter_ in ((clause,), (Not(clause),), (AnyOf(((Superseded(True),), (Superseded(False), clause))),)):
        assert split_filter(filter_) == ((), filter_)


def test_every_kind_of_clause_is_tried_here() -> None:
    tried = {InProjects, KindIn, ContainerIs, ImportanceBetween, Between, IdIn, Forgotten, Expired, Superseded}
    others = {DeliveryIn, TagsAll, TagsAny, ContainsText, MetadataIs, MetadataContains, AnyOf, Not}
    assert set(get_args(Clause)) == tried | others
