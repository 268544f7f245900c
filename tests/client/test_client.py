"""Both clients against a real server: whatever they ask, it understands, and they understand its answers."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import assert_type

import pytest

from polymem.client import (
    AsyncClient,
    Client,
    Conflict,
    Draft,
    ImportReport,
    InvalidInput,
    Memory,
    NotAuthenticated,
    NotFound,
    Page,
    Recalled,
    Record,
    TooLarge,
)
from tests.client.either import EitherClient, everything, result
from tests.serving import Server

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sync", "async"])
async def client(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[EitherClient]:
    """A client of an organization that holds nothing yet."""
    key = server.new_key(server.new_organization())
    if request.param == "sync":
        with Client(server.url, api_key=key) as blocking:
            yield blocking
    else:
        async with AsyncClient(server.url, api_key=key) as asynchronous:
            yield asynchronous


@pytest.fixture
def blocking(server: Server) -> Iterator[Client]:
    with Client(server.url, api_key=server.new_key(server.new_organization())) as client:
        yield client


async def test_every_field_of_a_memory_comes_back(client: EitherClient) -> None:
    old = await result(client.add("Ben drinks tea"))
    kept = await result(
        client.add(
            "Ben drinks coffee \N{HOT BEVERAGE}\r\n",
            project="office",
            kind="preference",
            tags=("people", "drinks"),
            importance=7,
            weight=0.5,
            confidence=0.9,
            provenance="test",
            container="chat-1",
            context="at lunch",
            title="Ben",
            summary="coffee",
            metadata={"speaker": "Ben", "deep": [{"er": None}]},
            occurred_at=NEW_YEAR,
            valid_from=NEW_YEAR,
            valid_to=NEW_YEAR + timedelta(days=365),
            expires_at=datetime(2099, 1, 1, tzinfo=UTC),
            supersedes=old.id,
        )
    )
    assert kept == Memory(
        id=kept.id,
        content="Ben drinks coffee \N{HOT BEVERAGE}\r\n",
        created_at=kept.created_at,
        updated_at=kept.updated_at,
        project="office",
        kind="preference",
        tags=("people", "drinks"),
        importance=7,
        weight=0.5,
        confidence=0.9,
        provenance="test",
        container="chat-1",
        context="at lunch",
        title="Ben",
        summary="coffee",
        metadata={"speaker": "Ben", "deep": [{"er": None}]},
        occurred_at=NEW_YEAR,
        valid_from=NEW_YEAR,
        valid_to=NEW_YEAR + timedelta(days=365),
        expires_at=datetime(2099, 1, 1, tzinfo=UTC),
        supersedes=old.id,
    )
    assert await result(client.get(kept.id)) == kept
    assert (await result(client.get(old.id))).superseded_by == kept.id
    assert kept.created_at.tzinfo is UTC


async def test_duplicates_are_kept_or_returned_as_asked(client: EitherClient) -> None:
    first = await result(client.add("Ben drinks tea"))
    assert (await result(client.add("Ben drinks tea", duplicates="return_existing"))).id == first.id
    assert (await result(client.add("Ben drinks tea"))).id != first.id


async def test_a_batch_is_kept_in_order_or_not_at_all(client: EitherClient) -> None:
    drafts: list[Draft] = [{"content": f"Fact {number}", "tags": {"fact"}} for number in range(5)]
    ids = await result(client.add_many(iter(drafts)))
    kept = [(await result(client.get(memory_id))).content for memory_id in ids]
    assert kept == [draft["content"] for draft in drafts]
    with pytest.raises(InvalidInput) as caught:
        await result(client.add_many([{"content": "Fact 6"}, {"content": " "}, {"content": "x", "importance": 99}]))
    assert [error["index"] for error in caught.value.errors] == [1, 2]
    assert (await result(client.stats())).memories == 5


async def test_recalls_are_counted_by_day(client: EitherClient, server: Server) -> None:
    before = await result(client.recall_activity())
    await result(client.recall("What does Ben drink?", mode="keyword"))
    server.run(server.core.recall.close())
    after = await result(client.recall_activity(2))
    assert after.recalls == before.recalls + 1
    today = server.core.clock.now().date()
    assert [day.day for day in after.days] == [today - timedelta(days=1), today]
    assert (after.days[-1].recalls, after.days[-1].found_nothing) == (after.recalls, after.found_nothing)
    with pytest.raises(InvalidInput):
        await result(client.recall_activity(0))


async def test_the_same_idempotency_key_keeps_one_memory(client: EitherClient) -> None:
    first = await result(client.add("Ben drinks tea", idempotency_key="k"))
    again = await result(client.add("Ben drinks tea", idempotency_key="k"))
    assert again.id == first.id
    with pytest.raises(Conflict):
        await result(client.add("Ben drinks water", idempotency_key="k"))


async def test_all_pages_are_walked_however_small_they_are(client: EitherClient) -> None:
    drafts: list[Draft] = [
        {"content": f"Fact {number}", "kind": "odd" if number % 2 else "even"} for number in range(7)
    ]
    ids = await result(client.add_many(drafts))
    assert [memory.id for memory in await everything(client.iterate(page_size=3))] == list(ids)
    odd = await everything(client.iterate(page_size=2, kinds=["odd"]))
    assert [memory.content for memory in odd] == ["Fact 1", "Fact 3", "Fact 5"]
    assert await everything(client.iterate(kinds=["none"])) == []


async def test_every_filter_of_a_list_is_understood(client: EitherClient) -> None:
    wanted = await result(
        client.add("Ben drinks tea", project="office", kind="fact", tags=["a", "b"], container="c", importance=9)
    )
    await result(client.add("Ann drinks milk", occurred_at=NEW_YEAR))
    page = await result(
        client.list(
            sort="importance",
            order="asc",
            limit=5,
            offset=0,
            project="office",
            projects=["office", "home"],
            unassigned=False,
            kinds=["fact", "note"],
            tags=["a", "b"],
            tags_any=["b", "z"],
            container="c",
            importance_min=8,
            importance_max=10,
            text="TEA",
            created_since=NEW_YEAR,
            created_until=datetime(2099, 1, 1, tzinfo=UTC),
            updated_since=NEW_YEAR,
            updated_until=datetime(2099, 1, 1, tzinfo=UTC),
            ids=[wanted.id],
            superseded=False,
        )
    )
    assert page == Page(items=(wanted,), total=1, limit=5, offset=0)
    unassigned = await result(client.list(unassigned=True, occurred_since=NEW_YEAR, occurred_until=NEW_YEAR))
    assert [memory.content for memory in unassigned.items] == ["Ann drinks milk"]


async def test_a_change_is_seen_in_the_history(client: EitherClient) -> None:
    memory = await result(client.add("Ben drinks tea", title="Ben", project="office"))
    changed = await result(client.update(memory.id, content="Ben drinks coffee", title=None, tags=["drinks"]))
    assert (changed.content, changed.title, changed.tags, changed.version) == (
        "Ben drinks coffee",
        None,
        ("drinks",),
        2,
    )
    assert changed.project == "office"
    with pytest.raises(Conflict):
        await result(client.update(memory.id, content="Ben drinks water", expected_version=1))
    versions = await result(client.history(memory.id))
    assert [(entry.version, entry.change, entry.memory.content) for entry in versions] == [
        (1, "created", "Ben drinks tea"),
        (2, "revised", "Ben drinks coffee"),
    ]


async def test_what_is_forgotten_can_be_restored_until_it_is_purged(client: EitherClient) -> None:
    memory = await result(client.add("Ben drinks tea"))
    await result(client.forget(memory.id))
    with pytest.raises(NotFound):
        await result(client.get(memory.id))
    assert [item.id for item in (await result(client.trash())).items] == [memory.id]
    assert (await result(client.restore(memory.id))).content == "Ben drinks tea"
    await result(client.purge(memory.id))
    with pytest.raises(NotFound):
        await result(client.history(memory.id))


async def test_recall_finds_explains_and_says_why_not(client: EitherClient) -> None:
    tea = await result(client.add("Ben drinks black tea in the morning", project="office"))
    await result(client.add("The harbour office opens at seven", project="harbour"))
    found = await result(client.recall("What does Ben like to drink?", explain=True, limit=1, mode="hybrid"))
    assert [hit.memory.content for hit in found.hits] == [tea.content]
    assert (found.mode, found.considered) == ("hybrid", 2)
    assert 0 < found.hits[0].score <= 1
    assert found.took_ms > 0
    assert found.hits[0].explain is not None
    assert found.hits[0].explain["factors"]
    elsewhere = await result(client.recall("tea", project="harbour", mode="keyword"))
    assert (elsewhere.hits, elsewhere.mode) == ((), "keyword")
    why = await result(client.why_not(tea.id, "tea", project="harbour"))
    assert (why.stage, why.remedy) == ("filter", "drop that filter")
    assert (await result(client.why_not(tea.id, "tea", min_score=0.1))).stage == "returned"


async def test_projects_are_made_found_and_changed(client: EitherClient) -> None:
    made = await result(client.create_project("a/b c?", name="Odd", stack=["python"]))
    assert (made.key, made.stack) == ("a/b c?", ("python",))
    with pytest.raises(Conflict):
        await result(client.create_project("a/b c?"))
    assert (await result(client.project("a/b c?"))).id == made.id
    assert (await result(client.update_project(made.id, description="Strange"))).description == "Strange"
    assert [project.key for project in await result(client.projects())] == ["a/b c?"]


async def test_keys_are_made_listed_and_revoked(client: EitherClient, server: Server) -> None:
    await result(client.create_project("office"))
    made = await result(client.create_key("laptop", project="office", permissions=["read"], expires_in_days=3))
    assert made.secret not in repr(made)
    assert (made.project, made.permissions) == ("office", ("read",))
    with Client(server.url, api_key=made.secret) as other:
        assert other.stats().memories == 0
        await result(client.revoke_key(made.id))
        with pytest.raises(NotAuthenticated):
            other.stats()
    assert [key.revoked_at is None for key in await result(client.keys())] == [True, False]


async def test_an_export_can_be_imported_elsewhere(client: EitherClient, blocking: Client) -> None:
    drafts: list[Draft] = [{"content": f"Fact {number}\u2028\N{SNOWMAN}", "project": "p"} for number in range(450)]
    ids = await result(client.add_many(drafts))
    records = await everything(client.export(project="p"))
    assert [record["id"] for record in records] == list(ids)
    copied = blocking.import_(records, project="q", keep_ids=False)
    assert (copied.imported, copied.existing, copied.skipped) == (450, 0, ())
    assert blocking.list(project="q", text="Fact 449").total == 1
    again = await result(client.import_([*records, {"content": ""}]))
    assert (again.imported, again.existing, [skip.position for skip in again.skipped]) == (0, 450, [451])


async def test_records_stream_from_one_server_into_another(server: Server) -> None:
    one, other = (server.new_key(server.new_organization()) for _ in range(2))
    async with AsyncClient(server.url, api_key=one) as source, AsyncClient(server.url, api_key=other) as target:
        await source.add_many([{"content": "Ben drinks tea"}, {"content": "Ann drinks milk"}])
        report = await target.import_(source.export(), keep_ids=False)
        assert report.imported == 2


async def test_a_list_that_is_left_early_frees_its_connection(blocking: Client) -> None:
    blocking.add_many([{"content": f"Fact {number}"} for number in range(300)])
    assert next(iter(blocking.export()))["content"] == "Fact 0"
    assert next(iter(blocking.iterate(page_size=5))).content == "Fact 0"
    assert blocking.stats().memories == 300


async def test_health_needs_no_key(server: Server) -> None:
    with Client(server.url) as client:
        assert client.health().status == "ok"


async def test_a_wrong_key_and_a_text_too_large_are_told_apart(client: EitherClient, server: Server) -> None:
    with pytest.raises(TooLarge):
        await result(client.add("x" * (1024 * 1024 + 1)))
    with Client(server.url, api_key="mk_wrong") as stranger, pytest.raises(NotAuthenticated):
        stranger.projects()


async def test_a_type_checker_knows_what_each_client_gives(server: Server) -> None:
    key = server.new_key(server.new_organization())
    with Client(server.url, api_key=key) as client:
        assert_type(client.add("Ben drinks tea"), Memory)
        assert_type(client.recall("tea"), Recalled)
        assert_type(client.iterate(), Iterator[Memory])
        assert_type(client.export(), Iterator[Record])
        assert_type(client.import_([]), ImportReport)
    async with AsyncClient(server.url, api_key=key) as asynchronous:
        assert_type(await asynchronous.add("Ben drinks tea"), Memory)
        assert_type(await asynchronous.recall("tea"), Recalled)
        assert_type(asynchronous.iterate(), AsyncIterator[Memory])
        assert_type(await asynchronous.import_(asynchronous.export()), ImportReport)
