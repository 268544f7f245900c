"""Differences, drawn: what is gone struck out, what is new in its place."""

from collections.abc import Iterable

from nicegui import ui

from polymem.core.model import Memory
from polymem.dashboard.parts.differences import Piece, changed_fields, differences
from polymem.dashboard.parts.elements import tag, text
from polymem.dashboard.parts.wording import short, words_of

_TAGS = {"same": "span", "gone": "del", "new": "ins"}


def draw_pieces(pieces: Iterable[Piece]) -> None:
    """A text in pieces, one after the other."""
    for kind, piece in pieces:
        tag(_TAGS[kind], content=piece)


def draw_changes(before: Memory, after: Memory, *, most_text: int, most_value: int | None = None) -> None:
    """What became of a memory's text, as far as its first `most_text` characters, and of its other fields, whose values
    are cut to one line of `most_value` characters, if that is given."""
    if before.content != after.content:
        with tag("div", "pm-diff"):
            draw_pieces(differences(before.content[:most_text], after.content[:most_text]))
    changed = changed_fields(before, after)
    if not changed:
        return
    with tag("ul", "pm-changes"):
        for name, old, new in changed:
            with tag("li"):
                text(f"{words_of(name)}: ", "pm-soft", "span")
                tag("del", content=old if most_value is None else short(old, most_value))
                ui.icon("arrow_right_alt").classes("pm-arrow")
                tag("ins", content=new if most_value is None else short(new, most_value))
