"""A whole store moved into another database and back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from polymem.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from polymem.core.model import Change
from polymem.core.people import Scope
from polymem.storage import move_store, open_store
from tests.databases import to_url
from tests.storage.conftest import Raw
from tests.storage.support import MODEL, changed, embedded, inserts, memory, new_scope
from tests.storage.tenants import fill, open_people_core

_OWN = ("alembic_version", "moves", "sqlite_sequence")


class Interrupted(Exception):
    """What stops a move in the middle."""


def quiet(_: str, __: int, ___: int) -> None:
    """Watches nothing."""


@pytest.fixture
def new_url(server_url: str) -> Iterator[Callable[[str], str]]:
    """Empty databases of the server."""
    made: list[str] = []

    def make(name: str) -> str:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        return to_url(server_url, name)

    yield make
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
async def full(tmp_path: Path) -> str:
    """A store with one of everything, histories, vectors, and a few hundred memories of two organizations."""
    location = str(tmp_path / "full")
    store = await open_store(location)
    await fill(open_people_core(store, tmp_path))
    for number in range(2):
        scope = await new_scope(store)
        kept = [
            memory(scope, f"Memory {n} of {number}: naïve 🐈", tags=("a", "b"), metadata={"n": n}, weight=0.5)
            for n in range(150)
        ]
        await store.apply(scope, inserts(kept))
        revised = changed(kept[0], Change.REVISED, content="Said again", derived=embedded("Said again"))
        await store.apply(scope, [revised])
        await store.apply(scope, [changed(kept[1], Change.FORGOTTEN, forgotten_at=kept[1].created_at)])
    await store.close()
    return location


def rows_of(location: str) -> dict[str, list[tuple[Any, ...]]]:
    tables = Raw(location).tables()
    return {name: sorted(rows, key=repr) for name, rows in tables.items() if name not in _OWN}


def columns_by_name(location: str, rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[dict[str, Any]]]:
    # The two kinds of database may have a table's columns in another order.
    named = {}
    for table, found in rows.items():
        query = (
            f"SELECT name FROM pragma_table_info('{table}') ORDER BY cid"
            if "://" not in location
            else f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"
            " AND table_schema = 'public' ORDER BY ordinal_position"
        )
        names = [name for (name,) in Raw(location).run(query)]
        named[table] = [dict(zip(names, row, strict=True)) for row in found]
    return named


async def scopes(location: str) -> list[Scope]:
    store = await open_store(location)
    found = [Scope(organization_id=one.id) for one in await store.organizations()]
    await store.close()
    return found


async def test_everything_arrives_as_it_was_and_comes_back(
    full: str, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    url, back = new_url("moved"), str(tmp_path / "back")
    there = await move_store(f"sqlite:{full}", url, quiet)
    assert there.rows == sum(len(rows) for rows in rows_of(full).values())
    portable = rows_of(full).keys()
    in_between = {name: rows for name, rows in rows_of(url).items() if name in portable}
    assert columns_by_name(url, in_between) == columns_by_name(full, rows_of(full))

    again = await move_store(url, f"sqlite:{back}", quiet)
    assert again == there
    assert rows_of(back) == rows_of(full)
    store = await open_store(back)
    assert (await store.verify(repair=False, model=MODEL)).problems == ()
    await store.close()


async def test_a_moved_store_works_at_once(full: str, new_url: Callable[[str], str]) -> None:
    url = new_url("works")
    await move_store(full, url, quiet)
    scope = (await scopes(full))[-1]
    store = await open_store(url)
    assert (await store.verify(repair=False, model=MODEL)).problems == ()
    (kept,) = await store.apply(scope, inserts([memory(scope, "Kept after the move")]))
    assert kept in await store.get_many(scope, [kept])
    await store.close()


async def test_an_interrupted_move_is_not_served_and_goes_on_where_it_stood(
    full: str, new_url: Callable[[str], str]
) -> None:
    url = new_url("halves")
    stopped_at = 0

    def interrupt(what: str, done: int, total: int) -> None:
        nonlocal stopped_at
        stopped_at = done
        if done > total // 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        await move_store(full, url, interrupt)
    with pytest.raises(Unavailable, match="has not ended"):
        await open_store(url)

    # What was copied is not copied again: the rows are there, and each would be there twice.
    first: list[int] = []
    moved = await move_store(full, url, lambda what, done, _: first.append(done) if what == "Copying" else None)
    assert len(first) < 70
    assert moved == await move_store(full, new_url("whole"), quiet)
    await (await open_store(url)).close()


async def test_what_changes_in_the_source_meanwhile_is_noticed_and_moved_by_the_next_run(
    full: str, new_url: Callable[[str], str]
) -> None:
    url = new_url("changing")

    def meddle(what: str, done: int, _: int) -> None:
        if what == "Comparing" and done == 0:
            Raw(full).run("UPDATE memories SET access_count = access_count + 1 WHERE content LIKE 'Memory 7 of 0%'")

    with pytest.raises(Conflict, match="1 organizations differ"):
        await move_store(full, url, meddle)
    with pytest.raises(Unavailable, match="has not ended"):
        await open_store(url)
    await move_store(full, url, quiet)
    in_between = {name: rows for name, rows in rows_of(url).items() if name in rows_of(full)}
    assert columns_by_name(url, in_between) == columns_by_name(full, rows_of(full))


async def test_a_target_that_holds_something_is_left_alone(full: str, new_url: Callable[[str], str]) -> None:
    url = new_url("taken")
    store = await open_store(url)
    scope = await new_scope(store)
    await store.apply(scope, inserts([memory(scope)]))
    await store.close()
    with pytest.raises(Conflict, match="not empty"):
        await move_store(full, url, quiet)
    store = await open_store(url)
    assert len(await store.organizations()) == 1
    await store.close()


async def test_a_target_that_was_only_started_once_counts_as_empty(full: str, new_url: Callable[[str], str]) -> None:
    url = new_url("started")
    store = await open_store(url)
    await new_scope(store)
    await store.close()
    await move_store(full, url, quiet)
    assert await scopes(url) == await scopes(full)


async def test_a_target_that_is_filled_from_one_source_is_not_filled_from_another(
    full: str, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    url, other = new_url("mixed"), str(tmp_path / "other")
    await (await open_store(other)).close()

    def interrupt(_: str, done: int, __: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted):
        await move_store(full, url, interrupt)
    with pytest.raises(Conflict, match="being filled from"):
        await move_store(other, url, quiet)
    with pytest.raises(Conflict, match="itself is an unfinished move"):
        await move_store(url, other, quiet)


async def test_a_store_in_use_is_not_moved(full: str, new_url: Callable[[str], str]) -> None:
    url = new_url("busy")
    store = await open_store(full)
    with pytest.raises(Conflict, match="Another process has the source open"):
        await move_store(full, url, quiet)
    await store.close()
    with (
        psycopg.connect(url, application_name="polymem elsewhere:1"),
        pytest.raises(Conflict, match="Another process has the target open"),
    ):
        await move_store(full, url, quiet)


async def test_an_empty_store_can_be_moved(new_url: Callable[[str], str], tmp_path: Path) -> None:
    await (await open_store(tmp_path / "empty")).close()
    moved = await move_store(str(tmp_path / "empty"), new_url("nothing"), quiet)
    assert (moved.rows, set(moved.sums)) == (0, {""})


async def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await move_store(f"sqlite:{tmp_path / 'nowhere'}", str(tmp_path / "new"), quiet)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(InvalidInput):
        await move_store("mysql://host/database", str(tmp_path / "new"), quiet)
