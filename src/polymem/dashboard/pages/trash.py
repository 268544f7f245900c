"""The trash: what was forgotten, to be restored or removed for good."""

from datetime import datetime

from polymem.core.model import Memory, Page
from polymem.core.people import Permission
from polymem.dashboard.parts.elements import attempt, badge, button, confirmed, empty, heading, link, say, tag, text
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.wording import address_of, ago, short, title_of, when
from polymem.dashboard.visit import Visit

_ROWS = 25
_SNIPPET_CHARACTERS = 240


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Trash", "What was forgotten is hidden everywhere, and stays here until it is removed for good.")
    trash = _Trash(visit)
    await trash.draw()
    await follow(visit, trash.fill)


class _Trash:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def draw(self) -> None:
        self._body = tag("div")
        self._pager = Pager(_ROWS, self.fill)
        await self.fill()

    async def fill(self) -> None:
        visit = self._visit
        page: Page[Memory] = await self._pager.read(
            lambda limit, offset: _read(visit, limit, offset),
        )
        now = visit.core.clock.now()
        writable = await visit.writable()
        self._body.clear()
        with self._body:
            if not page.items:
                empty("delete_outline", "The trash is empty", "A memory that is forgotten comes here first.")
                return
            with tag("ul", "pm-plain"):
                for memory in page.items:
                    with tag("li", "pm-card pm-entry"):
                        self._draw(memory, now, writable(memory))

    def _draw(self, memory: Memory, now: datetime, writes: bool) -> None:
        with tag("div", "pm-entry-text"):
            link(title_of(memory), self._visit.path(address_of(memory.id)), "pm-link pm-strong")
            if memory.title:
                text(short(memory.content, _SNIPPET_CHARACTERS), "pm-snippet")
            with tag("div", "pm-tags"):
                badge(memory.kind, "pm-badge-accent")
                if memory.project:
                    badge(memory.project)
                forgotten = text(f"forgotten {ago(memory.forgotten_at, now)}", "pm-soft", "span")
                forgotten.props["title"] = when(memory.forgotten_at)
        if writes:
            with tag("div", "pm-actions"):
                button("Restore", attempt(lambda: self._restore(memory)), icon="restore_from_trash")
                button("Remove for good", attempt(lambda: self._purge(memory)), icon="delete_forever", kind="bad")

    async def _restore(self, memory: Memory) -> None:
        await self._visit.core.memories.restore(await self._visit.whole(Permission.WRITE), memory.id)
        say("Restored")
        await self.fill()

    async def _purge(self, memory: Memory) -> None:
        about = f"“{title_of(memory)}” goes with all its versions. Nothing brings it back."
        if await confirmed("Remove this memory for good?", about, "Remove for good"):
            await self._visit.core.memories.purge(await self._visit.whole(Permission.WRITE), memory.id)
            say("Removed for good")
            await self.fill()


async def _read(visit: Visit, limit: int, offset: int) -> Page[Memory]:
    return await visit.core.memories.trash(await visit.scope(), limit=limit, offset=offset)
