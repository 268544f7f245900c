"""Figures of the benchmarks are computed as they are described."""

from bench.report import Goal, Quantity, Row, ratio, share, verdict
from bench.timing import Timings, differences, interleaved


def test_percentiles_are_values_that_were_measured() -> None:
    timings = Timings(tuple(float(value) for value in range(100, 0, -1)))
    assert timings.p50 == 50.5
    assert timings.p95 == 96


async def test_each_contender_is_called_once_a_round_and_first_in_turn() -> None:
    calls: list[tuple[str, int]] = []

    async def first(index: int) -> None:
        calls.append(("first", index))

    async def second(index: int) -> None:
        calls.append(("second", index))

    timed = await interleaved({"first": first, "second": second}, rounds=1, warm_up=1)
    assert calls == [("first", 0), ("second", 0), ("second", 1), ("first", 1)]
    assert [len(timings.milliseconds) for timings in timed.values()] == [1, 1]


def test_differences_are_taken_round_by_round() -> None:
    assert differences(Timings((5.0, 9.0)), Timings((1.0, 2.0))) == Timings((4.0, 7.0))


def test_a_ratio_above_its_goal_is_a_miss_and_a_share_above_its_goal_is_not() -> None:
    slow, fast = Quantity(3, "ms"), Quantity(1, "ms")
    missed = ratio("slow", slow, fast, "fast", Goal(2))
    met = share("slow", slow, fast, "fast", Goal(85, at_least=True))
    unjudged = Row(figure="size", value=Quantity(1, "bytes"))
    assert (missed.result, missed.passed) == (3, False)
    assert (met.result, met.passed) == (300, True)
    assert verdict([missed, met, unjudged]) == "1 of 2 goals met; missed: slow"
