"""How far something long is. Apart from `output`, since most commands do without, and it takes long to import."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator["Bar"]:
    """A bar on stderr while something long goes on; nothing where stderr is no terminal."""
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    ]
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield Bar(bars, what, total)


class Bar:
    """How far something is."""

    def __init__(self, bars: Progress, what: str, total: int | None) -> None:
        self._bars = bars
        self._task = bars.add_task(what, total=total)

    def at(self, done: int, total: int | None = None, what: str | None = None) -> None:
        """Show that so many are done; `total` and `what` correct what was thought and said before."""
        self._bars.update(self._task, completed=done, total=total, description=what)
