"""The past, changes and findings through both clients."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from polymem.client import AsyncClient, Client, Conflict, Draft, NotFound
from tests.client.either import EitherClient, result
from tests.serving import Server

LONG_AGO = date(2020, 1, 31)
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


async def test_recall_lists_and_memories_go_back_to_what_was_known_then(client: EitherClient) -> None:
    kept = await result(client.add("Ana lives in Lisbon", valid_to=NEW_YEAR))
    await result(client.update(kept.id, content="Ana lives in Porto"))
    then = (await result(client.history(kept.id)))[0].recorded_at

    async def contents(**asking: object) -> list[str]:
        recalled = await result(client.recall("Where does Ana live?", **asking))  # type: ignore[arg-type]
        return [hit.memory.content for hit in recalled.hits]

    assert await contents() == await contents(as_of=None) == ["Ana lives in Porto"]
    assert await contents(as_of=then) == ["Ana lives in Lisbon"]
    assert await contents(as_of=LONG_AGO) == []
    assert await contents(true_at=NEW_YEAR) == []
    assert await contents(true_at=NEW_YEAR - timedelta(days=1)) == ["Ana lives in Porto"]
    assert [memory.content for memory in (await result(client.list(as_of=then))).items] == ["Ana lives in Lisbon"]
    assert (await result(client.get(kept.id, as_of=then))).content == "Ana lives in Lisbon"
    with pytest.raises(NotFound):
        await result(client.get(kept.id, as_of=LONG_AGO))


async def test_findings_are_kept_told_and_weighed(client: EitherClient) -> None:
    kept = await result(client.add("Ana lives in Lisbon", confidence=0.8, provenance="explicit_statement"))
    await result(client.contradict(kept.id, note="Bea says Porto"))
    assert (await result(client.trust(kept.id))).contradicted
    validated = await result(client.validate(kept.id))
    assert (validated.validations, validated.contradictions, validated.contradicted_at) == (1, 1, None)
    weighed = await result(client.trust(kept.id))
    assert weighed.score == pytest.approx(0.8)
    assert weighed.level == "high"
    page = await result(client.changes(LONG_AGO, order="asc"))
    assert [(version.change, version.note) for version in page.items] == [
        ("created", None),
        ("contradicted", "Bea says Porto"),
        ("validated", None),
    ]
    some = await result(client.changes(LONG_AGO, kinds_of_change=["validated"], limit=1))
    assert (len(some.items), some.total) == (1, 1)
    assert (await result(client.changes(LONG_AGO, until=LONG_AGO))).total == 0


async def test_a_memory_is_replaced_by_a_new_one_or_by_one_that_is_there(client: EitherClient) -> None:
    old = await result(client.add("Ana lives in Lisbon", kind="fact", project="people"))
    new = await result(client.supersede(old.id, "Ana lives in Porto", tags=["home"]))
    assert (new.supersedes, new.kind, new.project, new.tags) == (old.id, "fact", "people", ("home",))
    with pytest.raises(Conflict):
        await result(client.supersede(old.id, "Ana lives in Braga"))
    other = await result(client.add("Ana lives in Faro"))
    assert (await result(client.supersede_by(new.id, other.id))).supersedes == new.id


async def test_conflicts_are_found_read_and_settled(client: EitherClient) -> None:
    old = await result(client.add("The API listens on port 8080"))
    new = await result(client.add("The API listens on port 8081", compare=True))
    (found,) = (await result(client.conflicts())).items
    assert (found.old.id, found.new.id, found.reason, found.judge) == (old.id, new.id, "changed_value", "rules")
    assert await result(client.conflict(found.id)) == found
    settled = await result(client.resolve_conflict(found.id, "merge", content="The API listens on 8080 and 8081"))
    assert (settled.resolution, settled.new.content) == ("merge", "The API listens on 8080 and 8081")
    assert settled.resolved_at is not None
    assert settled.resolved_by
    assert (await result(client.conflicts(status="resolved"))).items == (settled,)
    with pytest.raises(Conflict):
        await result(client.resolve_conflict(found.id, "keep_old"))
    assert [memory.id for memory in await result(client.chain(new.id))] == [old.id, new.id]
    assert (await result(client.unsupersede(old.id))).superseded_by is None
    assert [memory.id for memory in await result(client.chain(new.id))] == [new.id]


async def test_a_changed_text_is_compared_where_that_is_asked_for(client: EitherClient) -> None:
    await result(client.add("The API listens on port 8080"))
    other = await result(client.add("Ana plays the violin"))
    await result(client.update(other.id, content="The API listens on port 8081", compare=True))
    (found,) = (await result(client.conflicts())).items
    assert found.new.id == other.id
    with pytest.raises(NotFound):
        await result(client.conflict("no-such-id"))


async def test_conflicts_are_looked_for_among_what_was_not_compared(client: EitherClient) -> None:
    drafts: list[Draft] = [
        {"content": "The API listens on port 8080", "project": "a"},
        {"content": "The API listens on port 8081", "project": "a"},
        {"content": "The team lead is Emma", "project": "b"},
        {"content": "The team lead is Frank", "project": "b"},
    ]
    ids = await result(client.add_many(drafts))
    assert (await result(client.conflicts())).total == 0
    assert await result(client.detect_conflicts(project="a")) == 2
    (found,) = (await result(client.conflicts())).items
    assert (found.old.id, found.new.id) == (ids[0], ids[1])
    assert await result(client.detect_conflicts()) == 4
    assert (await result(client.conflicts())).total == 2
