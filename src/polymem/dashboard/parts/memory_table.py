"""A page of memories as a table."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from polymem.core.filters import SortKey
from polymem.core.model import Memory
from polymem.dashboard.parts.wording import address_of, ago, number, short, title_of, when
from polymem.dashboard.visit import Visit

_SNIPPET_CHARACTERS = 180
_TAGS_SHOWN = 6
_COLUMNS: tuple[dict[str, str], ...] = (
    {"name": "text", "label": "Memory"},
    {"name": "kind", "label": "Kind"},
    {"name": "project", "label": "Project"},
    {"name": "importance", "label": "Importance", "sort": SortKey.IMPORTANCE.value},
    {"name": "uses", "label": "Uses", "sort": SortKey.LAST_ACCESSED.value},
    {"name": "time", "label": "Kept", "sort": SortKey.CREATED.value},
)


class MemoryTable(Element, component="../static/memory_table.js"):
    """Shows rows; calls `on_choose` with the ids of the chosen ones, and `on_sort` with what to sort by."""

    def __init__(
        self,
        caption: str,
        *,
        selectable: bool,
        on_choose: Callable[[list[str]], None],
        on_sort: Callable[[SortKey], Awaitable[None]],
    ) -> None:
        super().__init__()
        self.props["columns"] = list(_COLUMNS)
        self.props["caption"] = caption
        self.props["selectable"] = selectable
        self.props["rows"] = []
        self.props["chosen"] = []

        def choose(event: GenericEventArguments) -> None:
            shown = {row["id"] for row in self.props["rows"]}
            self.props["chosen"] = [id for id in event.args if id in shown]
            on_choose(self.props["chosen"])

        async def sort(event: GenericEventArguments) -> None:
            await on_sort(SortKey(event.args))

        self.on("choose", choose)
        self.on("sort", sort)

    def show(self, visit: Visit, memories: Sequence[Memory], now: datetime, sorted: SortKey, descending: bool) -> None:
        """Show these rows. What was chosen stays so, as far as it is among them."""
        rows = [to_row(visit, memory, now) for memory in memories]
        ids = {row["id"] for row in rows}
        chosen = [id for id in self.props["chosen"] if id in ids]
        self.props["rows"], self.props["chosen"] = rows, chosen
        self.props["sorted"], self.props["descending"] = sorted.value, descending
        self.update()

    @property
    def chosen(self) -> list[str]:
        """The ids of the chosen rows."""
        return list(self.props["chosen"])

    def choose_none(self) -> None:
        """Let go of all rows."""
        self.props["chosen"] = []
        self.update()


def to_row(visit: Visit, memory: Memory, now: datetime) -> dict[str, Any]:
    """What a row shows of a memory, as text."""
    snippet = short(memory.content, _SNIPPET_CHARACTERS)
    more = len(memory.tags) - _TAGS_SHOWN
    return {
        "id": memory.id,
        "address": visit.path(address_of(memory.id)),
        "name": title_of(memory),
        "title": short(memory.title or "", _SNIPPET_CHARACTERS),
        "text": snippet or "(blank)",
        "tags": [short(tag, 40) for tag in memory.tags[:_TAGS_SHOWN]] + ([f"+{more}"] if more > 0 else []),
        "kind": short(memory.kind, 40),
        "project": short(memory.project or "", 40),
        "importance": memory.importance,
        "uses": number(memory.access_count),
        "when": ago(memory.created_at, now),
        "exact": when(memory.created_at),
        "instant": memory.created_at.isoformat(),
        "state": state_of(memory, now),
    }


def state_of(memory: Memory, now: datetime) -> str:
    """Why recall leaves it out, in a word; "" when it does not."""
    if memory.forgotten_at is not None:
        return "in the trash"
    if memory.expires_at is not None and memory.expires_at <= now:
        return "expired"
    return "replaced" if memory.superseded_by is not None else ""
