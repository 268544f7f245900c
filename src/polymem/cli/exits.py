"""How commands end: what their exit codes mean, and the sentence that goes with a failure."""

from enum import IntEnum

import typer


class ExitCode(IntEnum):
    """What a command tells the program that called it."""

    DONE = 0
    FAILED = 1
    INVALID_INPUT = 2
    NOT_FOUND = 3
    CONFLICT = 4
    UNAVAILABLE = 5
    INCOMPLETE = 6
    INTERRUPTED = 130


def fail(sentence: str, code: ExitCode = ExitCode.FAILED) -> typer.Exit:
    """Say on stderr why the command ends; the result is to be raised."""
    typer.echo(f"Error: {sentence}", err=True)
    return typer.Exit(code)
