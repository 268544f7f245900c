"""What Memento's tools do: saving and finding. The others are in `sessions`, `upkeep` and `files`."""

from collections.abc import Mapping
from typing import Any

from polymem.core.errors import NotFound
from polymem.mcp.access import Found, Selection
from polymem.mcp.toolsets.memento import files, sessions, upkeep
from polymem.mcp.toolsets.memento.entries import (
    GLOBAL,
    HIGH,
    block,
    contained,
    entries,
    inside,
    limit_of,
    listed,
    namespace_of,
    project_of,
    said,
    tags_of,
)
from polymem.mcp.visit import Ask, Call, Reply, Visit

PROMPTS: Mapping[str, Ask] = {}


async def read(_: Visit, __: str) -> str | None:
    """There are no resources."""
    return None


async def _save(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = GLOBAL if given.get("global") else namespace_of(visit, given)
    kept = await visit.access.add(
        {
            "content": said(given, "content"),
            "project": project_of(namespace),
            "tags": tags_of(given),
            "container": given.get("container", "").strip() or None,
            "importance": HIGH,
        },
        once=True,
    )
    if not kept.created:
        return Reply(text=f"Saved {entries(0)} (already there, id: {kept.memory.id})")
    return Reply(text=f"Saved {entries(1)} (id: {kept.memory.id})")


async def _recall(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, given)
    selection = inside(namespace, tags=tags_of(given), **contained(namespace, given))
    return _results(await _found(visit, given, selection), namespace=False)


async def _search(visit: Visit, given: Mapping[str, Any]) -> Reply:
    return _results(await _found(visit, given, Selection(tags=tags_of(given))), namespace=True)


async def _found(visit: Visit, given: Mapping[str, Any], selection: Selection) -> Found:
    mode = given.get("searchMode", "vector")
    return await visit.access.recall(
        said(given, "query"), selection, limit=limit_of(given), mode=mode, min_score=None if mode == "hybrid" else 0.0
    )


def _results(found: Found, *, namespace: bool) -> Reply:
    if not found.hits:
        return Reply(text="No matching memories found.")
    blocks = [
        block(f"Result {number}", hit.memory, score=hit.score, namespace=namespace, content=True)
        for number, hit in enumerate(found.hits, start=1)
    ]
    return Reply(text=listed(f"Found {len(blocks)} matching memories:", blocks))


async def _forget(visit: Visit, given: Mapping[str, Any]) -> Reply:
    memory_id = said(given, "id")
    try:
        await visit.access.forget(memory_id)
    except NotFound:
        return Reply(text=f"Memory entry {memory_id} not found.")
    return Reply(text=f"Memory entry {memory_id} deleted successfully.")


async def _list(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, given)
    selection = inside(namespace, tags=tags_of(given), superseded=None, **contained(namespace, given))
    offset = max(int(given.get("offset", 0)), 0)
    page = await visit.access.list(selection, limit=limit_of(given), offset=offset)
    if not page.items:
        return Reply(text="No memory entries found.")
    blocks = [
        block(f"Entry {number}", memory, content=False) for number, memory in enumerate(page.items, start=offset + 1)
    ]
    return Reply(text=listed(f"Found {entries(page.total)}:", blocks))


async def _health(visit: Visit, _: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, {})
    here = await visit.access.list(inside(namespace, superseded=None), limit=1)
    everywhere = await visit.access.list(inside(GLOBAL, superseded=None), limit=1)
    lines = {
        "Storage type": "local",
        "Embedding provider": "local",
        "Embedding model": "the server's",
        "Current namespace": f"{namespace} ({visit.place.source})",
        "Entries in namespace": here.total,
        "Global entries": everywhere.total,
        "Auto-capture": "disabled",
    }
    told = [f"{name}: {value}" for name, value in lines.items()]
    return Reply(text="\n".join(["Memento Health Status", "=" * 21, *told]))


CALLS: Mapping[str, Call] = {
    "memory_save": _save,
    "memory_recall": _recall,
    "memory_search": _search,
    "memory_forget": _forget,
    "memory_list": _list,
    "memory_health": _health,
    **upkeep.CALLS,
    **sessions.CALLS,
    **files.CALLS,
}
