"""A plain table: a header, and cells that are text or drawn by whoever knows more."""

from collections.abc import Callable, Sequence

from polymem.dashboard.parts.elements import tag, text

Cell = str | Callable[[], object]


def draw_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Draw it; where the window is narrow, each row becomes a block."""
    with tag("div", "pm-card pm-table-card"), tag("table", "pm-table pm-plain-table"):
        text(caption, "pm-hidden", "caption")
        with tag("thead"), tag("tr"):
            for name in header:
                tag("th", content=name, scope="col")
        with tag("tbody"):
            for row in rows:
                with tag("tr"):
                    for name, cell in zip(header, row, strict=True):
                        with tag("td", data_label=name):
                            if isinstance(cell, str):
                                text(cell, name="span")
                            else:
                                cell()
