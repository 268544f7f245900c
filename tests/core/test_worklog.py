"""What may be said of sessions, tasks and snippets, how they change, and how they move between stores."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from polymem.core.context.context import ContextQuery
from polymem.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from polymem.core.filters import InProjects, KindIn
from polymem.core.model import Draft
from polymem.core.people import Permission
from polymem.core.work import TaskStatus, WorkFilter
from tests.core.conftest import Home


@pytest.fixture
async def shop(home: Home) -> Home:
    """A home with one project."""
    await home.core.projects.create(home.scope, "shop", name="Shop")
    return home


async def test_an_entry_begins_with_the_defaults_and_knows_its_project(shop: Home) -> None:
    task = await shop.core.worklog.tasks.add(shop.scope, "shop", {"title": "Write"})
    assert (task.status, task.priority, task.tags, task.version) == (TaskStatus.PENDING, 5, (), 1)
    assert (task.project, task.created_at, task.updated_at) == ("shop", shop.clock.now(), shop.clock.now())
    assert await shop.core.worklog.tasks.get(shop.scope, task.id) == task


async def test_a_task_is_completed_when_its_status_says_so(shop: Home) -> None:
    tasks = shop.core.worklog.tasks
    task = await tasks.add(shop.scope, "shop", {"title": "Write"})
    shop.clock.turn(hours=1)
    done = await tasks.revise(shop.scope, task.id, {"status": "completed"})
    assert (done.completed_at, done.version) == (shop.clock.now(), 2)
    shop.clock.turn(hours=1)
    assert (await tasks.revise(shop.scope, task.id, {"priority": 9})).completed_at == done.completed_at
    assert (await tasks.revise(shop.scope, task.id, {"status": "pending"})).completed_at is None
    assert (await tasks.add(shop.scope, "shop", {"title": "x", "status": "completed"})).completed_at is not None


async def test_a_change_of_nothing_changes_nothing(shop: Home) -> None:
    sessions = shop.core.worklog.sessions
    session = await sessions.add(shop.scope, "shop", {"summary": "A"})
    shop.clock.turn(hours=1)
    assert await sessions.revise(shop.scope, session.id, {"summary": "A"}) == session
    assert (await sessions.revise(shop.scope, session.id, {"summary": "B"})).updated_at == shop.clock.now()


async def test_an_entry_moves_to_another_project(shop: Home) -> None:
    other = await shop.core.projects.create(shop.scope, "other")
    snippets = shop.core.worklog.snippets
    snippet = await snippets.add(shop.scope, "shop", {"name": "n", "code": "c"})
    moved = await snippets.revise(shop.scope, snippet.id, {}, project="other")
    assert (moved.project_id, moved.project) == (other.id, "other")
    with pytest.raises(NotFound):
        await snippets.revise(shop.scope, snippet.id, {}, project="nowhere")


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("sessions", {"summary": 5}, "summary"),
        ("sessions", {"accomplished": "all"}, "accomplished"),
        ("sessions", {"accomplished": [""]}, "accomplished"),
        ("sessions", {"next_steps": ["x"] * 1001}, "next_steps"),
        ("sessions", {"mood": "good"}, "mood"),
        ("tasks", {}, "title"),
        ("tasks", {"title": " "}, "title"),
        ("tasks", {"title": "x" * 501}, "title"),
        ("tasks", {"title": "nul \x00"}, "title"),
        ("tasks", {"title": "half \ud800"}, "title"),
        ("tasks", {"title": "x", "status": "done"}, "status"),
        ("tasks", {"title": "x", "priority": 0}, "priority"),
        ("tasks", {"title": "x", "priority": True}, "priority"),
        ("tasks", {"title": "x", "due_date": "tomorrow"}, "due_date"),
        ("tasks", {"title": "x", "due_date": datetime(2026, 1, 1)}, "due_date"),  # noqa: DTZ001 - that is the point
        ("tasks", {"title": "x", "completed_at": datetime.now(UTC)}, "completed_at"),
        ("snippets", {"name": "x"}, "code"),
        ("snippets", {"name": "x", "code": "\n "}, "code"),
        ("snippets", {"name": "x", "code": "y" * (1024 * 1024 + 1)}, "code"),
        ("snippets", {"name": "x", "code": "y", "line_start": 0}, "line_start"),
        ("snippets", {"name": "x", "code": "y", "line_start": 9, "line_end": 8}, "line_end"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(
    shop: Home, kind: str, values: dict[str, Any], field: str
) -> None:
    verbs = getattr(shop.core.worklog, kind)
    with pytest.raises(InvalidInput) as refused:
        await verbs.add(shop.scope, "shop", values)
    assert refused.value.field == field
    assert (await verbs.find(shop.scope)).total == 0


async def test_a_change_is_held_to_the_rules_of_the_whole(shop: Home) -> None:
    snippets = shop.core.worklog.snippets
    snippet = await snippets.add(shop.scope, "shop", {"name": "x", "code": "y", "line_start": 5, "line_end": 9})
    with pytest.raises(InvalidInput):
        await snippets.revise(shop.scope, snippet.id, {"line_end": 4})


async def test_a_permission_is_asked_for_every_verb(shop: Home) -> None:
    tasks = shop.core.worklog.tasks
    task = await tasks.add(shop.scope, "shop", {"title": "x"})
    reading = replace(shop.scope, permissions=frozenset({Permission.READ}))
    writing = replace(shop.scope, permissions=frozenset({Permission.WRITE}))
    for refused in (
        tasks.add(reading, "shop", {"title": "y"}),
        tasks.revise(reading, task.id, {"title": "y"}),
        tasks.remove(reading, task.id),
        tasks.get(writing, task.id),
        tasks.find(writing),
        shop.core.context(writing, ContextQuery(project="shop")),
    ):
        with pytest.raises(Forbidden):
            await refused
    assert await tasks.get(shop.scope, task.id) == task


async def test_what_is_removed_is_gone(shop: Home) -> None:
    tasks = shop.core.worklog.tasks
    task = await tasks.add(shop.scope, "shop", {"title": "x"})
    await tasks.remove(shop.scope, task.id)
    for gone in (tasks.get(shop.scope, task.id), tasks.remove(shop.scope, task.id)):
        with pytest.raises(NotFound):
            await gone


# --- moving --------------------------------------------------------------------------------------


async def filled(home: Home) -> None:
    worklog = home.core.worklog
    await home.core.memories.add(home.scope, Draft(content="A fact", project="shop"))
    await worklog.sessions.add(home.scope, "shop", {"summary": "S", "accomplished": ["a"], "blockers": ["b"]})
    await worklog.tasks.add(
        home.scope, "shop", {"title": "T", "status": "completed", "due_date": home.clock.now(), "tags": ["x"]}
    )
    await worklog.snippets.add(home.scope, "shop", {"name": "N", "code": "  c\r\n", "line_start": 2})


async def exported(home: Home, *filter: Any) -> list[dict[str, Any]]:
    return [record async for record in home.core.transfer.export(home.scope, tuple(filter))]


async def imported(home: Home, records: list[Any], **options: Any) -> Any:
    async def stream() -> AsyncIterator[Any]:
        for record in records:
            yield record

    return [report async for report in home.core.transfer.import_(home.scope, stream(), **options)][-1]


async def test_an_export_holds_the_work_too_and_an_import_brings_it_back(shop: Home) -> None:
    await filled(shop)
    records = await exported(shop)
    assert [record.get("record") for record in records] == [None, "session", "task", "snippet"]
    for verbs in (shop.core.worklog.sessions, shop.core.worklog.tasks, shop.core.worklog.snippets):
        for entry in (await verbs.find(shop.scope)).items:
            await verbs.remove(shop.scope, entry.id)
    shop.clock.turn(days=1)
    report = await imported(shop, records)
    assert (report.imported, report.existing, report.skipped) == (3, 1, ())
    assert await exported(shop) == records
    assert (await imported(shop, records)).imported == 0


async def test_an_export_of_some_projects_holds_their_work_and_one_of_memories_none(shop: Home) -> None:
    await filled(shop)
    project = await shop.core.projects.get(shop.scope, "shop")
    assert len(await exported(shop, InProjects(frozenset({project.id})))) == 4
    assert len(await exported(shop, InProjects(frozenset({"elsewhere"})))) == 0
    assert len(await exported(shop, KindIn(frozenset({"note"})))) == 1


async def test_bad_records_are_skipped_with_their_reason(shop: Home) -> None:
    records = [
        {"record": "poem", "project": "shop"},
        {"record": ["task"], "project": "shop"},
        {"record": "task", "title": "No project"},
        {"record": "task", "project": "shop", "title": " "},
        {"record": "task", "project": "shop", "title": "x", "created_at": "yesterday"},
        {"record": "task", "project": "new", "title": "Kept", "id": 5, "unknown": True},
    ]
    report = await imported(shop, records)
    assert (report.imported, len(report.skipped)) == (1, 5)
    assert report.skipped[0].reason == "record must be one of session, task, snippet"
    assert (await shop.core.worklog.tasks.find(shop.scope)).items[0].project == "new"


async def test_an_import_goes_into_one_project_if_told_so(shop: Home) -> None:
    await filled(shop)
    report = await imported(shop, await exported(shop), keep_ids=False, project="copy")
    assert report.imported == 4
    copy = await shop.core.projects.get(shop.scope, "copy")
    found = await shop.core.worklog.tasks.find(shop.scope, WorkFilter(project_ids=frozenset({copy.id})))
    assert found.total == 1


async def test_an_id_is_taken_once(shop: Home) -> None:
    tasks = shop.core.worklog.tasks
    await tasks.add(shop.scope, "shop", {"title": "x"}, id="t")
    with pytest.raises(Conflict):
        await tasks.add(shop.scope, "shop", {"title": "y"}, id="t")


# --- the document, gathered ------------------------------------------------------------------------


async def test_the_document_leaves_out_what_is_over(shop: Home) -> None:
    core, scope = shop.core, shop.scope
    for title, status in (("Waiting", "pending"), ("Begun", "in_progress"), ("Over", "completed"), ("No", "cancelled")):
        await core.worklog.tasks.add(scope, "shop", {"title": title, "status": status})
    old = await core.memories.add(scope, Draft(content="The old way", project="shop"))
    await core.memories.supersede(scope, old.memory.id, Draft(content="The new way", project="shop"))
    gone = await core.memories.add(scope, Draft(content="Forgotten", project="shop"))
    await core.memories.forget(scope, gone.memory.id)
    await core.memories.add(scope, Draft(content="Elsewhere", project="other"))
    brief = await core.memories.add(scope, Draft(content="Brief", project="shop"))
    await core.memories.revise(scope, brief.memory.id, {"expires_at": shop.clock.now().replace(hour=12)})
    document = await core.context(scope, ContextQuery(project="shop"))
    for there in ("Waiting", "Begun", "The new way", "Brief"):
        assert there in document.markdown
    shop.clock.turn(days=1)
    document = await core.context(scope, ContextQuery(project="shop"))
    for absent in ("Over", "  > No", "The old way", "Forgotten", "Elsewhere", "Brief"):
        assert absent not in document.markdown


async def test_time_alone_changes_no_byte(shop: Home) -> None:
    await filled(shop)
    first = await shop.core.context(shop.scope, ContextQuery(project="shop", snippets=True))
    shop.clock.turn(days=400)
    assert await shop.core.context(shop.scope, ContextQuery(project="shop", snippets=True)) == first


@pytest.mark.parametrize(
    "query",
    [
        ContextQuery(project="shop", max_tokens=255),
        ContextQuery(project="shop", max_tokens=1_000_001),
        ContextQuery(project="shop", query=" "),
        ContextQuery(project="shop", since=datetime(2026, 1, 1)),  # noqa: DTZ001 - that is the point
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(shop: Home, query: ContextQuery) -> None:
    with pytest.raises(InvalidInput):
        await shop.core.context(shop.scope, query)
