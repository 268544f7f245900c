"""What SelfMemory's tools do."""

import json
from collections.abc import Mapping
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.instants import to_rfc3339
from polymem.core.intervals import to_interval
from polymem.core.model import Memory
from polymem.core.quoting import visible
from polymem.mcp.access import Selection
from polymem.mcp.visit import Ask, Call, Reply, Visit

_TITLE = 100
_SOURCE = "mcp_unified"
"""What the original notes as the source of memories that came this way."""

PROMPTS: Mapping[str, Ask] = {}


async def read(_: Visit, __: str) -> str | None:
    """There are no resources."""
    return None


async def _search(visit: Visit, given: Mapping[str, Any]) -> Reply:
    since = until = None
    if given.get("temporal_filter", "").strip():
        since, until = to_interval(given["temporal_filter"], visit.access.now())
    topic = given.get("topic_category", "").strip()
    selection = Selection(
        tags=tuple(given.get("tags", ())),
        since=since,
        until=until,
        metadata={"topic_category": topic} if topic else {},
        mentions={"people_mentioned": _names(given.get("people_mentioned", ()))},
    )
    limit = given.get("retrieval_limit", 10)
    if not given["query"].strip():
        # The original takes an empty question for everything.
        page = await visit.access.list(selection, limit=limit)
        found = list(page.items)
    else:
        hits = await visit.access.recall(given["query"], selection, limit=limit, min_score=given.get("threshold"))
        found = [hit.memory for hit in hits.hits]
    return Reply({"results": [{"id": one.id, "title": _title(one), "url": _url(visit, one)} for one in found]})


async def _add(visit: Visit, given: Mapping[str, Any]) -> Reply:
    texts = _said(given["content"])
    if not texts:
        raise InvalidInput("content must say something")
    metadata = {**given.get("metadata", {}), "source": _SOURCE}
    for name in ("people_mentioned", "topic_category"):
        if given.get(name, "").strip():
            metadata[name] = ",".join(_names(given[name])) if name == "people_mentioned" else given[name].strip()
    shared = {"project": visit.place.key, "tags": _names(given.get("tags", "")), "metadata": metadata}
    kept = [(await visit.access.add({"content": one, **shared})).memory for one in texts]
    return Reply(
        {
            "success": True,
            "message": "Memory created successfully",
            "memory_id": kept[0].id,
            "operations": [{"id": one.id, "memory": visible(one.content), "event": "ADD"} for one in kept],
        }
    )


async def _fetch(visit: Visit, given: Mapping[str, Any]) -> Reply:
    memory = await visit.access.get(given["id"])
    texts = {"tags": ",".join(memory.tags), "people_mentioned": "", "topic_category": ""}
    instants = {"created_at": to_rfc3339(memory.created_at), "updated_at": to_rfc3339(memory.updated_at)}
    own = {name: value for name, value in memory.metadata.items() if name != "tags"}
    return Reply(
        {
            "id": memory.id,
            "title": _title(memory),
            "text": visible(memory.content),
            "url": _url(visit, memory),
            "metadata": texts | own | instants,
        }
    )


def _said(content: str) -> list[str]:
    # A text, or the messages of a conversation as JSON: what the user says in them, else what anybody says.
    try:
        value = json.loads(content) if content.lstrip()[:1] in ("[", "{") else None
    except (ValueError, RecursionError):
        value = None
    messages = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    if not messages or not all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in messages):
        return [content] if content.strip() else []
    said = [one for one in messages if one["content"].strip()]
    by_user = [one["content"] for one in said if one.get("role", "user") == "user"]
    return by_user or [one["content"] for one in said]


def _names(given: Any) -> tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(part.strip() for part in parts if part.strip())


def _title(memory: Memory) -> str:
    return visible(memory.content)[:_TITLE]


def _url(visit: Visit, memory: Memory) -> str:
    return f"memory://memory/{memory.id}" if visit.url is None else f"{visit.url}/memories/{memory.id}"


CALLS: Mapping[str, Call] = {"search": _search, "add": _add, "fetch": _fetch}
