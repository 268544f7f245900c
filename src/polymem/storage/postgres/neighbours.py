"""Who stands next to whom in conversations, from the rows: the order that `storage.search.conversations` keeps."""

from collections.abc import Collection

from polymem.storage.backend import Transaction
from polymem.storage.search import dense, keyword, late_interaction

BEFORE = max(len(each.BEFORE) for each in (dense, keyword, late_interaction))
"""So many places before a memory others count in its scores …"""

AFTER = max(len(each.AFTER) for each in (dense, keyword, late_interaction))
"""… and so many after it."""


def instant(of: str = "") -> str:
    """By what a conversation is ordered: when what a memory tells happened, or else was recorded. `of` is the memory's
    name in the statement, with its dot.

    Written out, as the project is: under row-level security PostgreSQL looks nothing up in an index by `coalesce`,
    which it does not know to keep to itself what it sees.
    """
    return f"CASE WHEN {of}occurred_at IS NULL THEN {of}created_at ELSE {of}occurred_at END"


def project(of: str = "") -> str:
    """A memory's project, the empty string for none."""
    return f"CASE WHEN {of}project_id IS NULL THEN '' ELSE {of}project_id END"


def _beside(side: str, order: str, places: str) -> str:
    return f"""(
    SELECT b.id, b.seq FROM memories b
    WHERE b.organization_id = m.organization_id AND b.container = m.container
    AND {project("b.")} = {project("m.")} AND b.container IS NOT NULL AND b.forgotten_at IS NULL
    AND ({instant("b.")}, b.arrival) {side} ({instant("m.")}, m.arrival)
    ORDER BY {instant("b.")} {order}, b.arrival {order} LIMIT {places})"""


BESIDE = f"""
SELECT n.id, n.seq FROM memories m
CROSS JOIN LATERAL ({_beside("<", "DESC", ":before")} UNION ALL {_beside(">", "ASC", ":after")}) AS n
WHERE m.organization_id = :organization_id AND m.id IN (:ids...) AND m.container IS NOT NULL"""

STATES = "SELECT m.id, m.seq FROM memories m WHERE m.organization_id = :organization_id AND m.id IN (:ids...)"

AROUND = f"{STATES} UNION ALL {BESIDE}"


def beside(tx: Transaction, organization_id: str, ids: Collection[str], before: int, after: int) -> set[str]:
    """The memories up to so many places before and after these, in their conversations."""
    return set(_asked(tx, BESIDE, organization_id, ids, before, after))


def around(tx: Transaction, organization_id: str, ids: Collection[str]) -> dict[str, int]:
    """These memories and all that count in their scores, by id, with the numbers of their newest changes."""
    return _asked(tx, AROUND, organization_id, ids, BEFORE, AFTER)


def _asked(
    tx: Transaction, statement: str, organization_id: str, ids: Collection[str], before: int, after: int
) -> dict[str, int]:
    if not ids:
        return {}
    params = {"organization_id": organization_id, "ids": list(ids), "before": before, "after": after}
    return dict(tx.query(statement, params))
