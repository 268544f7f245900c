"""The whole `polymem` command, as Typer knows it."""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from polymem.cli import COMMANDS


class Commands(TyperGroup):
    """A group that knows its commands by the table and loads the one that runs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run, from its module."""
        name, listed, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, listed, rest
        module = importlib.import_module(f"polymem.cli.{COMMANDS[name][0]}")
        return name, get_group(module.app).commands[name], rest


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
