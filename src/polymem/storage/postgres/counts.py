"""How many memories scope and filter admit, and how many of them have a vector.

Counting a hundred thousand rows takes some milliseconds, so counts are kept for as long as they must be right: until
the organization's next change, and until the next of the counted memories expires. The number of the newest change is
read in the asking transaction, so another process's changes end them as well.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

from polymem.core.filters import Expired, Filter
from polymem.core.people import Scope
from polymem.core.ports import EmbeddingModel
from polymem.storage.backend import Transaction
from polymem.storage.embeddings import to_model_params
from polymem.storage.filters import Predicate
from polymem.storage.postgres.following import State
from polymem.storage.rows import to_micros

_MOST = 1024
"""Counts kept at once."""

CONSIDERED = """
SELECT count(*), min(m.expires_at) FILTER (WHERE m.expires_at > :counted_at) FROM memories m WHERE {where}"""

EMBEDDED = """
SELECT count(*) FROM search_vectors
WHERE organization_id = :organization_id AND model = :model AND dimensions = :dimensions AND place = 0"""

VISIBLE = """
SELECT count(*) FROM memories m
JOIN search_vectors v ON v.organization_id = m.organization_id AND v.memory_id = m.id
WHERE {where} AND v.model = :model AND v.dimensions = :dimensions AND v.place = 0"""


class Counted(NamedTuple):
    """How many memories are admitted (`considered`), and how many of those have a vector (`visible`)."""

    considered: int
    visible: int


@dataclass(frozen=True, slots=True)
class _Count:
    last_seq: int
    since: int
    until: int | None
    counted: Counted


class Counts:
    """Counts of the filters used last. Safe for threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self,
        tx: Transaction,
        scope: Scope,
        filter_: Filter,
        where: Predicate,
        model: EmbeddingModel | None,
        now: State,
    ) -> Counted:
        """What `where`, which says what `scope` and `filter_` do, admits; without a `model` nothing has a vector."""
        # Asked again a moment later it is the same filter, as long as nothing has expired meanwhile.
        rest = tuple(clause for clause in filter_ if not (isinstance(clause, Expired) and not clause.expired))
        instants = [to_micros(clause.at) for clause in filter_ if isinstance(clause, Expired) and not clause.expired]
        at = max(instants, default=0)
        # By how it is written: in Python 1 and True are equal, and in a filter they are not.
        key = (scope.organization_id, scope.projects, repr(rest), len(instants), model)
        with self._lock:
            kept = self._kept.get(key) if len(instants) < 2 else None
        if kept and kept.last_seq == now.last_seq and kept.since <= at and (kept.until is None or at < kept.until):
            return kept.counted
        ((considered, until),) = tx.query(CONSIDERED.format(where=where.sql), {**where.params, "counted_at": at})
        visible = self._visible(tx, scope, where, model, now, considered) if model is not None and considered else 0
        counted = Counted(considered, visible)
        with self._lock:
            self._kept[key] = _Count(now.last_seq, at, until if instants else None, counted)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return counted

    @staticmethod
    def _visible(
        tx: Transaction, scope: Scope, where: Predicate, model: EmbeddingModel, now: State, considered: int
    ) -> int:
        params = {**where.params, **to_model_params(model)}
        if considered * 4 > now.documents:
            # Mostly every memory has one, which is told without looking at the memories.
            ((embedded,),) = tx.query(EMBEDDED, params)
            if embedded == now.documents:
                return considered
        ((visible,),) = tx.query(VISIBLE.format(where=where.sql), params)
        return int(visible)
