"""The command that tells what is known of a project: context."""

import sys
from typing import Annotated

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.options import to_instant
from polymem.core import Core
from polymem.core.context.context import DEFAULT_TOKENS, ContextQuery
from polymem.core.instants import to_rfc3339
from polymem.core.people import Scope

app = commands()


@core_command(app)
async def context(
    core: Core,
    scope: Scope,
    project: Annotated[str, typer.Argument(help="Key, id or slug of a project.", metavar="PROJECT")],
    max_tokens: Annotated[int, typer.Option(help="How long it may be, in tokens.")] = DEFAULT_TOKENS,
    query: Annotated[
        str | None, typer.Option(help="What it should be about first of all.", metavar="TEXT", show_default=False)
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what changed after this instant.", metavar="WHEN", show_default=False)
    ] = None,
    snippets: Annotated[bool, typer.Option("--snippets", help="With the code snippets.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a Markdown document of a project, for the start of a conversation with a model.

    It holds sessions, memories and open tasks; the most valuable is chosen when not all fits.
    """
    asked = ContextQuery(
        project=project,
        max_tokens=max_tokens,
        query=query,
        since=None if since is None else to_instant(since, "--since"),
        snippets=snippets,
    )
    document = await core.context(scope, asked)
    if not as_json:
        sys.stdout.write(document.markdown)
        return
    output.print_json(
        {
            "markdown": document.markdown,
            "tokens": document.tokens,
            "as_of": to_rfc3339(document.as_of),
            "left_out": dict(document.left_out),
        }
    )
