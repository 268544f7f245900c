"""What Memento's tools for whole namespaces do: export, import, counts, compaction."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from polymem.core.errors import InvalidInput, PolymemError
from polymem.core.instants import to_rfc3339
from polymem.core.model import Memory
from polymem.mcp.toolsets.memento.entries import (
    GLOBAL,
    all_of,
    inside,
    namespace_of,
    project_of,
    said,
    summary_of,
    tags_of,
)
from polymem.mcp.visit import Call, Json, Reply, Visit

_HEADING = re.compile(r"^#{1,2} +(.+)$", re.MULTILINE)
_COLUMNS = ("id", "content", "namespace", "tags", "timestamp", "summary", "container")


async def _export(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace, form = namespace_of(visit, given), given.get("format", "jsonl")
    memories = [memory async for memory in all_of(visit, inside(namespace, superseded=None))]
    records = [_record(memory) for memory in memories]
    match form:
        case "json":
            text = json.dumps(records, ensure_ascii=False, indent=2)
        case "csv":
            text = _to_csv(records)
        case "markdown":
            text = "\n\n---\n\n".join(
                _to_markdown(memory, record) for memory, record in zip(memories, records, strict=True)
            )
        case _:
            text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    return Reply(text=f"Exported {len(records)} entries (format: {form})\n\n{text}".rstrip())


def _record(memory: Memory) -> Json:
    told: Json = {
        "id": memory.id,
        "content": memory.content,
        "namespace": memory.project or GLOBAL,
        "tags": list(memory.tags),
        "timestamp": to_rfc3339(memory.created_at),
        "summary": summary_of(memory),
    }
    return told | ({"container": memory.container} if memory.container else {})


def _to_csv(records: Sequence[Json]) -> str:
    written = io.StringIO()
    rows = csv.DictWriter(written, _COLUMNS, restval="", lineterminator="\n")
    rows.writeheader()
    rows.writerows({**record, "tags": ",".join(record["tags"])} for record in records)
    return written.getvalue()


def _to_markdown(memory: Memory, record: Json) -> str:
    told = {
        "ID": record["id"],
        "Timestamp": record["timestamp"],
        "Tags": ", ".join(record["tags"]),
        "Source": "explicit",
        "Namespace": record["namespace"],
    }
    rows = [f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in told.items()]
    table = "\n".join(["| Field | Value |", "| --- | --- |", *rows])
    return f"## {record['summary']}\n\n{table}\n\n{memory.content}"


async def _import(visit: Visit, given: Mapping[str, Any]) -> Reply:
    form = given["format"]
    records = _parsed(said(given, "content"), form)
    namespace, tags = namespace_of(visit, given), tags_of(given)
    imported = 0
    for content, own in records:
        draft = {
            "content": content,
            "project": project_of(namespace),
            "tags": tuple(dict.fromkeys((*own, *tags))),
        }
        try:
            imported += (await visit.access.add(draft, once=True)).created
        except InvalidInput:
            # One entry that cannot be kept does not keep the others out; the count tells.
            continue
    return Reply(text=f"Imported {imported} of {len(records)} entries (format: {form})")


def _parsed(content: str, form: str) -> list[tuple[str, tuple[str, ...]]]:
    # The texts and their own tags.
    try:
        match form:
            case "json":
                value = json.loads(content)
                return [_of_record(one) for one in (value if isinstance(value, list) else [value])]
            case "jsonl":
                return [_of_record(json.loads(line)) for line in content.splitlines() if line.strip()]
            case "csv":
                rows = list(csv.DictReader(io.StringIO(content)))
                return [(row.get("content") or list(row.values())[-1] or "", ()) for row in rows]
            case "markdown":
                sections = _HEADING.split(content)[1:]
                pairs = zip(sections[::2], sections[1::2], strict=True)
                return [(f"{title.strip()}\n\n{body.strip()}".strip(), ()) for title, body in pairs] or [(content, ())]
            case _:
                return [(part.strip(), ()) for part in re.split(r"\n\s*\n", content) if part.strip()]
    except (ValueError, RecursionError, csv.Error):
        raise InvalidInput(f"Failed to parse {form.upper()} content") from None


def _of_record(value: Any) -> tuple[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        return str(value), ()
    tags = value.get("tags")
    content = value.get("content") or value.get("text") or ""
    return str(content), tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()


async def _migrate(visit: Visit, given: Mapping[str, Any]) -> Reply:
    page = await visit.access.list(inside(namespace_of(visit, given), superseded=None), limit=1)
    if given.get("dryRun"):
        return Reply(text=f"Dry run: found {page.total} entries to re-embed. No changes made.")
    waiting = (await visit.access.stats()).without_vector
    return Reply(
        text="\n".join(
            [
                "Migration complete:",
                f"  Total:     {page.total}",
                "  Processed: 0",
                "  Failed:    0",
                f"  Skipped:   {page.total}",
                "",
                "A polymem server embeds by itself what its present model has not embedded; "
                f"{waiting} memories of all namespaces wait for that. `polymem reindex` does it at once.",
            ]
        )
    )


async def _stats(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = namespace_of(visit, given)
    memories = [memory async for memory in all_of(visit, inside(namespace, superseded=None))]
    lines = [f"**Total entries**: {len(memories)}"]
    if memories:
        lines += [
            f"**Oldest**: {to_rfc3339(memories[-1].created_at)}",
            f"**Newest**: {to_rfc3339(memories[0].created_at)}",
        ]
    if (size := (await visit.access.stats()).bytes_on_disk) is not None:
        lines.append(f"**Disk usage**: {size / 1024 / 1024:.1f} MB for all namespaces")
    tags = Counter(tag for memory in memories for tag in memory.tags)
    by_tag = "\n".join(["### By Tag", *(f"- {tag}: {count}" for tag, count in tags.most_common())])
    return Reply(text="\n\n".join(["## Memory Statistics", "\n".join(lines), *([by_tag] if tags else [])]))


async def _compact(visit: Visit, given: Mapping[str, Any]) -> Reply:
    namespace = said(given, "namespace")
    days, most = given.get("ttlDays", 180), int(given.get("maxEntries", 10_000))
    if days < 0 or most < 0:
        raise InvalidInput("ttlDays and maxEntries must not be negative")
    memories = [memory async for memory in all_of(visit, inside(namespace, superseded=None))]
    try:
        oldest = visit.access.now() - timedelta(days=days)
        expired = [memory for memory in memories if memory.created_at < oldest]
    except OverflowError:
        expired = []
    left = memories[: len(memories) - len(expired)]
    newest: dict[str, Memory] = {}
    for memory in left:
        newest.setdefault(" ".join(memory.content.lower().split()), memory)
    merged = [memory for memory in left if newest[" ".join(memory.content.lower().split())] is not memory]
    left = list(newest.values())
    evicted = left[most:]
    if not given.get("dryRun"):
        for memory in (*expired, *merged, *evicted):
            try:
                await visit.access.forget(memory.id)
            except PolymemError as error:
                raise InvalidInput(f"Stopped at memory {memory.id}: {error}") from None
    return Reply(
        text="\n".join(
            [
                "## Compaction Preview (dry run)" if given.get("dryRun") else "## Compaction Complete",
                "",
                f"**Total entries**: {len(memories)}",
                f"**Expired (TTL)**: {len(expired)}",
                f"**Merged (near-duplicates)**: {len(merged)}",
                f"**Evicted (over limit)**: {len(evicted)}",
                f"**Remaining**: {len(left) - len(evicted)}",
            ]
        )
    )


CALLS: Mapping[str, Call] = {
    "memory_export": _export,
    "memory_import": _import,
    "memory_migrate": _migrate,
    "memory_stats": _stats,
    "memory_compact": _compact,
}
