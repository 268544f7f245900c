"""Batches of texts that have no vector yet, shared out among processes: `core.ports_backlog.BacklogStore`.

A batch is a range of one organization's memories, noted in a row of its own. Whoever takes it notes in that row until
when, by the database's clock, embeds outside of any transaction, keeps the vectors in short ones, and ends the batch.
No row of a memory is locked in between. A process that ends without a word leaves a batch that is free again when its
time is over; what it had kept is not embedded again.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from polymem.core.ports import Batch, Embedding, EmbeddingModel, PendingText
from polymem.core.text import indexed_text
from polymem.storage import backlog_statements as statements
from polymem.storage.backend import EVERY_ORGANIZATION, Backend, Search, Transaction
from polymem.storage.embeddings import put_embeddings, to_model_params
from polymem.storage.rows import from_memory_row

_MICROSECOND = timedelta(microseconds=1)
_PLANNING = "plan"
_WRITTEN_AT_ONCE = 16
"""Vectors in one transaction: so many keep their organization's other writers waiting for some 20 ms, 64 for 80."""


class SqlBacklog:
    """See `core.ports_backlog.BacklogStore`."""

    def __init__(self, backend: Backend, search: Search) -> None:
        self._backend = backend
        self._search = search
        self._all_embedded: dict[EmbeddingModel, tuple[int, int]] = {}

    async def plan(self, model: EmbeddingModel, size: int, *, retry: bool = False) -> int | None:
        params = {**to_model_params(model), "size": size}
        if not retry:
            # In a transaction that reads: mostly there is nothing to do.
            left = await self._backend.read(EVERY_ORGANIZATION, lambda tx: self._look(tx, model))
            if left is not None:
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
        kept = 0
        for start in range(0, len(embeddings), _WRITTEN_AT_ONCE):
            part = embeddings[start : start + _WRITTEN_AT_ONCE]
            put = partial(self._put, organization_id=batch.organization_id, model=model, part=part)
            kept += await self._backend.write(batch.organization_id, put)
        done = {text.memory_id for text, _ in embeddings}
        failed = [text.memory_id for text in batch.texts if text.memory_id not in done]
        aside = {"failures": batch.failures + 1, "pause": retry_after // _MICROSECOND}
        await self._backend.write(
            batch.organization_id, partial(_end, params=_to_params(model, batch), failed=failed, aside=aside)
        )
        return kept

    async def give_back(self, model: EmbeddingModel, batch: Batch) -> None:
        params = _to_params(model, batch)
        await self._backend.write(batch.organization_id, lambda tx: tx.execute(statements.GIVE_BACK, params))

    def _look(self, tx: Transaction, model: EmbeddingModel) -> int | None:
        # How many texts are in batches; None when there is something to divide.
        params = to_model_params(model)
        if left := _left(tx, params):
            return left
        ((organizations, changes),) = tx.query(statements.CHANGES, {})
        changed = (int(organizations), int(changes))
        if self._all_embedded.get(model) != changed:
            # A look at every memory: a third of a second for a hundred thousand.
            if tx.query(statements.IS_UNPLANNED, params):
                return None
            self._all_embedded[model] = changed
        return 0

    def _put(
        self,
        tx: Transaction,
        organization_id: str,
        model: EmbeddingModel,
        part: Sequence[tuple[PendingText, Embedding]],
    ) -> int:
        # Those who embed wait for each other here, so that a user's write waits for one of them at most.
        tx.take_turn(f"embeddings of {organization_id}")
        kept = put_embeddings(tx, model, organization_id, part)
        if kept:
            self._search.follow(tx, organization_id)
        return kept


def _to_params(model: EmbeddingModel, batch: Batch) -> dict[str, Any]:
    return {
        **to_model_params(model),
        "organization_id": batch.organization_id,
        "first_id": batch.first_id,
        "holder": batch.holder,
    }


def _end(tx: Transaction, params: dict[str, Any], failed: Sequence[str], aside: dict[str, int]) -> None:
    tx.execute(statements.END, params)
    if failed and tx.query(statements.IS_THERE, params):
        tx.execute_many(statements.SET_ASIDE, [{**params, **aside, "first_id": memory_id} for memory_id in failed])


def _left(tx: Transaction, params: dict[str, Any]) -> int:
    ((count,),) = tx.query(statements.LEFT, params)
    return int(count)


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
