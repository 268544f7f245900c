"""The envelope, namespaces, instants, and what is required."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from polymem.core.history.timeline import from_date_or_instant
from polymem.core.instants import to_rfc3339
from polymem.dialects.kit import InvalidRequest, Problem
from polymem.dialects.memanto.errors import LimitTooLarge, QueryTooLong
from polymem.dialects.memanto.wire.values import DEFAULT_LIMIT, MAX_LIMIT, MAX_QUERY_CHARACTERS

NAMESPACE = "memanto_agent_"
EVERYTHING = "*"
"""The query that finds all."""

Flat = dict[str, Any]

# In an address, a plus sign that was not encoded arrives as a space.
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


def enveloped(flat: Mapping[str, Any], now: datetime, *, own_status: bool = False) -> Flat:
    """One object for both readings: the members themselves, and `status`, `data`, `timestamp` around the same.

    A `status` among the members is in `data`; with `own_status` it stays at the top, too.
    """
    status = flat["status"] if own_status else "success"
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**flat, "status": status, "data": dict(flat), "timestamp": stamp}


def to_namespace(agent: str) -> str:
    """An agent's namespace."""
    return NAMESPACE + agent


def from_namespace(namespace: str) -> str:
    """The agent of a namespace; anything else counts as the agent's id itself."""
    return namespace.removeprefix(NAMESPACE)


def from_optional_instant(instant: datetime | None) -> str | None:
    """UTC with a Z."""
    return None if instant is None else to_rfc3339(instant)


def to_instant(text: str, name: str, *, end_of_day: bool = False) -> datetime:
    """An instant, or a day's beginning or end. Raises InvalidInput."""
    return from_date_or_instant(_LOST_PLUS.sub(r"+\1", text.strip()), name, end_of_day=end_of_day)


def to_optional_instant(text: str | None, name: str, *, end_of_day: bool = False) -> datetime | None:
    """As `to_instant`; None for None."""
    return None if text is None else to_instant(text, name, end_of_day=end_of_day)


def to_limit(limit: int | None, default: int = DEFAULT_LIMIT) -> int:
    """How many results a page has. Raises LimitTooLarge."""
    if limit is not None and limit > MAX_LIMIT:
        raise LimitTooLarge
    return default if limit is None else limit


def required(value: str | None, name: str, location: str = "query") -> str:
    """The value of a member that must say something. Raises InvalidRequest."""
    if value is None or not value.strip():
        raise InvalidRequest((Problem(location, name, "missing", f"{name} is required"),))
    return value


def to_query(text: str | None, name: str = "query") -> str:
    """A query or a question. Raises InvalidRequest without one, QueryTooLong."""
    return not_too_long(required(text, name), name)


def not_too_long(text: str, name: str = "query") -> str:
    """The text. Raises QueryTooLong."""
    if len(text) > MAX_QUERY_CHARACTERS:
        raise QueryTooLong(f"{name} is longer than {MAX_QUERY_CHARACTERS} characters", field=name)
    return text
