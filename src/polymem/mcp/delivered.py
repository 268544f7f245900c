"""What is told unasked, at the start of a session or with every prompt, as resources of mememory's addresses."""

from dataclasses import dataclass
from urllib.parse import unquote

from polymem.core.delivery import Document, bootstrap_document, pinned_document
from polymem.core.model import Memory
from polymem.core.quoting import visible
from polymem.mcp.access import Access, Selection

_ADDRESS = "mememory://"
_MAKERS = {"bootstrap": bootstrap_document, "pinned": pinned_document}
_MOST = {"bootstrap": 50, "pinned": 100}


@dataclass(frozen=True, slots=True)
class _Note:
    """What of a memory is told: a text that can close none of the document's tags."""

    content: str
    kind: str
    project: str | None


async def read_delivered(access: Access, uri: str) -> str | None:
    """The document at this address, None where it is none of these."""
    delivery, _, project = uri.removeprefix(_ADDRESS).partition("/")
    if not uri.startswith(_ADDRESS) or delivery not in _MAKERS:
        return None
    return (await delivered(access, delivery, unquote(project) or None)).markdown


async def delivered(access: Access, delivery: str, project: str | None) -> Document:
    """What is delivered this way everywhere and, if one is named, in a project."""
    most = _MOST[delivery]
    everywhere = await access.list(Selection(unassigned=True, deliveries=(delivery,)), limit=most)
    inside = (
        ()
        if project is None
        else ((await access.list(Selection(project=project, deliveries=(delivery,)), limit=most)).items)
    )
    return _MAKERS[delivery]([_note(one) for one in everywhere.items], [_note(one) for one in inside], project)


def _note(memory: Memory) -> _Note:
    return _Note(visible(memory.content).replace("</", "<\\/"), memory.kind, memory.project)
