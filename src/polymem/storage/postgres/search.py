"""Candidates from the database's own indexes: `storage.backend.Search` on PostgreSQL.

The two legs find memories by their vectors (`dense`) and by their words (`keyword`), restricted to what scope and
filter admit before anything is cut. The rows of what they found, and of its neighbours in conversations, are then
given to the very index that SQLite searches whole. It measures every signal and makes the final choice, so ranking is
one piece of code, and a memory has the same scores in both databases.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from polymem.core.filters import Forgotten
from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, EmbeddingModel
from polymem.storage.backend import Backend, Transaction
from polymem.storage.candidates import read_rows, read_tokens
from polymem.storage.filters import Predicate, to_predicate
from polymem.storage.postgres import dense, keyword
from polymem.storage.postgres.checking import disagreement, start_anew
from polymem.storage.postgres.counts import Counts
from polymem.storage.postgres.following import catch_up, follow, state
from polymem.storage.postgres.neighbours import around, beside
from polymem.storage.postgres.postings import remove_all
from polymem.storage.rows import is_storable
from polymem.storage.search import IndexedRow, OrganizationIndex, StateCache, Statistics
from polymem.storage.search import keyword as in_memory
from polymem.storage.search.analysis import analyse_query

_FROM_DENSE, _FROM_KEYWORD = 8, 40
"""Of so many best of each leg the neighbours become candidates too: what stands beside a good match is often the
answer, and may owe its place to the match alone."""

_DENSE_DISTANCE = 2


class PostgresSearch:
    """Keeps nothing but counts, and what `tokens` and `rows` hold: each with the change number it is good for.

    `make_index` is called, once, with the dimensions of vectors that have become so many that an index is worth having.
    """

    def __init__(
        self,
        backend: Backend,
        tokens: StateCache[bytes],
        rows: StateCache[IndexedRow],
        make_index: Callable[[int], object],
    ) -> None:
        self._backend = backend
        self._tokens = tokens
        self._rows = rows
        self._make_index = make_index
        self._asked: set[int] = set()
        self._counts = Counts()
        self._loading: dict[str, asyncio.Lock] = {}

    async def find(self, scope: Scope, query: CandidateQuery) -> Candidates:
        search = partial(self.search, scope=scope, query=query)
        found = await self._backend.read_recent(scope.organization_id, search)
        while found is None:
            await self.load(scope.organization_id, query.model)
            # A replica gets what was loaded later.
            found = await self._backend.read(scope.organization_id, search)
        self._ask_for_index(query.model, found.considered)
        return found

    async def load(self, organization_id: str, model: EmbeddingModel | None) -> None:
        async with self._loading.setdefault(organization_id, asyncio.Lock()):
            while await self._backend.write(organization_id, partial(catch_up, organization_id=organization_id)):
                pass

    def follow(self, tx: Transaction, organization_id: str) -> None:
        while follow(tx, organization_id):
            pass

    def forget(self, tx: Transaction, organization_id: str) -> None:
        remove_all(tx, organization_id)

    async def disagreement(self, organization_id: str) -> str | None:
        await self.load(organization_id, None)
        return await self._backend.read(organization_id, partial(disagreement, organization_id=organization_id))

    def start_anew(self, tx: Transaction, organization_id: str) -> None:
        start_anew(tx, organization_id)

    def search(self, tx: Transaction, scope: Scope, query: CandidateQuery) -> Candidates | None:
        now = state(tx, scope.organization_id)
        if now.missing:
            return None
        if not now.documents:
            return Candidates([], 0)
        model = query.model if query.vector is not None else None
        where = to_predicate(scope, (*query.filter, Forgotten(False)))
        counted = self._counts.of(tx, scope, query.filter, where, model, now)
        if not counted.considered:
            return Candidates([], 0)

        vector = None
        by_meaning: list[str] = []
        if model is not None and query.vector is not None:
            vector = dense.to_vector_param(query.vector, model)
            by_meaning = dense.nearest(tx, where, vector, query.depth, counted, now.documents)
        words = [id_ for word in dict.fromkeys(query.words) for id_ in analyse_query(word).ids]
        scored = keyword.score(tx, scope.organization_id, query.text, words, now)
        by_words = keyword.best(tx, where, scored, query.depth, counted.considered, now.documents)

        found = self._measured(tx, scope, query, where, by_meaning, by_words, scored.statistics)
        if query.include is not None:
            _rank_included(tx, where, query, found, vector, scored)
        without_vector = 0 if query.vector is None else counted.considered - counted.visible
        return Candidates(found.items, counted.considered, without_vector)

    def _measured(
        self,
        tx: Transaction,
        scope: Scope,
        query: CandidateQuery,
        where: Predicate,
        by_meaning: list[str],
        by_words: list[str],
        statistics: Statistics,
    ) -> Candidates:
        """The candidates among what the legs found and its neighbours, with their signals."""
        organization_id = scope.organization_id
        candidates = set(by_meaning).union(by_words)
        near = beside(tx, organization_id, by_meaning[:_FROM_DENSE], _DENSE_DISTANCE, _DENSE_DISTANCE)
        # Turned round: those for which the match is one of the places before or after that count.
        near |= beside(tx, organization_id, by_words[:_FROM_KEYWORD], len(in_memory.AFTER), len(in_memory.BEFORE))
        if query.include is not None and is_storable(query.include):
            near.add(query.include)
        candidates.update(dense.admitted(tx, where, list(near - candidates)))
        wanted = around(tx, organization_id, candidates)
        index = OrganizationIndex(query.model)
        index.apply(read_rows(self._rows, tx, organization_id, query.model, wanted), [], 1)
        # The rows are the organization's alone and the candidates admitted already: neither is asked again.
        return index.search(
            Scope(organization_id=organization_id),
            replace(query, filter=()),
            allowed_ids=candidates,
            fetch_tokens=partial(read_tokens, self._tokens, tx, organization_id, query.model),
            statistics=statistics,
        )

    def _ask_for_index(self, model: EmbeddingModel | None, considered: int) -> None:
        if model is None or considered <= dense.EXACT_ROWS or model.dimensions in self._asked:
            return
        self._asked.add(model.dimensions)
        if model.dimensions <= dense.LONGEST_INDEXED:
            self._make_index(model.dimensions)


def _rank_included(
    tx: Transaction,
    where: Predicate,
    query: CandidateQuery,
    found: Candidates,
    vector: dict[str, object] | None,
    scored: keyword.Scored,
) -> None:
    """Gives the memory that was asked for by name its place among all, where it is not among the best."""
    item = next((item for item in found.items if item.memory_id == query.include), None)
    if item is None:
        return
    if vector is not None and item.cosine is not None and (item.dense_rank is None or item.dense_rank > query.depth):
        item.dense_rank = dense.rank(tx, where, vector, item.memory_id)
    if item.keyword and (item.keyword_rank is None or item.keyword_rank > query.depth):
        item.keyword_rank = keyword.rank(tx, where, scored, item.memory_id)
