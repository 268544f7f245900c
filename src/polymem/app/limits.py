"""Counting calls: in this process, or in a Redis that several processes share."""

import hashlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from polymem.core.people.ports import Allowance

_logger = logging.getLogger(__name__)

_Ask = Callable[[Any, Any, str, str], Awaitable[Allowance]]


class MovingWindowLimiter:
    """`core.ports_people.RateLimiter` by the package `limits`: at any moment, no more than so many calls lie in the
    window before it.

    With `redis_url` the counts are kept there. While Redis cannot answer, each process counts for itself.
    """

    def __init__(self, redis_url: str | None = None) -> None:
        self._redis_url = redis_url
        self._shared: Any = None
        self._own: Any = None
        self._failed = False

    async def hit(self, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        """Count one call."""
        return await self._ask(_count, operation, caller, limit, window)

    async def look(self, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        """Tell what counting one would come to."""
        return await self._ask(_look, operation, caller, limit, window)

    async def _ask(self, ask: _Ask, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        # The libraries are loaded when somebody is first counted: commands and most servers never do.
        from limits import RateLimitItemPerSecond  # noqa: PLC0415 - slow start-up

        item = RateLimitItemPerSecond(limit, int(window.total_seconds()))
        # Redis is no place for a secret.
        who = hashlib.sha256(caller.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        if self._redis_url is not None:
            try:
                self._shared = self._shared or _open(self._redis_url)
                allowance = await ask(self._shared, item, operation, who)
            except Exception as error:
                # What the drivers raise is as manifold as what can go wrong; callers must not suffer from any of it.
                if not self._failed:
                    _logger.warning("Redis does not answer; each process counts calls for itself: %s", error)
                self._failed = True
            else:
                self._failed = False
                return allowance
        self._own = self._own or _open(None)
        return await ask(self._own, item, operation, who)

    async def close(self) -> None:
        """Let go of the connections to Redis."""
        if self._shared is not None:
            await self._shared.storage.bridge.storage.aclose()
            self._shared = None


def _open(redis_url: str | None) -> Any:
    from limits.aio.storage import MemoryStorage, RedisStorage  # noqa: PLC0415 - slow start-up
    from limits.aio.strategies import MovingWindowRateLimiter  # noqa: PLC0415 - slow start-up

    if redis_url is None:
        return MovingWindowRateLimiter(MemoryStorage())
    scheme = "async+redis+" if redis_url.startswith("unix://") else "async+"
    storage = RedisStorage(scheme + redis_url, implementation="redispy", key_prefix="polymem")
    return MovingWindowRateLimiter(storage)


async def _count(limiter: Any, item: Any, operation: str, who: str) -> Allowance:
    return await _told(limiter, item, operation, who, await limiter.hit(item, operation, who))


async def _look(limiter: Any, item: Any, operation: str, who: str) -> Allowance:
    return await _told(limiter, item, operation, who, await limiter.test(item, operation, who))


async def _told(limiter: Any, item: Any, operation: str, who: str, allowed: bool) -> Allowance:
    stats = await limiter.get_window_stats(item, operation, who)
    reset_after = max(1, math.ceil(stats.reset_time - time.time()))
    return Allowance(bool(allowed), item.amount, max(0, stats.remaining), reset_after)
