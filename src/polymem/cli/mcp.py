"""`polymem mcp`: the memory for clients of the Model Context Protocol, and how they are told of it."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from polymem.cli import commands
from polymem.cli.exits import ExitCode, fail
from polymem.cli.mcp_install import CannotInstall, file_of, installed, program, replace_file
from polymem.cli.mcp_options import McpOptions
from polymem.cli.mcp_stdio import serve
from polymem.core.mcp_clients import CLIENTS, KEY_VARIABLE, NAME, URL_VARIABLE, Http, McpClient, Server, Stdio
from polymem.mcp.toolsets import DEFAULT, TOOLSETS

app = commands()
mcp = commands(invoke_without_command=True)
app.add_typer(mcp, name="mcp", help="Be a memory for a client of MCP, on stdin and stdout.")


@mcp.callback()
def run(
    context: typer.Context,
    toolset: Annotated[
        str, typer.Option(help=f"Whose tools to offer: {', '.join(TOOLSETS)}.", metavar="NAME")
    ] = DEFAULT,
    project: Annotated[
        str | None, typer.Option(help="Instead of the directory's project; '' is none.", show_default=False)
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(help="Where memories are kept.", metavar="DIR", show_default=False)
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="A database instead of the one in DIR.", metavar="URL", show_default=False)
    ] = None,
    organization: Annotated[
        str | None, typer.Option(help="Whose memories, of the local store.", metavar="SLUG", show_default=False)
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="A server to ask instead; else POLYMEM_URL, if set.", metavar="URL", show_default=False),
    ] = None,
) -> None:
    """Be a memory for a client of MCP, on stdin and stdout, until it ends the conversation.

    The memory is the local store; or, with --url or POLYMEM_URL, that of a server, with the key in POLYMEM_API_KEY.
    The project is named by --project, a .polymem file, the git repository or the directory. `polymem mcp install`
    tells a client of it.
    """
    if context.invoked_subcommand is not None:
        return
    if toolset not in TOOLSETS:
        raise fail(f"There is no toolset {toolset!r}; there are {', '.join(TOOLSETS)}", ExitCode.INVALID_INPUT)
    serve(
        McpOptions(
            toolset=toolset,
            project=project,
            organization=organization,
            data_dir=data_dir,
            database_url=database_url,
            url=url,
        )
    )


@mcp.command()
def install(
    client: Annotated[
        str, typer.Argument(help=f"Which one: {', '.join(one.id for one in CLIENTS)}.", show_default=False)
    ],
    url: Annotated[
        str | None,
        typer.Option(help="A server to use instead of the local store.", metavar="URL", show_default=False),
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="Let the client speak to the server itself, at its /mcp.")
    ] = False,
    project: Annotated[
        str | None, typer.Option(help="Instead of each directory's own project.", show_default=False)
    ] = None,
    toolset: Annotated[
        str, typer.Option(help=f"Whose tools to offer: {', '.join(TOOLSETS)}.", metavar="NAME")
    ] = DEFAULT,
    name: Annotated[str, typer.Option(help="What the client calls the server.")] = NAME,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take it out again.")] = False,
    path: Annotated[
        Path | None, typer.Option(help="The client's file, if it is not the usual one.", show_default=False)
    ] = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print what would stand in the file, and change nothing.")
    ] = False,
) -> None:
    """Tell a client of MCP of this memory: write it into the client's own file.

    May be run as often as you like. What else is in the file stays, and the file is copied before it is changed. With
    --url, the key in POLYMEM_API_KEY is written too, if there is one.
    """
    told = next((one for one in CLIENTS if one.id == client), None)
    if told is None:
        known = ", ".join(one.id for one in CLIENTS)
        raise fail(f"There is no client {client!r}; there are {known}", ExitCode.INVALID_INPUT)
    if toolset not in TOOLSETS:
        raise fail(f"There is no toolset {toolset!r}; there are {', '.join(TOOLSETS)}", ExitCode.INVALID_INPUT)
    if http and url is None:
        raise fail("--http needs the server's address in --url", ExitCode.INVALID_INPUT)
    server = _server(told, url, http, project, toolset)
    if show:
        typer.echo(told.text(server, name), nl=False)
        return
    file = path or file_of(told)
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        after = installed(told, before, name, None if uninstall else server)
    except CannotInstall as error:
        sentence = f"{file} {error}; nothing was changed. Put this into it:\n\n{told.text(server, name)}"
        raise fail(sentence, ExitCode.INVALID_INPUT) from None
    except (OSError, ValueError) as error:
        raise fail(f"{file} cannot be read: {error}", ExitCode.INVALID_INPUT) from None
    if after == before:
        typer.echo(f"{file} needs no change")
        return
    try:
        copy = replace_file(file, after)
    except OSError as error:
        raise fail(f"{file} cannot be written: {error}") from None
    typer.echo(f"{'Removed from' if uninstall else 'Installed in'} {file}" + (f"; before: {copy}" if copy else ""))


def _server(client: McpClient, url: str | None, http: bool, project: str | None, toolset: str) -> Server:
    key = os.environ.get(KEY_VARIABLE) or None
    if http and url is not None and client.speaks_http:
        asked = urlencode(
            ({"toolset": toolset} if toolset != DEFAULT else {}) | ({"project": project} if project else {})
        )
        address = url.rstrip("/").removesuffix("/mcp") + "/mcp"
        return Http(f"{address}?{asked}" if asked else address, key)
    options = [*(("--toolset", toolset) if toolset != DEFAULT else ()), *(("--project", project) if project else ())]
    environment = {} if url is None else {URL_VARIABLE: url} | ({KEY_VARIABLE: key} if key else {})
    return Stdio(program(), ("mcp", *options), environment)
