"""The command that moves a whole store into another database: migrate-store."""

import asyncio
from typing import Annotated

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson
from polymem.cli.progress import progress

app = commands()

_ORGANIZATIONS_SHOWN = 20


@app.command()
def migrate_store(
    source: Annotated[
        str, typer.Option("--from", help="The store there is: sqlite:DIR or postgresql://…", metavar="STORE")
    ],
    target: Annotated[
        str, typer.Option("--to", help="The empty one to fill: postgresql://… or sqlite:DIR", metavar="STORE")
    ],
    as_json: AsJson = False,
) -> None:
    """Move everything into another database: memories with their histories and vectors, accounts, keys, all.

    Nothing may use either of them meanwhile. May be interrupted and run again: it goes on where it stood, and the
    target is not served before all of it is there and was compared with the source, which stays as it is.
    """
    from polymem.cli.opening import errors_as_exit_codes  # noqa: PLC0415 - slow
    from polymem.storage import move_store  # noqa: PLC0415 - slow

    with errors_as_exit_codes():
        with progress("Reading") as bar:

            def watch(what: str, done: int, total: int) -> None:
                bar.at(done, total, what)

            moved = asyncio.run(move_store(source, target, watch))
        sums = {owner: (one.rows, f"{one.checksum:032x}") for owner, one in sorted(moved.sums.items())}
        if as_json:
            rows = [
                {"organization": owner or None, "rows": rows, "checksum": sum_} for owner, (rows, sum_) in sums.items()
            ]
            output.print_json({"rows": moved.rows, "parts": rows})
            return
        typer.echo(f"Moved {moved.rows} rows; both sides are equal")
        shown = [(owner or "accounts", str(rows), sum_) for owner, (rows, sum_) in sums.items()][:_ORGANIZATIONS_SHOWN]
        output.show(output.table("Organization", "Rows", "Checksum", rows=shown, right=["Rows"]))
        if len(sums) > _ORGANIZATIONS_SHOWN:
            output.remark(f"… and {len(sums) - _ORGANIZATIONS_SHOWN} more; --json tells all")
