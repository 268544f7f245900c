"""Turning the pages of a list that the server reads one page at a time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from polymem.core.model import Page
from polymem.dashboard.parts.elements import attempt, icon_button, tag
from polymem.dashboard.parts.wording import number

T = TypeVar("T")


class Pager:
    """Which rows are shown, with the buttons that turn the page. Draw it below the list; `fill` draws the list.

    It begins with the page that row `offset`, counted from 0, is on.
    """

    def __init__(self, rows: int, fill: Callable[[], Awaitable[None]], *, offset: int = 0) -> None:
        self._rows = rows
        self._fill = fill
        self._offset = offset // rows * rows
        with tag("div", "pm-pager"):
            self._told = tag("span", "pm-soft", content="", role="status")
            self._back = icon_button("chevron_left", "Previous page", attempt(lambda: self._turn(-1)))
            self._on = icon_button("chevron_right", "Next page", attempt(lambda: self._turn(1)))

    async def read(self, ask: Callable[[int, int], Awaitable[Page[T]]]) -> Page[T]:
        """The present page: `ask` gets limit and offset. The last one there is, when there are no longer so many."""
        page = await ask(self._rows, self._offset)
        if not page.items and page.total and self._offset:
            self._offset = (page.total - 1) // self._rows * self._rows
            page = await ask(self._rows, self._offset)
        last = self._offset + len(page.items)
        told = f"{number(self._offset + 1)}–{number(last)} of {number(page.total)}" if page.items else ""
        self._told.text = told  # type: ignore[attr-defined]
        for turner, turns in ((self._back, self._offset > 0), (self._on, last < page.total)):
            turner.set_visibility(page.total > self._rows)
            turner.set_enabled(turns)
        return page

    @property
    def offset(self) -> int:
        """The first row of the present page."""
        return self._offset

    def rewind(self) -> None:
        """Begin at the first page with the next `read`."""
        self._offset = 0

    async def _turn(self, pages: int) -> None:
        self._offset = max(0, self._offset + pages * self._rows)
        await self._fill()
