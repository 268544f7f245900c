"""The time machine: what was known at an instant, and what happened since an earlier one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from nicegui import ui
from nicegui.events import GenericEventArguments

from polymem.core.filters import Sort, SortKey, Superseded
from polymem.core.history.timeline import from_date_or_instant
from polymem.core.model import Change, Memory, Page, Version
from polymem.dashboard.parts.changes import draw_changes
from polymem.dashboard.parts.elements import attempt, badge, card, empty, heading, link, tag, text
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.wording import address_of, number, plural, short, title_of, when, words_of
from polymem.dashboard.visit import Visit

_ROWS = 12
_STEPS = 1000
_SNIPPET_CHARACTERS = 220
_MOST_TEXT = 4000
_MOST_VALUE = 80
_LEAST_SPAN = timedelta(minutes=1)
_BADGES = {Change.FORGOTTEN: "pm-badge-bad", Change.EXPIRED: "pm-badge-warn", Change.CREATED: "pm-badge-good"}


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Time machine", "What your agents knew at any moment, and how it came to be what it is now.")
    scope = await visit.scope()
    oldest = await visit.core.memories.find(scope, sort=Sort(SortKey.CREATED, False), limit=1, hidden=True)
    if not oldest.items:
        empty("history", "There is no past yet", "With the first memory, time begins here.")
        return
    await _Machine(visit, oldest.items[0].created_at).draw()


class _Machine:
    # Two instants on one line: `since` and `at`. The state is shown at `at`, the changes lie between them.

    def __init__(self, visit: Visit, first: datetime) -> None:
        self._visit = visit
        self._end = visit.core.clock.now()
        self._first = min(first, self._end - _LEAST_SPAN)
        self._since = max(self._first, self._end - max(timedelta(days=7), (self._end - self._first) / 8))
        self._at = self._end

    async def draw(self) -> None:
        with tag("div", "pm-card pm-times"):
            self._at_field, self._at_slider = self._draw_instant("Known at", self._at, self._move_at)
            self._since_field, self._since_slider = self._draw_instant("Compared with", self._since, self._move_since)
        with tag("div", "pm-grid"):
            with tag("div", "pm-half"), card("Known then") as state:
                self._state_title = state
                self._state = tag("div")
                self._state_pager = Pager(_ROWS, self._fill_state)
            with tag("div", "pm-half"), card("What changed between"):
                self._changes = tag("div")
                self._changes_pager = Pager(_ROWS, self._fill_changes)
        await self._fill()

    def _draw_instant(
        self, label: str, instant: datetime, move: Callable[[datetime], Awaitable[None]]
    ) -> tuple[ui.input, ui.element]:
        with tag("div", "pm-time"):
            field = ui.input(f"{label} (UTC)", value=_entered(instant)).props("outlined dense").classes("pm-time-field")
            slider = tag(
                "input", "pm-slider", type="range", min="0", max=str(_STEPS), step="1",
                aria_label=label, value=str(self._to_step(instant)), aria_valuetext=when(instant),
            )  # fmt: skip

        async def entered() -> None:
            await move(min(from_date_or_instant(_completed(field.value or ""), label, end_of_day=True), self._end))

        async def slid(event: GenericEventArguments) -> None:
            await move(self._from_step(int(event.args)))

        field.on("change", attempt(entered), [])
        slider.on("change", attempt(slid), js_handler="(event) => emit(event.target.value)")
        return field, slider

    async def _move_at(self, instant: datetime) -> None:
        self._at = instant
        self._since = min(self._since, instant)
        await self._moved()

    async def _move_since(self, instant: datetime) -> None:
        self._since = instant
        self._at = max(self._at, instant)
        await self._moved()

    async def _moved(self) -> None:
        for field, slider, instant in (
            (self._at_field, self._at_slider, self._at),
            (self._since_field, self._since_slider, self._since),
        ):
            field.value = _entered(instant)
            slider.props["aria-valuetext"] = when(instant)
            slider.props["value"] = str(self._to_step(instant))
        self._state_pager.rewind()
        self._changes_pager.rewind()
        await self._fill()

    async def _fill(self) -> None:
        await self._fill_state()
        await self._fill_changes()

    async def _fill_state(self) -> None:
        visit = self._visit
        page: Page[Memory] = await self._state_pager.read(self._read_state)
        self._state.clear()
        with self._state:
            told = plural(page.total, "memory", "memories")
            text(f"{told} on {when(self._at)}, the most recently changed first.", "pm-soft pm-below-small", "p")
            if not page.items:
                empty("hourglass_empty", "Nothing was known then", "Move the upper slider to the right.")
            with tag("ul", "pm-plain"):
                for memory in page.items:
                    with tag("li", "pm-known"):
                        link(title_of(memory), visit.path(address_of(memory.id)), "pm-link pm-strong")
                        if memory.title:
                            text(short(memory.content, _SNIPPET_CHARACTERS), "pm-snippet")
                        text(f"version {number(memory.version)} · {words_of(memory.kind)}", "pm-soft")

    async def _read_state(self, limit: int, offset: int) -> Page[Memory]:
        return await self._visit.core.timeline.find_as_of(
            await self._visit.scope(),
            self._at,
            (Superseded(False),),
            sort=Sort(SortKey.UPDATED, True),
            limit=limit,
            offset=offset,
        )

    async def _fill_changes(self) -> None:
        visit = self._visit
        page: Page[Version] = await self._changes_pager.read(self._read_changes)
        scope = await visit.whole()
        revised = {version.memory.id for version in page.items if version.change is Change.REVISED}
        # A memory that changed often is often on a page; its history is read once.
        states = {
            (id, one.memory.version): one.memory
            for id in revised
            for one in await visit.core.memories.history(scope, id)
        }
        self._changes.clear()
        with self._changes:
            told = plural(page.total, "change")
            text(f"{told} from {when(self._since)} to {when(self._at)}, newest first.", "pm-soft pm-below-small", "p")
            if not page.items:
                empty("bedtime", "Nothing changed between", "Move the lower slider to the left.")
            with tag("ol", "pm-versions"):
                for version in page.items:
                    earlier = states.get((version.memory.id, version.memory.version - 1))
                    with tag("li", "pm-version"):
                        self._draw_change(version, earlier if version.change is Change.REVISED else None)

    async def _read_changes(self, limit: int, offset: int) -> Page[Version]:
        return await self._visit.core.timeline.changed_since(
            await self._visit.scope(), self._since, self._at, limit=limit, offset=offset
        )

    def _draw_change(self, version: Version, earlier: Memory | None) -> None:
        memory = version.memory
        with tag("div", "pm-version-head"):
            badge(words_of(version.change.value), _BADGES.get(version.change, "pm-badge-accent"))
            text(when(version.recorded_at), "pm-soft", "span")
        link(title_of(memory), self._visit.path(address_of(memory.id)))
        if earlier is not None:
            draw_changes(earlier, memory, most_text=_MOST_TEXT, most_value=_MOST_VALUE)

    def _to_step(self, instant: datetime) -> int:
        return round(_STEPS * ((instant - self._first) / (self._end - self._first)))

    def _from_step(self, step: int) -> datetime:
        return self._end if step >= _STEPS else self._first + (self._end - self._first) * (max(0, step) / _STEPS)


def _entered(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _completed(entered: str) -> str:
    # "2026-01-02 03:04" as people write it, made RFC 3339; a date alone stays one.
    parts = entered.strip().split()
    if len(parts) != 2:
        return entered.strip()
    seconds = parts[1] if parts[1].count(":") > 1 else f"{parts[1]}:00"
    return f"{parts[0]}T{seconds}{'' if seconds.endswith('Z') else 'Z'}"
