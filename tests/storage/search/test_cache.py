"""The cache: one index for each organization, caught up, within a budget, compacted without anybody waiting."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from polymem.core.ports import EmbeddingModel
from polymem.storage.search import IndexCache, IndexedRow, OrganizationIndex
from tests.storage.search.reference import MODEL, SCOPE, query, row


def feed(rows: list[IndexedRow], position: int) -> Callable[[OrganizationIndex], None]:
    """A catch-up that delivers what lies between the index's position and `position`."""

    def catch_up(index: OrganizationIndex) -> None:
        index.apply([known for known in rows if index.position < known.seq <= position], [], position)

    return catch_up


def rows_of(count: int) -> list[IndexedRow]:
    return [row(f"m{number}", number + 1, f"kayak word{number}") for number in range(count)]


def ids(index: OrganizationIndex) -> set[str]:
    return {candidate.memory_id for candidate in index.search(SCOPE, query("kayak", model=None)).items}


@pytest.fixture
def cache() -> IndexCache:
    return IndexCache(1 << 30)


def never(index: OrganizationIndex) -> None:
    raise AssertionError("nothing was missing")


def test_an_index_is_built_once_and_catches_up_only_when_behind(cache: IndexCache) -> None:
    rows = rows_of(5)
    with cache.use("o", None, 3, feed(rows, 3)) as index:
        assert ids(index) == {"m0", "m1", "m2"}
    with cache.use("o", None, 3, never) as same:
        assert same is index
    with cache.use("o", None, 5, feed(rows, 5)) as later:
        assert later is index
        assert len(ids(later)) == 5
    assert len(cache) == 1
    assert cache.nbytes == index.nbytes


def test_organizations_and_models_have_indexes_of_their_own(cache: IndexCache) -> None:
    for organization in ("a", "b"):
        for model in (None, MODEL, EmbeddingModel("other", 8)):
            with cache.use(organization, model, 1, feed(rows_of(1), 1)) as index:
                assert index.model == model
    assert len(cache) == 6
    cache.drop("a")
    assert len(cache) == 3
    cache.drop()
    assert cache.nbytes == 0


def test_the_least_recently_used_gives_way_but_never_one_in_use() -> None:
    rows = rows_of(200)
    measuring = OrganizationIndex(None)
    measuring.apply(rows, [], 200)
    cache = IndexCache(int(measuring.nbytes * 2.5))
    with ExitStack() as held:
        kept = held.enter_context(cache.use("held", None, 200, feed(rows, 200)))
        for organization in ("a", "b", "c"):
            with cache.use(organization, None, 200, feed(rows, 200)):
                pass
        with cache.use("held", None, 200, never) as index:
            assert index is kept
        with cache.use("c", None, 200, never):
            pass
        assert len(cache) == 2
    assert cache.nbytes <= measuring.nbytes * 2.5


def test_an_index_larger_than_the_budget_is_kept_alone() -> None:
    cache = IndexCache(1)
    with cache.use("large", None, 100, feed(rows_of(100), 100)) as large:
        pass
    with cache.use("large", None, 100, never) as same:
        assert same is large
    with cache.use("other", None, 100, feed(rows_of(100), 100)):
        pass
    assert len(cache) == 1


def test_the_budget_decides_how_many_vectors_are_kept_whole() -> None:
    entry = b"\0\x3c" * MODEL.dimensions
    rows = [row(f"m{n}", n + 1, vectors=entry, vector_count=1) for n in range(500)]
    sizes = []
    for budget in (1_000_000_000, 2000):
        with IndexCache(budget).use("o", MODEL, 500, feed(rows, 500)) as index:
            sizes.append(index.nbytes)
    assert sizes[1] < sizes[0]


def test_one_organizations_build_does_not_hold_up_another(cache: IndexCache) -> None:
    building, may_finish = threading.Event(), threading.Event()

    def slowly(index: OrganizationIndex) -> None:
        building.set()
        assert may_finish.wait(30)
        index.apply(rows_of(1), [], 1)

    def build() -> None:
        with cache.use("slow", None, 1, slowly):
            pass

    thread = threading.Thread(target=build)
    thread.start()
    assert building.wait(30)
    with cache.use("quick", None, 1, feed(rows_of(1), 1)) as index:
        assert len(index) == 1
    may_finish.set()
    thread.join()
    assert len(cache) == 2


def test_threads_that_need_the_same_changes_take_them_in_once(cache: IndexCache) -> None:
    deliveries: list[int] = []
    together = threading.Barrier(6)

    def catch_up(index: OrganizationIndex) -> None:
        deliveries.append(index.position)
        index.apply(rows_of(10), [], 10)

    def work() -> None:
        together.wait()
        with cache.use("o", None, 10, catch_up) as index:
            assert len(index) == 10

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deliveries == [0]


def test_a_failed_catch_up_is_reported_and_tried_again(cache: IndexCache) -> None:
    def fail(index: OrganizationIndex) -> None:
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"), cache.use("o", None, 1, fail):
        pass
    with cache.use("o", None, 1, feed(rows_of(1), 1)) as index:
        assert len(index) == 1


def test_dead_rows_are_compacted_in_the_background_and_later_changes_catch_up(cache: IndexCache) -> None:
    rows = rows_of(1500)
    changed = [known._replace(seq=known.seq + 1500) for known in rows]
    with cache.use("o", None, 1500, feed(rows, 1500)):
        pass
    with cache.use("o", None, 3000, feed(changed, 3000)) as before:
        assert before.needs_compaction
        expected = before.search(SCOPE, query("word7 kayak", model=None))
    cache.settle()
    with cache.use("o", None, 3000, never) as after:
        assert after is not before
        assert not after.needs_compaction
        assert after.nbytes < before.nbytes
        found = after.search(SCOPE, query("word7 kayak", model=None))
        assert {c.memory_id: c for c in found.items} == {c.memory_id: c for c in expected.items}
    with cache.use("o", None, 3001, feed([row("new", 3001, "kayak")], 3001)) as index:
        assert "new" in ids(index)
    cache.close()
    assert len(cache) == 0


def test_nothing_is_missed_while_indexes_are_compacted_and_swapped_under_their_users(cache: IndexCache) -> None:
    log: list[IndexedRow] = []
    problems: list[BaseException] = []
    done = threading.Event()

    def catch_up_to(position: int) -> Callable[[OrganizationIndex], None]:
        def catch_up(index: OrganizationIndex) -> None:
            index.apply(log[index.position : position], [], position)

        return catch_up

    def write() -> None:
        try:
            for version in range(60):
                for number in range(100):
                    seq = len(log) + 1
                    log.append(row(f"m{number}", seq, f"kayak v{version}", arrival=number, container="c"))
                with cache.use("o", None, len(log), catch_up_to(len(log))):
                    pass
        except BaseException as problem:
            problems.append(problem)
        finally:
            done.set()

    def read() -> None:
        try:
            while not done.is_set():
                position = len(log) // 100 * 100
                if not position:
                    continue
                with cache.use("o", None, position, catch_up_to(position)) as index:
                    assert index.position >= position
                    assert len(ids(index)) == 100
        except BaseException as problem:
            problems.append(problem)
            done.set()

    threads = [threading.Thread(target=target) for target in (write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.settle()
    assert problems == []
    with cache.use("o", None, len(log), catch_up_to(len(log))) as index:
        answer = index.search(SCOPE, query("v59", model=None))
        assert len(index) == answer.considered == 100
        assert sum(candidate.keyword > 0 for candidate in answer.items) == 100
    cache.close()
