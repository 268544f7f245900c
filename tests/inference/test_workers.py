import asyncio
import threading
from functools import partial

import pytest

from polymem.core.errors import EmbeddingUnavailable
from polymem.inference.gather import gather_or_cancel
from polymem.inference.workers import Workers


class Blocked:
    """Workers of one thread that is kept busy until `release`, so that what comes meanwhile must queue."""

    def __init__(self) -> None:
        self.workers = Workers(1)
        self.order: list[str] = []
        self._gate = threading.Event()
        self._started = threading.Event()

    async def begin(self) -> None:
        self.first = self.workers.first(self._hold)
        await asyncio.to_thread(self._started.wait)

    def _hold(self) -> None:
        self._started.set()
        self._gate.wait()

    def release(self) -> None:
        self._gate.set()


@pytest.fixture
def blocked() -> Blocked:
    return Blocked()


async def test_a_query_goes_before_the_documents_that_wait(blocked: Blocked) -> None:
    await blocked.begin()
    lane = blocked.workers.lane()
    documents = [lane.submit(partial(blocked.order.append, name)) for name in "abc"]
    query = blocked.workers.first(partial(blocked.order.append, "query"))
    blocked.release()
    await asyncio.gather(query, *documents)
    assert blocked.order == ["query", "a", "b", "c"]
    await blocked.workers.close()


async def test_a_small_request_does_not_wait_for_a_large_one_that_came_before(blocked: Blocked) -> None:
    await blocked.begin()
    large, small = blocked.workers.lane(), blocked.workers.lane()
    jobs = [large.submit(partial(blocked.order.append, name)) for name in ("L1", "L2", "L3", "L4")]
    jobs.append(small.submit(partial(blocked.order.append, "s1")))
    blocked.release()
    await asyncio.gather(*jobs)
    assert blocked.order == ["L1", "s1", "L2", "L3", "L4"]
    await blocked.workers.close()


async def test_a_late_request_takes_its_turn_and_does_not_overtake_for_ever(blocked: Blocked) -> None:
    early = blocked.workers.lane()
    for _ in range(50):
        await early.submit(lambda: None)
    await blocked.begin()
    jobs = [early.submit(partial(blocked.order.append, name)) for name in ("e1", "e2")]
    late = blocked.workers.lane()
    jobs += [late.submit(partial(blocked.order.append, name)) for name in ("l1", "l2", "l3")]
    blocked.release()
    await asyncio.gather(*jobs)
    assert blocked.order == ["l1", "e1", "l2", "e2", "l3"]
    await blocked.workers.close()


async def test_a_cancelled_job_that_has_not_begun_is_never_run(blocked: Blocked) -> None:
    await blocked.begin()
    lane = blocked.workers.lane()
    unwanted = lane.submit(partial(blocked.order.append, "unwanted"))
    wanted = lane.submit(partial(blocked.order.append, "wanted"))
    unwanted.cancel()
    await asyncio.sleep(0)  # the loop passes the cancellation on to the thread's side
    blocked.release()
    await wanted
    assert blocked.order == ["wanted"]
    await blocked.workers.close()


async def test_closing_fails_what_waits_and_refuses_what_comes_later(blocked: Blocked) -> None:
    await blocked.begin()
    waiting = blocked.workers.lane().submit(lambda: None)
    closing = asyncio.ensure_future(blocked.workers.close())
    with pytest.raises(EmbeddingUnavailable, match="closed"):
        await waiting
    blocked.release()
    await closing
    with pytest.raises(EmbeddingUnavailable, match="closed"):
        await blocked.workers.first(lambda: None)


async def test_an_error_reaches_the_caller_and_the_thread_goes_on() -> None:
    workers = Workers(1)
    with pytest.raises(ZeroDivisionError):
        await workers.first(lambda: 1 / 0)
    assert await workers.first(lambda: 2) == 2
    await workers.close()


async def test_after_the_first_error_of_a_request_the_rest_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await gather_or_cancel([wait_for_ever(), fail()])
    await asyncio.wait_for(cancelled.wait(), 5)
