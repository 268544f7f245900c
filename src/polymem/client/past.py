"""The operations about the past, about changes, and about what was found out; see `operations`."""

from collections.abc import Iterable
from typing import Any, Unpack
from urllib.parse import quote

from polymem.client.calls import Call
from polymem.client.decoding import one, page
from polymem.client.inputs import ChangeKind, Fields, Filters, Order, When
from polymem.client.models import Memory, Page, Trust, Version


def changes(
    since: When,
    *,
    until: When | None = None,
    kinds_of_change: Iterable[ChangeKind] | None = None,
    order: Order = "desc",
    limit: int = 50,
    offset: int = 0,
    **filters: Unpack[Filters],
) -> Call[Page[Version]]:
    """A page of every change recorded from `since` to `until` (now, when left out), newest first.

    A date alone means the first instant of its day for `since`, the last for `until`. The filters are about the
    memories as they stand now. Raises InvalidInput.
    """
    query: dict[str, Any] = {
        **filters,
        "since": since,
        "until": until,
        "change": kinds_of_change,
        "order": order,
        "limit": limit,
        "offset": offset,
    }
    return Call(method="GET", path="/v1/changes", parse=page(Version), query=query, repeatable=True)


def validate(memory_id: str, *, note: str | None = None) -> Call[Memory]:
    """Record that a memory was found to hold; that answers the contradictions there were so far. Raises NotFound."""
    return Call(method="POST", path=_path(memory_id, "validate"), parse=one(Memory), body={"note": note})


def contradict(memory_id: str, *, note: str | None = None) -> Call[Memory]:
    """Record that something speaks against a memory; that stands until it is validated. Raises NotFound."""
    return Call(method="POST", path=_path(memory_id, "contradict"), parse=one(Memory), body={"note": note})


def supersede(memory_id: str, content: str, **details: Unpack[Fields]) -> Call[Memory]:
    """Keep a new memory that replaces this one, and return it.

    It is of the old one's project, kind, delivery, tags, importance, weight and container where `details` do not say
    otherwise. Raises NotFound, Conflict (it is replaced already), InvalidInput.
    """
    body = {"content": content, **details}
    return Call(method="POST", path=_path(memory_id, "supersede"), parse=one(Memory), body=body)


def supersede_by(memory_id: str, new_id: str) -> Call[Memory]:
    """Make a memory that exists replace this one, and return it. Raises NotFound, Conflict."""
    body = {"memory_id": new_id}
    return Call(method="POST", path=_path(memory_id, "supersede"), parse=one(Memory), body=body, repeatable=True)


def trust(memory_id: str, *, as_of: When | None = None) -> Call[Trust]:
    """How far a memory can be trusted, 0 to 1, and what that is made of. Raises NotFound."""
    query = {"as_of": as_of}
    return Call(method="GET", path=_path(memory_id, "trust"), parse=one(Trust), query=query, repeatable=True)


def _path(memory_id: str, verb: str) -> str:
    return f"/v1/memories/{quote(memory_id, safe='')}/{verb}"
