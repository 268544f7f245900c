"""What polymem's own tools, resources and prompts do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from polymem.core.errors import InvalidInput, NotFound
from polymem.core.history.timeline import from_date_or_instant
from polymem.core.instants import to_rfc3339
from polymem.core.quoting import visible
from polymem.mcp.access import Hit, Selection
from polymem.mcp.project import EVERYWHERE, Place
from polymem.mcp.toolsets.polymem.sessions import PROMPTS, read
from polymem.mcp.views import from_memory, title_of
from polymem.mcp.visit import Call, Json, Reply, Visit

__all__ = ["CALLS", "PROMPTS", "read"]

_INSTANTS = {"occurred_at": False, "valid_from": False, "valid_to": True, "expires_at": True}
"""Fields that are instants, and whether a date alone means its end."""

_UNNAMED = "memory://memory/"

_TOLD_BY_ITSELF = frozenset({"id", "content", "truncated", "title"})


async def _remember(visit: Visit, given: Mapping[str, Any]) -> Reply:
    fields = _fields(given)
    place = _place(visit, given)
    if place.key == "*":
        raise InvalidInput("A memory belongs to one project or to none: name it, or say ''")
    fields["project"] = place.key
    kept = await visit.access.add(fields, once="supersedes" not in given)
    if kept.memory.project != place.key and kept.memory.project is not None:
        place = Place(kept.memory.project, "the only one this credential reaches")
    told: Json = {
        "memory": from_memory(kept.memory),
        "created": kept.created,
        "project": _told(place),
        "similar": [
            {
                "id": one.memory.id,
                "content": from_memory(one.memory)["content"],
                "similarity": round(one.similarity, 4),
                "reason": one.reason,
            }
            for one in kept.similar
        ],
    }
    against = [one for one in kept.similar if one.reason is not None]
    if not kept.created:
        told["note"] = "The project held this text already; nothing new was kept."
    elif against:
        told["note"] = (
            f"Kept, but it repeats or contradicts {len(against)} of your memories (see `similar`). Find out which "
            "holds, ask the user where you cannot know, and `forget` or `update` the other."
        )
    return Reply(told)


async def _recall(visit: Visit, given: Mapping[str, Any]) -> Reply:
    place, selection = _selection(visit, given)
    found = await visit.access.recall(
        given["query"],
        replace(selection, superseded=None if given.get("superseded") else False),
        limit=given.get("limit", 10),
        mode=given.get("mode", "hybrid"),
        as_of=_instant(given, "as_of", end=True),
    )
    told: Json = {
        "memories": _from_hits(found.hits),
        "matched": found.matched,
        "mode": found.mode,
        "project": _told(place),
    }
    notes = []
    if not found.hits:
        notes.append(_nothing(place, found.considered))
    elif found.matched > len(found.hits):
        notes.append(f"{found.matched - len(found.hits)} more are relevant; raise `limit` to see them.")
    if found.mode != given.get("mode", "hybrid"):
        notes.append("The embedding model does not answer, so only words were compared.")
    return Reply(told | ({"note": " ".join(notes)} if notes else {}))


async def _update(visit: Visit, given: Mapping[str, Any]) -> Reply:
    changes = _fields(given)
    if "project" in given:
        changes["project"] = given["project"] or None
    if not changes:
        raise InvalidInput("Nothing to change was given: name at least one field besides id, for example content")
    memory = await visit.access.update(given["id"], changes, expected_version=given.get("expected_version"))
    return Reply({"memory": from_memory(memory)})


async def _forget(visit: Visit, given: Mapping[str, Any]) -> Reply:
    await visit.access.forget(given["id"])
    return Reply({"id": given["id"], "forgotten": True})


async def _list(visit: Visit, given: Mapping[str, Any]) -> Reply:
    place, selection = _selection(visit, given)
    offset = given.get("offset", 0)
    page = await visit.access.list(
        selection, limit=given.get("limit", 20), offset=offset, as_of=_instant(given, "as_of", end=True)
    )
    told: Json = {
        "memories": [from_memory(memory) for memory in page.items],
        "total": page.total,
        "offset": offset,
        "project": _told(place),
    }
    if page.total == 0:
        told["note"] = _nothing(place, 0)
    return Reply(told)


async def _context(visit: Visit, given: Mapping[str, Any]) -> Reply:
    place = _place(visit, given)
    if place.key is None:
        raise InvalidInput(f"There is no current project ({place.source}): name one in `project`")
    try:
        told = await visit.access.context(
            place.key,
            max_tokens=given.get("max_tokens", 4000),
            query=given.get("query"),
            since=_instant(given, "since", end=False),
        )
    except NotFound:
        note = f"Nothing is kept of the project {place.key} yet. `remember` makes it."
        return Reply({"markdown": "", "tokens": 0, "project": _told(place), "note": note})
    left_out = sum(told.left_out.values())
    more: Json = {"note": f"{left_out} more did not fit; raise `max_tokens`, or `recall`."} if left_out else {}
    return Reply({"markdown": told.markdown, "tokens": told.tokens, "project": _told(place), **more})


async def _answer(visit: Visit, given: Mapping[str, Any]) -> Reply:
    place, selection = _selection(visit, given)
    answer = await visit.access.answer(
        given["question"], selection, limit=given.get("limit", 15), as_of=_instant(given, "as_of", end=True)
    )
    notes = [answer.notice] if answer.notice else []
    if answer.refused and not answer.sources:
        notes.append(_nothing(place, 0))
    return Reply(
        {
            "answer": answer.text,
            "refused": answer.refused,
            "mode": answer.mode,
            "citations": list(answer.citations),
            "sources": _from_hits(answer.sources),
            "project": _told(place),
            **({"note": " ".join(notes)} if notes else {}),
        }
    )


async def _changes(visit: Visit, given: Mapping[str, Any]) -> Reply:
    place, selection = _selection(visit, {name: value for name, value in given.items() if name == "project"})
    offset = given.get("offset", 0)
    since = _instant(given, "since", end=False)
    assert since is not None
    page = await visit.access.changes(
        since,
        _instant(given, "until", end=True),
        replace(selection, superseded=None),
        limit=given.get("limit", 20),
        offset=offset,
    )
    items = [
        {
            "change": version.change.value,
            "at": to_rfc3339(version.recorded_at),
            "by": version.actor,
            "memory": from_memory(version.memory),
            **({"why": version.note} if version.note else {}),
        }
        for version in page.items
    ]
    told: Json = {"changes": items, "total": page.total, "offset": offset, "project": _told(place)}
    if page.total == 0:
        told["note"] = f"Nothing changed in that time in {place.sentence}."
    return Reply(told)


async def _search(visit: Visit, given: Mapping[str, Any]) -> Reply:
    found = await visit.access.recall(given["query"], Selection(), limit=10)
    return Reply(
        {
            "results": [
                {"id": hit.memory.id, "title": title_of(hit.memory), "url": _url(visit, hit.memory.id)}
                for hit in found.hits
            ]
        }
    )


async def _fetch(visit: Visit, given: Mapping[str, Any]) -> Reply:
    memory = await visit.access.get(given["id"])
    rest = {name: value for name, value in from_memory(memory).items() if name not in _TOLD_BY_ITSELF}
    return Reply(
        {
            "id": memory.id,
            "title": title_of(memory),
            "text": visible(memory.content),
            "url": _url(visit, memory.id),
            "metadata": rest,
        }
    )


CALLS: Mapping[str, Call] = {
    "remember": _remember,
    "recall": _recall,
    "update": _update,
    "forget": _forget,
    "list": _list,
    "context": _context,
    "answer": _answer,
    "changes": _changes,
    "search": _search,
    "fetch": _fetch,
}


# --- arguments -----------------------------------------------------------------------------------


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    # What is said of a memory itself.
    fields = {name: value for name, value in given.items() if name not in ("id", "project", "expected_version")}
    for name, end in _INSTANTS.items():
        if name in fields:
            fields[name] = _instant(fields, name, end=end)
    return fields


def _instant(given: Mapping[str, Any], name: str, *, end: bool) -> Any:
    return None if given.get(name) is None else from_date_or_instant(given[name], name, end_of_day=end)


def _place(visit: Visit, given: Mapping[str, Any]) -> Place:
    if given.get("project") is None:
        return visit.place
    return Place(given["project"] or None, "named in this call")


def _selection(visit: Visit, given: Mapping[str, Any]) -> tuple[Place, Selection]:
    place = _place(visit, given)
    everywhere = given.get("project") == "*" or (given.get("project") is None and place == EVERYWHERE)
    if everywhere:
        place = replace(place, key=None, source="every project")
    return place, Selection(
        project=place.key,
        # What belongs to no project holds in every one.
        unassigned=not everywhere,
        kinds=given.get("kinds", ()),
        tags=given.get("tags", ()),
        since=_instant(given, "since", end=False),
        until=_instant(given, "until", end=True),
    )


# --- results -------------------------------------------------------------------------------------


def _told(place: Place) -> Json:
    return {"key": place.key, "source": place.source}


def _from_hits(hits: tuple[Hit, ...]) -> list[Json]:
    return [from_memory(hit.memory, hit.score) for hit in hits]


def _nothing(place: Place, considered: int) -> str:
    looked = f"None of {considered} memories is relevant" if considered else "There are no memories"
    if place.key is None:
        return f"{looked} ({place.source})."
    return f"{looked} in {place.sentence}, nor outside of projects. To look in all projects, say project '*'."


def _url(visit: Visit, memory_id: str) -> str:
    # Where there is no web server, an address that `resources/read` knows.
    return _UNNAMED + memory_id if visit.url is None else f"{visit.url}/memories/{memory_id}"
