"""The terminal's door: the `polymem` command.

`COMMANDS` is the whole of it. What a command needs is imported when it runs, so that `--help`, `version` and the
completion of a shell answer at once; this table is the only place that loads modules by name.
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from polymem import __version__

if TYPE_CHECKING:
    import typer

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

_COMPLETING = "_POLYMEM_COMPLETE"
"""Set by a shell that asks how a command could go on."""


def commands(**options: Any) -> "typer.Typer":
    """An empty list of commands, to be filled by a module.

    Its help is plain: importing what draws boxes takes longer than everything else together.
    """
    import typer  # noqa: PLC0415 - slow, and not needed for what answers at once

    return typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, **options)


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
    importlib.import_module("polymem.cli.group").command_line(completion=completion)(prog_name="polymem")
