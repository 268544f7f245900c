"""What a server does beside answering: it warms up, embeds what has no vector yet, warns, and removes what is over.

All but the first is done by one of the processes that share a store: whoever has the claim. When that one ends or loses
its connection to the store, another takes over.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from polymem.core import Core
from polymem.core.errors import Conflict, EmbeddingUnavailable, Unavailable
from polymem.core.people import Scope
from polymem.core.ports import Claim

_logger = structlog.get_logger("polymem.background")

_WARMED_ORGANIZATIONS = 20
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0
_LOOK_AGAIN = 60.0
"""Seconds between two looks for texts without a vector: those kept while the embedder could not answer."""
_REPORT_EVERY = 10.0
_WARN_EVERY = 3600.0
_SWEEP_EVERY = 3600.0
_JOB = "chores"
_LOOK_FOR_CLAIM = 10.0
"""Seconds after which another process takes over from one that has ended, at most."""


@asynccontextmanager
async def chores(core: Core, keep: timedelta | None = None) -> AsyncIterator[None]:
    """Does the chores until the block ends. What was forgotten or expired is purged after `keep`; never for None."""
    tasks = [asyncio.create_task(_warmed_up(core)), asyncio.create_task(_lead(core, keep))]
    try:
        yield
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _lead(core: Core, keep: timedelta | None) -> None:
    while True:
        try:
            claim = await core.store.claim(_JOB)
        except Unavailable:
            claim = None
        except Exception:
            _logger.exception("it cannot be told which process does the background work")
            claim = None
        if claim is not None:
            try:
                await _while_held(claim, core, keep)
            finally:
                await claim.release()
        await asyncio.sleep(_LOOK_FOR_CLAIM)


async def _while_held(claim: Claim, core: Core, keep: timedelta | None) -> None:
    _logger.debug("this process does the background work")
    tasks = [asyncio.create_task(chore) for chore in (_embedded(core), _warn(core), _sweep(core, keep))]
    try:
        while True:
            await asyncio.sleep(_LOOK_FOR_CLAIM)
            if not await claim.held():
                _logger.warning("another process may do the background work: the store was away")
                return
    finally:
        await _cancelled(tasks)


async def _warmed_up(core: Core) -> None:
    try:
        await _warm(core)
    except Exception:
        # The server answers without this.
        _logger.exception("warming up ended")


async def _embedded(core: Core) -> None:
    try:
        await _catch_up(core)
    except Exception:
        _logger.exception("background work ended")


async def _warn(core: Core) -> None:
    while True:
        try:
            await core.notices.warn_of_expiring_keys()
        except Unavailable as error:
            _logger.warning("nobody could be told of keys that end soon", reason=str(error))
        except Exception:
            _logger.exception("looking for keys that end soon failed")
        await asyncio.sleep(_WARN_EVERY)


async def _sweep(core: Core, keep: timedelta | None) -> None:
    while True:
        try:
            await core.retention.drop_requests()
            if keep is not None and (purged := await core.retention.sweep(keep)):
                _logger.info("purged what was forgotten or has expired", memories=purged)
        except (Unavailable, Conflict) as error:
            _logger.warning("what was forgotten or has expired could not be purged yet", reason=str(error))
        except Exception:
            _logger.exception("purging what was forgotten or has expired failed")
        await asyncio.sleep(_SWEEP_EVERY)


async def _warm(core: Core) -> None:
    # One after the other: the model first, since every recall needs it.
    if core.embedder.model is not None:
        try:
            await core.embedder.embed_query("warm")
        except EmbeddingUnavailable as error:
            _logger.warning("the embedding model does not answer; keyword search works", reason=str(error))
    with suppress(Unavailable):
        for scope in await _scopes(core):
            await core.store.warm(scope, core.embedder.model)


async def _scopes(core: Core) -> list[Scope]:
    if core.local is not None:
        return [core.local]
    organizations = await core.store.organizations()
    return [Scope(organization_id=organization.id) for organization in organizations[:_WARMED_ORGANIZATIONS]]


async def _catch_up(core: Core) -> None:
    pause = _FIRST_PAUSE
    while core.embedder.model is not None:
        try:
            if await core.reindex.pending():
                await _embed_pending(core)
            pause = _FIRST_PAUSE
            await asyncio.sleep(_LOOK_AGAIN)
        except Unavailable as error:
            _logger.warning("memories are found by keyword only until they can be embedded", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


async def _embed_pending(core: Core) -> None:
    clock = asyncio.get_running_loop().time
    reported = clock()
    done = 0
    async for progress in core.reindex.run():
        done = progress.done
        if clock() - reported >= _REPORT_EVERY:
            reported = clock()
            _logger.info("embedding memories that have no vector yet", done=progress.done, total=progress.total)
    _logger.info("all memories have vectors", embedded=done)
