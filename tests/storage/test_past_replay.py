"""The past of any history is what was seen then, less what was purged since."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from polymem.core.filters import Superseded, active, predicate
from polymem.core.model import Change, Memory
from polymem.core.ports import Store
from polymem.core.ranking import Mode
from polymem.storage import open_store
from tests.storage.histories import START, TICK, Lived, histories, live, look

History = list[tuple[int, Any]]


@pytest.fixture
async def file_store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "data")
    yield store
    await store.close()


@pytest.fixture
async def server_store(clean_server_url: str) -> AsyncIterator[Store]:
    store = await open_store(clean_server_url)
    yield store
    await store.close()


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@examples(30)
@given(histories)
async def test_what_was_seen_then_is_what_the_past_answers(file_store: Store, history: History) -> None:
    await assert_the_past_is_what_was_seen(file_store, history)


@examples(6)
@given(histories)
async def test_what_was_seen_then_is_what_the_past_answers_on_a_server(server_store: Store, history: History) -> None:
    await assert_the_past_is_what_was_seen(server_store, history)


@examples(30)
@given(histories)
async def test_the_past_is_the_log_replayed_up_to_it(file_store: Store, history: History) -> None:
    await assert_the_past_is_the_log_replayed(file_store, history)


@examples(6)
@given(histories)
async def test_the_past_is_the_log_replayed_up_to_it_on_a_server(server_store: Store, history: History) -> None:
    await assert_the_past_is_the_log_replayed(server_store, history)


async def assert_the_past_is_what_was_seen(store: Store, history: History) -> None:
    lived = await live(store, history)
    lived.clock.moment += TICK
    for at, then in lived.seen.items():
        again = await look(lived, at)
        gone = lived.purged
        assert again.memories == {id_: memory for id_, memory in then.memories.items() if id_ not in gone}
        assert again.listed == {
            asked: tuple(id_ for id_ in ids if id_ not in gone) for asked, ids in then.listed.items()
        }
        for question, scores in then.recalled.items():
            left = {id_: score for id_, score in scores.items() if id_ not in gone}
            if gone and question[1] is not Mode.VECTOR:
                # What was purged counts no more when words are weighed; who is found stays the same.
                assert again.recalled[question].keys() == left.keys()
            else:
                assert again.recalled[question] == pytest.approx(left, abs=1e-6)


async def assert_the_past_is_the_log_replayed(store: Store, history: History) -> None:
    lived = await live(store, history)
    lived.clock.moment += TICK
    core, scope = lived.core, lived.scope
    log = await core.timeline.changed_since(scope, START, limit=1000, descending=False)
    assert [entry.recorded_at for entry in log.items] == sorted(entry.recorded_at for entry in log.items)
    for at in _instants(lived):
        state: dict[str, Memory] = {}
        for entry in log.items:
            if entry.recorded_at <= at and entry.memory.version >= state.get(entry.memory.id, entry.memory).version:
                state[entry.memory.id] = entry.memory
        visible = predicate((*active(at), Superseded(False)))
        current = {id_ for id_, memory in state.items() if visible(memory)}

        page = await core.timeline.find_as_of(scope, at, (Superseded(False),), limit=1000)
        assert {memory.id: memory for memory in page.items} == {id_: state[id_] for id_ in current}
        for id_, memory in state.items():
            assert await core.timeline.as_of(scope, id_, at, hidden=True) == memory
        expired = [e for e in log.items if e.change is Change.EXPIRED and e.actor is None and e.recorded_at <= at]
        for entry in expired:
            assert entry.recorded_at == entry.memory.expires_at


def _instants(lived: Lived) -> list[datetime]:
    last = max(lived.seen)
    return [START - TICK, *(START + n * TICK / 2 for n in range(int((last - START) / TICK) * 2 + 1))]
