"""Feeding the in-memory search index from the rows, and asking it for candidates.

The index of an organization knows up to which change number it is complete. A search reads the newest number in its
own transaction, feeds the few changes that are missing, and searches: it never misses a committed memory. When many
are missing (the first use, or another process's bulk load) they are fed in slices before, each in a transaction of
its own, so that the reading threads stay free for others in between.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from polymem.core.filters import InProjects
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, EmbeddingModel
from polymem.core.text import indexed_text
from polymem.storage import statements
from polymem.storage.backend import Backend, Transaction
from polymem.storage.embeddings import to_model_params, to_token_space
from polymem.storage.filters import to_predicate
from polymem.storage.memories import get_many
from polymem.storage.search import (
    IndexCache,
    IndexedRow,
    OrganizationIndex,
    StateCache,
    analyse,
    is_current,
    split_filter,
)

SLICE = 2000
"""Changes fed in one transaction: some tens of milliseconds."""


class CandidateSearch:
    """Candidates for recalls, from indexes that catch up by themselves."""

    def __init__(self, backend: Backend, cache: IndexCache, tokens: StateCache[bytes]) -> None:
        self._backend = backend
        self._cache = cache
        self._tokens = tokens
        self._loading: dict[str, asyncio.Lock] = {}

    async def find(self, scope: Scope, query: CandidateQuery) -> Candidates:
        """What `ports.Store.candidates` describes."""
        search = partial(self.search, scope=scope, query=query)
        found = await self._backend.read(scope.organization_id, search)
        while found is None:
            # Held meanwhile, or another organization's load could push it out before it is whole.
            with self._cache.use(scope.organization_id, query.model, 0, _nothing):
                await self.load(scope.organization_id, query.model)
                found = await self._backend.read(scope.organization_id, search)
        return found

    async def load(self, organization_id: str, model: EmbeddingModel | None) -> None:
        """Brings the organization's index up to date, slice by slice. One caller loads, others wait for it."""
        feed = partial(self._feed_slice, organization_id=organization_id, model=model)
        async with self._loading.setdefault(organization_id, asyncio.Lock()):
            with self._cache.use(organization_id, model, 0, _nothing):
                while await self._backend.read(organization_id, feed):
                    pass

    def follow(self, tx: Transaction, organization_id: str) -> None:
        """Nothing: an index takes in what has changed when it is next asked."""

    def forget(self, tx: Transaction, organization_id: str) -> None:
        """Nothing: an index that is not asked any more is let go."""

    async def disagreement(self, organization_id: str) -> None:
        """None: nothing is kept but in memory."""

    def start_anew(self, tx: Transaction, organization_id: str) -> None:
        """Nothing: who repairs rows drops the indexes."""

    def search(self, tx: Transaction, scope: Scope, query: CandidateQuery) -> Candidates | None:
        """The same inside a transaction; None when so much is missing that `load` must come first."""
        organization_id, model = scope.organization_id, query.model
        last = last_seq(tx, organization_id)
        if last - self._position(organization_id, model) > SLICE:
            return None
        _, by_rows = split_filter(query.filter)
        allowed = None
        if by_rows:
            # The index looks after its own clauses; of those only the project is worth a database's while too.
            narrow = tuple(clause for clause in query.filter if isinstance(clause, InProjects))
            where = to_predicate(scope, (*narrow, *by_rows))
            allowed = {row[0] for row in tx.query(statements.MATCHING_IDS.format(where=where.sql), where.params)}
        fetch = partial(_vectors, tx, organization_id, model)
        tokens = partial(read_tokens, self._tokens, tx, organization_id, model)
        with self._cache.use(organization_id, model, last, partial(_feed, tx, organization_id, last)) as index:
            return index.search(scope, query, allowed_ids=allowed, fetch_vectors=fetch, fetch_tokens=tokens)

    def copied(self, tx: Transaction, organization_id: str, model: EmbeddingModel | None) -> OrganizationIndex | None:
        """A copy of the organization's index at this transaction's moment; None as `search`."""
        last = last_seq(tx, organization_id)
        if last - self._position(organization_id, model) > SLICE:
            return None
        with self._cache.use(organization_id, model, last, partial(_feed, tx, organization_id, last)) as index:
            return index.compacted()

    def _feed_slice(self, tx: Transaction, organization_id: str, model: EmbeddingModel | None) -> bool:
        # Whether there is more.
        last = last_seq(tx, organization_id)
        with self._cache.use(organization_id, model, last, partial(_feed_one, tx, organization_id, last)) as index:
            return index.position < last

    def _position(self, organization_id: str, model: EmbeddingModel | None) -> int:
        with self._cache.use(organization_id, model, 0, _nothing) as index:
            return index.position


def read_tokens(
    cache: StateCache[bytes],
    tx: Transaction,
    organization_id: str,
    model: EmbeddingModel | None,
    wanted: Mapping[str, int],
) -> Mapping[str, bytes]:
    """What `search.second_stage.FetchTokens` describes, remembered in `cache`."""
    space = to_token_space(model)
    found = cache.get_many(organization_id, space, wanted)
    missing = [id_ for id_ in wanted if id_ not in found]
    if missing:
        params = {**to_model_params(model), "organization_id": organization_id, "ids": missing}
        read = {id_: (seq, bytes(tokens or b"")) for id_, seq, tokens in tx.query(statements.CURRENT_TOKENS, params)}
        found.update((id_, tokens) for id_, (_, tokens) in read.items())
        # Those without tokens are remembered as such, until a change brings some.
        entries = [(id_, *read.get(id_, (wanted[id_], b""))) for id_ in missing]
        cache.put_many(organization_id, space, entries)
    return found


def _nothing(_: OrganizationIndex) -> None:
    """For a look at an index as it is."""


def last_seq(tx: Transaction, organization_id: str) -> int:
    """The number of the organization's newest change."""
    rows = tx.query(statements.LAST_SEQ, {"organization_id": organization_id})
    return rows[0][0] if rows else 0


def _feed(tx: Transaction, organization_id: str, until: int, index: OrganizationIndex) -> None:
    # Whatever lies between the index's position and `until`, however much that has become.
    while index.position < until:
        _feed_one(tx, organization_id, until, index)


def _feed_one(tx: Transaction, organization_id: str, until: int, index: OrganizationIndex) -> None:
    # One slice. Its position is read here, where the cache lets nobody else feed or replace this index.
    position = index.position
    rows = _changed(tx, organization_id, index.model, position)
    reached = rows[-1].seq if len(rows) == SLICE else until
    index.apply(rows, removed_ids(tx, organization_id, position, reached), reached)


def _changed(tx: Transaction, organization_id: str, model: EmbeddingModel | None, position: int) -> list[IndexedRow]:
    params = {
        **to_model_params(model),
        "organization_id": organization_id,
        "position": position,
        "limit": SLICE,
    }
    return _with_current_terms(
        tx, organization_id, [IndexedRow._make(row) for row in tx.query(statements.CHANGED, params)]
    )


def read_rows(
    cache: StateCache[IndexedRow],
    tx: Transaction,
    organization_id: str,
    model: EmbeddingModel | None,
    wanted: Mapping[str, int],
) -> Iterable[IndexedRow]:
    """Some memories (id → change number) as an index sees them, remembered in `cache`."""
    space = "" if model is None else f"{model.dimensions} {model.name}"
    found = cache.get_many(organization_id, space, wanted)
    missing = [id_ for id_ in wanted if id_ not in found]
    if missing:
        params = {**to_model_params(model), "organization_id": organization_id, "ids": missing}
        read = [IndexedRow._make(row) for row in tx.query(statements.INDEXED, params)]
        read = _with_current_terms(tx, organization_id, read)
        found.update((row.memory_id, row) for row in read)
        cache.put_many(organization_id, space, [(row.memory_id, row.seq, row) for row in read])
    return found.values()


def removed_ids(tx: Transaction, organization_id: str, position: int, until: int) -> list[str]:
    """The memories purged by the changes after `position` up to `until`."""
    params = {"organization_id": organization_id, "position": position, "until": until}
    return [row[0] for row in tx.query(statements.REMOVED, params)]


def _with_current_terms(tx: Transaction, organization_id: str, rows: list[IndexedRow]) -> list[IndexedRow]:
    # Entries made by an older analysis are made anew for the index; `verify --repair` does so for good.
    stale = [row.memory_id for row in rows if row.terms is None or not is_current(row.terms)]
    if not stale:
        return rows
    memories = get_many(tx, Scope(organization_id=organization_id), stale)
    return [
        row._replace(terms=analyse(indexed_text(memories[row.memory_id])).encode())
        if row.memory_id in memories
        else row
        for row in rows
    ]


def _vectors(
    tx: Transaction, organization_id: str, model: EmbeddingModel | None, ids: Sequence[str]
) -> Mapping[str, bytes]:
    params = {**to_model_params(model), "organization_id": organization_id, "ids": list(ids)}
    return dict(tx.query(statements.CURRENT_VECTORS, params))
