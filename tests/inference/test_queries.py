import asyncio

from polymem.inference.queries import CACHED_CHARACTERS, QueryCache


class Model:
    """Counts what it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    async def embed(self, text: str) -> bytes:
        self.asked.append(text)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return text.encode()


async def test_a_query_is_asked_once_and_then_remembered() -> None:
    model = Model()
    cache = QueryCache(model.embed)
    assert [await cache.get("a"), await cache.get("a")] == [b"a", b"a"]
    assert model.asked == ["a"]


async def test_the_query_used_longest_ago_is_forgotten_first() -> None:
    model = Model()
    cache = QueryCache(model.embed, size=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await cache.get(text)
    assert model.asked == ["a", "b", "c", "b"]


async def test_very_long_queries_are_not_remembered() -> None:
    model = Model()
    cache = QueryCache(model.embed)
    long = "x" * (CACHED_CHARACTERS + 1)
    await cache.get(long)
    await cache.get(long)
    assert len(model.asked) == 2


async def test_callers_that_ask_the_same_at_once_share_one_answer() -> None:
    model = Model()
    model.may_answer.clear()
    cache = QueryCache(model.embed)
    callers = [asyncio.ensure_future(cache.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    model.may_answer.set()
    assert await asyncio.gather(*callers) == [b"a"] * 5
    assert model.asked == ["a"]


async def test_a_caller_that_gives_up_does_not_fail_the_others() -> None:
    model = Model()
    model.may_answer.clear()
    cache = QueryCache(model.embed)
    impatient, patient = asyncio.ensure_future(cache.get("a")), asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    model.may_answer.set()
    assert await patient == b"a"
    assert impatient.cancelled()


async def test_an_error_reaches_all_who_wait_and_the_next_caller_asks_again() -> None:
    model = Model()
    model.error = ValueError("down")
    cache = QueryCache(model.embed)
    results = await asyncio.gather(cache.get("a"), cache.get("a"), return_exceptions=True)
    assert [str(result) for result in results] == ["down", "down"]
    model.error = None
    assert await cache.get("a") == b"a"


def test_a_query_left_unanswered_by_an_event_loop_that_ended_is_asked_again_in_the_next() -> None:
    answers: list[asyncio.Future[bytes]] = []

    def embed(text: str) -> asyncio.Future[bytes]:
        answers.append(asyncio.get_running_loop().create_future())
        return answers[-1]

    cache = QueryCache(embed)

    async def give_up() -> None:
        caller = asyncio.ensure_future(cache.get("a"))
        await asyncio.sleep(0)
        caller.cancel()

    async def wait() -> bytes:
        caller = asyncio.ensure_future(cache.get("a"))
        await asyncio.sleep(0)
        answers[-1].set_result(b"a")
        return await caller

    asyncio.run(give_up())
    assert asyncio.run(wait()) == b"a"
