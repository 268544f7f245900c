"""The table of commands, their help and their documentation agree, and asking for help costs nothing."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

import polymem as package
from polymem.cli import COMMANDS
from polymem.cli.exits import ExitCode
from tests.cli.conftest import PATIENCE, Polymem

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
SLOW = {"fastapi", "httpx2", "numpy", "onnxruntime", "pydantic", "rich", "sqlalchemy", "uvicorn", "polymem.core"}
SHARED = {"--data-dir", "--database-url", "--organization", "--help"}


def loaded(name: str) -> Any:
    module = importlib.import_module(f"polymem.cli.{COMMANDS[name][0]}")
    return get_group(module.app).commands[name]


def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield name, command
    else:
        for word, subcommand in subcommands.items():
            yield from leaves(f"{name} {word}", subcommand)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    said = (loaded(name).help or "").strip().split("\n\n")[0]
    assert said.replace("\n", " ").startswith(COMMANDS[name][1].removesuffix("."))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    for words, command in leaves(name, loaded(name)):
        line = re.search(rf"^\| `{words}[ `].*$", DOCUMENT, re.MULTILINE)
        assert line is not None, words
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        wanted = options - SHARED
        if words == "why-not":
            assert wanted <= set(re.findall(r"--[a-z-]+", "".join(re.findall(r"^\| `recall.*$", DOCUMENT, re.M))))
        else:
            assert wanted <= set(re.findall(r"--[a-z-]+", line[0]))


def test_every_exit_code_is_documented() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT, re.MULTILINE)}
    assert documented == set(ExitCode)


@pytest.mark.parametrize("argument", ["--help", "version"])
def test_asking_for_help_loads_nothing_slow(argument: str) -> None:
    program = (
        f"import sys; sys.argv = ['polymem', {argument!r}]\n"
        "from polymem.cli import main\n"
        "try:\n    main()\nfinally:\n    print('LOADED', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True)
    answer, _, modules = done.stdout.partition("LOADED")
    assert answer
    assert SLOW & set(modules.split()) == set()


def test_help_lists_every_command(polymem: Polymem) -> None:
    shown = polymem.called("--help").stdout
    assert re.findall(r"^  ([a-z-]+)  +[A-Z]", shown, re.MULTILINE) == list(COMMANDS)
    assert polymem.called().code == 2


def test_version_tells_the_version(polymem: Polymem) -> None:
    assert polymem.called("version").stdout == polymem.started("version").stdout == f"polymem {package.__version__}\n"
    assert polymem.called("version", "--json").json == {"version": package.__version__}


def test_a_shell_can_complete_commands_and_options(polymem: Polymem) -> None:
    def completed(words: str, count: int) -> list[str]:
        asked = polymem.started(_POLYMEM_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count))
        return asked.stdout.split()

    assert completed("polymem re", 1) == ["remember", "recall", "restore", "reindex"]
    assert completed("polymem recall --ex", 2) == ["--explain"]
