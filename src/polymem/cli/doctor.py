"""`polymem doctor`: what keeps polymem from working here, and the way out of it."""

import asyncio
import os
import platform
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

import polymem
from polymem.app.composition import open_core, to_spec
from polymem.cli import commands, output
from polymem.cli.command import AsJson, DatabaseUrl, DataDir
from polymem.cli.exits import ExitCode
from polymem.cli.opening import errors_as_exit_codes
from polymem.client import AsyncClient, ClientError
from polymem.core.errors import PolymemError
from polymem.inference import NOTICE_NO_EMBEDDER, open_embedder
from polymem.settings import Settings, load_settings
from polymem.storage import sqlite

app = commands()

_LIBRARIES = ("numpy", "onnxruntime", "tokenizers", "fastapi", "uvicorn", "pydantic", "psycopg")
_LITTLE_SPACE = 1024**3
_NO_SPACE = 64 * 1024**2
_TEST_TEXT = "Is anybody there?"
_PATIENCE_SECONDS = 3.0


class Verdict(StrEnum):
    """How a check went: `note` is worth knowing, `problem` keeps something from working."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and a sentence about it that names the way out where one is needed."""

    subject: str
    verdict: Verdict
    sentence: str


_STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.PROBLEM: "bold red"}


@app.command()
def doctor(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    url: Annotated[
        str | None, typer.Option(help="Where a server should answer.", show_default="POLYMEM_URL, or from the settings")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for what keeps polymem from working here. It keeps nothing; the exit code is 6 if there is a problem."""
    with errors_as_exit_codes():
        settings = load_settings(data_dir=data_dir, database_url=database_url)
        findings = asyncio.run(_look(settings, url, quiet=as_json))
    if as_json:
        items = [{"subject": f.subject, "verdict": f.verdict.value, "sentence": f.sentence} for f in findings]
        output.print_json({"items": items, "healthy": not _has_problem(findings)})
    if _has_problem(findings):
        raise typer.Exit(ExitCode.INCOMPLETE)


def _has_problem(findings: list[Finding]) -> bool:
    return any(finding.verdict is Verdict.PROBLEM for finding in findings)


async def _look(settings: Settings, url: str | None, *, quiet: bool) -> list[Finding]:
    findings = []
    async for finding in _findings(settings, url):
        findings.append(finding)
        if not quiet:
            verdict = Text(finding.verdict.value, style=_STYLES[finding.verdict])
            output.show(Text.assemble((f"{finding.subject}: ", "bold"), verdict, f"  {output.plain(finding.sentence)}"))
    return findings


async def _findings(settings: Settings, url: str | None) -> AsyncIterator[Finding]:
    for finding in _environment():
        yield finding
    for finding in _directory(settings):
        yield finding
    yield await _database(settings)
    yield await _embedder(settings)
    yield await _server(settings, url)


def _environment() -> Iterator[Finding]:
    python = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    yield Finding("Python", Verdict.OK, f"{python} {platform.machine()}, {os.cpu_count()} cores, {sys.executable}.")
    versions = [f"SQLite {sqlite.VERSION}"]
    versions += [f"{library} {found}" for library in _LIBRARIES if (found := _version(library))]
    yield Finding("polymem", Verdict.OK, f"Version {polymem.__version__} with {', '.join(versions)}.")


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _directory(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        return
    subject, folder = "Data directory", settings.data_dir
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding(
                subject, Verdict.OK, f"{folder} is not there yet; the first command that keeps something makes it."
            )
        else:
            yield Finding(subject, Verdict.PROBLEM, f"{folder} cannot be made in {parent}; set POLYMEM_DATA_DIR.")
        yield _space(parent)
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            subject, Verdict.PROBLEM, f"{folder} cannot be written to; give it to this user, or set POLYMEM_DATA_DIR."
        )
    elif folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            subject, Verdict.NOTE, f"Others on this machine can look into {folder}; chmod 700 {folder} keeps them out."
        )
    else:
        yield Finding(subject, Verdict.OK, f"{folder} is yours alone.")
    yield _space(folder)


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free < _NO_SPACE:
        return Finding(
            "Disk", Verdict.PROBLEM, f"Only {output.size(free)} are free; saving will fail soon. Make space."
        )
    verdict = Verdict.NOTE if free < _LITTLE_SPACE else Verdict.OK
    return Finding("Disk", verdict, f"{output.size(free)} are free.")


async def _database(settings: Settings) -> Finding:
    if settings.database_url is None and not settings.data_dir.exists():
        return Finding("Database", Verdict.OK, "Nothing is kept yet.")
    try:
        core = await open_core(settings)
    except (PolymemError, OSError) as error:
        return Finding("Database", Verdict.PROBLEM, f"It cannot be opened: {error}")
    try:
        organizations = len(await core.store.organizations())
        pending = await core.reindex.pending()
    except PolymemError as error:
        return Finding("Database", Verdict.PROBLEM, f"It cannot be read: {error}")
    finally:
        await core.close()
    if pending:
        return Finding(
            "Database",
            Verdict.NOTE,
            f"It opens; {pending} memories are found by words only: polymem reindex embeds them.",
        )
    return Finding(
        "Database", Verdict.OK, f"It opens, and has {organizations} organization{'s' * (organizations != 1)}."
    )


async def _embedder(settings: Settings) -> Finding:
    subject = "Embedding model"
    # The model is built where it is kept; a place that is not there yet is not made for a look.
    with tempfile.TemporaryDirectory() as elsewhere:
        cache = settings.model_dir if settings.model_dir.exists() else Path(elsewhere)
        try:
            embedder = await asyncio.to_thread(open_embedder, to_spec(settings), cache)
        except PolymemError as error:
            return Finding(subject, Verdict.PROBLEM, str(error))
        try:
            await embedder.embed_query(_TEST_TEXT)
            start = time.perf_counter()
            await embedder.embed_query(f"{_TEST_TEXT} Still there?")
            took_ms = (time.perf_counter() - start) * 1000
        except PolymemError as error:
            wanted = settings.embedder_url is not None or settings.embedder not in ("local", "none")
            sentence = str(error) if wanted else NOTICE_NO_EMBEDDER
            return Finding(subject, Verdict.PROBLEM if wanted else Verdict.NOTE, sentence)
        finally:
            await embedder.close()
    model = embedder.model
    assert model is not None
    return Finding(
        subject, Verdict.OK, f"{model.name}, {model.dimensions} dimensions, {took_ms:.1f} ms for a short text."
    )


async def _server(settings: Settings, url: str | None) -> Finding:
    address = url or os.environ.get("POLYMEM_URL") or _address(settings)
    try:
        async with AsyncClient(address, timeout=_PATIENCE_SECONDS, retries=0) as client:
            health = await client.health()
    except ClientError as error:
        verdict = Verdict.NOTE if url is None else Verdict.PROBLEM
        return Finding("Server", verdict, f"None answers at {address} ({error}); polymem serve starts one.")
    if health.version != polymem.__version__:
        return Finding(
            "Server", Verdict.NOTE, f"The one at {address} has version {health.version}; restart it after an upgrade."
        )
    verdict = Verdict.OK if health.status == "ok" else Verdict.NOTE
    return Finding("Server", verdict, f"The one at {address} is {health.status}.")


def _address(settings: Settings) -> str:
    host = settings.host if ":" not in settings.host else f"[{settings.host.strip('[]')}]"
    return f"http://{host}:{settings.port}"
