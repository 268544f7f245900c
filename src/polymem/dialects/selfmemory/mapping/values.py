"""Values that several resources share."""

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def from_instant(instant: datetime) -> str:
    """ISO 8601 in UTC, with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_optional_instant(instant: datetime | None) -> str | None:
    """The same; None for None."""
    return None if instant is None else from_instant(instant)
