"""The history of a memory: every version, and what it changed."""

from collections.abc import Sequence
from datetime import datetime

from polymem.core.model import Version
from polymem.dashboard.parts.changes import draw_changes
from polymem.dashboard.parts.elements import attempt, badge, button, tag, text
from polymem.dashboard.parts.wording import ago, when, words_of
from polymem.dashboard.visit import Visit

_SHOWN = 20
_MOST_TEXT = 20_000
_GOOD = frozenset({"created", "restored", "validated"})
_BAD = frozenset({"forgotten", "contradicted", "expired"})


async def draw_versions(visit: Visit, versions: Sequence[Version], now: datetime) -> None:
    """Draw the newest, and a button for the others."""
    del visit
    newest_first = list(reversed(versions))
    holder = tag("ol", "pm-versions")

    def draw(found: Sequence[Version], first: int) -> None:
        with holder:
            for index, version in enumerate(found, start=first):
                before = newest_first[index + 1] if index + 1 < len(newest_first) else None
                _draw_version(version, before, now)

    draw(newest_first[:_SHOWN], 0)
    if len(newest_first) > _SHOWN:

        async def show_all() -> None:
            more.delete()
            draw(newest_first[_SHOWN:], _SHOWN)

        more = button(f"Show all {len(newest_first)} versions", attempt(show_all))


def _draw_version(version: Version, before: Version | None, now: datetime) -> None:
    change = version.change.value
    with tag("li", "pm-version"):
        with tag("div", "pm-version-head"):
            text(f"Version {version.memory.version}", "pm-strong", "span")
            badge(words_of(change), "pm-badge-good" if change in _GOOD else "pm-badge-bad" if change in _BAD else "")
            told = tag("time", "pm-soft", content=ago(version.recorded_at, now))
            told.props["title"] = when(version.recorded_at)
            text(f"by {version.actor}" if version.actor else "", "pm-soft", "span")
        if version.note:
            text(version.note, "pm-note", "p")
        if before is not None:
            draw_changes(before.memory, version.memory, most_text=_MOST_TEXT)
