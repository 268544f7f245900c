"""`polymem serve`."""

from typing import Annotated

import typer

from polymem.app import CannotListen, run
from polymem.cli import commands
from polymem.cli.command import DatabaseUrl, DataDir
from polymem.cli.exits import ExitCode, fail
from polymem.cli.opening import errors_as_exit_codes
from polymem.settings import load_settings

app = commands()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8765")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            help="Serve a dialect at the root of a port of its own too; may be repeated; all takes every dialect.",
            metavar="DIALECT[:PORT]",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve together on this machine.", show_default="1")
    ] = None,
    auth: Annotated[
        str | None,
        typer.Option(help="local: this machine needs no key. required: everybody does.", show_default="local"),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.", show_default="info")] = None,
) -> None:
    """Run the server until it is told to stop. What is not given comes from POLYMEM_* variables."""
    with errors_as_exit_codes():
        settings = load_settings(
            host=host,
            port=port,
            data_dir=data_dir,
            database_url=database_url,
            listen=",".join(listen) if listen else None,
            workers=workers,
            auth=auth,
            log_level=log_level,
        )
        try:
            run(settings)
        except CannotListen as error:
            raise fail(str(error), ExitCode.UNAVAILABLE) from None
