"""From the command line to an open core, and from errors to exit codes.

The only module of the command line, beside those of `serve` and `doctor`, that imports the server and its settings.
"""

import asyncio
import io
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from polymem.app.composition import open_core
from polymem.cli.exits import ExitCode, fail
from polymem.core import Core
from polymem.core.errors import Conflict, InvalidInput, NotFound, PolymemError, Unavailable
from polymem.core.people import Scope
from polymem.settings import InvalidSettings, Settings, load_settings

ACTOR = "cli"
"""Who a history says made a change that came through the command line."""

# The first class that fits decides.
_EXIT_CODES: tuple[tuple[type[PolymemError], ExitCode], ...] = (
    (InvalidInput, ExitCode.INVALID_INPUT),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (Unavailable, ExitCode.UNAVAILABLE),
    (PolymemError, ExitCode.FAILED),
)


def run_with_core(
    act: Callable[[Core, Scope], Awaitable[None]], organization: str, data_dir: Path | None, database_url: str | None
) -> None:
    """Do something with a core, as the organization of this slug. What goes wrong ends the process in order."""

    async def in_organization(core: Core) -> None:
        found = await core.store.organization(slug=organization)
        if found is None:
            # Who typed the name instead of the slug means the same thing, if it is one.
            named = [one for one in await core.store.organizations() if organization in (one.name, one.id)]
            found = named[0] if len(named) == 1 else None
        if found is None:
            raise NotFound("Organization", organization)
        await act(core, Scope(organization_id=found.id, actor=ACTOR))

    run_as_operator(in_organization, data_dir, database_url)


def run_as_operator(act: Callable[[Core], Awaitable[None]], data_dir: Path | None, database_url: str | None) -> None:
    """Do something with a core, for no organization in particular."""
    with errors_as_exit_codes():
        settings = load_settings(data_dir=data_dir, database_url=database_url)
        asyncio.run(_with_core(settings, act))


async def _with_core(settings: Settings, act: Callable[[Core], Awaitable[None]]) -> None:
    # A command says itself what it did; of the rest only trouble is worth a line, unless more is asked for.
    level = settings.log_level if "log_level" in settings.model_fields_set else "warning"
    logging.basicConfig(format="%(levelname)s: %(message)s", level=level.upper())
    core = await open_core(settings)
    try:
        await act(core)
    finally:
        await core.close()


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Turn what a user can cause into a sentence on stderr and an exit code; only a bug shows a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal with fewer letters than Unicode shows question marks.
        sys.stdout.reconfigure(errors="replace")
    try:
        yield
    except PolymemError as error:
        code = next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
        raise fail(str(error), code) from None
    except InvalidSettings as error:
        raise fail(str(error), ExitCode.INVALID_INPUT) from None
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does. What is still buffered must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.FAILED) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise fail(f"{where}{error.strerror or error}") from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
