"""What is remembered, at a glance: how much and of what kind, how it grew and is used, what wants looking after."""

from itertools import accumulate
from urllib.parse import quote

from nicegui import ui

from polymem.core.filters import Superseded
from polymem.core.overview import Activity, Growth, Health
from polymem.core.ports import Stats
from polymem.dashboard.navigation import ENTRIES
from polymem.dashboard.parts.charts import bar_chart, growth_chart, shares
from polymem.dashboard.parts.elements import card, empty, heading, link, tag, text
from polymem.dashboard.parts.first import first_command
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.wording import address_of, ago, number, plural, size, title_of
from polymem.dashboard.visit import Visit

_GROWTH_DAYS, _ACTIVITY_DAYS = 90, 30
_NEWEST = 6


async def build(visit: Visit) -> None:
    """Draw the page."""
    about = "What your agents remember." if visit.project is None else f"What is remembered in {visit.project.name}."
    heading("Overview", about)
    body = tag("div")

    async def draw() -> None:
        stats = await visit.core.stats(await visit.scope())
        drawn = await _read(visit) if stats.memories or stats.forgotten else None
        body.clear()
        with body:
            if drawn is None:
                empty(
                    "auto_stories",
                    "Nothing is remembered yet",
                    "Keep a first memory, and it appears here without a reload.",
                    [first_command(visit), "polymem remember 'Ana flies from Lisbon.'"],
                )
            else:
                await _draw(visit, stats, *drawn)

    await draw()
    await follow(visit, draw)


async def _read(visit: Visit) -> tuple[Growth, Activity, Health]:
    scope = await visit.scope()
    overview = visit.core.overview
    return (
        await overview.growth(scope, _GROWTH_DAYS),
        await overview.activity(scope, _ACTIVITY_DAYS),
        await overview.health(scope),
    )


async def _draw(visit: Visit, stats: Stats, growth: Growth, activity: Activity, health: Health) -> None:
    with tag("div", "pm-tiles"):
        week = sum(list(growth.days.values())[-7:])
        _tile("Memories", number(stats.memories), f"{number(week)} in the last 7 days", visit.path("/memories"))
        _tile("Projects", number(len(stats.by_project)), f"{number(stats.unassigned)} memories in none")
        _tile("Uses", number(health.tally.uses), f"{number(sum(activity.days.values()))} memories used in 30 days")
        _tile("In the trash", number(stats.forgotten), f"{size(stats.bytes_on_disk)} on disk")
    with tag("div", "pm-grid"):
        with card("Growth", "pm-two-thirds"):
            totals = list(accumulate(growth.days.values(), initial=growth.before))[1:]
            growth_chart(list(zip(growth.days, totals, strict=True)), "Memories")
        with card("Health", "pm-third"):
            _draw_health(visit, stats, health)
        with card("Kinds", "pm-half"):
            shares(
                stats.by_kind, {kind: visit.path(f"/memories?kind={quote(kind, safe='')}") for kind in stats.by_kind}
            )
        with card("Projects", "pm-half"):
            if stats.by_project:
                shares(stats.by_project, dict.fromkeys(stats.by_project, visit.path("/memories")))
            else:
                text("Memories can belong to projects; none does yet.", "pm-soft", "p")
        with card("Last used", "pm-half"):
            bar_chart(list(activity.days.items()), "Memories by the day they were last used")
        with card("Most used", "pm-half"):
            _draw_most_used(visit, activity)
        with card("Newest"):
            await _draw_newest(visit)


def _tile(name: str, value: str, about: str, address: str | None = None) -> None:
    with tag("div" if address is None else "a", "pm-card pm-tile") as tile:
        if address is not None:
            tile.props["href"] = address
        text(name, "pm-tile-name")
        text(value, "pm-tile-value")
        text(about, "pm-soft")


def _draw_health(visit: Visit, stats: Stats, health: Health) -> None:
    tally = health.tally
    lines = (
        (health.conflicts, "open conflict", "open conflicts", "call_split", "/conflicts", True),
        (tally.copies, "copy of another memory", "copies of other memories", "content_copy", None, True),
        (tally.expiring, "ends within a week", "end within a week", "schedule", "/memories?state=expiring", True),
        (tally.unused, "was never used", "were never used", "bedtime", None, False),
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


def _draw_most_used(visit: Visit, activity: Activity) -> None:
    if not activity.most_used:
        text("Nothing was used yet: agents use memories by recalling them.", "pm-soft", "p")
        return
    with tag("ol", "pm-plain"):
        for memory in activity.most_used:
            with tag("li", "pm-line-item"):
                link(title_of(memory), visit.path(address_of(memory.id)))
                text(plural(memory.access_count, "use"), "pm-soft", "span")


async def _draw_newest(visit: Visit) -> None:
    now = visit.core.clock.now()
    page = await visit.core.memories.find(await visit.scope(), (Superseded(False),), limit=_NEWEST)
    with tag("ol", "pm-plain"):
        for memory in page.items:
            with tag("li", "pm-line-item"):
                link(title_of(memory), visit.path(address_of(memory.id)))
                text(ago(memory.created_at, now), "pm-soft", "span")
