"""Candidates for recalls about the past, from search indexes of former states.

The index of a past begins as a copy of the present one, in which every memory that changed since is put back to the
state it had. Between two changes every instant has the same past, so a past is named by the last change before it
(its edge). Nothing can be added to a past, but memories can be purged from it, vectors be added to its texts, and a
change that was under way be committed late: an index follows the change numbers like that of the present.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from polymem.core.filters import IdIn, InProjects, Not
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, EmbeddingModel
from polymem.core.text import indexed_text, is_question, speaker, words
from polymem.storage import past, time_statements
from polymem.storage.backend import Backend, Search, Transaction
from polymem.storage.candidates import SLICE, CandidateSearch, last_seq, removed_ids
from polymem.storage.embeddings import to_model_params
from polymem.storage.people import project_keys
from polymem.storage.rows import from_micros, storable, to_micros, to_optional_micros
from polymem.storage.search import IndexCache, IndexedRow, OrganizationIndex, analyse, is_current, split_filter

_MOST_PASTS = 8
_SHARE = 0.25
"""Part of the indexes' budget that those of pasts may take beside those of the present."""

_PUT_BACK = 2**62
"""Added to the change number of a row that was put back, so that it is newer than the copied one it replaces."""

_Key = tuple[str, EmbeddingModel | None, int]


class _Past:
    """The index of one past, and which of its memories have changed since."""

    def __init__(self, index: OrganizationIndex, edge: datetime) -> None:
        self.index = index
        self.edge = edge
        self.changed: set[str] = set()
        self.lock = threading.Lock()


class PastSearch:
    """Candidates among former states. Keeps the pasts asked for last, least recently used first to go."""

    def __init__(self, backend: Backend, cache: IndexCache, index: CandidateSearch, present: Search) -> None:
        """`index` gives the copies that pasts begin with, `present` answers where the past is still the present."""
        self._backend = backend
        self._index = index
        self._budget = int(cache.budget * _SHARE)
        self._present = present
        self._pasts: OrderedDict[_Key, _Past] = OrderedDict()
        self._building: dict[_Key, asyncio.Lock] = {}
        self._lock = threading.Lock()

    async def find(self, scope: Scope, query: CandidateQuery) -> Candidates:
        """What `ports.Store.candidates` describes, for a query with `known_at`."""
        while True:
            found = await self._backend.read(scope.organization_id, partial(self._search, scope=scope, query=query))
            if isinstance(found, Candidates):
                return found
            if found is None:
                await self._present.load(scope.organization_id, query.model)
            else:
                await self._build(found)

    def drop(self) -> None:
        """Forget all pasts; the next question builds its own anew."""
        with self._lock:
            self._pasts.clear()

    # --- searching ---------------------------------------------------------------------------

    def _search(self, tx: Transaction, scope: Scope, query: CandidateQuery) -> Candidates | _Key | None:
        # None when the present must be loaded first, a key when that past must be built first.
        assert query.known_at is not None
        params = {"organization_id": scope.organization_id, "at": to_micros(query.known_at)}
        ((edge,),) = tx.query(time_statements.EDGE, params)
        if edge is None:
            return Candidates([], 0)
        if not tx.query(time_statements.LATER, params):
            return self._present.search(tx, scope, query)
        key = (scope.organization_id, query.model, int(edge))
        with self._lock:
            known = self._pasts.get(key)
            if known is None:
                return key
            self._pasts.move_to_end(key)
        with known.lock:
            if last_seq(tx, scope.organization_id) - known.index.position > SLICE:
                return key
            while _follow_once(tx, scope.organization_id, known):
                pass
            changed = known.changed.copy()
        return _candidates(tx, scope, query, known, changed)

    # --- building ----------------------------------------------------------------------------

    async def _build(self, key: _Key) -> None:
        # Slice by slice, as the present is loaded, so that others get their turn. One builds, others wait for it.
        organization_id = key[0]
        async with self._building.setdefault(key, asyncio.Lock()):
            with self._lock:
                known = self._pasts.get(key)
            if known is None:
                known = await self._begin(key)
            while await self._backend.read(organization_id, partial(self._follow_slice, organization_id, known)):
                pass
            await asyncio.to_thread(_compact, known)
            with self._lock:
                self._pasts[key] = known
                self._pasts.move_to_end(key)
                self._make_room()
        with self._lock:
            self._building.pop(key, None)

    async def _begin(self, key: _Key) -> _Past:
        organization_id, model, edge = key
        copy = None
        while copy is None:
            await self._index.load(organization_id, model)
            copy = await self._backend.read(
                organization_id, partial(self._index.copied, organization_id=organization_id, model=model)
            )
        known = _Past(copy, from_micros(edge))
        turned = await self._backend.read(
            organization_id, lambda tx: past.changed_since(tx, organization_id, known.edge)
        )
        known.changed.update(turned)
        known.index.apply([], [id_ for id_, version in turned.items() if not version], known.index.position)
        for ids in past.batches([id_ for id_, version in turned.items() if version]):
            await self._backend.read(
                organization_id, partial(_put_back, organization_id=organization_id, known=known, ids=ids)
            )
        return known

    def _follow_slice(self, organization_id: str, known: _Past, tx: Transaction) -> bool:
        # Whether there may be more.
        with known.lock:
            return _follow_once(tx, organization_id, known)

    def _make_room(self) -> None:
        # Called with the lock held. The one asked for last stays, even if it alone is too large.
        while len(self._pasts) > 1:
            total = sum(known.index.nbytes for known in self._pasts.values())
            if len(self._pasts) <= _MOST_PASTS and total <= self._budget:
                return
            self._pasts.popitem(last=False)


# --- following ---------------------------------------------------------------------------------


def _put_back(tx: Transaction, organization_id: str, known: _Past, ids: Sequence[str]) -> None:
    rows, _ = _indexed_states(tx, organization_id, known, ids)
    known.index.apply(rows, [], known.index.position)


def _follow_once(tx: Transaction, organization_id: str, known: _Past) -> bool:
    """Takes in the next changes; whether there may be more."""
    position = known.index.position
    params = {"organization_id": organization_id, "position": position, "limit": SLICE}
    found = tx.query(time_statements.CHANGED_IDS, params)
    reached = found[-1][1] if len(found) == SLICE else last_seq(tx, organization_id)
    if reached == position:
        return False
    ids = [row[0] for row in found]
    purged = removed_ids(tx, organization_id, position, reached)
    rows, same = _indexed_states(tx, organization_id, known, ids)
    there = {row.memory_id for row in rows}
    known.index.apply(rows, [*purged, *(id_ for id_ in ids if id_ not in there)], reached)
    known.changed.difference_update(purged)
    known.changed.update(id_ for id_ in ids if id_ not in same)
    return len(found) == SLICE


def _indexed_states(
    tx: Transaction, organization_id: str, known: _Past, ids: Sequence[str]
) -> tuple[list[IndexedRow], set[str]]:
    # The rows of those that were known, and the ids of those that still stand as they stood.
    params = {
        **to_model_params(known.index.model),
        "organization_id": organization_id,
        "ids": storable(ids),
        "at": to_micros(known.edge),
    }
    found = tx.query(time_statements.INDEXED_STATES, params)
    keys = project_keys(tx, Scope(organization_id=organization_id)) if found else {}
    rows, same = [], set()
    for row in found:
        memory = past.from_state_row(organization_id, row[: past.STATE_WIDTH], keys)
        seq, arrival, newest, terms, vectors, count = row[past.STATE_WIDTH :]
        if newest == memory.version:
            same.add(memory.id)
        name = speaker(memory)
        rows.append(
            IndexedRow(
                memory_id=memory.id,
                seq=seq + _PUT_BACK,
                arrival=arrival,
                project_id=memory.project_id,
                kind=memory.kind,
                importance=memory.importance,
                weight=memory.weight,
                created_at=to_micros(memory.created_at),
                updated_at=to_micros(memory.updated_at),
                occurred_at=to_optional_micros(memory.occurred_at),
                expires_at=to_optional_micros(memory.expires_at),
                container=memory.container,
                superseded=memory.superseded_by is not None,
                forgotten=memory.forgotten_at is not None,
                words=len(words(memory.content)),
                is_question=is_question(memory),
                speaker=None if name is None else name.casefold(),
                # Entries made by an older analysis are made anew.
                terms=terms if terms is not None and is_current(terms) else analyse(indexed_text(memory)).encode(),
                vectors=vectors,
                vector_count=count,
            )
        )
    return rows, same


def _compact(known: _Past) -> None:
    with known.lock:
        if known.index.needs_compaction:
            known.index = known.index.compacted()


# --- asking ------------------------------------------------------------------------------------


def _candidates(
    tx: Transaction, scope: Scope, query: CandidateQuery, known: _Past, changed: Collection[str]
) -> Candidates:
    own, by_rows = split_filter(query.filter)
    allowed = None
    if by_rows:
        narrow = tuple(clause for clause in query.filter if isinstance(clause, InProjects))
        allowed = past.matching_ids(tx, scope, narrow, by_rows, known.edge, changed)
    elif scope.projects is not None:
        # The index knows the project a memory was in; the caller must reach the one it is in now, too.
        out_of_reach = set(changed) - past.reached_ids(tx, scope, changed)
        own = (*own, Not(IdIn(frozenset(out_of_reach)))) if out_of_reach else own
    fetch = partial(_vectors, tx, scope.organization_id, query.model, known.edge)
    asked = replace(query, filter=(*own, *by_rows))
    tokens = partial(_tokens, tx, scope.organization_id, query.model, known.edge)
    return known.index.search(scope, asked, allowed_ids=allowed, fetch_vectors=fetch, fetch_tokens=tokens)


def _vectors(
    tx: Transaction, organization_id: str, model: EmbeddingModel | None, edge: datetime, ids: Sequence[str]
) -> Mapping[str, bytes]:
    params = {
        **to_model_params(model),
        "organization_id": organization_id,
        "ids": list(ids),
        "at": to_micros(edge),
    }
    return dict(tx.query(time_statements.STATE_VECTORS, params))


def _tokens(
    tx: Transaction, organization_id: str, model: EmbeddingModel | None, edge: datetime, wanted: Mapping[str, int]
) -> Mapping[str, bytes]:
    # Not remembered: the change numbers of former states do not tell one past from another.
    params = {
        **to_model_params(model),
        "organization_id": organization_id,
        "ids": list(wanted),
        "at": to_micros(edge),
    }
    return {id_: bytes(tokens or b"") for id_, tokens in tx.query(time_statements.STATE_TOKENS, params)}
