"""Memories in and out: a file of everything, and files from here or from other systems."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.events import UploadEventArguments

from polymem.core.errors import InvalidInput
from polymem.core.exchange.importers import Format, read_records
from polymem.core.exchange.transfer import ImportReport
from polymem.core.people import Permission
from polymem.dashboard.parts.elements import attempt, button, card, heading, say, tag, text
from polymem.dashboard.parts.table import draw_table
from polymem.dashboard.parts.wording import number, plural
from polymem.dashboard.visit import Visit

_MOST_BYTES = 1_000_000_000
_SKIPPED_SHOWN = 50
_MARKDOWN = (".md", ".markdown")
_KNOWN = "Known are exports from here, of Memento, mememory, MEMANTO, AI Memory and mem0, memory.jsonl, and Markdown."


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Import and export", "Your memories are yours: take all of them with you, or bring them from elsewhere.")
    page = _Transfer(visit)
    with tag("div", "pm-grid"):
        with tag("div", "pm-half"), card("Export"):
            page.draw_export()
        if await visit.can_write():
            with tag("div", "pm-half"), card("Import"):
                page.draw_import()


class _Transfer:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    # --- out ---------------------------------------------------------------------------------

    def draw_export(self) -> None:
        of = "the organization" if self._visit.project is None else self._visit.project.name
        told = f"Every memory of {of}, one JSON object a line, with its times. What is in the trash stays here."
        text(told, "pm-soft pm-below-small", "p")
        button("Export", attempt(self._export), icon="download", kind="main")
        self._out = _Progress()

    async def _export(self) -> None:
        visit = self._visit
        scope = await visit.scope()
        total = (await visit.core.overview.census(scope)).memories
        self._out.start(total)
        descriptor, name = tempfile.mkstemp(prefix="memories-", suffix=".ndjson")
        # The browser fetches the file once; it is removed with the page.
        ui.context.client.on_delete(lambda: Path(name).unlink(missing_ok=True))
        done = 0
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            async for record in visit.core.transfer.export(scope):
                file.write(json.dumps(record, ensure_ascii=True, separators=(",", ":"), default=str) + "\n")
                done += 1
                if done % 500 == 0:
                    self._out.at(done)
                    await asyncio.sleep(0)
        self._out.end(f"{plural(done, 'record')} exported.")
        ui.download.file(name, "memories.ndjson", "application/x-ndjson")

    # --- in ----------------------------------------------------------------------------------

    def draw_import(self) -> None:
        text(f"{_KNOWN} Importing twice doubles nothing.", "pm-soft pm-below-small", "p")
        self._new_ids = ui.checkbox("Give new ids", value=False)
        upload = ui.upload(on_upload=attempt(self._import), max_file_size=_MOST_BYTES, auto_upload=True)
        upload.props("accept=.ndjson,.jsonl,.json,.md,.markdown").classes("pm-upload")
        choose = button("Choose a file", icon="upload_file", kind="main")
        # In the browser alone, since only a press of a button may open its dialog.
        choose.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")
        upload.on("rejected", lambda: say("That file is too large, or not of a known kind.", bad=True))
        self._in = _Progress()
        self._report = tag("div")

    async def _import(self, event: UploadEventArguments) -> None:
        visit = self._visit
        scope = await visit.scope(Permission.WRITE)
        with tempfile.TemporaryDirectory(prefix="import-") as directory:
            path = Path(directory) / "upload"
            await event.file.save(path)
            format = Format.MARKDOWN if event.file.name.lower().endswith(_MARKDOWN) else Format.AUTO
            stem = Path(event.file.name).stem or "notes"
            total = await asyncio.to_thread(lambda: sum(1 for _ in _records(path, format, stem)))
            self._in.start(total)
            report = ImportReport()
            async for report in visit.core.transfer.import_(
                scope,
                _stream(_records(path, format, stem)),
                keep_ids=not self._new_ids.value,
                project=None if visit.project is None else visit.project.key,
            ):
                self._in.at(report.imported + report.existing + len(report.skipped))
        self._in.end("Done.")
        self._tell(report)

    def _tell(self, report: ImportReport) -> None:
        self._report.clear()
        with self._report, tag("div", role="status"):
            told = f"{number(report.imported)} imported, {number(report.existing)} were there, "
            text(told + f"{number(len(report.skipped))} skipped.", "pm-strong", "p")
            if report.skipped:
                rows = [[number(skip.position), skip.reason] for skip in report.skipped[:_SKIPPED_SHOWN]]
                draw_table("Skipped records", ["Record", "Why"], rows)
            if len(report.skipped) > _SKIPPED_SHOWN:
                text(f"and {number(len(report.skipped) - _SKIPPED_SHOWN)} more", "pm-soft")


class _Progress:
    """A bar that is there while something runs."""

    def __init__(self) -> None:
        self._bar = tag("progress", "pm-progress", aria_label="Progress", max="1", value="0")
        self._bar.set_visibility(False)
        self._told = tag("p", "pm-soft", content="", role="status")
        self._total = 0

    def start(self, total: int) -> None:
        self._total = max(1, total)
        self._bar.set_visibility(True)
        self.at(0)

    def at(self, done: int) -> None:
        self._bar.props["value"] = str(min(1.0, done / self._total))
        self._told.text = f"{number(done)} of {number(self._total)}"  # type: ignore[attr-defined]

    def end(self, told: str) -> None:
        self._bar.set_visibility(False)
        self._told.text = told  # type: ignore[attr-defined]


def _records(path: Path, format: Format, stem: str) -> Iterator[Any]:
    with path.open("rb") as lines:
        try:
            yield from read_records(lines, format, name=stem)
        except RecursionError:
            raise InvalidInput("The file is nested too deeply") from None


async def _stream(records: Iterator[Any]) -> AsyncIterator[Any]:
    for record in records:
        yield record
