"""How soon somebody sees something useful in the dashboard: from asking for a page until its rows stand there."""

import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench.cores import fill
from bench.report import Goal, Quantity, Row
from bench.servers import Server, serving
from bench.setup import MODELS, Options, in_fresh_process, run_on_uvloop, scratch
from bench.timing import Timings

TITLE = "Dashboard"

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_GOAL_MS = 1500.0
_PAGES = {
    "overview": ("/", ".pm-tile-value"),
    "memories": ("/memories", ".pm-table tbody tr"),
    "search": ("/search?q=What+did+Ann+paint+in+Lisbon%3F", ".pm-hit"),
}
"""Each page, and what is useful on it."""


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    memories = options.sized(100_000, 1000)
    with scratch() as directory:
        in_fresh_process(_fill, directory, memories)
        with serving(directory, MODELS) as server, sync_playwright() as playwright:
            path = next(found for name in _BROWSERS if (found := shutil.which(name)))
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            try:
                return _rows(server, browser, memories, options.sized(10, 2))
            finally:
                browser.close()


def _rows(server: Server, browser: Browser, memories: int, times: int) -> list[Row]:
    fresh = partial(browser.new_context, base_url=server.url, reduced_motion="reduce")
    with fresh() as known:
        # Whoever comes first waits for the pages and the index to be loaded.
        _times(known, 1)
        again = _times(known, times)
    first: dict[str, list[float]] = {name: [] for name in _PAGES}
    for _ in range(times):
        with fresh() as unknown:
            for name, (path, useful) in _PAGES.items():
                unknown.clear_cookies()
                first[name].append(_useful(unknown, path, useful))
    return [
        *(_row(f"{name}, {memories:,} memories, first visit of a browser", found) for name, found in first.items()),
        *(_row(f"{name}, {memories:,} memories, again", found) for name, found in again.items()),
    ]


def _times(context: BrowserContext, times: int) -> Mapping[str, list[float]]:
    return {name: [_useful(context, path, useful) for _ in range(times)] for name, (path, useful) in _PAGES.items()}


def _useful(context: BrowserContext, path: str, useful: str) -> float:
    # Milliseconds until what the page is for can be seen.
    page = context.new_page()
    try:
        begun = time.perf_counter()
        page.goto(path, wait_until="commit")
        page.locator(useful).first.wait_for()
        return 1000 * (time.perf_counter() - begun)
    finally:
        page.close()


def _row(figure: str, found: list[float]) -> Row:
    timed = Timings(tuple(found))
    return Row(
        figure=figure,
        value=Quantity(timed.p50, "ms", timed.p95),
        result=timed.p50,
        unit="ms",
        goal=Goal(_GOAL_MS),
    )


def _fill(data_dir: Path, memories: int) -> None:
    run_on_uvloop(fill(data_dir, memories, projects=10))
