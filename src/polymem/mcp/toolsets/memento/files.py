"""What Memento's tools about files do. Only files below the directory a client was started in are read, and over HTTP
none at all: a server's files are not its callers'."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.mcp.toolsets.memento.entries import HIGH, entries, inside, namespace_of, project_of, said, tags_of
from polymem.mcp.visit import Call, Reply, Visit

_KEY_FILES = ("README.md", "package.json", "pyproject.toml", "Cargo.toml", "go.mod", "tsconfig.json", "Dockerfile",
              "docker-compose.yml", "Makefile")  # fmt: skip
_TEXTS = {
    ".c", ".cfg", ".cpp", ".cs", ".css", ".csv", ".go", ".h", ".hpp", ".html", ".ini", ".java", ".js", ".json", ".jsx",
    ".kt", ".md", ".php", ".py", ".rb", ".rs", ".rst", ".sh", ".sql", ".swift", ".toml", ".ts", ".tsx", ".txt", ".yaml",
    ".yml",
}  # fmt: skip
_MOST_BYTES = 1024 * 1024
_PART = 4000
"""Characters of a file in one memory, about."""
_TREE = 200
_INDEXED = "project-index"


async def _index(visit: Visit, given: Mapping[str, Any]) -> Reply:
    directory = _directory(visit)
    namespace = namespace_of(visit, given)
    if not given.get("force"):
        known = await visit.access.recall(
            "project index", inside(namespace, tags=(_INDEXED,)), limit=1, mode="keyword", min_score=0.0
        )
        if known.hits:
            return Reply(text="Project already indexed. Use `force: true` to re-index.")
    tree = await asyncio.to_thread(_tree, directory)
    await _keep(visit, namespace, f"project index: the files of {directory.name}\n{tree}", ("architecture", _INDEXED))
    indexed = []
    for name in _KEY_FILES:
        if (text := await asyncio.to_thread(_text, directory / name)) is not None:
            for part in _parts(f"{name}\n\n{text}"):
                await _keep(visit, namespace, part, ("code", _INDEXED))
            indexed.append(name)
    skipped = [name for name in _KEY_FILES if name not in indexed]
    return Reply(
        text="\n".join(
            [
                "## Project Indexed",
                "",
                f"**Indexed** ({len(indexed)}): {', '.join(indexed) or 'none'}",
                f"**Skipped** (not found): {', '.join(skipped) or 'none'}",
                "Directory tree saved as architecture memory.",
            ]
        )
    )


async def _ingest(visit: Visit, given: Mapping[str, Any]) -> Reply:
    named = said(given, "input")
    if re.match(r"[a-z][a-z0-9+.-]*://", named, re.IGNORECASE):
        raise InvalidInput("This server fetches nothing from the network; save the page and ingest the file")
    directory = _directory(visit)
    path = await asyncio.to_thread((directory / named).resolve)
    if not path.is_relative_to(await asyncio.to_thread(directory.resolve)):
        raise InvalidInput(f"{named} is not below {directory}")
    if path.suffix.lower() not in _TEXTS:
        raise InvalidInput(f"Unsupported format: {named}. Supported: {', '.join(sorted(_TEXTS))}")
    text = await asyncio.to_thread(_text, path)
    if text is None:
        raise InvalidInput(f"Extraction failed: {named} is no text file of at most 1 MiB that can be read")
    namespace = namespace_of(visit, given)
    ids = [await _keep(visit, namespace, part, tags_of(given), source=named) for part in _parts(text)]
    lines = [f"Ingested: {named}", f"Format: {path.suffix[1:].lower()}", f"Text length: {len(text)} chars"]
    return Reply(text="\n".join([*lines, f"Saved {entries(len(ids))} ({', '.join(ids)})"]))


def _directory(visit: Visit) -> Path:
    if visit.directory is None:
        raise InvalidInput("Files can be read only where polymem runs beside them: start `polymem mcp` in the project")
    return visit.directory


async def _keep(visit: Visit, namespace: str, content: str, tags: tuple[str, ...], source: str | None = None) -> str:
    draft = {
        "content": content,
        "project": project_of(namespace),
        "tags": tags,
        "importance": HIGH,
        "metadata": {} if source is None else {"source": source},
    }
    return (await visit.access.add(draft, once=True)).memory.id


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return None
    return text if text.strip() and "\x00" not in text else None


def _parts(text: str) -> list[str]:
    # Cut between paragraphs where there are some, and anywhere in one that is too long.
    parts: list[str] = [""]
    for paragraph in re.split(r"(?<=\n)\s*\n", text):
        for start in range(0, max(len(paragraph), 1), _PART):
            piece = paragraph[start : start + _PART]
            if parts[-1] and len(parts[-1]) + len(piece) > _PART:
                parts.append("")
            parts[-1] = f"{parts[-1]}\n{piece}".strip() if parts[-1] else piece.strip()
    return [part for part in parts if part]


def _tree(directory: Path) -> str:
    names = []
    for path in sorted(directory.glob("*")):
        if path.name.startswith("."):
            continue
        names.append(path.name + ("/" if path.is_dir() else ""))
        if path.is_dir():
            names += [f"  {one.name}{'/' if one.is_dir() else ''}" for one in sorted(path.glob("*"))[:20]]
    return "\n".join(names[:_TREE])


CALLS: Mapping[str, Call] = {"memory_index": _index, "memory_ingest": _ingest}
