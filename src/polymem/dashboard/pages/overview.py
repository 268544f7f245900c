"""What is remembered, at a glance: how much and of what kind, how it grew and is used, what wants looking after."""

import asyncio
from collections.abc import Sequence
from itertools import accumulate
from urllib.parse import quote

from nicegui import ui

from polymem.core.filters import Superseded
from polymem.core.model import Memory
from polymem.core.overview import Activity, Growth, Health, Recalls
from polymem.core.ports import Stats
from polymem.core.ports_overview import Census
from polymem.dashboard.counts import Use
from polymem.dashboard.navigation import ENTRIES
from polymem.dashboard.parts.charts import Apart, bar_chart, growth_chart, shares
from polymem.dashboard.parts.elements import attempt, card, empty, heading, link, tag, text
from polymem.dashboard.parts.first import first_command
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.wording import address_of, ago, number, plural, size, title_of
from polymem.dashboard.visit import Visit

_GROWTH_DAYS = 90
_RECALL_DAYS = 30
_NEWEST = 6


async def build(visit: Visit) -> None:
    """Draw the page: at once what an index tells, and then what takes a look at every memory."""
    about = "What your agents remember." if visit.project is None else f"What is remembered in {visit.project.name}."
    heading("Overview", about)
    page = _OverviewPage(visit)
    await page.draw()
    await follow(visit, page.draw)


class _OverviewPage:
    # What is shown, and what was last counted by looking at every memory.

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._body = tag("div")
        self._use: Use | None = None

    async def draw(self) -> None:
        visit = self._visit
        scope = await visit.scope()
        # Side by side: in a large memory each of the first two takes a tenth of a second.
        census, growth, recalls, newest = await asyncio.gather(
            visit.core.overview.census(scope),
            visit.core.overview.growth(scope, _GROWTH_DAYS),
            visit.core.overview.recalls(scope, _RECALL_DAYS),
            visit.core.memories.find(scope, (Superseded(False),), limit=_NEWEST),
        )
        self._body.clear()
        with self._body:
            if not census.memories and not census.forgotten:
                empty(
                    "auto_stories",
                    "Nothing is remembered yet",
                    "Keep a first memory, and it appears here without a reload.",
                    [first_command(visit), "polymem remember 'Ana flies from Lisbon.'"],
                )
                return
            self._draw_all(census, growth, recalls, newest.items)
        if self._use is None or not visit.counts.is_fresh(scope):
            # After the page has been sent, so that nobody waits for it.
            with self._body:
                ui.timer(0.05, attempt(self._count), once=True)

    async def _count(self) -> None:
        self._use = await self._visit.counts.use(await self._visit.scope())
        self._draw_use()

    def _draw_all(self, census: Census, growth: Growth, recalls: Recalls, newest: Sequence[Memory]) -> None:
        visit = self._visit
        with tag("div", "pm-tiles"):
            week = sum(list(growth.days.values())[-7:])
            _tile("Memories", number(census.memories), f"{number(week)} in the last 7 days", visit.path("/memories"))
            _tile("Projects", number(len(census.by_project)), f"{number(census.unassigned)} memories in none")
            total = recalls.total
            none = f"{recalls.share_without_result:.0%} found nothing" if total.recalls else "none asked yet"
            _tile(f"Recalls in {_RECALL_DAYS} days", number(total.recalls), none)
            self._trash = tag("div", "pm-slot")
            self._forgotten = census.forgotten
        with tag("div", "pm-grid"):
            with card("Growth", "pm-two-thirds"):
                totals = list(accumulate(growth.days.values(), initial=growth.before))[1:]
                growth_chart(list(zip(growth.days, totals, strict=True)), "Memories")
            with card("Health", "pm-third"):
                self._health = tag("div", "pm-slot-tall")
            with card("Recalls", "pm-half"):
                _draw_recalls(recalls)
            with card("Last used", "pm-half"):
                self._last_used = tag("div", "pm-slot-tall")
            with card("Kinds", "pm-half"):
                addresses = {kind: visit.path(f"/memories?kind={quote(kind, safe='')}") for kind in census.by_kind}
                shares(census.by_kind, addresses)
            with card("Projects", "pm-half"):
                if census.by_project:
                    inside = {key: f"/memories?project={quote(key, safe='')}" for key in census.by_project}
                    shares(census.by_project, {key: visit.path(address) for key, address in inside.items()})
                else:
                    text("Memories can belong to projects; none does yet.", "pm-soft", "p")
            with card("Most used", "pm-half"):
                self._most_used = tag("div", "pm-slot-tall")
            with card("Newest", "pm-half"):
                _draw_newest(visit, newest)
        self._draw_use()

    def _draw_use(self) -> None:
        visit = self._visit
        parts = (self._trash, self._health, self._last_used, self._most_used)
        if parts[0].is_deleted:
            return
        for part in parts:
            part.clear()
        disk = "" if self._use is None else f"{size(self._use.stats.bytes_on_disk)} on disk"
        with self._trash:
            _tile("In the trash", number(self._forgotten), disk)
        if self._use is None:
            for part in parts[1:]:
                with part:
                    text("Counting…", "pm-soft", "p")
            return
        activity = self._use.activity
        with self._health:
            _draw_health(visit, self._use.stats, self._use.health)
        with self._last_used:
            bar_chart(list(activity.days.items()), "Memories by the day they were last used")
        with self._most_used:
            _draw_most_used(visit, activity)


def _tile(name: str, value: str, about: str, address: str | None = None) -> None:
    with tag("div" if address is None else "a", "pm-card pm-tile") as tile:
        if address is not None:
            tile.props["href"] = address
        text(name, "pm-tile-name")
        text(value, "pm-tile-value")
        text(about, "pm-soft")


def _draw_health(visit: Visit, stats: Stats, health: Health) -> None:
    tally, copies = health.tally, "/memories?state=copies"
    lines = (
        (health.conflicts, "open conflict", "open conflicts", "call_split", "/conflicts", True),
        (tally.copies, "copy of another memory", "copies of other memories", "content_copy", copies, True),
        (tally.expiring, "ends within a week", "end within a week", "schedule", "/memories?state=expiring", True),
        (tally.unused, "was never used", "were never used", "bedtime", "/memories?state=unused", False),
        (stats.without_vector, "is found by words only", "are found by words only", "abc", None, True),
    )
    with tag("ul", "pm-health"):
        for count, one, many, icon, address, wants in lines:
            with tag("li", "pm-wants" if count and wants else ""):
                ui.icon(icon if count else "check")
                told = plural(count, one, many) if count else f"0 {many}"
                if count and address is not None and _leads_somewhere(address):
                    link(told, visit.path(address))
                else:
                    text(told, name="span")


def _leads_somewhere(address: str) -> bool:
    return any(entry.path == address.partition("?")[0] for entry in ENTRIES)


def _draw_recalls(recalls: Recalls) -> None:
    if not recalls.total.recalls:
        text("Nothing was asked yet: agents recall with POST /v1/recall, or the MCP tool recall.", "pm-soft", "p")
        return
    days = [(day, count.recalls) for day, count in recalls.days.items()]
    found_nothing = [count.found_nothing for count in recalls.days.values()]
    bar_chart(days, "Recalls", Apart(found_nothing, "found nothing", "found something"))


def _draw_most_used(visit: Visit, activity: Activity) -> None:
    if not activity.most_used:
        text("Nothing was used yet: agents use memories by recalling them.", "pm-soft", "p")
        return
    with tag("ol", "pm-plain"):
        for memory in activity.most_used:
            with tag("li", "pm-line-item"):
                link(title_of(memory), visit.path(address_of(memory.id)))
                text(plural(memory.access_count, "use"), "pm-soft", "span")


def _draw_newest(visit: Visit, newest: Sequence[Memory]) -> None:
    now = visit.core.clock.now()
    with tag("ol", "pm-plain"):
        for memory in newest:
            with tag("li", "pm-line-item"):
                link(title_of(memory), visit.path(address_of(memory.id)))
                text(ago(memory.created_at, now), "pm-soft", "span")
