"""Takes the pictures of docs/images: keeps example memories in a directory of its own, serves them, and looks at them.

scripts/screenshots [NAME …]      # only these pictures
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

from polymem.app import open_core
from polymem.core import Core
from polymem.core.model import Draft
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery
from polymem.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"

KINDS = ("fact", "preference", "procedure", "observation", "note")
PROJECTS = {"harbour": 5, "observatory": 3, "bakery": 2}
PEOPLE = ("Ana", "Captain Moreau", "Jonas", "Mirela", "the night shift", "Doctor Okafor", "the pilot crew")
SENTENCES = {
    "harbour": (
        "Berth {number} is booked for the {ship} until {day}.",
        "{person} moves the fuel delivery for the {ship} to {day}.",
        "Decided to invoice the {ship} monthly instead of by the night.",
        "The crane at pier {number} needs an operator with a certificate above five tonnes.",
        "{person} prefers radio channel {number} to phone calls.",
        "The {ship} draws too much water for pier {number} at low tide.",
        "The lamp on buoy {number} was replaced by {person} on {day}.",
    ),
    "observatory": (
        "Camera {number} needs a dark frame at the same gain before {day}.",
        "{person} reduces the spectra of {day} without help.",
        "Decided to keep the frames of {day} as FITS with a summary beside them.",
        "Telescope {number} points two arc minutes east of its model.",
        "The dome motor stalled at minus {number} degrees; {person} heats it first now.",
        "Visitors come on {day}; {person} shows them around.",
    ),
    "bakery": (
        "The sourdough for {day} rests eighteen hours at four degrees.",
        "{person} orders {number} sacks of rye flour from the mill at Dornbach.",
        "Decided to bake batch {number} at six instead of eight.",
        "{person} collects holiday bread on {day}.",
        "Oven {number} is serviced on {day}; {person} has the key.",
    ),
}
UNKNOWN = ("payroll", "wifi password", "parking permits", "insurance renewal", "espresso")
SHIPS = ("Albatros", "Meridian", "Santa Clara", "Nordlicht", "Halcyon")
TAGS = ("planning", "people", "machines", "schedule", "money", "safety", "open question")


def main(wanted: list[str]) -> None:
    """Takes the wanted pictures, all without any."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as directory:
        settings = load_settings(
            data_dir=Path(directory), cache_dir=Path.home() / ".cache" / "polymem-screenshots", access_log=False
        )
        known = asyncio.run(kept(settings))
        with served(settings) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=next(
                    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
                ),
                args=["--no-sandbox", "--disable-gpu"],
            )
            for name, picture in PICTURES.items():
                if wanted and name not in wanted:
                    continue
                look: dict[str, Any] = {"width": 1200, "height": 800, "scheme": "light"} | picture
                context = browser.new_context(
                    base_url=url,
                    viewport={"width": look["width"], "height": look["height"]},
                    color_scheme=look["scheme"],
                    reduced_motion="reduce",
                    is_mobile=look["width"] < 500,
                )
                page = context.new_page()
                page.goto(str(look["path"]).format(**known))
                page.locator("main h1").wait_for()
                page.wait_for_timeout(1500)
                for step in look.get("steps", ()):
                    take(page, step)
                page.screenshot(path=IMAGES / f"{name}.png")
                print(f"docs/images/{name}.png")
                context.close()
            browser.close()


def take(page: Page, step: tuple[str, str]) -> None:
    """One step before a picture is taken: what to press, by its words or by a selector."""
    kind, target = step
    if kind == "fill":
        selector, _, value = target.partition("=")
        page.get_by_label(selector).fill(value)
    elif kind == "button":
        page.get_by_role("button", name=target).first.click()
    else:
        page.locator(target).first.click()
    page.wait_for_timeout(800)


PICTURES: dict[str, dict[str, Any]] = {
    "overview": {"path": "/", "height": 980},
    "overview-dark": {"path": "/", "height": 980, "scheme": "dark"},
    "memories": {"path": "/memories"},
    "search": {
        "path": "/search?q=When+does+the+harbour+office+open%3F",
        "steps": [("click", "details.pm-why summary"), ("fill", "A word of it, or its id=radio"), ("button", "Look"),
                  ("click", ".pm-pick")],
    },
    "memory": {"path": "/memories/{revised}", "height": 900},
    "conflicts": {"path": "/conflicts"},
    "map": {"path": "/map", "height": 860},
    "phone": {"path": "/memories", "width": 390, "height": 800, "scheme": "dark"},
}  # fmt: skip


@dataclass
class Past:
    """A clock that is set to when an example happened."""

    instant: datetime

    def now(self) -> datetime:
        """That instant."""
        return self.instant


async def kept(settings: Settings) -> dict[str, str]:
    """Keeps the examples; ids by the name a picture asks for."""
    clock = Past(datetime.now(UTC) - timedelta(days=40))
    core = await open_core(settings, clock)
    try:
        return await keep(core, clock)
    finally:
        await core.close()


async def keep(core: Core, clock: Past) -> dict[str, str]:
    """Keeps the examples in the core's local organization."""
    scope = core.local
    assert scope is not None
    random = Random(7)
    now = datetime.now(UTC)
    drafts = []
    for index in range(240):
        project = random.choices(list(PROJECTS), list(PROJECTS.values()))[0]
        sentence = random.choice(SENTENCES[project])
        made = now - timedelta(days=2 + 100 * random.random() ** 1.6, minutes=index)
        content = sentence.format(
            number=random.randrange(2, 40),
            ship=random.choice(SHIPS),
            person=random.choice(PEOPLE),
            day=f"{made + timedelta(days=random.randrange(3, 30)):%d %B}".lstrip("0"),
        )
        drafts.append(
            Draft(
                content=content[:1].upper() + content[1:],
                kind="decision" if sentence.startswith("Decided") else random.choice(KINDS),
                project=project,
                tags=tuple(sorted(random.sample(TAGS, random.choice((0, 1, 1, 2))))),
                importance=min(10, max(1, round(random.gauss(5.5, 2)))),
                created_at=made,
                expires_at=now + timedelta(days=3) if index % 60 == 0 else None,
            )
        )
    kept = [added.memory for added in await core.memories.add_many(scope, drafts)]
    for days in range(29, -1, -1):
        clock.instant = now - timedelta(days=days, minutes=5)
        for _ in range(random.randrange(12) if clock.instant.weekday() < 5 else random.randrange(4)):
            unknown = random.random() < 0.12
            asked = random.choice(UNKNOWN) if unknown else " ".join(random.choice(kept).content.split()[:5])
            await core.recall(scope, RecallQuery(text=asked, mode=Mode.KEYWORD if unknown else Mode.HYBRID, limit=3))
        await core.recall.close()
    clock.instant = now - timedelta(days=21)
    old = await core.memories.add(
        scope,
        Draft(
            content="The harbour office opens at eight on weekdays.",
            title="Opening hours of the harbour office",
            kind="fact",
            project="harbour",
            tags=("schedule",),
            importance=7,
        ),
    )
    clock.instant = now - timedelta(days=6)
    new, _ = await core.memories.add_compared(
        scope,
        Draft(
            content="The harbour office opens at seven on weekdays, and at nine on Saturdays.",
            title="Opening hours of the harbour office",
            kind="fact",
            project="harbour",
            tags=("schedule", "people"),
            importance=8,
            confidence=0.9,
            provenance="observed",
            container="call-with-captain-moreau",
            supersedes=old.memory.id,
        ),
    )
    clock.instant = now - timedelta(days=2, hours=3)
    await core.memories.revise(
        scope, new.memory.id, {"content": "The harbour office opens at seven on weekdays, and at ten on Saturdays."}
    )
    clock.instant = now - timedelta(hours=4)
    await core.memories.revise(scope, new.memory.id, {"importance": 9, "tags": ("schedule", "opening hours")})
    for one, other in (
        ("The dome motor is serviced in March.", "The dome motor is serviced in April."),
        ("Oven two runs eight degrees hotter.", "Oven two runs twelve degrees hotter."),
    ):
        for content in (one, other):
            await core.memories.add_compared(scope, Draft(content=content, kind="fact", project="observatory"))
    return {"revised": new.memory.id, "replaced": old.memory.id}


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """A server over the examples; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "polymem", "serve", "--port", str(port), "--data-dir", str(settings.data_dir)]
    environment = {"POLYMEM_ACCESS_LOG": "false", "POLYMEM_CACHE_DIR": str(settings.cache_dir)}
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                with urlopen(f"{url}/sign-in") as answer:
                    answer.read()
                break
            except OSError:
                time.sleep(0.25)
        yield url
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
