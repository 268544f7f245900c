"""Former states and changes on any database: `core.ports_time.TimeStore`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from polymem.core.filters import Filter, Sort
from polymem.core.model import Change, Memory, Page, Version
from polymem.core.people import Scope
from polymem.storage import past
from polymem.storage.backend import Backend


class SqlTime:
    """Reads the past; see `core.ports_time.TimeStore`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def get_many(self, scope: Scope, ids: Sequence[str], at: datetime) -> dict[str, Memory]:
        if not ids:
            return {}
        return await self._backend.read(scope.organization_id, lambda tx: past.get_many(tx, scope, ids, at))

    async def find(
        self, scope: Scope, filter: Filter, sort: Sort, limit: int, offset: int, at: datetime
    ) -> Page[Memory]:
        return await self._backend.read(
            scope.organization_id, lambda tx: past.find(tx, scope, filter, sort, limit, offset, at)
        )

    async def changes(
        self,
        scope: Scope,
        since: datetime,
        until: datetime,
        filter: Filter,
        kinds: Collection[Change] | None,
        limit: int,
        offset: int,
        descending: bool,
    ) -> Page[Version]:
        return await self._backend.read(
            scope.organization_id,
            lambda tx: past.changes(tx, scope, since, until, filter, kinds, limit, offset, descending),
        )
