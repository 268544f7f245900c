"""Charts as SVG, drawn on the server out of numbers and dates alone: light, sharp, and no script at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from nicegui import ui

from polymem.dashboard.parts.elements import link, tag, text
from polymem.dashboard.parts.wording import number

_WIDE, _NARROW = 720.0, 480.0
_HEIGHT = 230.0
_LEFT, _BOTTOM, _TOP = 44.0, 24.0, 10.0


def growth_chart(days: Sequence[tuple[date, int]], name: str) -> None:
    """A curve of a total, day by day."""
    most = max(1, *(value for _, value in days))
    step = (_WIDE - _LEFT) / max(1, len(days) - 1)
    points = [(_LEFT + index * step, _y(value, most)) for index, (_, value) in enumerate(days)]
    line = " ".join(f"{'L' if index else 'M'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))
    floor = _HEIGHT - _BOTTOM
    area = f"{line} L{points[-1][0]:.1f} {floor:.1f} L{points[0][0]:.1f} {floor:.1f} Z"
    spots = "".join(
        f'<rect class="pm-spot" x="{x - step / 2:.1f}" y="0" width="{step:.1f}" height="{floor:.1f}">'
        f"<title>{day}: {number(value)}</title></rect>"
        for (x, _), (day, value) in zip(points, days, strict=True)
    )
    last_x, last_y = points[-1]
    drawn = (
        f'<path class="pm-area" d="{area}"/><path class="pm-line" d="{line}"/>'
        f'<circle class="pm-dot" cx="{last_x - 3:.1f}" cy="{last_y:.1f}" r="3.5"/>{spots}'
    )
    told = f"{name}: {number(days[0][1])} on {days[0][0]}, {number(days[-1][1])} on {days[-1][0]}"
    _chart(drawn, days, most, told, _WIDE)


@dataclass(frozen=True, slots=True)
class Apart:
    """A part of each bar, drawn hollow at its top; `name` and `rest` are what it and the remainder are called."""

    counts: Sequence[int]
    name: str
    rest: str


def bar_chart(days: Sequence[tuple[date, int]], name: str, apart: Apart | None = None) -> None:
    """A bar for each day; told apart by shape, not by colour alone, what is `apart`."""
    hollow = [0] * len(days) if apart is None else apart.counts
    most = max(1, *(value for _, value in days))
    step = (_NARROW - _LEFT) / len(days)
    floor = _HEIGHT - _BOTTOM
    drawn = "".join(
        f"<g>{_bar(_LEFT + index * step, step, value - part, 0, most, 'pm-bar')}"
        f"{_bar(_LEFT + index * step, step, part, value - part, most, 'pm-bar-apart')}"
        f'<rect class="pm-spot" x="{_LEFT + index * step:.1f}" y="0" width="{step:.1f}" height="{floor:.1f}">'
        f"<title>{day}: {_told(value, part, apart)}</title></rect></g>"
        for index, ((day, value), part) in enumerate(zip(days, hollow, strict=True))
    )
    told = f"{name}: {_told(sum(value for _, value in days), sum(hollow), apart)} in {len(days)} days"
    _chart(drawn, days, most, told, _NARROW)
    if apart is not None:
        # Said in the chart's name already.
        with tag("div", "pm-legend", aria_hidden="true"):
            for classes, meaning in (("pm-key", apart.rest), ("pm-key pm-key-apart", apart.name)):
                with tag("span"):
                    tag("span", classes)
                    text(meaning, name="span")


def _bar(left: float, step: float, value: int, below: int, most: int, name: str) -> str:
    if not value:
        return ""
    top, bottom = _y(value + below, most), _y(below, most)
    # The line around a hollow one is drawn inside it.
    inset = 0.75 if name == "pm-bar-apart" else 0.0
    return (
        f'<rect class="{name}" x="{left + step * 0.15 + inset:.1f}" y="{top + inset:.1f}" rx="2" '
        f'width="{step * 0.7 - 2 * inset:.1f}" height="{max(0.5, bottom - top - 2 * inset):.1f}"/>'
    )


def _told(value: int, part: int, apart: Apart | None) -> str:
    return number(value) if apart is None else f"{number(value)}, {number(part)} {apart.name}"


def shares(counts: Mapping[str, int], addresses: Mapping[str, str], most: int = 8) -> None:
    """A bar for each of the largest, as a list of links."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    largest = max((count for _, count in ordered), default=1)
    with tag("ul", "pm-shares"):
        for index, (name, count) in enumerate(ordered[:most]):
            with tag("li"):
                link(name, addresses[name], "pm-share-name")
                with tag("span", "pm-share-track", aria_hidden="true"):
                    tag("span", f"pm-fill pm-c{index % 8 + 1}").style(f"width:{100 * count / largest:.1f}%")
                text(number(count), "pm-share-count", "span")
        if len(ordered) > most:
            text(f"and {len(ordered) - most} more", "pm-soft", "li")


def _y(value: int, most: int) -> float:
    return _TOP + (_HEIGHT - _BOTTOM - _TOP) * (1 - value / most)


def _chart(drawn: str, days: Sequence[tuple[date, int]], most: int, told: str, width: float) -> None:
    floor = _HEIGHT - _BOTTOM
    lines = "".join(
        f'<line class="pm-axis" x1="{_LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in (_TOP, (_TOP + floor) / 2, floor)
    )
    labels = (
        f'<text x="{_LEFT - 8}" y="{_TOP + 4}" text-anchor="end">{_round(most)}</text>'
        f'<text x="{_LEFT - 8}" y="{floor + 4}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{days[0][0]:%d %b}</text>'
        f'<text x="{width}" y="{_HEIGHT - 6}" text-anchor="end">{days[-1][0]:%d %b}</text>'
    )
    svg = (
        f'<svg class="pm-chart" viewBox="0 0 {width:.0f} {_HEIGHT:.0f}" role="img" aria-label="{escape(told)}">'
        f"{lines}{drawn}{labels}</svg>"
    )
    # Nothing in it but numbers, dates and words of our own.
    ui.html(svg, sanitize=False)


def _round(value: int) -> str:
    if value < 10_000:
        return number(value)
    return f"{value / 1000:.0f}k" if value < 1_000_000 else f"{value / 1_000_000:.1f}M"
