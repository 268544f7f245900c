"""The terminal's door: the `polymem` command.

`COMMANDS` is the whole of it. What a command needs is imported when it runs, so that `--help`, `version` and the
completion of a shell answer at once; this table is the only place that loads modules by name.
"""

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from polymem import __version__

# command: (module of this package, what it does)
COMMANDS = {
    "serve": ("server", "Run the server."),
    "remember": ("memories", "Keep a memory."),
    "recall": ("finding", "Find memories by meaning and words."),
    "list": ("finding", "List memories, newest first."),
    "show": ("memories", "Show a memory with all its fields."),
    "edit": ("memories", "Change a memory."),
    "forget": ("memories", "Put memories into the trash."),
    "restore": ("memories", "Take memories out of the trash."),
    "purge": ("memories", "Remove memories with their history for good."),
    "history": ("memories", "Show what changed in a memory, when, and by whom."),
    "changes": ("changes", "Tell what changed, newest first: which memory, how, when, by whom and why."),
    "validate": ("changes", "Record that a memory was found to hold."),
    "contradict": ("changes", "Record that something speaks against a memory."),
    "why-not": ("finding", "Tell which stage of a recall loses a memory."),
    "projects": ("overview", "List the projects."),
    "stats": ("overview", "Count what is kept."),
    "context": ("context", "Write a Markdown document of a project, for the start of a conversation with a model."),
    "export": ("transfer", "Write memories to a file."),
    "import": ("transfer", "Read memories: NDJSON, JSON, Markdown, or what another system wrote."),
    "mcp": ("mcp", "Be a memory for a client of MCP, on stdin and stdout."),
    "hook": ("hooks", "Tell a coding agent what to remember now."),
    "install-hooks": ("hooks", "Have Claude Code ask polymem by itself."),
    "reindex": ("maintenance", "Embed what the present model has not embedded."),
    "migrate-store": ("moving", "Move everything into another database."),
    "backup": ("maintenance", "Copy the database while it is in use."),
    "verify": ("maintenance", "Check that rows, histories, words and vectors agree."),
    "doctor": ("doctor", "Look for what keeps polymem from working."),
    "user": ("people", "Make, list and end accounts."),
    "token": ("people", "Make, list and revoke tokens of accounts."),
    "key": ("keys", "Make, list and revoke API keys."),
    "project": ("places", "Make, list and delete projects."),
    "organization": ("places", "Make, list and delete organizations."),
    "version": ("version", "Tell the version."),
}


class Commands(TyperGroup):
    """A group that knows its commands by the table and loads the one that runs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run, from its module."""
        name, listed, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, listed, rest
        module = importlib.import_module(f"polymem.cli.{COMMANDS[name][0]}")
        return name, get_group(module.app).commands[name], rest


_COMPLETING = "_POLYMEM_COMPLETE"
"""Set by a shell that asks how a command could go on."""


def commands(**options: Any) -> typer.Typer:
    """An empty list of commands, to be filled by a module.

    Its help is plain: importing what draws boxes takes longer than everything else together.
    """
    return typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, **options)


def command_line(*, completion: bool) -> typer.Typer:
    """The whole command. With `completion` it has Typer's options for that, which take 0.2 s to read."""
    app = typer.Typer(
        cls=Commands,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=completion,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Settings come from POLYMEM_* variables; --install-completion teaches the shell. Exit codes: 0 done, "
        "1 failed, 2 wrong usage or input, 3 not found, 4 conflict, 5 something needed does not answer, 6 done but "
        "for what is reported, 130 interrupted.",
    )

    @app.callback()
    def polymem() -> None:
        """A memory for AI agents: keeps what it is told and finds it again by meaning. Works offline."""

    def listed() -> None:
        """Stands in the list for a command whose module is not loaded."""

    for name, (_, line) in COMMANDS.items():
        app.command(name, help=line)(listed)
    return app


def main() -> None:
    """Run the `polymem` command."""
    if sys.argv[1:] == ["version"]:
        # Typer would take 0.2 s to find out that --help was not asked for.
        sys.stdout.write(f"polymem {__version__}\n")
        return
    if sys.argv[1:2] == ["mcp"] and _COMPLETING not in os.environ:
        # Clients wait for the first answer; nothing slow is to stand before it.
        options = importlib.import_module("polymem.cli.mcp_options").read_options(sys.argv[2:])
        if options is not None:
            importlib.import_module("polymem.cli.mcp_stdio").serve(options)
            return
    completion = _COMPLETING in os.environ or any(argument.endswith("-completion") for argument in sys.argv[1:2])
    command_line(completion=completion)(prog_name="polymem")
