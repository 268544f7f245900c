"""The examples of docs/client.md run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import polymem.client
from tests.serving import PATIENCE, Server

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
PRINTED = [
    r"\d\.\d\d Ana prefers window seats and flies from Lisbon\.\n",
    r"2 \['created', 'revised'\]\n",
    r"404 Memory no-such-id not found\n\[\(1, '.+'\)\]\n",
    r"3 \['Fact 0', 'Fact 1', 'Fact 2'\]\n",
]


@pytest.mark.parametrize(("example", "printed"), list(zip(EXAMPLES, PRINTED, strict=True)), ids=range(len(PRINTED)))
def test_an_example_runs_as_it_stands(server: Server, example: str, printed: str) -> None:
    key = server.new_key(server.new_organization())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env=os.environ | {"POLYMEM_URL": server.url, "POLYMEM_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(printed, done.stdout), done.stdout


def test_every_method_is_in_the_table() -> None:
    methods = [name for name in dir(polymem.client.Client) if not name.startswith("_") and name != "close"]
    assert [name for name in methods if f"`{name}`" not in DOCUMENT] == []
