"""Work sessions: what was done, what comes next, and what was in the way."""

from collections.abc import Sequence

from polymem.core.model import Page
from polymem.core.people import Permission
from polymem.core.work import WorkSession
from polymem.dashboard.parts.elements import attempt, badge, confirmed, empty, heading, icon_button, say, tag, text
from polymem.dashboard.parts.live import follow_clock
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.wording import ago, short, when
from polymem.dashboard.visit import Visit

_ROWS = 15


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Sessions", "What your agents worked on, newest first.")
    listing = _Listing(visit)
    await listing.draw()
    follow_clock(listing.fill)


class _Listing:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._drawn: object = None

    async def draw(self) -> None:
        self._body = tag("div")
        self._pager = Pager(_ROWS, self.fill)
        await self.fill()

    async def fill(self) -> None:
        visit = self._visit
        page: Page[WorkSession] = await self._pager.read(self._read)
        if page == self._drawn:
            return
        self._drawn = page
        writes = await visit.can_write()
        self._body.clear()
        with self._body:
            if not page.items:
                about = "An agent keeps one when it ends its work, through the AI Memory System's API or MCP."
                empty("event_note", "There are no sessions", about)
            with tag("div", "pm-stack"):
                for session in page.items:
                    with tag("article", "pm-card"):
                        self._draw(session, writes)

    async def _read(self, limit: int, offset: int) -> Page[WorkSession]:
        return await self._visit.core.worklog.sessions.find(await self._visit.scope(), limit=limit, offset=offset)

    def _draw(self, session: WorkSession, writes: bool) -> None:
        now = self._visit.core.clock.now()
        with tag("div", "pm-task-head"):
            text(session.summary or "(no summary)", "pm-session-title", "h2")
            if writes:
                label = f"Remove {short(session.summary, 60) or 'the session'}"
                icon_button("delete", label, attempt(lambda: self._remove(session)))
        with tag("div", "pm-tags pm-below-small"):
            badge(session.project)
            kept = text(ago(session.created_at, now), "pm-soft", "span")
            kept.props["title"] = when(session.created_at)
        with tag("div", "pm-lists"):
            _draw_list("Accomplished", session.accomplished, "pm-done")
            _draw_list("Next", session.next_steps, "pm-next")
            _draw_list("In the way", session.blockers, "pm-blocked")

    async def _remove(self, session: WorkSession) -> None:
        told = f"“{short(session.summary, 80)}” is removed for good."
        if await confirmed("Remove this session?", told, "Remove"):
            await self._visit.core.worklog.sessions.remove(await self._visit.whole(Permission.WRITE), session.id)
            say("Removed")
            await self.fill()


def _draw_list(title: str, lines: Sequence[str], classes: str) -> None:
    if not lines:
        return
    with tag("section", classes):
        text(title, "pm-strong", "h3")
        with tag("ul"):
            for line in lines:
                text(line, name="li")
