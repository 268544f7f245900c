"""The `polymem` command, as a process of its own or called in this one, over a data directory of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from polymem.cli.group import command_line

PATIENCE = 120.0
POLYMEM = str(Path(sys.executable).parent / "polymem")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and the code it ended with."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class Polymem:
    """The command with settings of its own. `started` is the real thing; `called` spares the start of a process."""

    data_dir: Path
    settings: dict[str, str]

    def started(self, *arguments: str, stdin: bytes = b"", **settings: str) -> Outcome:
        done = subprocess.run(
            [POLYMEM, *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment(**settings),
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def called(self, *arguments: str, stdin: bytes = b"", **settings: str) -> Outcome:
        invoked = CliRunner().invoke(
            command_line(completion=False),
            arguments,
            input=stdin,
            env={"COLUMNS": None, **self.settings, **settings},
        )
        if invoked.exception is not None and not isinstance(invoked.exception, SystemExit):
            raise invoked.exception
        return Outcome(invoked.exit_code, invoked.stdout, invoked.stderr)

    def environment(self, **settings: str) -> dict[str, str]:
        # Whoever runs the tests may have said how wide a line is.
        inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        return inherited | self.settings | settings

    def remember(self, text: str, *options: str) -> str:
        """Keep a memory without starting a process; its id."""
        outcome = self.called("remember", text, "--json", *options)
        assert outcome.code == 0, outcome.stderr
        memory_id: str = outcome.json["id"]
        return memory_id


MakePolymem = Callable[..., Polymem]


@pytest.fixture(scope="session")
def make_polymem(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> MakePolymem:
    """The command over a new data directory, or a given one."""

    def make(data_dir: Path | None = None) -> Polymem:
        folder = data_dir or tmp_path_factory.mktemp("cli") / "data"
        return Polymem(folder, {"POLYMEM_DATA_DIR": str(folder), "POLYMEM_CACHE_DIR": str(model_cache)})

    return make


@pytest.fixture
def polymem(make_polymem: MakePolymem) -> Polymem:
    """The command over a data directory that is not there yet."""
    return make_polymem()
