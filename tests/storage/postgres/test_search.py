"""Search by the database's own indexes finds what the index in memory finds, with the same scores."""

import asyncio
import math
import random
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from polymem.core.filters import Filter, InProjects, KindIn, Superseded, TagsAny, active
from polymem.core.model import Change, Memory
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, Derived, Embedding, Insert, Purge, Store
from polymem.storage import open_store
from polymem.storage.backend import Transaction
from polymem.storage.postgres import dense, following, neighbours, postings
from polymem.storage.postgres.keyword import Scored, score
from tests.storage.support import (
    LATER,
    MODEL,
    NOW,
    changed,
    embedded,
    inserts,
    memory,
    new_scope,
    organization,
    project,
    vector,
)

WORDS = "cat dog sofa garden letter bread river candle window harbour violin market lantern meadow winter".split()


@pytest.fixture
async def store(clean_server_url: str) -> AsyncIterator[Store]:
    store = await open_store(clean_server_url)
    yield store
    await store.close()


def _text(rng: random.Random) -> str:
    # Drawn unevenly: a few words are in most texts and most words in a few.
    return " ".join(WORDS[int(len(WORDS) * rng.random() ** 2)] for _ in range(rng.randint(2, 12)))


async def _history(store: Store, scope: Scope, memories: int, seed: int) -> None:
    """Memories in conversations and outside, and all that can happen to them. The same for the same seed."""
    rng = random.Random(seed)
    home = await store.put_project(scope, project(scope, "home", id="p-home"))
    kept: list[Memory] = []
    for number in range(memories):
        kept.append(
            memory(
                scope,
                _text(rng),
                id=f"m{number:06d}",
                project=home if rng.random() < 0.3 else None,
                container=f"talk-{rng.randrange(memories // 12)}" if rng.random() < 0.7 else None,
                occurred_at=NOW if rng.random() < 0.5 else None,
                expires_at=LATER if rng.random() < 0.1 else None,
                kind=rng.choice(["fact", "note"]),
                tags=("rare",) if rng.random() < 0.04 else (),
                superseded_by="m000000" if rng.random() < 0.05 else None,
            )
        )
    await store.apply(scope, [Insert(one, Derived() if rng.random() < 0.03 else embedded(one.content)) for one in kept])
    for one in rng.sample(kept, memories // 10):
        text = _text(rng)
        after = changed(one, content=text, derived=embedded(text))
        await store.apply(scope, [after])
        kept[kept.index(one)] = after.memory
    for one in rng.sample(kept, memories // 10):
        after = changed(one, Change.FORGOTTEN, forgotten_at=NOW)
        await store.apply(scope, [after])
        if rng.random() < 0.5:
            await store.apply(scope, [changed(after.memory, Change.RESTORED, forgotten_at=None)])
    await store.apply(scope, [Purge(one.id) for one in rng.sample(kept, memories // 20)])


async def _both(store: Store, tmp_path: Path, memories: int, seed: int = 7) -> tuple[Scope, Store]:
    one = organization()
    other = await open_store(tmp_path / "data")
    scope = Scope(organization_id=one.id, actor="a-tester")
    for each in (store, other):
        await each.put_organization(one)
        await _history(each, scope, memories, seed)
    return scope, other


async def ask(store: Store, scope: Scope, text: str | None, filter_: Filter, **more: object) -> Candidates:
    values: dict[str, object] = {"vector": vector(text or "nothing"), "depth": 10}
    return await store.candidates(scope, CandidateQuery(text=text, model=MODEL, filter=filter_, **values | more))  # type: ignore[arg-type]


FILTERS: tuple[Filter, ...] = (
    (),
    active(NOW),
    (*active(LATER), KindIn(frozenset({"note"}))),
    (InProjects(frozenset({"p-home"})), *active(NOW)),
    (TagsAny(frozenset({"rare"})),),
    (Superseded(True),),
)


async def test_both_databases_find_the_same_with_the_same_signals(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small enough that documents are sorted, segments merged, and taken out of both.
    monkeypatch.setattr(postings, "UNSORTED", 20)
    monkeypatch.setattr(postings, "SMALL_SEGMENTS", 3)
    monkeypatch.setattr(postings, "SEGMENT", 100)
    monkeypatch.setattr(following, "SLICE", 90)
    scope, other = await _both(store, tmp_path, 600)
    rng = random.Random(1)
    for number in range(30):
        text, filter_ = " ".join(rng.sample(WORDS, 3)), FILTERS[number % len(FILTERS)]
        here, there = [await ask(each, scope, text, filter_) for each in (store, other)]
        assert (here.considered, here.without_vector) == (there.considered, there.without_vector)
        expected = {item.memory_id: item for item in there.items}
        found = {item.memory_id: item for item in here.items}
        # By one leg's own scores the best are the same to the last; by those in context, nearly all.
        best = {id_ for id_, item in expected.items() if item.dense_rank or item.keyword_rank}
        assert best <= found.keys()
        assert len(found.keys() & expected.keys()) >= 0.85 * len(expected)
        for id_ in found.keys() & expected.keys():
            for signal in ("cosine", "context_cosine", "keyword", "context_keyword", "coverage"):
                mine, theirs = getattr(found[id_], signal), getattr(expected[id_], signal)
                assert mine == theirs or math.isclose(mine, theirs, abs_tol=1e-5), (id_, signal)
            assert found[id_].dense_rank == expected[id_].dense_rank
            assert found[id_].keyword_rank == expected[id_].keyword_rank
            assert found[id_].in_conversation == expected[id_].in_conversation
    await other.close()


async def test_the_place_of_a_memory_asked_for_by_name_is_its_place_among_all(store: Store, tmp_path: Path) -> None:
    scope, other = await _both(store, tmp_path, 200)
    rng = random.Random(2)
    for number in rng.sample(range(200), 12):
        asked = {"depth": 5, "include": f"m{number:06d}"}
        here, there = [await ask(each, scope, "cat river", active(NOW), **asked) for each in (store, other)]
        places = [
            [(item.dense_rank, item.keyword_rank) for item in found.items if item.memory_id == asked["include"]]
            for found in (here, there)
        ]
        assert places[0] == places[1]
    await other.close()


async def test_nothing_of_a_purged_memory_stays(store: Store, clean_server_url: str) -> None:
    scope = await new_scope(store)
    kept = [memory(scope, f"The lantern {number} of the harbour") for number in range(postings.UNSORTED + 10)]
    await store.apply(scope, inserts(kept))
    await store.apply(scope, [Purge(one.id) for one in kept])
    with psycopg.connect(clean_server_url) as connection:
        for table in ("search_documents", "search_postings", "search_vectors", "memories"):
            statement = f"SELECT count(*) FROM {table} WHERE organization_id = %s".encode()
            ((count,),) = connection.execute(statement, [scope.organization_id]).fetchall()
            assert count == 0, table
        states = connection.execute("SELECT documents, words FROM search_state").fetchall()
    assert states == [(0, 0)]


async def test_nothing_of_a_deleted_organization_stays(store: Store, clean_server_url: str) -> None:
    scope = await new_scope(store)
    await store.apply(scope, inserts([memory(scope, f"The lantern {number}") for number in range(300)]))
    await store.people.delete_organization(scope)
    with psycopg.connect(clean_server_url) as connection:
        for table in ("search_documents", "search_segments", "search_postings", "search_vectors", "search_state"):
            statement = f"SELECT count(*) FROM {table} WHERE organization_id = %s".encode()
            assert connection.execute(statement, [scope.organization_id]).fetchall() == [(0,)], table


async def test_document_frequencies_are_exact_after_every_change(store: Store) -> None:
    scope = await new_scope(store)
    first, second, _ = kept = [memory(scope, text) for text in ("a cat", "cat and dog", "dog and bread")]
    await store.apply(scope, inserts(kept))
    await store.apply(scope, [changed(first, content="a violin", derived=embedded("a violin"))])
    await store.apply(scope, [changed(second, Change.FORGOTTEN, forgotten_at=NOW)])
    backend = store._backend  # type: ignore[attr-defined]

    def scored(tx: Transaction) -> Scored:
        now = following.state(tx, scope.organization_id)
        return score(tx, scope.organization_id, "cat dog violin bread", (), now)

    found = await backend.read(scope.organization_id, scored)
    assert sorted(found.statistics.frequencies.values()) == [0, 1, 1, 1]
    assert (found.statistics.documents, found.statistics.words) == (2, 3)


async def test_rows_that_were_lost_are_made_anew_by_the_next_question(store: Store, clean_server_url: str) -> None:
    scope = await new_scope(store)
    kept = [memory(scope, f"{_text(random.Random(number))} lantern") for number in range(40)]
    await store.apply(scope, inserts(kept))
    before = await ask(store, scope, "lantern cat", ())
    await store.close()
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        connection.execute("COMMENT ON TABLE search_state IS 'an older version'")
    again = await open_store(clean_server_url)
    after = await ask(again, scope, "lantern cat", ())
    assert {item.memory_id: item.keyword for item in after.items} == {
        item.memory_id: item.keyword for item in before.items
    }
    assert after.without_vector == 0
    await again.close()


async def test_the_index_of_vectors_is_made_when_an_organization_outgrows_comparing_and_finds_the_same(
    clean_server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that thousands are many.
    monkeypatch.setattr(dense, "EXACT_ROWS", 300)
    monkeypatch.setattr(dense, "_VISIT_COST", 1.0)
    store = await open_store(clean_server_url)
    small, large = await new_scope(store), await new_scope(store)
    rng = random.Random(3)
    await store.apply(small, inserts([memory(small, _text(rng)) for _ in range(30)]))
    many = [memory(large, f"{_text(rng)} {number}", kind="fact" if number % 2 else "note") for number in range(3000)]
    await store.apply(large, inserts(many))
    await ask(store, large, "candle window", ())
    # It is made in the background, by a thread of its own.
    indexing = store._backend._indexing  # type: ignore[attr-defined]
    await asyncio.wrap_future(indexing.submit(int))
    await store.close()
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        names = connection.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'search_vectors'").fetchall()
        assert (dense.index_name(MODEL.dimensions),) in names
        connection.execute("ANALYZE search_vectors")
    again = await open_store(clean_server_url)
    for text in ("candle window", "meadow winter", "bread"):
        by_index = await ask(again, large, text, (), depth=20)
        monkeypatch.setattr(dense, "EXACT_ROWS", 10_000)
        exact = await ask(again, large, text, (), depth=20)
        monkeypatch.setattr(dense, "EXACT_ROWS", 300)
        best = {item.memory_id for item in exact.items if item.dense_rank and item.dense_rank <= 10}
        found = {item.memory_id for item in by_index.items if item.dense_rank}
        assert len(best & found) >= 9
    assert {item.memory_id for item in (await ask(again, small, "cat", ())).items}
    # An index that gives up long before enough rows pass the filter: the page is filled by comparing all.
    monkeypatch.setitem(dense._BY_INDEX, "hnsw.max_scan_tuples", "1")
    filled = await ask(again, large, None, (KindIn(frozenset({"fact"})),), depth=150)
    assert sum(item.dense_rank is not None for item in filled.items) == 150
    await again.close()
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        # Other tests of this server would keep it up to date, vector by vector.
        connection.execute(f"DROP INDEX {dense.index_name(MODEL.dimensions)}".encode())


async def test_long_texts_leave_room_for_others_among_the_nearest(store: Store) -> None:
    scope = await new_scope(store)
    long, others = memory(scope, "long"), [memory(scope, f"other {number}") for number in range(30)]
    # Every part of the long text is nearer than any other memory.
    parts = Derived(MODEL, Embedding(vector("asked") * 40, 40))
    await store.apply(scope, [Insert(long, parts), *inserts(others)])
    for filter_ in ((), (KindIn(frozenset({long.kind})),)):
        found = await ask(store, scope, None, filter_, vector=vector("asked"), depth=10)
        nearest = sorted((item.dense_rank, item.memory_id) for item in found.items if item.dense_rank)
        assert [rank for rank, _ in nearest] == list(range(1, 11))
        assert nearest[0][1] == long.id


async def test_few_admitted_memories_are_found_among_many_that_are_nearer(store: Store) -> None:
    scope = await new_scope(store)
    near = [memory(scope, f"near {number}", kind="note") for number in range(60)]
    far = [memory(scope, f"far {number}", kind="fact") for number in range(60)]
    same = Derived(MODEL, Embedding(vector("asked"), 1))
    await store.apply(scope, [*(Insert(one, same) for one in near), *inserts(far)])
    found = await ask(store, scope, None, (KindIn(frozenset({"fact"})),), vector=vector("asked"), depth=10)
    assert {item.dense_rank for item in found.items if item.dense_rank} == set(range(1, 11))


async def test_neighbours_in_a_long_conversation_are_looked_up_in_its_index(
    store: Store, clean_server_url: str
) -> None:
    scope = await new_scope(store)
    turns = [memory(scope, f"turn {number}", container="talk") for number in range(200)]
    await store.apply(scope, inserts(turns))
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        connection.execute("ANALYZE memories")
    params = {"organization_id": scope.organization_id, "ids": [turns[100].id], "before": 4, "after": 3}
    backend = store._backend  # type: ignore[attr-defined]
    # As the role that row-level security binds: what it may not ask an index with becomes a filter of all turns.
    plan = await backend.read(
        scope.organization_id,
        lambda tx: (
            tx.query(
                "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)", {}
            ),
            tx.query(f"EXPLAIN {neighbours.BESIDE}", params),
        )[1],
    )
    lines = [line for (line,) in plan]
    conditions = [line for line in lines if "Index Cond" in line and "container" in line]
    assert len(conditions) == 2, lines
    assert all("ROW(" in condition for condition in conditions), lines
    assert not any("Sort" in line for line in lines), lines


_OWN = "organization_id = current_setting('tests.organization')"
_ANY = f"ctid = (SELECT max(ctid) FROM {{}} WHERE {_OWN})"


@pytest.mark.parametrize(
    "damage",
    [
        f"DELETE FROM search_documents WHERE {_ANY.format('search_documents')}",
        f"UPDATE search_documents SET version = 99 WHERE {_ANY.format('search_documents')}",
        f"DELETE FROM search_vectors WHERE {_ANY.format('search_vectors')}",
        f"DELETE FROM search_postings WHERE {_ANY.format('search_postings')}",
        f"UPDATE search_postings SET data = data || data WHERE {_ANY.format('search_postings')}",
        f"UPDATE search_state SET documents = documents + 1 WHERE {_OWN}",
    ],
)
async def test_search_tables_that_differ_from_the_memories_are_reported_and_made_anew(
    store: Store, clean_server_url: str, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(postings, "UNSORTED", 20)
    scope = await new_scope(store)
    await _history(store, scope, 120, seed=5)
    assert (await store.verify(repair=False, model=MODEL)).problems == ()
    found = await ask(store, scope, "lantern cat", ())
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        # Postings of organizations that other tests have truncated away stay behind: they refer to nothing.
        connection.execute("SELECT set_config('tests.organization', %s, false)", [scope.organization_id])
        assert connection.execute(damage.encode()).rowcount == 1
    reported = await store.verify(repair=False, model=MODEL)
    assert reported.detail == {"search": 1}
    assert scope.organization_id in reported.problems[0]
    assert (await store.verify(repair=True, model=MODEL)).repaired == 1
    assert (await store.verify(repair=False, model=MODEL)).problems == ()
    assert (await ask(store, scope, "lantern cat", ())).items == found.items
