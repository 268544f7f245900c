"""Pages that follow what agents do: drawn again when something was written, without a reload."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from polymem.core.errors import NotAuthenticated, PolymemError
from polymem.dashboard.visit import Visit

_SECONDS = 2.0
"""Between two looks. A look reads one number, by the organization's primary key."""


_SLOW_SECONDS = 5.0
"""Between two looks at what has no number that says whether it changed."""


def follow_clock(draw: Callable[[], Awaitable[None]]) -> None:
    """Call `draw` every few seconds while the page is open; it is to draw nothing when nothing changed."""
    _repeat(_SLOW_SECONDS, draw)


async def follow(visit: Visit, draw: Callable[[], Awaitable[None]]) -> None:
    """Call `draw` whenever the organization's memories have changed, while the page is open."""
    shown = await visit.core.overview.position(await visit.whole())

    async def look() -> None:
        nonlocal shown
        position = await visit.core.overview.position(await visit.whole())
        if position != shown:
            shown = position
            await draw()

    _repeat(_SECONDS, look)


def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    async def look() -> None:
        try:
            await work()
        except NotAuthenticated:
            timer.cancel()
            ui.navigate.to("/sign-in")
        except PolymemError:
            # What went wrong is told when somebody does something; this will look again.
            pass

    timer = ui.timer(seconds, look, immediate=False)
