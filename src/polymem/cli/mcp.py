"""`polymem mcp`: the memory for clients of the Model Context Protocol, and how they are told of it."""

from typing import Annotated

import typer

from polymem.cli import commands
from polymem.cli.exits import ExitCode, fail
from polymem.cli.mcp_options import McpOptions
from polymem.cli.mcp_stdio import serve
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
