"""Commands that look after what is kept: reindex, backup, verify."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.exits import ExitCode
from polymem.cli.progress import progress
from polymem.core import Core
from polymem.core.people import Scope

app = commands()

_PROBLEMS_SHOWN = 50


@core_command(app)
async def reindex(
    core: Core,
    scope: Scope,
    drop_former: Annotated[
        bool, typer.Option("--drop-former", help="Then remove the vectors of other models.")
    ] = False,
) -> None:
    """Embed what the present model has not embedded, of all organizations. Recall goes on meanwhile.

    Servers on the same database take part. May be interrupted and run again.
    """
    done = 0
    with progress("Embedding") as bar:
        async for so_far in core.reindex.run(drop_former=drop_former):
            done = so_far.done
            bar.at(so_far.done, so_far.total)
    # What the model cannot read is passed over; so is, for now, what was written in the last moments.
    failed = min(done, await core.reindex.pending())
    typer.echo(f"Embedded {done - failed}" if done else "Everything is embedded already")
    if failed:
        output.remark(f"{failed} could not be embedded and are found by words only; the server tries them again.")


@core_command(app)
async def backup(
    core: Core,
    scope: Scope,
    target: Annotated[Path, typer.Argument(help="A new file, or a folder for a file named by the time.")],
) -> None:
    """Copy the database while it is in use; the copy is consistent.

    A data directory with the copy as its polymem.db is what was backed up.
    """
    if target.is_dir():
        target /= f"polymem-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
    with progress("Copying"):
        await core.store.backup(target)
    typer.echo(f"Copied to {target} ({output.size(target.stat().st_size)})")


@core_command(app)
async def verify(
    core: Core,
    scope: Scope,
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what can be rebuilt.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check that rows, histories, words and vectors agree, of all organizations; the exit code is 6 if they do not."""
    with progress("Checking"):
        found = await core.store.verify(repair=repair, model=core.embedder.model)
    problems = sum(found.detail.values())
    if as_json:
        output.print_json(
            {
                "memories": found.memories,
                "problems": list(found.problems),
                "repaired": found.repaired,
                "without_vector": found.without_vector,
                "detail": dict(found.detail),
            }
        )
    else:
        for sentence in found.problems[:_PROBLEMS_SHOWN]:
            typer.echo(output.plain(sentence))
        if len(found.problems) > _PROBLEMS_SHOWN:
            output.remark(f"… and {problems - _PROBLEMS_SHOWN} more")
        typer.echo(f"Checked {found.memories} memories: {_verdict(problems, found.repaired)}")
        if found.without_vector:
            output.remark(f"{found.without_vector} are found by words only until polymem reindex embeds them.")
    if problems > found.repaired:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _verdict(problems: int, repaired: int) -> str:
    if not problems:
        return "all is well"
    told = "1 problem" if problems == 1 else f"{problems} problems"
    if repaired == problems:
        return f"{told}, repaired"
    return f"{told}, {repaired} repaired" if repaired else f"{told}; --repair rebuilds what can be rebuilt"
