"""What goes out comes back: 20,000 memories, equal but for their ids."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from polymem.app.composition import open_core
from polymem.core import Core
from polymem.core.exchange.transfer import ImportReport, Record
from polymem.core.model import Delivery, Draft
from polymem.core.people import Organization, Scope
from tests.conftest import MakeSettings

MEMORIES = 20_000
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
async def core(make_settings: MakeSettings) -> AsyncIterator[Core]:
    core = await open_core(make_settings(embedder="none"))
    yield core
    await core.close()


async def scope(core: Core, name: str) -> Scope:
    made = Organization(id=name, slug=name, name=name, created_at=BEGINNING)
    return Scope(organization_id=(await core.store.put_organization(made)).id)


def draft(number: int) -> Draft:
    moment = BEGINNING + timedelta(minutes=number)
    return Draft(
        content=f"Memory {number % 19_000}: the value is {number % 77}.",
        kind=("fact", "rule", "note")[number % 3],
        delivery=list(Delivery)[number % 3],
        project=None if number % 4 == 0 else f"project-{number % 4}",
        tags=(f"tag-{number % 10}",),
        importance=1 + number % 10,
        weight=0.1 + number % 10 / 11,
        metadata={"number": number},
        expires_at=moment + timedelta(days=30_000) if number % 5 == 0 else None,
        created_at=moment,
        updated_at=moment + timedelta(seconds=number % 50),
    )


async def export(core: Core, scope: Scope) -> list[Record]:
    return [record async for record in core.transfer.export(scope)]


async def import_(core: Core, scope: Scope, records: list[Any], **how: Any) -> ImportReport:
    async def each() -> AsyncIterator[Any]:
        for record in records:
            yield record

    reports = [report async for report in core.transfer.import_(scope, each(), **how)]
    return reports[-1]


def known(records: list[Record]) -> list[Record]:
    """What of the records must come back: all but the ids, which stand in here by what they name, and counts."""
    numbers = {record["id"]: record["metadata"]["number"] for record in records}
    plain = []
    for record in records:
        links = {name: numbers.get(record[name]) for name in ("supersedes", "superseded_by")}
        plain.append({name: value for name, value in (record | links).items() if name not in ("id", "version")})
    return sorted(plain, key=lambda record: int(record["metadata"]["number"]))


async def test_twenty_thousand_memories_come_back_equal_but_for_their_ids(core: Core) -> None:
    source, target = await scope(core, "source"), await scope(core, "target")
    for start in range(0, MEMORIES, 5000):
        await core.memories.add_many(source, [draft(number) for number in range(start, start + 5000)])
    first = (await core.memories.find(source, limit=100)).items
    for old in first:
        later = replace(draft(MEMORIES + old.metadata["number"]), supersedes=old.id)
        await core.memories.add(source, later)
    exported = await export(core, source)
    assert len(exported) == MEMORIES + 100
    report = await import_(core, target, exported, keep_ids=False, merge=False)
    assert (report.imported, report.existing, report.skipped) == (MEMORIES + 100, 0, ())
    imported = await export(core, target)
    assert known(imported) == known(exported)
    assert not {record["id"] for record in imported} & {record["id"] for record in exported}


@pytest.mark.parametrize("keep_ids", [True, False])
async def test_importing_twice_does_not_double(core: Core, keep_ids: bool) -> None:
    source, target = await scope(core, "source"), await scope(core, "target")
    await core.memories.add_many(source, [draft(number) for number in range(500)])
    exported = await export(core, source)
    assert (await import_(core, target, exported, keep_ids=keep_ids)).imported == 500
    again = await import_(core, target, exported, keep_ids=keep_ids)
    assert (again.imported, again.existing, again.skipped) == (0, 500, ())
    ids = {record["id"] for record in exported} & {record["id"] for record in await export(core, target)}
    assert len(ids) == (500 if keep_ids else 0)


async def test_without_merging_a_text_may_come_twice(core: Core) -> None:
    target = await scope(core, "target")
    for _ in range(2):
        assert (await import_(core, target, [{"content": "x"}], merge=False)).imported == 1
    assert len(await export(core, target)) == 2


@pytest.mark.parametrize("turned", [False, True])
async def test_a_replacement_comes_back_in_whatever_order(core: Core, turned: bool) -> None:
    target = await scope(core, "target")
    chain = [
        {"id": "a", "content": "one", "superseded_by": "b", "updated_at": "2025-01-02T00:00:00Z"},
        {"id": "b", "content": "two", "supersedes": "a", "superseded_by": "c", "created_at": "2025-01-02T00:00:00Z"},
        {"id": "c", "content": "three", "supersedes": "b", "created_at": "2025-01-03T00:00:00Z"},
    ]
    await import_(core, target, chain[::-1] if turned else chain)
    records = {record["id"]: record for record in await export(core, target)}
    assert [(records[id]["supersedes"], records[id]["superseded_by"]) for id in "abc"] == [
        (None, "b"),
        ("a", "c"),
        ("b", None),
    ]
    assert records["a"]["updated_at"] == "2025-01-02T00:00:00Z"


async def test_a_replacement_of_what_is_not_there_is_kept_without_it(core: Core) -> None:
    target = await scope(core, "target")
    assert (await import_(core, target, [{"id": "b", "content": "two", "supersedes": "a"}])).imported == 1
    (record,) = await export(core, target)
    assert record["supersedes"] is None


async def test_what_is_skipped_is_told_with_its_place_and_does_not_stop_the_rest(core: Core, tmp_path: Path) -> None:
    target = await scope(core, "target")
    records = [{"content": "a"}, {"content": ""}, 5, {"content": "b", "importance": 99}, {"content": "c"}]
    report = await import_(core, target, records)
    assert report.imported == 2
    assert [(skip.position, skip.reason) for skip in report.skipped] == [
        (2, "content is required"),
        (3, "a record must be a JSON object"),
        (4, "importance must be a whole number from 1 to 10"),
    ]
