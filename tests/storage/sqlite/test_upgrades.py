"""What an upgrade makes of rows that were there before."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from polymem.core.model import Change
from polymem.core.people import Scope
from polymem.core.ports_overview import RecallCount
from polymem.storage import open_store
from polymem.storage.migrations import CURRENT, Schema
from polymem.storage.rows import to_micros
from polymem.storage.sqlite import open_sqlite
from tests.storage.support import LATER, NOW

BEFORE_TIME = Schema("0004", CURRENT.scripts)


async def test_expiries_recorded_before_the_past_could_be_asked_are_told(tmp_path: Path) -> None:
    backend = await open_sqlite(tmp_path, BEFORE_TIME)
    await backend.close()
    now, later = to_micros(NOW), to_micros(LATER)
    with closing(sqlite3.connect(tmp_path / "polymem.db", isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO organizations (id, slug, name, created_at, last_seq) VALUES ('o', 'o', 'O', 1, 9)"
        )
        for memory_id, fields, forgotten in [
            ("expires", f'"expires_at":{later}', None),
            ("lasts", '"metadata":{"expires_at":5}', None),
            ("thrown-away", f'"expires_at":{later},"forgotten_at":{now}', now),
        ]:
            connection.execute(
                "INSERT INTO memories (organization_id, id, kind, importance, weight, created_at, updated_at,"
                " expires_at, forgotten_at, access_count, version, seq, arrival, indexed_version, words, is_question,"
                " content_hash, tags, metadata, content)"
                " VALUES ('o', ?, 'note', 5, 1, ?, ?, ?, ?, 0, 1, 1, 1, 1, 1, 0, '', '[]', '{}', 'A cat')",
                (memory_id, now, now, later if memory_id != "lasts" else None, forgotten),
            )
            connection.execute(
                "INSERT INTO memory_versions VALUES ('o', ?, 1, 'created', ?, 'a', ?, 'A cat')",
                (memory_id, now, f'{{"kind":"note","created_at":{now},"updated_at":{now},{fields}}}'),
            )

    store = await open_store(tmp_path)
    scope = Scope(organization_id="o")
    page = await store.time.changes(scope, NOW, LATER + timedelta(1), (), None, 10, 0, False)
    told = [(entry.memory.id, entry.change, entry.recorded_at) for entry in page.items]
    assert told == [
        ("expires", Change.CREATED, NOW),
        ("lasts", Change.CREATED, NOW),
        ("thrown-away", Change.CREATED, NOW),
        ("expires", Change.EXPIRED, LATER),
    ]
    kept = await store.get_many(scope, ["expires", "lasts"])
    assert [(memory.validations, memory.contradicted_at) for memory in kept.values()] == [(0, None), (0, None)]
    (former,) = (await store.history(scope, "lasts"))[:1]
    assert (former.memory.metadata, former.note) == ({"expires_at": 5}, None)
    await store.close()


async def test_slugs_that_several_projects_shared_are_numbered_from_the_oldest_on(tmp_path: Path) -> None:
    backend = await open_sqlite(tmp_path, Schema("0001", CURRENT.scripts))
    await backend.close()
    with closing(sqlite3.connect(tmp_path / "polymem.db", isolation_level=None)) as connection:
        for organization in ("o", "other"):
            connection.execute("INSERT INTO organizations VALUES (?, ?, 'O', 1, 0)", (organization, organization))
        for organization, id, slug, created_at in [
            ("o", "c", "same", 3), ("o", "a", "same", 1), ("o", "b", "same", 2), ("o", "d", "same-2", 4),
            ("other", "a", "same", 9),
        ]:  # fmt: skip
            connection.execute(
                "INSERT INTO projects VALUES (?, ?, ?, ?, 'P', '', '[]', ?, ?)",
                (organization, id, id, slug, created_at, created_at),
            )
    store = await open_store(tmp_path)
    slugs = {project.id: project.slug for project in await store.projects(Scope(organization_id="o"))}
    assert slugs == {"a": "same", "b": "same-3", "c": "same-4", "d": "same-2"}
    (kept,) = await store.projects(Scope(organization_id="other"))
    assert (kept.slug, kept.active) == ("same", True)
    await store.close()


async def test_recalls_are_counted_from_the_upgrade_on(tmp_path: Path) -> None:
    backend = await open_sqlite(tmp_path, Schema("0009", CURRENT.scripts))
    await backend.close()
    with closing(sqlite3.connect(tmp_path / "polymem.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO organizations VALUES ('o', 'o', 'O', 1, 0)")
    store = await open_store(tmp_path)
    scope = Scope(organization_id="o")
    assert await store.overview.recalls(scope, NOW) == {}
    await store.overview.count_recall(scope, None, [], True, NOW)
    assert await store.overview.recalls(scope, NOW) == {NOW.date(): RecallCount(1, 1)}
    await store.close()
