"""Commands that move memories: export, import."""

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.exits import ExitCode
from polymem.cli.options import ContainerOption, KindFilter, ProjectOption, TagFilter, to_filter
from polymem.cli.progress import progress
from polymem.core import Core
from polymem.core.errors import InvalidInput
from polymem.core.exchange.importers import Format, read_records
from polymem.core.exchange.transfer import ImportReport
from polymem.core.people import Scope

app = commands()

STANDARD_STREAM = "-"
_NOTES = frozenset({".md", ".markdown"})
_SUFFIXES = frozenset({".json", ".ndjson", ".jsonl"}) | _NOTES
_SKIPPED_SHOWN = 20


class ExportFormat(StrEnum):
    """One JSON object a line, or one JSON array."""

    NDJSON = "ndjson"
    JSON = "json"


@core_command(app)
async def export(
    core: Core,
    scope: Scope,
    file: Annotated[str, typer.Argument(help="Where to; - is stdout.")] = STANDARD_STREAM,
    format: Annotated[
        ExportFormat, typer.Option(help="A JSON object a line, or one JSON array.")
    ] = ExportFormat.NDJSON,
    project: ProjectOption = None,
    kind: KindFilter = None,
    tag: TagFilter = None,
    container: ContainerOption = None,
) -> None:
    """Write memories to a file, oldest first; import reads it. The trash stays behind."""
    filter = await to_filter(core, scope, project=project, kinds=kind, tags=tag, container=container)
    total = await core.memories.count(scope, filter)
    start, between, end = ("[\n", ",\n", "\n]\n") if format is ExportFormat.JSON else ("", "\n", "\n")
    done = 0
    with _whole_file(file) as target, progress("Exporting", total) as bar:
        target.write(start.encode())
        async for record in core.transfer.export(scope, filter):
            line = (between if done else "") + json.dumps(record, ensure_ascii=False)
            target.write(line.encode())
            done += 1
            bar.at(done)
        if done or format is ExportFormat.JSON:
            target.write(end.encode())
    output.remark(f"Exported {done} {'memory' if done == 1 else 'memories'}" + _to(file))


def _to(file: str) -> str:
    return "" if file == STANDARD_STREAM else f" to {file}"


@contextmanager
def _whole_file(name: str) -> Iterator[IO[bytes]]:
    # Either the whole export is there under its name, or nothing is. Memories are their owner's business, so is this.
    if name == STANDARD_STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = Path(f"{name}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            yield target
        part.replace(name)
    finally:
        part.unlink(missing_ok=True)


@core_command(app, "import")
async def import_(
    core: Core,
    scope: Scope,
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file, a folder of files, or - for stdin.")],
    format: Annotated[Format, typer.Option(help="What the file holds; auto looks.")] = Format.AUTO,
    project: ProjectOption = None,
    keep_ids: Annotated[bool, typer.Option("--keep-ids/--new-ids", help="Keep the ids of the records.")] = True,
    merge: Annotated[
        bool, typer.Option("--merge/--no-merge", help="Take a text that its project holds already for the same memory.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Read memories: NDJSON, JSON, Markdown, or what another system wrote, from a file or a folder of files.

    Known are the exports of Memento, mememory, MEMANTO, AI Memory and mem0, and the memory.jsonl of the MCP server.

    Importing twice doubles nothing. What cannot be kept is skipped and reported, and the exit code is 6.
    """
    sources = _sources(source)
    # Reading is quick beside embedding: a first look counts, and refuses a wrong file before anything is kept.
    total = None if sources is None else sum(1 for _ in _read(sources, format))
    report = ImportReport()
    with progress("Importing", total) as bar:
        records = _stream(read_records(sys.stdin.buffer, format) if sources is None else _read(sources, format))
        async for report in core.transfer.import_(scope, records, keep_ids=keep_ids, merge=merge, project=project):
            bar.at(report.imported + report.existing + len(report.skipped))
    if as_json:
        skipped = [{"position": skip.position, "reason": skip.reason} for skip in report.skipped]
        output.print_json({"imported": report.imported, "existing": report.existing, "skipped": skipped})
    else:
        _tell(report)
    if report.skipped:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _tell(report: ImportReport) -> None:
    typer.echo(f"Imported {report.imported}, there already {report.existing}, skipped {len(report.skipped)}")
    if not report.skipped:
        return
    rows = [(str(skip.position), skip.reason) for skip in report.skipped[:_SKIPPED_SHOWN]]
    output.show(output.table("Record", "Why it was skipped", rows=rows, right=["Record"]))
    if len(report.skipped) > _SKIPPED_SHOWN:
        output.remark(f"… and {len(report.skipped) - _SKIPPED_SHOWN} more; --json tells all")


def _sources(name: str) -> list[Path] | None:
    # None is stdin, which can be read once only.
    if name == STANDARD_STREAM:
        return None
    path = Path(name)
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    if not files:
        raise InvalidInput(f"The folder {name} holds no .json, .ndjson, .jsonl or .md file")
    return files


def _read(sources: list[Path], format: Format) -> Iterator[Any]:
    for path in sources:
        with path.open("rb") as lines:
            try:
                yield from read_records(lines, _format_of(path, format), name=path.stem)
            except InvalidInput as error:
                raise InvalidInput(f"{path}: {error}") from None


def _format_of(path: Path, format: Format) -> Format:
    return Format.MARKDOWN if format is Format.AUTO and path.suffix in _NOTES else format


async def _stream(records: Iterator[Any]) -> AsyncIterator[Any]:
    for record in records:
        yield record
