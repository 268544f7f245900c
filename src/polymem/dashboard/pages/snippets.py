"""Code snippets, highlighted, with where they come from."""

from nicegui import ui
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_by_name
from pygments.util import ClassNotFound

from polymem.core.model import Page
from polymem.core.people import Permission
from polymem.core.work import Snippet, WorkFilter
from polymem.dashboard.parts.elements import (
    attempt,
    badge,
    confirmed,
    copy_button,
    empty,
    heading,
    icon_button,
    say,
    tag,
    text,
)
from polymem.dashboard.parts.live import follow_clock
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.wording import ago, number, short, when
from polymem.dashboard.visit import Visit

_ROWS = 10
_MOST_CODE = 20_000
"""Characters of a snippet that are shown and highlighted."""


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Snippets", "Code worth keeping, as it was written.")
    listing = _Listing(visit)
    await listing.draw()
    follow_clock(listing.fill)


class _Listing:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._language = ""
        self._drawn: object = None

    async def draw(self) -> None:
        with tag("div", "pm-filters"):
            field = ui.input("Language", on_change=attempt(lambda event: self._narrow(event.value or "")))
            field.props("outlined dense clearable debounce=300 maxlength=100").classes("pm-select-narrow")
        self._body = tag("div")
        self._pager = Pager(_ROWS, self.fill)
        await self.fill()

    async def _narrow(self, language: str) -> None:
        self._language = language.strip()
        self._pager.rewind()
        await self.fill()

    async def fill(self) -> None:
        visit = self._visit
        page: Page[Snippet] = await self._pager.read(self._read)
        if (page, self._language) == self._drawn:
            return
        self._drawn = (page, self._language)
        writes = await visit.can_write()
        self._body.clear()
        with self._body:
            if not page.items:
                about = "An agent keeps one through the AI Memory System's API or MCP."
                empty("code", "Nothing in this language" if self._language else "There are no snippets", about)
            with tag("div", "pm-stack"):
                for snippet in page.items:
                    with tag("article", "pm-card"):
                        self._draw(snippet, writes)

    async def _read(self, limit: int, offset: int) -> Page[Snippet]:
        filter = WorkFilter(language=self._language or None)
        return await self._visit.core.worklog.snippets.find(
            await self._visit.scope(), filter, limit=limit, offset=offset
        )

    def _draw(self, snippet: Snippet, writes: bool) -> None:
        with tag("div", "pm-task-head"):
            text(snippet.name, "pm-session-title", "h2")
            with tag("div", "pm-actions"):
                copy_button(snippet.code, f"Copy {short(snippet.name, 60)}")
                if writes:
                    label = f"Remove {short(snippet.name, 60)}"
                    icon_button("delete", label, attempt(lambda: self._remove(snippet)))
        if snippet.description:
            text(snippet.description, "pm-snippet")
        with tag("div", "pm-tags pm-below-small"):
            badge(snippet.project)
            if snippet.language:
                badge(snippet.language, "pm-badge-accent")
            if place := place_of(snippet):
                text(place, "pm-mono pm-soft", "span")
            kept = text(ago(snippet.created_at, self._visit.core.clock.now()), "pm-soft", "span")
            kept.props["title"] = when(snippet.created_at)
        code = snippet.code[:_MOST_CODE]
        with tag("div", "pm-code", tabindex="0", role="region", aria_label=f"Code of {short(snippet.name, 60)}"):
            ui.html(highlighted(code, snippet.language), sanitize=True)
        if len(snippet.code) > _MOST_CODE:
            text(f"{number(len(snippet.code) - _MOST_CODE)} more characters are not shown.", "pm-soft")

    async def _remove(self, snippet: Snippet) -> None:
        if await confirmed("Remove this snippet?", f"“{short(snippet.name, 80)}” is removed for good.", "Remove"):
            await self._visit.core.worklog.snippets.remove(await self._visit.whole(Permission.WRITE), snippet.id)
            say("Removed")
            await self.fill()


def place_of(snippet: Snippet) -> str:
    """The file and lines it was taken from; "" when that is unknown."""
    if snippet.line_start is None:
        return snippet.file_path
    lines = f"{snippet.line_start}" if snippet.line_end is None else f"{snippet.line_start}–{snippet.line_end}"
    return f"{snippet.file_path}:{lines}" if snippet.file_path else f"lines {lines}"


def highlighted(code: str, language: str) -> str:
    """The code as HTML: every character of it escaped, its tokens in classes. An unknown language is plain text."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=False, cssclass="pm-source")))
