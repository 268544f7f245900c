"""What mememory's tools and resources do."""

import json
from collections.abc import Mapping
from typing import Any

from polymem.core.delivery import BOOTSTRAP_BUDGET, PINNED_BUDGET
from polymem.core.durations import to_duration
from polymem.core.errors import InvalidInput
from polymem.core.instants import to_rfc3339
from polymem.core.model import MAX_LIMIT, Delivery, Memory
from polymem.core.quoting import visible
from polymem.mcp.access import Kept, Selection
from polymem.mcp.delivered import delivered, read_delivered
from polymem.mcp.toolsets.mememory.guide import TOPICS, guide
from polymem.mcp.visit import Ask, Call, Json, Reply, Visit

_SCOPES = ("global", "project")
_BUDGETS = {"bootstrap": BOOTSTRAP_BUDGET, "pinned": PINNED_BUDGET}
_SUPERSEDED_WEIGHT = 0.1
"""What the original turns the weight of a replaced memory into."""

PROMPTS: Mapping[str, Ask] = {}


async def read(visit: Visit, uri: str) -> str | None:
    """What is delivered unasked."""
    return await read_delivered(visit.access, uri)


async def _help(_: Visit, given: Mapping[str, Any]) -> Reply:
    topic = given.get("topic", "").strip().lower() or "overview"
    if topic not in TOPICS:
        raise InvalidInput(f"unknown topic {topic!r}; there are {', '.join(TOPICS)}")
    return Reply(text=guide(topic))


async def _remember(visit: Visit, given: Mapping[str, Any]) -> Reply:
    content = _said(given, "content")
    scope, project = _scope(given) or "global", given.get("project") or None
    if scope == "project" and project is None:
        project = visit.place.key
    if scope == "project" and project is None:
        raise InvalidInput("project is required for the scope project")
    kind = given.get("type") or "fact"
    delivery = given.get("delivery") or ("bootstrap" if kind == "bootstrap" else Delivery.ON_DEMAND.value)
    _check_delivery(delivery)
    weight = given.get("weight")
    draft = {
        "content": content,
        "project": project if scope == "project" else None,
        "kind": kind,
        "delivery": delivery,
        "tags": tuple(tag.strip() for tag in given.get("tags", "").split(",") if tag.strip()),
        "weight": 1.0 if not weight or not 0 < weight <= 1 else max(weight, 0.1),
        "metadata": {"scope": "global", "project": project} if scope == "global" and project else {},
        "expires_at": visit.access.now() + to_duration(given["ttl"].strip()) if given.get("ttl", "").strip() else None,
        "supersedes": given.get("supersedes") or None,
    }
    kept = await visit.access.add(draft)
    written = _json(_from_memory(kept.memory))
    warning = await _over_budget(visit, delivery, draft["project"])
    if kept.similar:
        return Reply(text=f"{_contradictions(kept)}\n\n{written}")
    return Reply(text=f"WARNING: {warning}\n\n{written}" if warning else written)


def _contradictions(kept: Kept) -> str:
    listed = [
        f"[{one.memory.id[:8]}] (similarity: {round(one.similarity * 100)}%) "
        + " ".join(visible(one.memory.content).split())
        for one in kept.similar
    ]
    return "\n".join(
        [
            "⚠ CONTRADICTION DETECTED",
            "",
            "What was just kept resembles these memories, and may contradict them:",
            *(f"- {line}" for line in listed),
            "",
            "Ask the user which holds, then:",
            "1. Replace the old one: forget it.",
            "2. Keep the old one: forget the new memory.",
            "3. Keep both, because both hold.",
            "4. Say both in one: update one of them and forget the other.",
        ]
    )


async def _over_budget(visit: Visit, delivery: str, project: Any) -> str | None:
    if delivery not in _BUDGETS:
        return None
    tokens = (await delivered(visit.access, delivery, project)).tokens
    if tokens <= _BUDGETS[delivery]:
        return None
    return f"{delivery} memories take about {tokens} tokens, more than the {_BUDGETS[delivery]} meant for them"


async def _recall(visit: Visit, given: Mapping[str, Any]) -> Reply:
    query = _said(given, "query")
    found = await visit.access.recall(query, _searched(given), limit=_limit(given, 5))
    return Reply(text=_json([{"memory": _from_memory(hit.memory), "score": hit.score} for hit in found.hits]))


def _searched(given: Mapping[str, Any]) -> Selection:
    match _scope(given), given.get("project") or None:
        case "project", None:
            return Selection(assigned=True)
        case "project", project:
            return Selection(project=project)
        case None, str(project):
            return Selection(project=project, unassigned=True)
        case _:
            return Selection(unassigned=True)


async def _forget(visit: Visit, given: Mapping[str, Any]) -> Reply:
    memory_id = _said(given, "id")
    await visit.access.forget(memory_id)
    return Reply(text=f"Memory {memory_id} deleted")


async def _update(visit: Visit, given: Mapping[str, Any]) -> Reply:
    memory = await visit.access.update(_said(given, "id"), {"content": _said(given, "content")})
    return Reply(text=_json(_from_memory(memory)))


async def _list(visit: Visit, given: Mapping[str, Any]) -> Reply:
    scope, project = _scope(given), given.get("project") or None
    delivery = given.get("delivery") or None
    if delivery is not None:
        _check_delivery(delivery)
    if scope == "global":
        # None of no project is in a project.
        selection = Selection(unassigned=True) if project is None else Selection(ids=())
    else:
        selection = Selection(project=project, assigned=scope == "project")
    page = await visit.access.list(
        Selection(
            project=selection.project,
            unassigned=selection.unassigned,
            assigned=selection.assigned,
            ids=selection.ids,
            kinds=(given["type"],) if given.get("type") else (),
            deliveries=(delivery,) if delivery else (),
            superseded=None,
        ),
        limit=_limit(given, 20),
    )
    return Reply(text=_json([_from_memory(memory) for memory in page.items]))


async def _stats(visit: Visit, _: Mapping[str, Any]) -> Reply:
    stats = await visit.access.stats()
    scopes = {"global": stats.unassigned, "project": stats.memories - stats.unassigned}
    return Reply(
        text=_json(
            {
                "total": stats.memories,
                "by_scope": {scope: count for scope, count in scopes.items() if count},
                "by_project": dict(stats.by_project),
                "by_type": dict(stats.by_kind),
                "by_delivery": dict(stats.by_delivery),
            }
        )
    )


def _from_memory(memory: Memory) -> Json:
    named = memory.metadata.get("project") if memory.metadata.get("scope") == "global" else None
    shown: Json = {
        "id": memory.id,
        "content": visible(memory.content),
        "scope": "global" if memory.project is None else "project",
        "project": memory.project or (named if isinstance(named, str) else None),
        "type": memory.kind,
        "delivery": memory.delivery.value,
        "tags": list(memory.tags) or None,
        "weight": memory.weight if memory.superseded_by is None else _SUPERSEDED_WEIGHT,
        "supersedes": memory.supersedes,
        "created_at": to_rfc3339(memory.created_at),
        "updated_at": to_rfc3339(memory.updated_at),
        "ttl": None if memory.expires_at is None else to_rfc3339(memory.expires_at),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _said(given: Mapping[str, Any], name: str) -> str:
    if not given.get(name, "").strip():
        raise InvalidInput(f"{name} is required")
    return str(given[name])


def _scope(given: Mapping[str, Any]) -> str | None:
    scope = given.get("scope") or None
    if scope is not None and scope not in _SCOPES:
        raise InvalidInput(f"scope must be global or project, not {scope!r}")
    return scope


def _check_delivery(delivery: str) -> None:
    if delivery not in [one.value for one in Delivery]:
        raise InvalidInput(f"delivery must be on_demand, bootstrap or pinned, not {delivery!r}")


def _limit(given: Mapping[str, Any], usual: int) -> int:
    limit = int(given.get("limit", usual))
    return min(limit, MAX_LIMIT) if limit > 0 else usual


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


CALLS: Mapping[str, Call] = {
    "help": _help,
    "remember": _remember,
    "recall": _recall,
    "forget": _forget,
    "update": _update,
    "list": _list,
    "stats": _stats,
}
