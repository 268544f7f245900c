"""Moving a whole store into another database: every row of every table as it is, ids, versions, times and vectors.

    moved = await move(source, target, tables, from_="its name", watch=…)

The rows travel in batches, each in one transaction with the note of how far it goes, so that a move that was
interrupted goes on where it stood. As long as there are such notes the target is not served. At the end both sides are
read again and compared, organization by organization; what differs is removed from the target and has to be moved
anew.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from polymem.core.errors import Conflict
from polymem.storage.backend import EVERY_ORGANIZATION, NO_ORGANIZATION, Backend, Row, Tenant, Transaction
from polymem.storage.move_tables import ORGANIZATION, Table

BATCH_BYTES = 4 * 1024 * 1024
"""About how much travels in one transaction."""

_FEWEST, _MOST = 16, 4096
_WHOLE = ""
"""Stands for the organization where a table is copied as a whole."""

_SOURCE = "SELECT position FROM moves WHERE item = '' AND owner = ''"
_POSITIONS = "SELECT item, owner, position FROM moves WHERE item <> ''"
_NOTE = """
INSERT INTO moves (item, owner, position) VALUES (:item, :owner, :position)
ON CONFLICT (item, owner) DO UPDATE SET position = excluded.position"""

Watch = Callable[[str, int, int], None]
"""Told now and then what is going on ("Copying", "Comparing"), how many rows are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows, and a checksum of them that does not depend on their order."""

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.rows + other.rows, (self.checksum + other.checksum) % 2**128)


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: a sum for each organization by id, and under "" for accounts and what else is of no one."""

    sums: dict[str, Sum] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(one.rows for one in self.sums.values())


def unfinished(tx: Transaction) -> str | None:
    """Where a move into this database comes from, if one was begun and has not ended."""
    rows = tx.query(_SOURCE, {})
    return str(rows[0][0]) if rows else None


async def move(source: Backend, target: Backend, tables: Sequence[Table], *, from_: str, watch: Watch) -> Moved:
    """Moves everything, or the rest of it; returns once both sides are found to be equal.

    Raises Conflict: one of them is in use by another process, the target holds something else or is being filled from
    another source, or the source was changed meanwhile. Raises Unavailable.
    """
    for backend, side in ((source, "source"), (target, "target")):
        if not await backend.alone():
            raise Conflict(f"Another process has the {side} open: stop every polymem that uses it")
    if (left := await source.read(NO_ORGANIZATION, unfinished)) is not None:
        raise Conflict(f"The source itself is an unfinished move from {left}")
    await target.write(EVERY_ORGANIZATION, partial(_begin, tables=tables, from_=from_))
    positions = {
        (item, owner): json.loads(at)
        for item, owner, at in await target.read(NO_ORGANIZATION, lambda tx: tx.query(_POSITIONS, {}))
    }
    owners = {table.name: await source.read(EVERY_ORGANIZATION, partial(_owners, table=table)) for table in tables}
    total = sum(sum(of_table.values()) for of_table in owners.values())
    copying = _Progress("Copying", total, watch)
    for table in tables:
        for owner, rows in owners[table.name].items():
            at = positions.get((table.name, owner), [])
            if at is None:
                copying.add(rows)
            else:
                await _copy(source, target, table, owner, at, copying)
    return await _compare(source, target, tables, _Progress("Comparing", 2 * total, watch))


class _Progress:
    def __init__(self, what: str, total: int, watch: Watch) -> None:
        self._what, self._total, self._watch = what, total, watch
        self._done = 0
        self.add(0)

    def add(self, rows: int) -> None:
        self._done += rows
        self._watch(self._what, self._done, max(self._total, self._done))


# --- beginning -----------------------------------------------------------------------------------


def _begin(tx: Transaction, tables: Sequence[Table], from_: str) -> None:
    begun = unfinished(tx)
    if begun == from_:
        return
    if begun is not None:
        raise Conflict(f"The target is being filled from {begun}; finish that move, or take an empty database")
    for table in tables:
        # What a server makes by itself when it is first started is no content.
        allowed = {"organizations": 1, "server_secrets": 1}.get(table.name, 0)
        ((rows,),) = tx.query(f"SELECT count(*) FROM {table.name}", {})
        if rows > allowed:
            raise Conflict(f"The target is not empty (there are {rows} rows in {table.name}): take an empty database")
    for table in reversed(tables):
        if not table.by_organization:
            tx.execute(table.delete, {})
    tx.execute(_NOTE, {"item": "", "owner": "", "position": from_})


def _owners(tx: Transaction, table: Table) -> dict[str, int]:
    # The organizations that have rows, and how many. The trail of one that was deleted is there still.
    if table.by_organization:
        rows = tx.query(f"SELECT {ORGANIZATION}, count(*) FROM {table.name} GROUP BY {ORGANIZATION}", {})
        return {str(owner): int(n) for owner, n in sorted(rows)}
    ((n,),) = tx.query(f"SELECT count(*) FROM {table.name}", {})
    return {_WHOLE: int(n)}


def _tenant(table: Table, owner: str) -> Tenant:
    return owner if table.by_organization else EVERY_ORGANIZATION


# --- copying -------------------------------------------------------------------------------------


async def _copy(
    source: Backend, target: Backend, table: Table, owner: str, at: list[Any] | None, progress: _Progress
) -> None:
    limit = _FEWEST
    while at is not None:
        rows = await source.read(_tenant(table, owner), partial(_page, table=table, owner=owner, at=at, limit=limit))
        following = _following(table, rows, limit)
        await target.write(
            _tenant(table, owner), partial(_keep, table=table, owner=owner, rows=rows, position=following)
        )
        progress.add(len(rows))
        limit = _next_limit(rows, limit)
        at = following


def _page(tx: Transaction, table: Table, owner: str, at: Sequence[Any], limit: int) -> list[Row]:
    params: dict[str, Any] = {"owner": owner, "limit": limit} | {f"after_{n}": value for n, value in enumerate(at)}
    return tx.query(table.page(begins=not at), params)


def _following(table: Table, rows: Sequence[Row], limit: int) -> list[Any] | None:
    # After which key to go on, None at the end.
    if len(rows) < limit or not table.order:
        return None
    values = dict(zip(table.columns, rows[-1], strict=True))
    return [values[name] for name in table.order]


def _keep(tx: Transaction, table: Table, owner: str, rows: Sequence[Row], position: list[Any] | None) -> None:
    if rows:
        tx.execute_many(table.insert, [dict(zip(table.columns, row, strict=True)) for row in rows])
    tx.execute(_NOTE, {"item": table.name, "owner": owner, "position": json.dumps(position)})


def _next_limit(rows: Sequence[Row], limit: int) -> int:
    size = sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes)))
    if size > BATCH_BYTES:
        return max(_FEWEST, limit // 2)
    return min(_MOST, limit * 2) if size < BATCH_BYTES // 2 else limit


# --- comparing -----------------------------------------------------------------------------------


async def _compare(source: Backend, target: Backend, tables: Sequence[Table], progress: _Progress) -> Moved:
    here, there = [await _sums(backend, tables, progress) for backend in (source, target)]
    different = sorted(owner for owner in here.keys() | there.keys() if here.get(owner) != there.get(owner))
    if different:
        await target.write(EVERY_ORGANIZATION, partial(_take_back, tables=tables, owners=different))
        raise Conflict(
            f"The source was changed while it was moved ({len(different)} organizations differ): "
            "see that nothing uses it, and run the same command again"
        )
    await target.write(NO_ORGANIZATION, lambda tx: tx.execute("DELETE FROM moves", {}))
    return Moved(here)


async def _sums(backend: Backend, tables: Sequence[Table], progress: _Progress) -> dict[str, Sum]:
    sums: dict[str, Sum] = {}
    for table in tables:
        for owner in await backend.read(EVERY_ORGANIZATION, partial(_owners, table=table)):
            at: list[Any] | None = []
            limit = _FEWEST
            while at is not None:
                read = partial(_sum_page, table=table, owner=owner, at=at, limit=limit)
                found, at, limit = await backend.read(_tenant(table, owner), read)
                sums[owner] = sums.get(owner, Sum()) + found
                progress.add(found.rows)
    return sums


def _sum_page(
    tx: Transaction, table: Table, owner: str, at: Sequence[Any], limit: int
) -> tuple[Sum, list[Any] | None, int]:
    # The sum of a page, where the next one begins (None: there is none), and how many rows it may have.
    rows = _page(tx, table, owner, at, limit)
    checksum = sum(_digest(table.name, row) for row in rows) % 2**128
    return Sum(len(rows), checksum), _following(table, rows, limit), _next_limit(rows, limit)


def _digest(table: str, row: Row) -> int:
    digest = hashlib.blake2b(table.encode(), digest_size=16)
    for value in row:
        kind, data = _encoded(value)
        digest.update(kind + struct.pack("<q", len(data)) + data)
    return int.from_bytes(digest.digest(), "little")


def _encoded(value: Any) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"n", b""
        case str():
            return b"t", value.encode("utf-8", "surrogatepass")
        case int():
            return b"i", str(value).encode()
        case float():
            return b"f", struct.pack("<d", value)
        case _:
            return b"b", bytes(value)


def _take_back(tx: Transaction, tables: Sequence[Table], owners: Sequence[str]) -> None:
    # Accounts are what members refer to, so with them everything goes.
    everything = _WHOLE in owners
    for table in reversed(tables):
        if everything:
            tx.execute(f"DELETE FROM {table.name}", {})
        elif table.by_organization:
            for owner in owners:
                tx.execute(table.delete, {"owner": owner})
    if everything:
        tx.execute("DELETE FROM moves WHERE item <> ''", {})
    else:
        for owner in owners:
            tx.execute("DELETE FROM moves WHERE owner = :owner AND item <> ''", {"owner": owner})
