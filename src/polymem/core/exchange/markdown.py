"""Markdown notes as memories: a list gives one for each item, other text one for each section. Pure functions.

Headings tell what their items are about, and become titles. A heading that names a kind of memory in the plural
("Decisions", "Rules") gives its memories that kind, which is how other systems group what they write into a
MEMORY.md. Front matter may hold `title`, `tags`, `project`, `kind` and `created` or `date`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from polymem.core.errors import InvalidInput
from polymem.core.instants import from_rfc3339

Record = dict[str, Any]

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"[-*+]\s+(?:\[[ xX]\]\s+)?(.*)$|\d{1,9}[.)]\s+(.*)$")
_FENCE = re.compile(r"\s*(```|~~~)")
_ENTRY = re.compile(r"([A-Za-z_][\w-]*)\s*:\s*(.*)$")
_KINDS = frozenset(
    "fact preference goal decision artifact learning event instruction relationship context observation commitment "
    "error rule feedback note solution code".split()
)
_NOT_TITLES = frozenset({"memory", "memories", "notes", "memory.md"})


@dataclass(slots=True)
class _Section:
    """A heading with what stands under it up to the next one."""

    titles: tuple[str, ...] = ()
    blocks: list[tuple[bool, list[str]]] = field(default_factory=list)

    def line(self, text: str, *, fenced: bool) -> None:
        item = None if fenced else _ITEM.match(text)
        if item is not None:
            self.blocks.append((True, [next(group for group in item.groups() if group is not None)]))
        elif not self.blocks or (self.blocks[-1][0] and text.strip() and not text[0].isspace() and not fenced):
            self.blocks.append((False, [text]))
        else:
            # What is indented, or follows a blank line inside an item, goes on with it.
            self.blocks[-1][1].append(text)


def read_markdown(text: str, name: str) -> Iterator[Record | InvalidInput]:
    """The memories of one note. `name` is its file's name without the ending: the title of what is in no section."""
    fields, body = _front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    try:
        common = _common(fields, name)
    except InvalidInput as error:
        yield error
        return
    for section in _sections(body):
        own = [title for title in section.titles if title.casefold() not in _NOT_TITLES]
        kind = next((kind for title in reversed(own) if (kind := _kind_of(title)) is not None), None)
        title = " › ".join(title for title in own if _kind_of(title) is None) or common.get("title")
        shared = common | ({"title": title} if title else {}) | ({"kind": kind} if kind else {})
        for content in _contents(section):
            yield shared | {"content": content}


def _contents(section: _Section) -> Iterator[str]:
    texts: list[str] = []
    for is_item, lines in section.blocks:
        content = _dedented(lines) if is_item else "\n".join(lines).strip()
        if is_item and content:
            yield content
        elif content:
            texts.append(content)
    if texts:
        yield "\n\n".join(texts)


def _sections(body: str) -> Iterator[_Section]:
    titles: list[tuple[int, str]] = []
    section = _Section()
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark is not None and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        heading = None if fence or mark is not None else _HEADING.match(line)
        if heading is None:
            section.line(line, fenced=bool(fence) or mark is not None)
            continue
        yield section
        titles = [(level, title) for level, title in titles if level < len(heading[1])]
        titles.append((len(heading[1]), heading[2]))
        section = _Section(tuple(title for _, title in titles))
    yield section


def _dedented(lines: list[str]) -> str:
    first, *rest = lines
    indents = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
    return "\n".join([first, *(line[min(indents, default=0) :] for line in rest)]).strip()


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    if not text.startswith("---\n"):
        return {}, text
    head, end, body = text[4:].partition("\n---\n")
    if not end:
        return {}, text
    fields: dict[str, Any] = {}
    key = None
    for line in head.split("\n"):
        if (entry := _ENTRY.match(line)) is not None:
            key = entry[1].casefold()
            fields[key] = _value(entry[2])
        elif key is not None and (item := _ITEM.match(line.strip())) is not None:
            kept = fields[key] if isinstance(fields[key], list) else []
            fields[key] = [*kept, _unquoted(item[1] or item[2] or "")]
    return fields, body


def _value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return [_unquoted(part) for part in text[1:-1].split(",") if part.strip()]
    return _unquoted(text)


def _unquoted(text: str) -> str:
    return text.strip().strip("\"'")


def _common(fields: dict[str, Any], name: str) -> Record:
    common: Record = {"title": fields.get("title") or (None if name.casefold() in _NOT_TITLES else name)}
    for wanted in ("project", "kind"):
        common[wanted] = fields.get(wanted)
    tags = fields.get("tags")
    common["tags"] = [tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else tags
    moment = fields.get("created") or fields.get("created_at") or fields.get("date")
    if moment:
        # Checked here, so that one sentence is said of the file and not one of each of its memories.
        from_rfc3339(moment, "the date of the note")
        common["created_at"] = moment
    return {key: value for key, value in common.items() if value}


def _kind_of(title: str) -> str | None:
    word = title.casefold().strip()
    singular = word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")
    return next((kind for kind in (word, singular) if kind in _KINDS), None)
