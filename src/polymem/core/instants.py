"""Instants as text."""

from datetime import UTC, datetime

from polymem.core.errors import InvalidInput


def to_rfc3339(instant: datetime) -> str:
    """UTC with a trailing Z, microseconds only where there are some."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_rfc3339(value: object, name: str) -> datetime:
    """An instant from RFC 3339 text; without an offset it counts as UTC. Raises InvalidInput."""
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput(f"{name} must be a date and time like 2026-01-31T12:00:00Z", field=name)
