"""Conflicts: two memories side by side that cannot both stand as they are, and what becomes of them."""

from datetime import datetime

from nicegui import ui

from polymem.core.conflicts.ports import Conflict, Resolution
from polymem.core.model import Memory, Page
from polymem.core.people import Permission
from polymem.dashboard.parts.changes import draw_pieces
from polymem.dashboard.parts.differences import Piece, differences
from polymem.dashboard.parts.elements import attempt, badge, button, empty, heading, link, say, tag, text
from polymem.dashboard.parts.forms import Form
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.wording import address_of, ago, when, words_of
from polymem.dashboard.visit import Visit

_ROWS = 10
_MOST_TEXT = 4000
_TOLD = {
    Resolution.KEEP_OLD: "Kept the older one; the newer is in the trash",
    Resolution.KEEP_NEW: "Kept the newer one; it replaces the older",
    Resolution.KEEP_BOTH: "Kept both",
    Resolution.MERGE: "Merged into the newer one, which replaces the older",
}


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Conflicts", "Memories that say the same, or the opposite. Decide which one your agents should believe.")
    listing = _Listing(visit)
    await listing.draw()
    await follow(visit, listing.fill)


class _Listing:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._open = True

    async def draw(self) -> None:
        with tag("div", "pm-filters"):
            ui.select(
                {True: "To be decided", False: "Decided"},
                label="Show",
                value=True,
                on_change=attempt(lambda event: self._show(open=bool(event.value))),
            ).props("outlined dense options-dense behavior=menu").classes("pm-select-narrow")
        self._body = tag("div")
        self._pager = Pager(_ROWS, self.fill)
        await self.fill()

    async def _show(self, *, open: bool) -> None:
        self._open = open
        self._pager.rewind()
        await self.fill()

    async def fill(self) -> None:
        visit = self._visit
        page: Page[Conflict] = await self._pager.read(self._read)
        now = visit.core.clock.now()
        writable = await visit.writable()
        self._body.clear()
        with self._body:
            if not page.items:
                about = "When a new memory repeats or contradicts an older one, both appear here side by side."
                empty("handshake", "Nothing contradicts anything" if self._open else "Nothing was decided yet", about)
            for conflict in page.items:
                with tag("article", "pm-card pm-conflict", aria_label=f"Conflict: {words_of(conflict.reason.value)}"):
                    self._draw(conflict, now, writable(conflict.old) and writable(conflict.new))

    async def _read(self, limit: int, offset: int) -> Page[Conflict]:
        return await self._visit.core.conflicts.find(
            await self._visit.scope(), open=self._open, limit=limit, offset=offset
        )

    def _draw(self, conflict: Conflict, now: datetime, writes: bool) -> None:
        with tag("div", "pm-tags"):
            badge(words_of(conflict.reason.value), "pm-badge-accent")
            badge(f"{conflict.similarity:.0%} alike")
            text(f"found {ago(conflict.created_at, now)} by {conflict.judge}", "pm-soft", "span")
        text(conflict.detail, "pm-below-small", "p")
        with tag("div", "pm-sides"):
            pieces = differences(conflict.old.content[:_MOST_TEXT], conflict.new.content[:_MOST_TEXT])
            self._draw_side("Older", conflict.old, [piece for piece in pieces if piece[0] != "new"], now)
            self._draw_side("Newer", conflict.new, [piece for piece in pieces if piece[0] != "gone"], now)
        if conflict.resolution is not None:
            by = f" by {conflict.resolved_by}" if conflict.resolved_by else ""
            text(f"{_TOLD[conflict.resolution]}: {ago(conflict.resolved_at, now)}{by}.", "pm-soft", "p")
        elif writes:
            with tag("div", "pm-actions"):
                button("Keep the older", attempt(lambda: self._settle(conflict, Resolution.KEEP_OLD)))
                button("Keep the newer", attempt(lambda: self._settle(conflict, Resolution.KEEP_NEW)), kind="main")
                button("Keep both", attempt(lambda: self._settle(conflict, Resolution.KEEP_BOTH)))
                button("Merge", attempt(lambda: self._merge(conflict)), icon="merge")

    def _draw_side(self, name: str, memory: Memory, pieces: list[Piece], now: datetime) -> None:
        with tag("section", "pm-side", aria_label=name):
            with tag("div", "pm-side-head"):
                text(name, "pm-strong", "h2")
                link("Open", self._visit.path(address_of(memory.id)))
            with tag("div", "pm-content pm-side-text"):
                draw_pieces(pieces)
            with tag("div", "pm-tags"):
                badge(memory.kind)
                if memory.project:
                    badge(memory.project)
                kept = text(f"kept {ago(memory.created_at, now)}", "pm-soft", "span")
                kept.props["title"] = when(memory.created_at)

    async def _settle(self, conflict: Conflict, resolution: Resolution, content: str | None = None) -> None:
        visit = self._visit
        scope = await visit.whole(Permission.WRITE)
        await visit.core.conflicts.resolve(scope, conflict.id, resolution, content=content)
        say(_TOLD[resolution])
        await self.fill()

    async def _merge(self, conflict: Conflict) -> None:
        with Form("Merge into one memory", "Merge them") as form:
            text("Write what both say. The newer memory gets this text and replaces the older one.", "pm-soft", "p")
            both = f"{conflict.old.content}\n{conflict.new.content}"
            field = ui.textarea("Text", value=both).props("outlined autogrow autofocus")
        if await form.shown():
            await self._settle(conflict, Resolution.MERGE, str(field.value))
