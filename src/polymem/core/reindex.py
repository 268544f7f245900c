"""Embedding what has no vector of the present model yet, while everything else goes on.

The backlog is divided into batches, which all processes that share the store take from, one at a time each. A batch is
its holder's for a while, which the holder prolongs for as long as it works; that of a process that has ended is taken
by another when the while is over.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from polymem.core.errors import EmbeddingUnavailable, Unavailable
from polymem.core.ports import Batch, Embedder, Embedding, EmbeddingModel, PendingText, Store

_BATCH = 64
_LEASE = timedelta(seconds=30)
"""After which a process that ended without a word no longer has its batch."""
_RENEW_SECONDS = 10.0
_LOOK_SECONDS = 0.5
"""Between two looks whether others are done with their batches."""
_SET_ASIDE = timedelta(hours=1)
"""Until a text is tried again that could not be embedded while others could; twice as long each time, a day at most."""
_LONGEST_SET_ASIDE = timedelta(days=1)
_READABLE = "memory"
"""A text that a model that answers at all can embed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` memories."""

    done: int
    total: int


class Reindex:
    """Brings the vectors up to the present model. Recall keeps answering: what is not embedded yet is
    found by its words, and vectors of the former model are neither compared nor removed before the end."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    async def pending(self) -> int:
        """How many memories have no vector of the present model; 0 without an embedder."""
        model = self._embedder.model
        return 0 if model is None else await self._store.count_pending(model)

    async def plan(self, *, retry: bool = False) -> int | None:
        """Divides what is pending, if nothing is divided yet; returns how many texts are in batches, None while another
        process is dividing. With `retry` texts that could not be embedded take part again at once.

        Raises EmbeddingUnavailable without an embedder, and when one that was never asked does not answer.
        """
        return await self._store.backlog.plan(await self._model(), _BATCH, retry=retry)

    async def take_part(self) -> AsyncIterator[int]:
        """Embeds batches until there is none to take; yields after each how many texts it was.

        Can be broken off at any time. Raises EmbeddingUnavailable.
        """
        model = await self._model()
        while (batch := await self._store.backlog.take(model, _LEASE)) is not None:
            yield await self._finish(model, batch)

    async def run(self, *, drop_former: bool = False) -> AsyncIterator[Progress]:
        """Embeds all that is pending, together with all processes that do; with `drop_former` removes other models'
        vectors at the end. What others embed meanwhile counts as done, and the end is when they have ended, too.

        Can be broken off and run again at any time. Raises EmbeddingUnavailable.
        """
        model = await self._model()
        done, total = 0, await self._store.count_pending(model)
        yield Progress(0, total)
        before = 0
        retry = True
        while (planned := await self.plan(retry=retry)) != 0:
            if planned is None:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            retry = False
            left = planned
            while left:
                async for _ in self.take_part():
                    left = await self._store.backlog.left(model)
                    # What is left grows when another process divides what has come since.
                    done = max(done, before + planned - left)
                    yield Progress(done, max(total, done))
                if left := await self._store.backlog.left(model):
                    # The others' batches; one of a process that has ended can be taken later.
                    await asyncio.sleep(_LOOK_SECONDS)
                done = max(done, before + planned - left)
                yield Progress(done, max(total, done))
            before = done
        if drop_former:
            await self._store.drop_embeddings(model)

    async def _model(self) -> EmbeddingModel:
        model = self._embedder.model
        if model is not None and not model.dimensions:
            # One that is asked over a network says how many there are with its first answer.
            await self._embedder.embed_documents([_READABLE])
            model = self._embedder.model
        if model is None:
            raise EmbeddingUnavailable("There is no embedder to reindex with")
        return model

    async def _finish(self, model: EmbeddingModel, batch: Batch) -> int:
        try:
            async with self._renewed(model, batch):
                embeddings = await self._embedded(batch.texts) if batch.texts else []
                retry_after = min(_SET_ASIDE * 2 ** min(batch.failures, 10), _LONGEST_SET_ASIDE)
                await self._store.backlog.keep(model, batch, embeddings, retry_after=retry_after)
        except (Unavailable, asyncio.CancelledError):
            # After any other error it is nobody's for a while, so that the batches behind it have their turn.
            with suppress(Unavailable):
                await self._store.backlog.give_back(model, batch)
            raise
        return len(batch.texts)

    @asynccontextmanager
    async def _renewed(self, model: EmbeddingModel, batch: Batch) -> AsyncIterator[None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(_RENEW_SECONDS)
                # Without it somebody may embed the same a second time, which does no harm.
                with suppress(Unavailable):
                    await self._store.backlog.renew(model, batch, _LEASE)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()

    async def _embedded(self, texts: Sequence[PendingText]) -> list[tuple[PendingText, Embedding]]:
        # Those of the texts that can be embedded.
        try:
            embeddings = await self._embedder.embed_documents([text.text for text in texts])
        except EmbeddingUnavailable:
            # Is it the model that does not answer, or one of the texts that it cannot read?
            await self._embedder.embed_documents([_READABLE])
            if len(texts) == 1:
                return []
            half = len(texts) // 2
            return await self._embedded(texts[:half]) + await self._embedded(texts[half:])
        return list(zip(texts, embeddings, strict=True))
