"""The operations about memories that contradict each other, and about what replaced what; see `operations`."""

from typing import Any, Literal, Unpack
from urllib.parse import quote

from polymem.client.calls import Call
from polymem.client.decoding import many, one, page
from polymem.client.errors import UnexpectedAnswer
from polymem.client.inputs import Filters
from polymem.client.models import Memory, MemoryConflict, Page

Decision = Literal["keep_old", "keep_new", "keep_both", "merge"]


def conflicts(
    *, status: Literal["open", "resolved", "all"] = "open", limit: int = 50, offset: int = 0
) -> Call[Page[MemoryConflict]]:
    """A page of memories that say the same or contradict each other, newest first."""
    query = {"status": status, "limit": limit, "offset": offset}
    return Call(method="GET", path="/v1/conflicts", parse=page(MemoryConflict), query=query, repeatable=True)


def conflict(conflict_id: str) -> Call[MemoryConflict]:
    """One conflict, open or settled. Raises NotFound."""
    return Call(method="GET", path=_conflict(conflict_id), parse=one(MemoryConflict), repeatable=True)


def detect_conflicts(**filters: Unpack[Filters]) -> Call[int]:
    """Compare the newest 1,000 memories that match with older ones, as it is done when one is added with `compare`; how
    many were compared. What is found is listed by `conflicts`."""
    body = {name: value for name, value in filters.items() if value is not None}
    return Call(method="POST", path="/v1/conflicts/detect", parse=_compared, body=body, repeatable=True)


def resolve_conflict(conflict_id: str, resolution: Decision, *, content: str | None = None) -> Call[MemoryConflict]:
    """Settle a conflict.

    keep_old forgets the newer memory, keep_new makes it replace the older one, keep_both changes neither, and merge
    gives the newer one `content`, the text of both, and makes it replace the older one.
    Raises NotFound, Conflict (it is settled already), InvalidInput.
    """
    body: dict[str, Any] = {"resolution": resolution, "content": content}
    return Call(method="POST", path=_conflict(conflict_id, "/resolve"), parse=one(MemoryConflict), body=body)


def chain(memory_id: str) -> Call[tuple[Memory, ...]]:
    """The memories that replaced one another, this one among them, oldest first. Raises NotFound."""
    return Call(method="GET", path=_memory(memory_id, "chain"), parse=many(Memory), repeatable=True)


def unsupersede(memory_id: str) -> Call[Memory]:
    """Make a memory that was replaced current again, beside the one that replaced it. Raises NotFound, Conflict."""
    return Call(method="POST", path=_memory(memory_id, "unsupersede"), parse=one(Memory), repeatable=True)


def _compared(value: Any) -> int:
    match value:
        case {"compared": int(compared)}:
            return compared
        case _:
            raise UnexpectedAnswer("The server did not say how many memories it compared")


def _conflict(conflict_id: str, verb: str = "") -> str:
    return f"/v1/conflicts/{quote(conflict_id, safe='')}{verb}"


def _memory(memory_id: str, verb: str) -> str:
    return f"/v1/memories/{quote(memory_id, safe='')}/{verb}"
