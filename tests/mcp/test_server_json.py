"""What is told to the registry of MCP servers agrees with the package, and with the registry's rules."""

import json
import re
from pathlib import Path
from typing import Any

from polymem import __version__
from polymem.settings import Settings

ROOT = Path(__file__).parents[2]
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text())


def test_it_has_the_form_the_registry_asks_for() -> None:
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", SERVER["name"])
    assert 1 <= len(SERVER["description"]) <= 100
    assert 1 <= len(SERVER["title"]) <= 100
    assert re.fullmatch(
        r"https://static\.modelcontextprotocol\.io/schemas/[\d-]+/server\.schema\.json", SERVER["$schema"]
    )
    for package in SERVER["packages"]:
        assert {"registryType", "identifier", "version", "transport"} <= package.keys()
        for argument in package["packageArguments"]:
            assert argument["type"] == "positional"
            assert "value" in argument


def test_it_is_of_this_version_and_starts_this_program() -> None:
    (package,) = SERVER["packages"]
    assert SERVER["version"] == package["version"] == __version__
    project = (ROOT / "pyproject.toml").read_text()
    assert f'name = "{package["identifier"]}"' in project
    assert f'{package["identifier"]} = "polymem.cli:main"' in project
    assert [argument["value"] for argument in package["packageArguments"]] == ["mcp"]


def test_it_names_variables_there_are() -> None:
    (package,) = SERVER["packages"]
    names = [variable["name"] for variable in package["environmentVariables"]]
    known = {f"POLYMEM_{name.upper()}" for name in Settings.model_fields} | {"POLYMEM_URL", "POLYMEM_API_KEY"}
    assert set(names) <= known
    secret = [variable["name"] for variable in package["environmentVariables"] if variable.get("isSecret")]
    assert secret == ["POLYMEM_API_KEY"]
