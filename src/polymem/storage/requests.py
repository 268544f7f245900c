"""Idempotency: what was answered to a request stays the answer to the same request."""

import json
from collections.abc import Sequence
from datetime import datetime

from polymem.core.errors import Conflict
from polymem.core.people import Scope
from polymem.core.ports import Idempotency
from polymem.storage import statements
from polymem.storage.backend import Transaction
from polymem.storage.rows import to_json, to_micros


def earlier_outcome(tx: Transaction, scope: Scope, idempotency: Idempotency) -> list[str] | None:
    """The ids answered under this key, None for a new key. Raises Conflict when another request used it."""
    found = tx.query(statements.EARLIER_REQUEST, {"organization_id": scope.organization_id, "key": idempotency.key})
    if not found:
        return None
    fingerprint, ids = found[0]
    if fingerprint != idempotency.fingerprint:
        raise Conflict(f"The idempotency key {idempotency.key} was used for another request")
    return list(json.loads(ids))


def keep_outcome(
    tx: Transaction, scope: Scope, idempotency: Idempotency, ids: Sequence[str], at: datetime | None
) -> None:
    """Remembers `ids` as the outcome under this key."""
    tx.execute(
        statements.KEEP_REQUEST,
        {
            "organization_id": scope.organization_id,
            "key": idempotency.key,
            "fingerprint": idempotency.fingerprint,
            "ids": to_json(list(ids)),
            "created_at": None if at is None else to_micros(at),
        },
    )


def drop_outcomes(tx: Transaction, scope: Scope, before: datetime) -> int:
    """Forgets the keys first used before that instant; returns how many."""
    params = {"organization_id": scope.organization_id, "before": to_micros(before)}
    return tx.execute(statements.DROP_REQUESTS, params)
