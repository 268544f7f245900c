"""What a server does beside answering: it warms up, embeds what has no vector yet, warns, and removes what is over.

All processes that share a store embed together. One of them, whoever has the claim, divides what there is to embed, and
does the rest alone. When that one ends or loses its connection to the store, another takes over.
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
_PLAN_EVERY = 60.0
"""Seconds between two looks for texts without a vector: those kept while the embedder could not answer."""
_LOOK_FOR_BATCHES = 5.0
"""Seconds between two looks whether there is a batch of them to take: one row, by an index."""
_REPORT_EVERY = 10.0
_WARN_EVERY = 3600.0
_SWEEP_EVERY = 3600.0
_JOB = "chores"
_LOOK_FOR_CLAIM = 10.0
"""Seconds after which another process takes over from one that has ended, at most."""


@asynccontextmanager
async def chores(core: Core, keep: timedelta | None = None) -> AsyncIterator[None]:
    """Does the chores until the block ends. What was forgotten or expired is purged after `keep`; never for None."""
    planned = asyncio.Event()
    tasks = [
        asyncio.create_task(chore) for chore in (_warmed_up(core), _embed(core, planned), _lead(core, keep, planned))
    ]
    try:
        yield
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _lead(core: Core, keep: timedelta | None, planned: asyncio.Event) -> None:
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
                await _while_held(claim, core, keep, planned)
            finally:
                await claim.release()
        await asyncio.sleep(_LOOK_FOR_CLAIM)


async def _while_held(claim: Claim, core: Core, keep: timedelta | None, planned: asyncio.Event) -> None:
    _logger.debug("this process does the background work")
    tasks = [asyncio.create_task(chore) for chore in (_plan(core, planned), _warn(core), _sweep(core, keep))]
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


async def _plan(core: Core, planned: asyncio.Event) -> None:
    while core.embedder.model is not None:
        try:
            if texts := await core.reindex.plan():
                _logger.debug("there are memories without a vector", memories=texts)
                planned.set()
        except (Unavailable, Conflict) as error:
            _logger.debug("it cannot be told yet which memories have no vector", reason=str(error))
        except Exception:
            _logger.exception("looking for memories that have no vector failed")
        await asyncio.sleep(_PLAN_EVERY)


async def _embed(core: Core, planned: asyncio.Event) -> None:
    pause = _FIRST_PAUSE
    while core.embedder.model is not None:
        try:
            await _embed_batches(core)
            pause = _FIRST_PAUSE
            planned.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(planned.wait(), _LOOK_FOR_BATCHES)
            continue
        except Unavailable as error:
            _logger.warning("memories are found by keyword only until they can be embedded", reason=str(error))
        except Exception:
            _logger.exception("embedding memories that have no vector failed")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _embed_batches(core: Core) -> None:
    clock = asyncio.get_running_loop().time
    reported = clock()
    done = 0
    async for texts in core.reindex.take_part():
        done += texts
        if clock() - reported >= _REPORT_EVERY:
            reported = clock()
            _logger.info("embedding memories that have no vector yet", done=done)
    if done:
        _logger.info("there is nothing left to embed that no other process has taken", embedded=done)
