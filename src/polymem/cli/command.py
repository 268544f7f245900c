"""What all commands share: how they are declared, and their common options.

Nothing slow is imported here. `opening` is: it is loaded when a command runs, so that --help needs no server.
"""

import inspect
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from polymem.core import Core
from polymem.core.people import LOCAL_ORGANIZATION, Scope

P = ParamSpec("P")


DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where memories are kept.", metavar="DIR", show_default=False)
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="A database instead of the one in DIR.", metavar="URL", show_default=False),
]
OrganizationSlug = Annotated[
    str, typer.Option("--organization", help="Whose memories.", metavar="SLUG", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_SHARED = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (
        ("data_dir", None, DataDir),
        ("database_url", None, DatabaseUrl),
        ("organization", LOCAL_ORGANIZATION, OrganizationSlug),
    )
]


def core_command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[Concatenate[Core, Scope, P], Coroutine[Any, Any, None]]], Any]:
    """Make a coroutine a command of `app`. It is given an open core and a scope before its own parameters.

    The command also takes --data-dir, --database-url and --organization.
    """

    def register(run: Callable[Concatenate[Core, Scope, P], Coroutine[Any, Any, None]]) -> Any:
        # By name, as Typer gives them.
        act: Callable[..., Coroutine[Any, Any, None]] = run

        def command(data_dir: Path | None, database_url: str | None, organization: str, **given: Any) -> None:
            from polymem.cli.opening import run_with_core  # noqa: PLC0415 - slow

            run_with_core(lambda core, scope: act(core, scope, **given), organization, data_dir, database_url)

        return app.command(name)(_described(command, run, 2, _SHARED))

    return register


def operator_command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[Concatenate[Core, P], Coroutine[Any, Any, None]]], Any]:
    """As `core_command`, for what concerns no one organization: the coroutine is given an open core.

    The command also takes --data-dir and --database-url.
    """

    def register(run: Callable[Concatenate[Core, P], Coroutine[Any, Any, None]]) -> Any:
        act: Callable[..., Coroutine[Any, Any, None]] = run

        def command(data_dir: Path | None, database_url: str | None, **given: Any) -> None:
            from polymem.cli.opening import run_as_operator  # noqa: PLC0415 - slow

            run_as_operator(lambda core: act(core, **given), data_dir, database_url)

        return app.command(name)(_described(command, run, 1, _SHARED[:2]))

    return register


def _described(
    command: Callable[..., None], run: Callable[..., Any], given: int, shared: list[inspect.Parameter]
) -> Callable[..., None]:
    # What Typer reads to find out about arguments and options; the first ones are `given` to the coroutine by us.
    signature = inspect.signature(run, eval_str=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(signature.parameters.values())[given:]
    ]
    command.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]}
    command.__doc__ = run.__doc__
    command.__name__ = run.__name__
    return command
