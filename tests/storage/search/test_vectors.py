"""Many vectors are compared by their signs first: the answers must stay (nearly) exact, and context exact."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from polymem.core.filters import InProjects, KindIn
from polymem.core.ports import EmbeddingModel
from polymem.storage.search import IndexedRow, OrganizationIndex
from tests.storage.search.reference import SCOPE, at, query, row

MODEL = EmbeddingModel("wide", 384)
Floats = npt.NDArray[np.float32]


def clustered(count: int, seed: int) -> Floats:
    """Vectors around 60 centres of a 64-dimensional mixture, which is harder than uniform noise."""
    centres = np.random.default_rng(0).normal(size=(60, 64))
    lift = np.random.default_rng(1).normal(size=(64, MODEL.dimensions))
    drawn = np.random.default_rng(seed)
    points = centres[drawn.integers(0, 60, count)] + 0.6 * drawn.normal(size=(count, 64))
    vectors = points @ lift + 0.5 * drawn.normal(size=(count, MODEL.dimensions))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def rows_of(vectors: Floats, windows: int = 1) -> list[IndexedRow]:
    halves = vectors.astype(np.float16)
    return [
        row(
            f"m{number}",
            number + 1,
            project_id="p",
            kind="fact" if number % 4 == 0 else "note",
            container=f"c{number // 10}",
            occurred_at=at(number),
            vectors=halves[number * windows : (number + 1) * windows].tobytes(),
            vector_count=windows,
        )
        for number in range(len(vectors) // windows)
    ]


def index_of(rows: Sequence[IndexedRow], portion: int = 7000, **limits: int) -> OrganizationIndex:
    index = OrganizationIndex(MODEL, **limits)
    for start in range(0, len(rows), portion):
        index.apply(rows[start : start + portion], [], start + portion)
    return index


def cosines(index: OrganizationIndex, vector: Floats, **fields: object) -> dict[str, float | None]:
    asked = query(None, vector.tolist(), model=MODEL, **fields)  # type: ignore[arg-type]
    return {candidate.memory_id: candidate.context_cosine for candidate in index.search(SCOPE, asked).items}


def ranked(index: OrganizationIndex, vector: Floats, **fields: object) -> list[str]:
    asked = query(None, vector.tolist(), model=MODEL, **fields)  # type: ignore[arg-type]
    items = [candidate for candidate in index.search(SCOPE, asked).items if candidate.dense_rank]
    return [candidate.memory_id for candidate in sorted(items, key=lambda c: c.dense_rank or 0)]


@pytest.fixture(scope="module")
def vectors() -> Floats:
    return clustered(20_000, 2)


@pytest.fixture(scope="module")
def exact(vectors: Floats) -> OrganizationIndex:
    return index_of(rows_of(vectors))


@pytest.fixture(scope="module")
def by_signs(vectors: Floats) -> OrganizationIndex:
    return index_of(rows_of(vectors), float32_vectors=1000)


def test_signs_first_finds_what_comparing_all_finds(exact: OrganizationIndex, by_signs: OrganizationIndex) -> None:
    overlap10, overlap100 = [], []
    for asked in clustered(40, 3):
        expected, found = ranked(exact, asked, depth=100), ranked(by_signs, asked, depth=100)
        assert len(found) == 100
        overlap10.append(len(set(expected[:10]) & set(found[:10])) / 10)
        overlap100.append(len(set(expected) & set(found)) / 100)
    assert np.mean(overlap10) >= 0.995
    assert np.mean(overlap100) >= 0.98


def test_similarities_are_exact_in_every_form(
    vectors: Floats, exact: OrganizationIndex, by_signs: OrganizationIndex
) -> None:
    asked = clustered(1, 4)[0]
    every = cosines(exact, asked, depth=50)
    found = cosines(by_signs, asked, depth=50)
    shared = every.keys() & found.keys()
    assert len(shared) > 50
    assert {id_: every[id_] for id_ in shared} == {id_: found[id_] for id_ in shared}


def test_a_filter_narrows_before_the_signs_choose(exact: OrganizationIndex, by_signs: OrganizationIndex) -> None:
    facts = (InProjects(frozenset({"p"})), KindIn(frozenset({"fact"})))
    for asked in clustered(5, 5):
        found = ranked(by_signs, asked, filter_=facts, depth=20)
        assert found == ranked(exact, asked, filter_=facts, depth=20)
        assert all(int(id_[1:]) % 4 == 0 for id_ in found)


def test_the_form_changes_as_vectors_arrive_and_nothing_is_lost(vectors: Floats) -> None:
    rows = rows_of(vectors[:3000])
    growing = OrganizationIndex(MODEL, float32_vectors=1000)
    for state in rows[:1200]:
        growing.apply([state], [], state.seq)
    growing.apply(rows[1200:], [], 3000)
    at_once = index_of(rows, float32_vectors=1000)
    asked = clustered(1, 6)[0]
    assert cosines(growing, asked) == cosines(at_once, asked)
    assert growing.nbytes == pytest.approx(at_once.nbytes, rel=0.05)


def test_the_best_window_of_a_long_memory_counts_in_every_form(vectors: Floats) -> None:
    rows = rows_of(vectors[:9000], windows=3)
    asked = clustered(1, 7)[0]
    best = (vectors[:9000].astype(np.float16).astype(np.float32) @ asked).reshape(-1, 3).max(axis=1)
    expected = [f"m{place}" for place in np.argsort(best)[::-1][:10]]
    for limits in ({}, {"float32_vectors": 500}):
        index = index_of(rows, **limits)
        assert ranked(index, asked, depth=10) == expected
        assert ranked(index.compacted(), asked, depth=10) == expected


def test_with_signs_alone_in_memory_the_best_vectors_are_read_again(vectors: Floats, exact: OrganizationIndex) -> None:
    rows = rows_of(vectors)
    stored = {state.memory_id: state.vectors or b"" for state in rows}
    index = index_of(rows, resident_vectors=5000)
    read: list[int] = []

    def fetch(ids: Sequence[str]) -> Mapping[str, bytes]:
        read.append(len(ids))
        return {id_: stored[id_] for id_ in ids}

    for lean in (index, index.compacted()):
        asked = query(None, clustered(1, 8)[0].tolist(), model=MODEL, depth=10)
        read.clear()
        found = {c.memory_id: c for c in lean.search(SCOPE, asked, fetch_vectors=fetch).items}
        expected = {c.memory_id: c for c in exact.search(SCOPE, asked).items}
        assert found.keys() == expected.keys()
        assert 1000 <= sum(read) <= 3000
        for id_, candidate in found.items():
            assert candidate.cosine == pytest.approx(expected[id_].cosine, abs=1e-6)
            assert candidate.dense_rank == expected[id_].dense_rank
    assert index.nbytes < exact.nbytes / 3


def test_with_signs_alone_and_nobody_to_read_again_similarities_are_estimated(
    vectors: Floats, exact: OrganizationIndex
) -> None:
    index = index_of(rows_of(vectors), resident_vectors=5000)
    asked = clustered(1, 9)[0]
    estimated, true = cosines(index, asked, depth=10), cosines(exact, asked, depth=200)
    assert estimated
    for id_ in estimated.keys() & true.keys():
        assert estimated[id_] == pytest.approx(true[id_], abs=0.25)


def test_the_rank_of_an_included_memory_is_exact_however_far_down(
    exact: OrganizationIndex, by_signs: OrganizationIndex
) -> None:
    asked = clustered(1, 10)[0].tolist()
    for index in (exact, by_signs):
        wanted = query(None, asked, model=MODEL, depth=10, include="m777")
        ranks = {c.memory_id: c.dense_rank for c in index.search(SCOPE, wanted).items}
        every = query(None, asked, model=MODEL, depth=20_000)
        true = {c.memory_id: c.dense_rank for c in exact.search(SCOPE, every).items}
        assert ranks["m777"] == true["m777"]


def test_compacting_keeps_every_vector(vectors: Floats, by_signs: OrganizationIndex) -> None:
    asked = clustered(1, 11)[0]
    assert cosines(by_signs.compacted(), asked) == cosines(by_signs, asked)
