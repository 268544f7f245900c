"""Measuring: percentiles of many short calls, contenders in turn so that a machine's drift hits all alike."""

import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Call = Callable[[int], Awaitable[object]]
"""One measured call; the argument is its round, so that no two need do the same work."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How long each call of a series took, in milliseconds."""

    milliseconds: tuple[float, ...]

    @property
    def p50(self) -> float:
        """The median."""
        return median(self.milliseconds)

    @property
    def p95(self) -> float:
        """The value 95 % of the calls stay below."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


async def interleaved(contenders: Mapping[str, Call], rounds: int, warm_up: int = 5) -> dict[str, Timings]:
    """Calls each contender once a round, another one first each time. The first `warm_up` rounds do not count."""
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    for index in range(rounds + warm_up):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            await contenders[name](index)
            elapsed = time.perf_counter() - start
            if index >= warm_up:
                taken[name].append(elapsed * 1000)
    return {name: Timings(tuple(values)) for name, values in taken.items()}


def differences(minuend: Timings, subtrahend: Timings) -> Timings:
    """Round by round, how much longer the first took than the second."""
    pairs = zip(minuend.milliseconds, subtrahend.milliseconds, strict=True)
    return Timings(tuple(longer - shorter for longer, shorter in pairs))


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)
