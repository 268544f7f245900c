"""The index against a brute-force reference, whatever happened to the memories before."""

import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polymem.core.filters import (
    AnyOf,
    ContainerIs,
    Expired,
    Filter,
    Forgotten,
    IdIn,
    ImportanceBetween,
    InProjects,
    KindIn,
    Not,
    Superseded,
    TagsAny,
)
from polymem.core.people import Scope
from polymem.core.ports import Candidate, CandidateQuery, EmbeddingModel
from polymem.storage.search import IndexedRow, OrganizationIndex
from polymem.storage.search.vectors import to_float32
from tests.storage.search.reference import MODEL, NOW, SCOPE, Reference, at, query, random_vectors, row, vectors

WORDS = ("kayak", "violin", "garden", "budget", "recipe", "tower", "server", "march", "foo-bar", "src/main.py")
QUERIES = (
    query("kayak violin garden unheard", random_vectors(1, 1)[0]),
    query("main.py budget foo-bar", random_vectors(2, 1)[0]),
    query("tower"),
    query(None, random_vectors(3, 1)[0]),
    query("recipe server kayak", random_vectors(4, 1)[0], (InProjects(frozenset({"p"})), Superseded(False))),
    query("recipe", random_vectors(5, 1)[0], (Not(ContainerIs("a")), Expired(False, NOW)), depth=3),
    query("violin tower march budget", random_vectors(6, 1)[0], depth=2),
)


@dataclass(frozen=True)
class Step:
    """One delivery: rows and removals."""

    rows: tuple[IndexedRow, ...]
    removed: tuple[str, ...]


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Memories that are added, changed, forgotten, restored and purged, delivered in steps of any size."""
    seq = 0
    arrivals: dict[str, int] = {}
    steps = []
    for _ in range(draw(st.integers(1, 8))):
        rows: dict[str, IndexedRow] = {}
        removed = set()
        for _ in range(draw(st.integers(0, 8))):
            seq += 1
            id_ = f"m{draw(st.integers(0, 14))}"
            if id_ in arrivals and draw(st.integers(0, 9)) == 0:
                removed.add(id_)
                rows.pop(id_, None)
                del arrivals[id_]
                continue
            removed.discard(id_)
            rows[id_] = draw(states(id_, seq, arrivals.setdefault(id_, seq)))
        steps.append(Step(tuple(rows.values()), tuple(removed)))
    return steps


@st.composite
def states(draw: st.DrawFn, id_: str, seq: int, arrival: int) -> IndexedRow:
    text = " ".join(draw(st.lists(st.sampled_from(WORDS), max_size=8)))
    count = draw(st.sampled_from((0, 1, 1, 1, 3)))
    return row(
        id_,
        seq,
        text,
        arrival=arrival,
        project_id=draw(st.sampled_from((None, "p", "q"))),
        container=draw(st.sampled_from((None, "a", "a", "b"))),
        kind=draw(st.sampled_from(("note", "fact"))),
        importance=draw(st.integers(1, 10)),
        occurred_at=draw(st.sampled_from((None, at(0), at(1), at(2)))),
        created_at=at(draw(st.integers(0, 2))),
        expires_at=draw(st.sampled_from((None, None, at(-1), at(1)))),
        superseded=draw(st.booleans()),
        forgotten=draw(st.integers(0, 5)) == 0,
        vectors=vectors(*random_vectors(draw(st.integers(0, 30)), count)) if count else None,
        vector_count=count,
    )


def applied(steps: Iterable[Step], index: OrganizationIndex | None = None) -> tuple[OrganizationIndex, Reference]:
    """An index and the reference after these deliveries."""
    index = index or OrganizationIndex(MODEL)
    reference = Reference()
    position = index.position
    for step in steps:
        position += 100
        index.apply(step.rows, step.removed, position)
        for id_ in step.removed:
            reference.rows.pop(id_, None)
        reference.rows.update({state.memory_id: state for state in step.rows})
    return index, reference


def found(index: OrganizationIndex, asked: CandidateQuery, scope: Scope = SCOPE) -> dict[str, Candidate]:
    candidates = index.search(scope, asked).items
    by_id = {candidate.memory_id: candidate for candidate in candidates}
    assert len(by_id) == len(candidates)
    return by_id


def assert_equals_reference(index: OrganizationIndex, reference: Reference, asked: CandidateQuery) -> None:
    admitted = reference.admitted(SCOPE, asked.filter)
    expected = {id_: signals for id_, signals in reference.signals(asked).items() if id_ in admitted}
    answer = index.search(SCOPE, asked)
    assert answer.considered == len(admitted)
    candidates = {candidate.memory_id: candidate for candidate in answer.items}
    assert set(candidates) <= admitted
    for id_, candidate in candidates.items():
        signals = expected[id_]
        known = reference.rows[id_]
        assert candidate.keyword == pytest.approx(signals.keyword, abs=2e-6)
        assert candidate.context_keyword == pytest.approx(signals.context_keyword, abs=2e-6)
        assert candidate.coverage == pytest.approx(signals.coverage, abs=2e-6)
        assert candidate.cosine == pytest.approx(signals.cosine, abs=2e-6)
        assert candidate.context_cosine == pytest.approx(signals.context_cosine, abs=2e-6)
        assert candidate.in_conversation == signals.in_conversation
        assert (candidate.project_id, candidate.kind, candidate.importance, candidate.weight) == (
            known.project_id,
            known.kind,
            known.importance,
            known.weight,
        )

    def best(signal: str) -> list[tuple[float, str]]:
        scored = [(getattr(signals, signal), id_) for id_, signals in expected.items()]
        return sorted([(score, id_) for score, id_ in scored if score is not None and score > _LEAST[signal]])[::-1]

    for signal, rank in (("cosine", "dense_rank"), ("keyword", "keyword_rank"), ("context_keyword", None)):
        scored = best(signal)
        if scored:
            # Everything clearly better than the last of the leg must be there, ties may go either way.
            last = scored[: asked.depth][-1][0]
            assert {id_ for score, id_ in scored if score > last + 1e-5} <= set(candidates)
        if rank is None:
            continue
        for id_, candidate in candidates.items():
            place = getattr(candidate, rank)
            if place is not None:
                score = getattr(expected[id_], signal)
                assert sum(other > score + 1e-5 for other, _ in scored) < place
                assert place <= sum(other >= score - 1e-5 for other, _ in scored)
    assert answer.without_vector == (
        0 if asked.vector is None else sum(signals.cosine is None for signals in expected.values())
    )


_LEAST = {"cosine": -2.0, "keyword": 0.0, "context_keyword": 0.0}


@settings(deadline=None, max_examples=60)
@given(histories())
def test_every_signal_equals_the_reference_after_any_history(history: list[Step]) -> None:
    index, reference = applied(history)
    for asked in QUERIES:
        assert_equals_reference(index, reference, asked)


@settings(deadline=None, max_examples=40)
@given(histories(), st.randoms())
def test_one_by_one_in_any_order_of_arrival_answers_exactly_as_in_one_batch(
    history: list[Step], shuffler: random.Random
) -> None:
    index, reference = applied(history)
    live = reference.live()
    at_once = OrganizationIndex(MODEL)
    at_once.apply(live, [], 1)
    shuffler.shuffle(live)
    one_by_one = OrganizationIndex(MODEL)
    for position, state in enumerate(live, start=1):
        one_by_one.apply([state], [], position)
    for asked in QUERIES:
        expected = found(at_once, asked)
        assert found(index, asked) == expected
        assert found(one_by_one, asked) == expected


@settings(deadline=None, max_examples=30)
@given(histories(), histories())
def test_a_compacted_index_answers_exactly_like_the_old_one_and_goes_on(before: list[Step], after: list[Step]) -> None:
    index, _ = applied(before)
    compacted = index.compacted()
    assert compacted.position == index.position
    assert len(compacted) == len(index)
    later = [
        Step(tuple(s._replace(seq=s.seq + 1000, arrival=s.arrival + 1000) for s in step.rows), step.removed)
        for step in after
    ]
    for asked in QUERIES:
        assert found(compacted, asked) == found(index, asked)
    applied(later, index)
    applied(later, compacted)
    for asked in QUERIES:
        assert found(compacted, asked) == found(index, asked)


def long_history(count: int, seed: int = 0, **fields: Any) -> list[IndexedRow]:
    """Many memories in conversations of one project, with vectors."""
    drawn = random.Random(seed)
    return [
        row(
            f"m{seed}-{number}",
            number + 1,
            " ".join(drawn.choices(WORDS, k=drawn.randrange(1, 9))),
            project_id="p",
            container=f"c{number // 20}" if number % 3 else None,
            occurred_at=at(drawn.randrange(50)),
            vectors=vectors(*random_vectors(number, 1)),
            vector_count=1,
            **fields,
        )
        for number in range(count)
    ]


def test_many_memories_delivered_in_batches_or_singly_make_the_same_index() -> None:
    rows = long_history(3000)
    at_once, reference = applied([Step(tuple(rows), ())])
    singly = OrganizationIndex(MODEL)
    for state in rows:
        singly.apply([state], [], state.seq)
    for asked in (query("kayak main.py tower", random_vectors(7, 1)[0], depth=40), QUERIES[6]):
        assert found(singly, asked) == found(at_once, asked)
    assert_equals_reference(at_once, reference, query("kayak main.py tower", random_vectors(7, 1)[0], depth=40))


def test_a_late_turn_takes_its_place_far_back_in_a_long_conversation() -> None:
    turns = [row(f"t{n}", n + 1, "kayak", container="c", occurred_at=at(n)) for n in range(300)]
    late = row("late", 999, "violin", container="c", occurred_at=at(10))
    early = row("early", 1000, "garden", container="c", occurred_at=at(-10))
    index, reference = applied([Step(tuple(turns), ()), Step((late,), ()), Step((early,), ())])
    assert_equals_reference(index, reference, query("violin garden"))


def test_a_changed_memory_keeps_its_place_in_the_conversation() -> None:
    turns = [row(f"t{n}", n + 1, f"{WORDS[n]} turn", container="c") for n in range(5)]
    changed = turns[1]._replace(seq=9, terms=row("x", 1, "corrected").terms)
    index, reference = applied([Step(tuple(turns), ()), Step((changed,), ())])
    assert_equals_reference(index, reference, query("corrected"))
    near = found(index, query("corrected"))
    assert near["t2"].context_keyword == pytest.approx(0.5 * near["t1"].context_keyword)


def test_ties_at_the_cut_go_to_the_latest_arrival() -> None:
    rows = [row(f"m{n}", n + 1, "kayak", vectors=vectors([1] * 8), vector_count=1) for n in range(30)]
    shuffled = random.Random(0).sample(rows, 30)
    for order in (rows, shuffled):
        index, _ = applied([Step((state,), ()) for state in order])
        kept = found(index, query("kayak", [1] * 8, depth=4))
        assert set(kept) == {"m29", "m28", "m27", "m26"}
        assert kept["m29"].keyword_rank == kept["m29"].dense_rank == 1


def test_the_scope_restricts_projects_whatever_the_filter_says() -> None:
    rows = [row(f"m{n}", n + 1, "kayak", project_id=project) for n, project in enumerate((None, "p", "q"))]
    index, _ = applied([Step(tuple(rows), ())])
    scope = Scope(organization_id="o", projects=frozenset({"p"}))
    assert set(found(index, query("kayak"), scope)) == {"m1"}
    both = (InProjects(frozenset({"p", "q"}), unassigned=True),)
    assert set(found(index, query("kayak", filter_=both), scope)) == {"m1"}
    nothing = Scope(organization_id="o", projects=frozenset())
    assert index.search(nothing, query("kayak")).considered == 0


def test_allowed_ids_narrow_what_the_index_cannot_evaluate_itself() -> None:
    index, _ = applied([Step(tuple(row(f"m{n}", n + 1, "kayak") for n in range(5)), ())])
    asked = query("kayak", filter_=(TagsAny(frozenset({"x"})), ImportanceBetween(1, 10)))
    answer = index.search(SCOPE, asked, allowed_ids={"m3", "gone"})
    assert [candidate.memory_id for candidate in answer.items] == ["m3"]
    assert answer.considered == 1
    with pytest.raises(ValueError, match="allowed_ids"):
        index.search(SCOPE, asked)


def test_an_included_memory_comes_with_its_true_ranks_if_the_filter_admits_it() -> None:
    rows = long_history(400)
    index, _ = applied([Step(tuple(rows), ())])
    everything = found(index, query("kayak tower", random_vectors(9, 1)[0]))
    worst = max(everything.values(), key=lambda c: (c.keyword_rank or 0, c.dense_rank or 0))
    assert worst.keyword_rank
    narrow = query("kayak tower", random_vectors(9, 1)[0], depth=5, include=worst.memory_id)
    included = found(index, narrow)[worst.memory_id]
    ties = sum(other.keyword == worst.keyword for other in everything.values())
    assert included.dense_rank == worst.dense_rank
    assert included.keyword_rank is not None
    assert worst.keyword_rank - ties < included.keyword_rank <= worst.keyword_rank
    refused = query("kayak", filter_=(KindIn(frozenset({"fact"})),), include=worst.memory_id)
    assert found(index, refused) == {}
    assert worst.memory_id not in found(index, query("kayak", depth=1, include="unknown"))


def test_a_vector_of_another_model_leaves_the_dense_leg_out() -> None:
    index, _ = applied([Step(tuple(long_history(10)), ())])
    asked = query("kayak", [1] * 8, model=EmbeddingModel("other", 8))
    answer = index.search(SCOPE, asked)
    assert {candidate.cosine for candidate in answer.items} == {None}
    assert answer.without_vector == answer.considered == 10
    with pytest.raises(ValueError, match="dimensions"):
        index.search(SCOPE, query("kayak", [1] * 9))


def test_an_index_without_a_model_finds_by_words() -> None:
    index = OrganizationIndex(None)
    index.apply(long_history(10), [], 10)
    answer = index.search(SCOPE, query("kayak violin", None, model=None))
    assert answer.items
    assert answer.without_vector == 0


def test_vectors_of_a_wrong_size_are_left_out_and_harm_no_others() -> None:
    odd = row("odd", 1, "kayak", vectors=b"\0" * 10, vector_count=1)
    good = row("good", 2, "kayak", vectors=vectors([1] * 8), vector_count=1)
    index, _ = applied([Step((odd, good), ())])
    answer = index.search(SCOPE, query(None, [1] * 8))
    assert [c.memory_id for c in answer.items] == ["good"]
    assert answer.items[0].cosine == pytest.approx(1, abs=1e-3)
    assert answer.without_vector == 1


def test_an_entry_of_another_analysis_counts_as_no_words() -> None:
    stale = row("stale", 1, terms=b"\xff" + row("x", 1, "kayak").terms[1:])  # type: ignore[index]
    index, _ = applied([Step((stale, row("missing", 2, terms=None), row("good", 3, "kayak")), ())])
    assert set(found(index, query("kayak"))) == {"good"}
    assert index.search(SCOPE, query("kayak")).considered == 3


def test_the_trash_is_not_in_the_index() -> None:
    index, _ = applied([Step((row("m1", 1, "kayak"), row("m2", 2, "kayak", forgotten=True)), ())])
    filters: dict[str, Filter] = {"m1": (Forgotten(False),), "": (Forgotten(True),), "m1 ": (Not(Forgotten(True)),)}
    for expected, filter_ in filters.items():
        assert "".join(found(index, query("kayak", filter_=filter_))) == expected.strip()


def test_a_delivery_repeated_or_older_than_what_is_known_changes_nothing() -> None:
    old, new = row("m", 1, "kayak"), row("m", 2, "violin", arrival=1)
    index, _ = applied([Step((new,), ()), Step((old,), ()), Step((new,), ())])
    assert set(found(index, query("violin"))) == {"m"}
    assert found(index, query("kayak")) == {}
    index.apply([old, new], [], 5)
    assert index.position == 300
    assert len(index) == 1


def test_a_delivery_that_would_leave_a_gap_is_refused() -> None:
    index = OrganizationIndex(MODEL)
    assert index.apply([row("m1", 3, "kayak")], [], 3, since=0)
    assert not index.apply([row("m2", 7, "kayak")], ["m1"], 7, since=5)
    assert index.position == 3
    assert set(found(index, query("kayak"))) == {"m1"}
    assert index.apply([row("m2", 7, "kayak")], ["m1"], 7, since=2)
    assert set(found(index, query("kayak"))) == {"m2"}


def test_ids_in_a_filter_and_alternatives_are_evaluated_by_the_index() -> None:
    index, reference = applied([Step(tuple(long_history(50)), ())])
    some = AnyOf(((IdIn(frozenset({"m0-1", "m0-2", "nobody"})),), (ContainerIs("c1"), ImportanceBetween(most=5))))
    assert_equals_reference(index, reference, query("kayak violin tower", filter_=(some,)))


def test_memory_is_accounted_for() -> None:
    index = OrganizationIndex(EmbeddingModel("test", 8))
    empty = index.nbytes
    index.apply(long_history(2000), [], 2000)
    # At least vectors, ids and terms; at most a few hundred bytes each.
    assert 2000 * 200 < index.nbytes - empty < 2000 * 800


def test_searching_while_a_writer_appends_never_fails_nor_finds_what_is_not_there() -> None:
    index, _ = applied([Step(tuple(long_history(300)), ())])
    asked = query("kayak tower", random_vectors(9, 1)[0], (InProjects(frozenset({"p"})),), depth=20)
    done = threading.Event()
    problems: list[BaseException] = []

    def write() -> None:
        drawn = random.Random(1)
        try:
            for number in range(1500):
                seq = 1000 + number
                state = row(
                    f"m0-{drawn.randrange(600)}",
                    seq,
                    " ".join(drawn.choices(WORDS, k=4)),
                    project_id="p" if drawn.random() < 0.8 else "q",
                    container=f"c{drawn.randrange(5)}",
                    occurred_at=at(drawn.randrange(50)),
                    forgotten=drawn.random() < 0.1,
                    vectors=vectors(*random_vectors(number, 1)),
                    vector_count=1,
                )
                index.apply([state], [f"m0-{drawn.randrange(600)}"] if number % 10 == 0 else [], 1000 + seq)
        except BaseException as problem:
            problems.append(problem)
        finally:
            done.set()

    def read() -> None:
        try:
            while not done.is_set():
                for candidate in index.search(SCOPE, asked).items:
                    assert candidate.project_id == "p"
                    assert candidate.keyword <= candidate.context_keyword + 1e-6 <= 1.0
        except BaseException as problem:
            problems.append(problem)
            done.set()

    threads = [threading.Thread(target=target) for target in (write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_half_precision_bits_become_exactly_their_float32_values() -> None:
    every = np.arange(2**16, dtype=np.uint16)
    finite = every[np.isfinite(every.view(np.float16))]
    assert np.array_equal(to_float32(finite.view(np.int16)), finite.view(np.float16).astype(np.float32))
