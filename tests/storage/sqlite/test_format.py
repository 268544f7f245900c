import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from polymem.core.errors import Conflict, InvalidInput, Unavailable
from polymem.core.filters import Sort
from polymem.storage import open_store
from polymem.storage.backend import NO_ORGANIZATION
from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.sqlite import open_sqlite, upgrade
from tests.storage.support import MODEL, inserts, keep, memory, new_scope


@contextmanager
def raw(directory: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(directory / "polymem.db", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
async def kept(tmp_path: Path) -> Path:
    """A closed data directory with one memory in it."""
    directory = tmp_path / "data"
    store = await open_store(directory)
    scope = await new_scope(store)
    await keep(store, scope, memory(scope, "The cat sleeps."))
    await store.close()
    return directory


def named(directory: Path, pattern: str) -> list[Path]:
    return sorted(directory.glob(pattern))


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


# --- where it lies, and who may read it --------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o177])
async def test_directory_and_files_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        store = await open_store(tmp_path / "new" / "data")
        scope = await new_scope(store)
        await keep(store, scope, memory(scope))
        made = {path.name: mode(path) for path in (tmp_path / "new" / "data").iterdir()}
        await store.close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "new" / "data") == "0o700"
    assert {"polymem.db", "polymem.db-wal", "polymem.db-shm", "polymem.db.lock"} <= set(made)
    assert set(made.values()) == {"0o600"}


async def test_a_database_file_can_be_named_itself(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "other.db")
    await store.ping()
    await store.close()
    assert (tmp_path / "other.db").is_file()


async def test_other_kinds_of_urls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="postgresql:// URL or a data directory"):
        await open_store("mysql://localhost/x")


async def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(Unavailable, match="cannot be used"):
        await open_store(tmp_path / "file" / "data")


@pytest.mark.parametrize("name", ["polymem.db", "polymem.db.lock", "polymem.db.writer"])
async def test_a_directory_in_the_place_of_a_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(Unavailable, match="cannot be"):
        await open_store(tmp_path)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "polymem.db"
    file.write_bytes(b"These are my notes. " * 100)
    with pytest.raises(Unavailable, match="is no database"):
        await open_store(tmp_path)
    assert file.read_bytes() == b"These are my notes. " * 100


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "polymem.db")) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(Unavailable, match="another program"):
        await open_store(tmp_path)


# --- formats -----------------------------------------------------------------------------------


async def test_a_newer_format_is_refused_and_left_alone(kept: Path) -> None:
    with raw(kept) as connection:
        connection.execute(f"PRAGMA user_version = {CURRENT.format + 1}")
    before = (kept / "polymem.db").read_bytes()
    with pytest.raises(Unavailable, match="use the newer polymem"):
        await open_store(kept)
    assert (kept / "polymem.db").read_bytes() == before


async def test_an_open_process_does_not_write_into_a_file_upgraded_under_it(kept: Path) -> None:
    store = await open_store(kept)
    with raw(kept) as connection:
        connection.execute(f"PRAGMA user_version = {CURRENT.format + 1}")
    with pytest.raises(Unavailable, match="newer polymem"):
        await new_scope(store)
    await store.close()


@pytest.fixture
def following(tmp_path: Path) -> Schema:
    """The schema of the version after this one."""
    scripts = tmp_path / "migrations"
    shutil.copytree(CURRENT.scripts, scripts)
    revision = f"{CURRENT.format + 1:04d}"
    (scripts / "versions" / f"r{revision}_next.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision = '{revision}', '{CURRENT.revision}'\n"
        "def upgrade():\n"
        "    op.add_column('memories', sa.Column('mood', sa.Text(), nullable=True))\n"
    )
    return Schema(revision, scripts)


async def test_an_older_format_is_upgraded_after_a_backup(kept: Path, following: Schema) -> None:
    backend = await open_sqlite(kept, following)
    assert await backend.read(NO_ORGANIZATION, lambda tx: tx.query("SELECT content, mood FROM memories", {})) == [
        ("The cat sleeps.", None)
    ]
    await backend.close()
    (backup,) = named(kept, f"backup-{CURRENT.revision}-*.db")
    assert mode(backup) == "0o600"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (CURRENT.format,)
        assert connection.execute("SELECT content FROM memories").fetchall() == [("The cat sleeps.",)]
    with pytest.raises(Unavailable, match="use the newer polymem"):
        await open_store(kept)
    restored = await open_store(backup)
    await restored.ping()
    await restored.close()


async def test_an_upgrade_waits_for_nobody_and_says_who_is_in_the_way(
    kept: Path, following: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "_PATIENCE_SECONDS", 0.1)
    running = await open_store(kept)
    with pytest.raises(Unavailable, match="another process has it open: stop that one"):
        await open_sqlite(kept, following)
    await new_scope(running)
    await running.close()
    assert named(kept, "backup-*") == []
    await (await open_sqlite(kept, following)).close()


async def test_an_upgrade_that_fails_leaves_everything_as_it_was(kept: Path, following: Schema) -> None:
    (script,) = following.scripts.glob("versions/*_next.py")
    script.write_text(script.read_text() + "    op.drop_table('nothing')\n")
    with pytest.raises(Exception, match="nothing"):
        await open_sqlite(kept, following)
    store = await open_store(kept)
    assert len(await store.organizations()) == 1
    await store.close()
    with raw(kept) as connection:
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'memories'").fetchone()
    assert "mood" not in sql


async def test_many_first_starts_at_once_make_one_database(tmp_path: Path) -> None:
    stores = await asyncio.gather(*[open_store(tmp_path / "data") for _ in range(6)])
    made = [await new_scope(store) for store in stores]
    assert len(await stores[0].organizations()) == len(made)
    for store in stores:
        await store.close()


# --- backups -----------------------------------------------------------------------------------


async def test_a_backup_is_consistent_while_others_write(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "data")
    scope = await new_scope(store)
    target = tmp_path / "copy.db"
    under_way, done = asyncio.Event(), asyncio.Event()
    acknowledged: list[str] = []

    async def write() -> None:
        while not done.is_set():
            pair = [memory(scope, f"{len(acknowledged)} a"), memory(scope, f"{len(acknowledged)} b")]
            acknowledged.extend(await store.apply(scope, inserts(pair)))
            if len(acknowledged) >= 30:
                under_way.set()

    writing = [asyncio.ensure_future(write()) for _ in range(3)]
    await under_way.wait()
    before = list(acknowledged)
    await store.backup(target)
    done.set()
    await asyncio.gather(*writing)
    await store.close()

    assert mode(target) == "0o600"
    assert named(tmp_path, "copy.db?*") == []
    copy = await open_store(target)
    assert set(before) <= set(await copy.get_many(scope, before))
    assert (await copy.find(scope, (), Sort(), 0, 0)).total % 2 == 0
    assert (await copy.verify(repair=False, model=MODEL)).problems == ()
    await copy.close()


async def test_a_backup_replaces_nothing_and_leaves_no_pieces(kept: Path, tmp_path: Path) -> None:
    store = await open_store(kept)
    existing = tmp_path / "existing"
    existing.write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        await store.backup(existing)
    with pytest.raises(InvalidInput, match="no directory"):
        await store.backup(tmp_path / "nowhere" / "copy.db")
    await store.close()
    assert existing.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


async def test_a_damaged_file_is_reported(kept: Path) -> None:
    file = kept / "polymem.db"
    content = bytearray(file.read_bytes())
    page = content.index(b"The cat sleeps.") // 4096
    content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    file.write_bytes(bytes(content))
    store = await open_store(kept)
    with pytest.raises(Unavailable, match="damaged"):
        await store.verify(repair=False, model=None)
    await store.close()
