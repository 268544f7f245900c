"""The audit trail: who did what to which object, when, and through which door."""

from polymem.core.model import Page
from polymem.core.people import AuditEntry
from polymem.dashboard.parts.elements import empty, heading, tag, text
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.table import Cell, draw_table
from polymem.dashboard.parts.wording import short, when
from polymem.dashboard.visit import Visit

_ROWS = 50


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Audit trail", "Who did what, when, and through which door. It never holds secrets or texts.")
    organization = None if visit.organization is None else visit.organization.id
    body = tag("div")

    async def read(limit: int, offset: int) -> Page[AuditEntry]:
        return await visit.core.audit.page(await visit.again(), organization=organization, limit=limit, offset=offset)

    async def fill() -> None:
        page: Page[AuditEntry] = await pager.read(read)
        body.clear()
        with body:
            if not page.items:
                empty("policy", "Nothing was recorded yet", "Changes of people, projects and keys appear here.")
                return
            rows = [to_row(entry) for entry in page.items]
            draw_table("Audit trail", ["When", "Who", "What", "To", "Door"], rows)

    pager = Pager(_ROWS, fill)
    await fill()


def to_row(entry: AuditEntry) -> list[Cell]:
    """What a row shows of an entry."""
    detail = ", ".join(f"{name} {short(str(value), 60)}" for name, value in entry.detail.items() if value is not None)

    def what() -> None:
        text(entry.action, "pm-strong")
        if detail:
            text(detail, "pm-soft")

    return [when(entry.at), entry.actor, what, f"{entry.object_kind} {short(entry.object_id, 40)}", entry.door or "–"]
