"""What nobody can see any more is removed for good once it was kept long enough, and not before."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from polymem.core.errors import InvalidInput
from tests.mememory.conftest import Mememory
from tests.mememory.test_contract import keep, listed
from tests.serving import FixedClock

KEEP = timedelta(days=30)


def versions(api: httpx2.Client, memory: dict[str, Any]) -> int:
    answer = api.get(f"/native/v1/memories/{memory['id']}/history")
    return len(answer.json()["items"]) if answer.status_code == 200 else 0


def test_what_was_forgotten_or_expired_long_enough_ago_is_purged(
    local: Mememory, api: httpx2.Client, clock: FixedClock
) -> None:
    expired, forgotten = keep(api, "expired", ttl="1h"), keep(api, "forgotten")
    keep(api, "kept")
    api.delete(f"/api/memories/{forgotten['id']}")
    clock.advance(days=30, hours=1, microseconds=-1)
    local.run(local.core.retention.sweep(KEEP))
    assert versions(api, expired) == 1
    clock.advance(microseconds=1)
    local.run(local.core.retention.sweep(KEEP))
    assert (versions(api, expired), versions(api, forgotten)) == (0, 0)
    assert listed(api) == ["kept"]


def test_a_restored_memory_is_not_purged(local: Mememory, api: httpx2.Client, clock: FixedClock) -> None:
    memory = keep(api, "back again")
    api.delete(f"/api/memories/{memory['id']}")
    api.post(f"/native/v1/memories/{memory['id']}/restore")
    clock.advance(days=365)
    local.run(local.core.retention.sweep(KEEP))
    assert listed(api) == ["back again"]


def test_what_an_expired_memory_replaced_is_current_again_when_it_is_purged(
    local: Mememory, api: httpx2.Client, clock: FixedClock
) -> None:
    old = keep(api, "The office is open")
    keep(api, "The office is closed this week", supersedes=old["id"], ttl="7d")
    clock.advance(days=8)
    assert "superseded_by" in api.get(f"/native/v1/memories/{old['id']}").json()
    clock.advance(days=30)
    local.run(local.core.retention.sweep(KEEP))
    assert api.get(f"/native/v1/memories/{old['id']}").json()["superseded_by"] is None


def test_many_are_purged_in_batches(local: Mememory, start: Any, clock: FixedClock) -> None:
    server = start()
    with server.open() as client:
        items = [{"content": f"memory {number}", "ttl": "1h"} for number in range(1200)]
        assert client.post("/api/memories/import", json=items).json() == {"imported": 1200}
        server.clock.advance(days=31)
        assert server.run(server.core.retention.sweep(KEEP)) == 1200
        assert server.run(server.core.retention.sweep(KEEP)) == 0


def test_a_retention_cannot_be_negative(local: Mememory) -> None:
    with pytest.raises(InvalidInput):
        local.run(local.core.retention.sweep(timedelta(days=-1)))
