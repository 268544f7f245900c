"""Every page of the dashboard, one line each: its address, its name, and what it takes to be offered it.

The function `build(visit, **parameters)` of `polymem.dashboard.pages.MODULE` draws it; parameters are those of the
path. A page that is not in the menu has no section.
"""

from dataclasses import dataclass
from enum import StrEnum

from polymem.core.people.access import Action


class Section(StrEnum):
    """A part of the menu."""

    MEMORY = "Memory"
    WORK = "Work"
    ADMINISTRATION = "Administration"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page. `icon` is a name of Material Icons; `needs` is what somebody must be allowed to be offered it, None when
    everybody who came in is."""

    path: str
    title: str
    icon: str
    module: str
    section: Section | None = None
    needs: Action | None = None


ENTRIES: tuple[Entry, ...] = (
    Entry("/", "Overview", "space_dashboard", "overview", Section.MEMORY),
    Entry("/memories", "Memories", "menu_book", "memories", Section.MEMORY),
    Entry("/memories/{memory_id:path}", "Memory", "article", "memory"),
    Entry("/search", "Search", "search", "search", Section.MEMORY),
    Entry("/map", "Map", "scatter_plot", "map", Section.MEMORY),
    Entry("/time-machine", "Time machine", "history", "time_machine", Section.MEMORY),
    Entry("/conflicts", "Conflicts", "call_split", "conflicts", Section.MEMORY),
    Entry("/context", "Context", "description", "context", Section.MEMORY),
    Entry("/trash", "Trash", "delete", "trash", Section.MEMORY),
    Entry("/tasks", "Tasks", "checklist", "tasks", Section.WORK),
    Entry("/sessions", "Sessions", "event_note", "sessions", Section.WORK),
    Entry("/snippets", "Snippets", "code", "snippets", Section.WORK),
    Entry("/organizations", "Organizations", "apartment", "organizations", Section.ADMINISTRATION),
    Entry("/people", "People", "group", "people", Section.ADMINISTRATION, Action.SEE_ORGANIZATION),
    Entry("/projects", "Projects", "folder", "projects", Section.ADMINISTRATION),
    Entry("/keys", "Keys and tokens", "vpn_key", "keys", Section.ADMINISTRATION),
    Entry("/connect", "Connect an agent", "cable", "connect", Section.ADMINISTRATION),
    Entry("/notifications", "Notifications", "notifications", "notifications", Section.ADMINISTRATION),
    Entry("/audit", "Audit trail", "policy", "audit", Section.ADMINISTRATION, Action.READ_AUDIT),
    Entry("/transfer", "Import and export", "import_export", "data", Section.ADMINISTRATION),
    Entry("/system", "System", "dns", "system", Section.ADMINISTRATION),
)
"""In the order of the menu."""


def first_segment(path: str) -> str:
    """What is between the first and the second slash: "memories" for "/memories/7"."""
    return path.split("/", 2)[1] if path.startswith("/") else ""
