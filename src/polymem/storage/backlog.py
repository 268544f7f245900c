"""Batches of texts that have no vector yet, shared out among processes: `core.ports_backlog.BacklogStore`.

A batch is a range of one organization's memories, noted in a row of its own. Whoever takes it notes in that row until
when, by the database's clock, and embeds outside of any transaction; the vectors and the end of the batch are one
transaction. No row of a memory is locked in between. A process that ends without a word leaves a batch that is free
again when its time is over.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from polymem.core.ports import Batch, Embedding, EmbeddingModel, PendingText
from polymem.core.text import indexed_text
from polymem.storage import backlog_statements as statements
from polymem.storage.backend import EVERY_ORGANIZATION, Backend, Search, Transaction
from polymem.storage.embeddings import put_embeddings, to_model_params
from polymem.storage.rows import from_memory_row

_MICROSECOND = timedelta(microseconds=1)
_PLANNING = "plan"


class SqlBacklog:
    """See `core.ports_backlog.BacklogStore`."""

    def __init__(self, backend: Backend, search: Search) -> None:
        self._backend = backend
        self._search = search

    async def plan(self, model: EmbeddingModel, size: int, *, retry: bool = False) -> int | None:
        params = {**to_model_params(model), "size": size}
        if not retry:
            # In a transaction that reads: mostly there is nothing to do, and looking takes its time.
            nothing_to_do, left = await self._backend.read(EVERY_ORGANIZATION, lambda tx: _look(tx, params))
            if nothing_to_do:
                return left
        # Two that divide at once would not divide alike.
        claim = await self._backend.claim(_PLANNING)
        if claim is None:
            return None
        try:
            return await self._backend.write(EVERY_ORGANIZATION, lambda tx: _plan(tx, params, retry=retry))
        finally:
            await claim.release()

    async def left(self, model: EmbeddingModel) -> int:
        return await self._backend.read(EVERY_ORGANIZATION, lambda tx: _left(tx, to_model_params(model)))

    async def take(self, model: EmbeddingModel, lease: timedelta) -> Batch | None:
        params = {**to_model_params(model), "lease": lease // _MICROSECOND}
        if not await self._backend.read(EVERY_ORGANIZATION, lambda tx: tx.query(statements.IS_FREE, params)):
            return None
        return await self._backend.write(EVERY_ORGANIZATION, lambda tx: _take(tx, params))

    async def renew(self, model: EmbeddingModel, batch: Batch, lease: timedelta) -> bool:
        params = {**_to_params(model, batch), "lease": lease // _MICROSECOND}
        return await self._backend.write(batch.organization_id, lambda tx: tx.execute(statements.RENEW, params)) > 0

    async def keep(
        self,
        model: EmbeddingModel,
        batch: Batch,
        embeddings: Sequence[tuple[PendingText, Embedding]],
        *,
        retry_after: timedelta,
    ) -> int:
        params = _to_params(model, batch)
        done = {text.memory_id for text, _ in embeddings}
        aside = [
            {**params, "first_id": text.memory_id, "failures": batch.failures + 1, "pause": retry_after // _MICROSECOND}
            for text in batch.texts
            if text.memory_id not in done
        ]

        def change(tx: Transaction) -> int:
            kept = put_embeddings(tx, model, batch.organization_id, embeddings) if embeddings else 0
            tx.execute(statements.END, params)
            if aside and tx.query(statements.IS_THERE, params):
                tx.execute_many(statements.SET_ASIDE, aside)
            if kept:
                self._search.follow(tx, batch.organization_id)
            return kept

        return await self._backend.write(batch.organization_id, change)

    async def give_back(self, model: EmbeddingModel, batch: Batch) -> None:
        params = _to_params(model, batch)
        await self._backend.write(batch.organization_id, lambda tx: tx.execute(statements.GIVE_BACK, params))


def _to_params(model: EmbeddingModel, batch: Batch) -> dict[str, Any]:
    return {
        **to_model_params(model),
        "organization_id": batch.organization_id,
        "first_id": batch.first_id,
        "holder": batch.holder,
    }


def _left(tx: Transaction, params: dict[str, Any]) -> int:
    ((count,),) = tx.query(statements.LEFT, params)
    return int(count)


def _look(tx: Transaction, params: dict[str, Any]) -> tuple[bool, int]:
    # Whether there is nothing to divide, and how many texts are in batches.
    left = _left(tx, params)
    return left > 0 or not tx.query(statements.IS_UNPLANNED, params), left


def _plan(tx: Transaction, params: dict[str, Any], *, retry: bool) -> int:
    if retry:
        tx.execute(statements.TRY_AGAIN, params)
    if left := _left(tx, params):
        return left
    tx.execute(statements.DROP_OTHERS, params)
    return sum(texts for (texts,) in tx.query(statements.PLAN, params))


def _take(tx: Transaction, params: dict[str, Any]) -> Batch | None:
    rows = tx.query(statements.FREE, params)
    if not rows:
        return None
    organization_id, first_id, last_id, most, failures = rows[0]
    holder = secrets.token_hex(8)
    batch = {
        **params,
        "organization_id": organization_id,
        "first_id": first_id,
        "last_id": last_id,
        "texts": most,
        "holder": holder,
    }
    tx.execute(statements.TAKE, batch)
    texts = []
    for row in tx.query(statements.TEXTS, batch):
        memory = from_memory_row(row[:-1])
        texts.append(PendingText(organization_id, memory.id, row[-1], indexed_text(memory)))
    return Batch(
        organization_id=organization_id, first_id=first_id, holder=holder, failures=failures, texts=tuple(texts)
    )
