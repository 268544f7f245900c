"""Who stands next to whom in conversations, from the rows: the order that `storage.search.conversations` keeps."""

from collections.abc import Collection

from polymem.storage.backend import Transaction
from polymem.storage.search import dense, keyword, late_interaction

BEFORE = max(len(each.BEFORE) for each in (dense, keyword, late_interaction))
"""So many places before a memory others count in its scores …"""

AFTER = max(len(each.AFTER) for each in (dense, keyword, late_interaction))
"""… and so many after it."""


def _beside(side: str, order: str, places: str) -> str:
    return f"""(
    SELECT b.id FROM memories b
    WHERE b.organization_id = m.organization_id AND b.container = m.container
    AND coalesce(b.project_id, '') = coalesce(m.project_id, '') AND b.container IS NOT NULL AND b.forgotten_at IS NULL
    AND (coalesce(b.occurred_at, b.created_at), b.arrival) {side} (coalesce(m.occurred_at, m.created_at), m.arrival)
    ORDER BY coalesce(b.occurred_at, b.created_at) {order}, b.arrival {order} LIMIT {places})"""


BESIDE = f"""
SELECT n.id FROM memories m
CROSS JOIN LATERAL ({_beside("<", "DESC", ":before")} UNION ALL {_beside(">", "ASC", ":after")}) AS n
WHERE m.organization_id = :organization_id AND m.id IN (:ids...) AND m.container IS NOT NULL"""


def beside(tx: Transaction, organization_id: str, ids: Collection[str], before: int, after: int) -> set[str]:
    """The memories up to so many places before and after these, in their conversations."""
    if not ids:
        return set()
    params = {"organization_id": organization_id, "ids": list(ids), "before": before, "after": after}
    return {id_ for (id_,) in tx.query(BESIDE, params)}
