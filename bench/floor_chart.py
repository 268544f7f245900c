"""Draws what the floor costs and saves as an SVG: no drawing library, the same bytes for the same figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 36, 52
MOST_LOST = 40.0
"""The axis of what is lost ends here."""

COLOURS = ("#1b6e9c", "#9cc7de", "#b4531b", "#e0b48f")
"""A strong and a pale one for each set, told apart by brightness alone too."""


@dataclass(frozen=True)
class Point:
    """At one floor for the best hit, shares in per cent of questions answered with nothing: answerable ones, the same
    asked where their answer is not, and near misses."""

    floor: float
    lost: float
    elsewhere: float
    near: float


def draw(curves: Mapping[str, Sequence[Point]], chosen: Mapping[str, float]) -> str:
    """The curves of each set, with a ring where the default stands."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" role="img">',
        "<title>Questions rightly and wrongly answered with nothing</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-weight="bold">Answered with nothing, by the score that is needed</text>',
    ]
    parts += _axes()
    colours = iter(COLOURS)
    row = TOP + 12
    for name, points in curves.items():
        for label, values in (
            ("asked elsewhere", [point.elsewhere for point in points]),
            ("near misses", [point.near for point in points]),
        ):
            colour = next(colours)
            spots = [(_x(point.lost), _y(value)) for point, value in zip(points, values, strict=True)]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for point, (x, y) in zip(points, spots, strict=True):
                if point.floor == chosen[name]:
                    parts.append(
                        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
                    )
            x = WIDTH - RIGHT + 12
            parts.append(f'<rect x="{x}" y="{row - 9}" width="14" height="4" fill="{colour}"/>')
            parts.append(f'<text x="{x + 20}" y="{row - 3}">{escape(name)}:</text>')
            parts.append(f'<text x="{x + 20}" y="{row + 12}">{label}</text>')
            row += 40
    parts.append(f'<text x="{WIDTH - RIGHT + 12}" y="{row}">○ the default</text>')
    return "\n".join([*parts, "</svg>", ""])


def _axes() -> list[str]:
    parts = []
    for share in range(0, 101, 20):
        y = _y(share)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share} %</text>')
    for share in range(0, int(MOST_LOST) + 1, 10):
        x = _x(share)
        parts.append(f'<line x1="{x:.1f}" y1="{_y(0):.1f}" x2="{x:.1f}" y2="{_y(100):.1f}" stroke="#eeeeee"/>')
        parts.append(f'<text x="{x:.1f}" y="{_y(0) + 18:.1f}" text-anchor="middle">{share} %</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">answerable questions, wrongly empty</text>'
    )
    parts.append(
        f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        "questions without an answer, rightly empty</text>"
    )
    return parts


def _x(share: float) -> float:
    return LEFT + min(share, MOST_LOST) / MOST_LOST * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share / 100 * (HEIGHT - TOP - BOTTOM)
