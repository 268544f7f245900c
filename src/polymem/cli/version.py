"""`polymem version`."""

from typing import Annotated

import typer

import polymem
from polymem.cli import commands

app = commands()


@app.command()
def version(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell the version."""
    typer.echo(f'{{"version": "{polymem.__version__}"}}' if as_json else f"polymem {polymem.__version__}")
