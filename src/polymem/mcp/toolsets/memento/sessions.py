"""What Memento's tools about sessions and projects do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.instants import to_rfc3339
from polymem.core.model import Memory
from polymem.mcp.access import Selection
from polymem.mcp.toolsets.memento.entries import (
    HIGH,
    all_of,
    block,
    inside,
    limit_of,
    listed,
    namespace_of,
    preview_of,
    project_of,
    summary_of,
)
from polymem.mcp.visit import Call, Reply, Visit

_QUESTION = "recent decisions, architecture, important context"
_GROUPS = (("decision", "Decisions"), ("architecture", "Architecture"), ("error", "Recent Errors"))
_PREVIEW = 300
_LINE = 100
_SUMMARY = 2000
_MOST_TAGS = 10
_MOST_DECISIONS = 10
_MOST_RELATED = 10


async def _start(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, given)
    asked = given.get("query", "").strip() or _QUESTION
    found = await visit.access.recall(asked, inside(namespace), limit=limit_of(given, 15), min_score=0.0)
    memories = [hit.memory for hit in found.hits]
    if not memories:
        return Reply(text=f"## Session Context (0 memories)\n\nNothing is kept of {namespace} yet.")
    parts = [f"## Session Context ({len(memories)} memories)"]
    for tag, title in _GROUPS:
        if group := [memory for memory in memories if tag in memory.tags]:
            parts.append(_group(title, group))
            memories = [memory for memory in memories if memory not in group]
    if memories:
        parts.append(_group("Other Context", memories))
    return Reply(text="\n\n".join(parts))


def _group(title: str, memories: Sequence[Memory]) -> str:
    lines = [f"- [{', '.join(memory.tags)}] {' '.join(preview_of(memory, _PREVIEW).split())}" for memory in memories]
    return "\n".join([f"**{title}**:", *lines])


async def _summary(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, given)
    session, entries = await _session(visit, namespace, given.get("sessionId", "").strip())
    if not entries:
        return Reply(text="No memories of a session found.")
    lines = [" ".join(preview_of(memory, _LINE).split()) for memory in reversed(entries)]
    text = f"Session summary ({session}):\n" + "\n".join(lines)[:_SUMMARY]
    draft = {
        "content": text,
        "project": project_of(namespace),
        "tags": ("conversation", "decision"),
        "importance": HIGH,
    }
    await visit.access.add(draft)
    return Reply(text=f'Summarized {len(entries)} memories from session "{session}".\n\n{text}')


async def _session(visit: Visit, namespace: str, session: str) -> tuple[str, list[Memory]]:
    # Entries may name their session; those of the latest day are one otherwise.
    everything = [memory async for memory in all_of(visit, inside(namespace))]
    if not everything:
        return session, []
    session = session or str(everything[0].metadata.get("sessionId") or "")
    if session:
        return session, [memory for memory in everything if memory.metadata.get("sessionId") == session]
    day = everything[0].created_at.date()
    return day.isoformat(), [memory for memory in everything if memory.created_at.date() == day]


async def _profile(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, given)
    entries = [memory async for memory in all_of(visit, inside(namespace))]
    if not entries:
        return Reply(text=f"Nothing is kept of {namespace} yet.")
    tags = Counter(tag for memory in entries for tag in memory.tags)
    decisions = [memory for memory in entries if "decision" in (memory.kind, *memory.tags)][:_MOST_DECISIONS]
    parts = [
        f"## User Profile: {namespace}\n_Generated: {to_rfc3339(visit.access.now())}_",
        f"### Stats\n- **Total memories**: {len(entries)}\n"
        f"- **Oldest memory**: {to_rfc3339(entries[-1].created_at)}\n"
        f"- **Newest memory**: {to_rfc3339(entries[0].created_at)}",
    ]
    if tags:
        lines = [f"- {tag}: {count} ({count / len(entries):.1%})" for tag, count in tags.most_common(_MOST_TAGS)]
        parts.append("\n".join(["### Top Tags", *lines]))
    if decisions:
        parts.append("\n".join(["### Recent Decisions", *(f"- {summary_of(memory)}" for memory in decisions)]))
    return Reply(text="\n\n".join(parts))


async def _related(visit: Visit, given: Mapping[str, Any]) -> Reply:
    memory_id, entity = given.get("id", "").strip(), given.get("entity", "").strip()
    if bool(memory_id) == bool(entity):
        raise InvalidInput("Either id or entity is required")
    namespace = namespace_of(visit, given)
    if entity:
        found = await visit.access.recall(entity, inside(namespace), limit=100, mode="keyword", min_score=0.0)
        mentioning = [hit.memory for hit in found.hits if entity.lower() in hit.memory.content.lower()]
        if not mentioning:
            return Reply(text=f'No memories mention "{entity}".')
        blocks = [block(f"Result {number}", one, content=True) for number, one in enumerate(mentioning, start=1)]
        return Reply(text=listed(f'Found {len(blocks)} memories mentioning "{entity}":', blocks))
    memory = await visit.access.get(memory_id)
    found = await visit.access.recall(
        memory.content[:4000],
        Selection(project=memory.project, unassigned=memory.project is None, superseded=None),
        limit=_MOST_RELATED + 1,
    )
    relations: list[str] = []
    for hit in found.hits:
        if hit.memory.id == memory_id:
            continue
        replaced = memory_id in (hit.memory.supersedes, hit.memory.superseded_by)
        relations.append(
            "\n".join(
                [
                    f"--- Relation {len(relations) + 1} ---",
                    f"Related ID: {hit.memory.id}",
                    f"Type: {'supersedes' if replaced else 'similar'}",
                    f"Strength: {hit.score:.2f}",
                    f"Summary: {summary_of(hit.memory)}",
                    f"Content: {preview_of(hit.memory)}",
                    f"Created: {to_rfc3339(hit.memory.created_at)}",
                ]
            )
        )
    if not relations:
        return Reply(text=f"No relations found for memory {memory_id}.")
    return Reply(text=listed(f"Found {len(relations)} relations for memory {memory_id}:", relations))


CALLS: Mapping[str, Call] = {
    "memory_session_start": _start,
    "memory_session_summary": _summary,
    "memory_profile": _profile,
    "memory_related": _related,
}
