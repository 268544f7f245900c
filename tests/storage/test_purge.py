from pathlib import Path
from typing import Any

from polymem.core.filters import Sort
from polymem.core.people import Scope
from polymem.core.ports import Idempotency, Purge, Store
from polymem.storage import open_store
from tests.storage.conftest import Raw
from tests.storage.support import LATER, MODEL, NOW, changed, embedded, inserts, keep, memory, new_scope

SECRET = "Tulipomania Xanthophyll"


async def keep_a_secret(store: Store, scope: Scope) -> str:
    first = memory(
        scope,
        f"{SECRET} one",
        title=f"{SECRET} title",
        tags=(f"{SECRET} tag",),
        metadata={SECRET: SECRET},
        context=f"{SECRET} context",
        container=f"{SECRET} container",
    )
    await store.apply(scope, inserts([first]), idempotency=Idempotency("key", "print"))
    second = changed(first, content=f"{SECRET} two", derived=embedded("two"))
    await store.apply(scope, [second])
    await store.touch(scope, [first.id], LATER)
    return first.id


def rows_about(tables: dict[str, list[tuple[Any, ...]]], text: str) -> dict[str, int]:
    found = {name: sum(text in repr(row) for row in rows) for name, rows in tables.items()}
    return {name: count for name, count in found.items() if count}


async def test_nothing_of_a_purged_memory_is_left_but_its_id(store: Store, scope: Scope, raw: Raw) -> None:
    memory_id = await keep_a_secret(store, scope)
    (other,) = await keep(store, scope, memory(scope, "Another", tags=("tag",), metadata={"k": 1}))
    before = rows_about(raw.tables(), memory_id)
    parts = {"memory_tags", "memory_metadata", "memory_versions", "memory_terms", "memory_vectors"}
    if "search_documents" in raw.tables():
        parts |= {"search_documents", "search_vectors"}
    assert set(before) == {"memories", "idempotency", *parts}
    assert before["memory_versions"] == before["memory_terms"] == before["memory_vectors"] == 2

    assert await store.apply(scope, [Purge(memory_id)]) == [memory_id]

    tables = raw.tables()
    assert rows_about(tables, SECRET) == {}
    assert rows_about(tables, memory_id) == {"tombstones": 1, "idempotency": 1}
    assert set(rows_about(tables, other.id)) == {"memories", *parts}
    assert await store.get_many(scope, [memory_id]) == {}
    assert (await store.stats(scope, NOW, MODEL)).memories == 1
    assert (await store.verify(repair=False, model=MODEL)).problems == ()


async def test_purging_many_takes_one_call(store: Store, scope: Scope, raw: Raw) -> None:
    many = await keep(store, scope, *[memory(scope, f"Number {i}", tags=("t",)) for i in range(300)])
    assert await store.apply(scope, [Purge(one.id) for one in many[:250]]) == [one.id for one in many[:250]]
    assert (await store.find(scope, (), Sort(), 0, 0)).total == 50
    assert len(raw.run("SELECT * FROM memory_vectors")) == 50


async def test_a_purged_text_cannot_be_read_in_the_files(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "data")
    scope = await new_scope(store)
    memory_id = await keep_a_secret(store, scope)
    await store.apply(scope, [Purge(memory_id)])
    await store.close()
    for file in (tmp_path / "data").iterdir():
        assert SECRET.encode() not in file.read_bytes()
