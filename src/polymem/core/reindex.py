"""Embedding what has no vector of the present model yet, while everything else goes on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedder, Store

_BATCH = 64


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

    async def run(self, *, drop_former: bool = False) -> AsyncIterator[Progress]:
        """Embeds all that is pending, batch by batch; with `drop_former` removes other models' vectors at the end.

        Can be broken off and run again at any time. Raises EmbeddingUnavailable.
        """
        model = self._embedder.model
        if model is None:
            raise EmbeddingUnavailable("There is no embedder to reindex with")
        done, total = 0, await self._store.count_pending(model)
        yield Progress(done, total)
        while pending := await self._store.pending_texts(model, _BATCH):
            embeddings = await self._embedder.embed_documents([text.text for text in pending])
            await self._store.put_embeddings(model, list(zip(pending, embeddings, strict=True)))
            done += len(pending)
            yield Progress(done, max(total, done))
        if drop_former:
            await self._store.drop_embeddings(model)
