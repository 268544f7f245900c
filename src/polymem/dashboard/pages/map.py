"""The map: every memory a point, like near like."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from nicegui import ui
from nicegui.events import EChartPointClickEventArguments

from polymem.core.overview import MAX_SPOTS
from polymem.core.ports_overview import Spot
from polymem.dashboard.parts.elements import attempt, empty, heading, tag, text
from polymem.dashboard.parts.wording import address_of, number
from polymem.dashboard.visit import Visit

_MOST_COLOURS = 8
_COLOURS = ("#2f9e8f", "#4f83cc", "#d08235", "#a368bd", "#cc5a7a", "#7d9c35", "#3aa1bb", "#9a8872")
_OTHERS, _OTHERS_COLOUR = "others", "#8a9693"
_LARGE = 2000


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Map", "Every memory is a point; what means the same lies close together. Scroll to zoom, click to open.")
    model = visit.core.embedder.model
    spots = [] if model is None else await visit.core.overview.map(await visit.scope(), model)
    if not spots:
        about = "A memory appears here as soon as the embedding model has read it."
        empty("scatter_plot", "There is nothing on the map yet", about)
        return
    _Map(visit, spots).draw()


class _Map:
    def __init__(self, visit: Visit, spots: Sequence[Spot]) -> None:
        self._visit = visit
        self._spots = spots
        self._groups: list[tuple[str, list[Spot]]] = []

    def draw(self) -> None:
        by = "project" if self._visit.project is None and any(spot.project for spot in self._spots) else "kind"
        with tag("div", "pm-filters"):
            ui.select(
                {"kind": "Kind", "project": "Project"},
                label="Colour by",
                value=by,
                on_change=attempt(lambda event: self._colour(str(event.value))),
            ).props("outlined dense options-dense behavior=menu").classes("pm-select-narrow")
            text(f"{number(len(self._spots))} memories" + self._limit(), "pm-soft pm-told")
        with tag("div", "pm-card pm-map-card"):
            self._chart = ui.echart(self._options(by), on_point_click=attempt(self._open)).classes("pm-map")
            self._chart.props["role"] = "img"
            self._chart.props["aria-label"] = "Memories as points, coloured by what is chosen above"

    def _limit(self) -> str:
        return ", the newest" if len(self._spots) == MAX_SPOTS else ""

    async def _colour(self, by: str) -> None:
        self._chart.options.clear()
        self._chart.options.update(self._options(by))
        self._chart.update()

    async def _open(self, event: EChartPointClickEventArguments) -> None:
        spot = self._groups[event.series_index][1][event.data_index]
        ui.navigate.to(self._visit.path(address_of(spot.memory_id)))

    def _options(self, by: str) -> dict[str, Any]:
        self._groups = grouped(self._spots, by)
        return {
            "color": [*_COLOURS[:_MOST_COLOURS], _OTHERS_COLOUR],
            "animation": False,
            "grid": {"left": 12, "right": 12, "top": 44, "bottom": 12},
            "legend": {"type": "scroll", "top": 6, "textStyle": {"color": "#8a9693"}},
            "tooltip": {"confine": True, "renderMode": "richText", ":formatter": "(point) => point.data[2]"},
            "dataZoom": [{"type": "inside", "xAxisIndex": 0}, {"type": "inside", "yAxisIndex": 0}],
            "xAxis": _AXIS,
            "yAxis": _AXIS,
            "series": [
                {
                    "type": "scatter",
                    "name": name,
                    "symbolSize": 7 if len(self._spots) < _LARGE else 4,
                    "large": len(spots) >= _LARGE,
                    "itemStyle": {"opacity": 0.75},
                    "data": [[round(spot.x, 4), round(spot.y, 4), spot.title] for spot in spots],
                }
                for name, spots in self._groups
            ],
        }


_AXIS = {"min": -1.05, "max": 1.05, "show": False}


def grouped(spots: Sequence[Spot], by: str) -> list[tuple[str, list[Spot]]]:
    """The spots by kind or project, the most frequent first; beyond eight the rest are "others"."""

    def name_of(spot: Spot) -> str:
        return spot.kind if by == "kind" else spot.project or "no project"

    names = [name for name, _ in Counter(map(name_of, spots)).most_common(_MOST_COLOURS)]
    groups: dict[str, list[Spot]] = {name: [] for name in names}
    others: list[Spot] = []
    for spot in spots:
        groups.get(name_of(spot), others).append(spot)
    return [*groups.items(), *([(_OTHERS, others)] if others else [])]
