"""`polymem mcp install`: the client's file says what it should, and what else it says stays."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from polymem.core.mcp_clients import CLIENTS, Http, McpClient, Stdio, command_of
from tests.conftest import MakeSettings
from tests.mcp.conftest import told
from tests.mcp.test_stdio import environment
from tests.serving import PATIENCE

Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Runs `polymem mcp install` for a user whose home is empty."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "polymem", "mcp", "install", *arguments],
            env=environment() | {"HOME": str(home)} | more,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


def file_of(client: McpClient, tmp_path: Path) -> Path:
    return tmp_path / "home" / client.file(sys.platform).removeprefix("~/")


def servers(client: McpClient, text: str) -> dict[str, Any]:
    settings = json.loads(text) if client.form == "json" else tomllib.loads(text)
    table: dict[str, Any] = settings[client.table]
    return table


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
async def test_what_is_installed_can_be_started(
    install: Install, tmp_path: Path, make_settings: MakeSettings, client: McpClient
) -> None:
    done = install(client.id)
    assert (done.returncode, done.stderr) == (0, "")
    file = file_of(client, tmp_path)
    entry = servers(client, file.read_text())["polymem"]
    assert file.stat().st_mode & 0o777 == 0o600
    program = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment(make_settings()))
    if Path(program.command).name != "polymem" or not os.access(program.command, os.X_OK):
        pytest.fail(f"{program.command} cannot be started")
    async with Client(program) as connected:
        assert told(await connected.call_tool("list", {}))["total"] == 0


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
def test_installing_twice_changes_nothing_and_removing_restores(
    install: Install, tmp_path: Path, client: McpClient
) -> None:
    file = file_of(client, tmp_path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if client.form == "json":
        before = json.dumps({"theme": "dark", client.table: {"other": {"command": "x"}}, "z": [1]}, indent=2) + "\n"
    else:
        before = (
            '# mine\nmodel = "large"\n\n[mcp_servers.other]\ncommand = "x" # keep\n\n[mcp_servers.other.env]\nA = "b"\n'
        )
    file.write_text(before)
    file.chmod(0o640)
    assert install(client.id).stdout.startswith(f"Installed in {file}; before: ")
    after = file.read_text()
    assert servers(client, after).keys() == {"other", "polymem"}
    assert install(client.id).stdout == f"{file} needs no change\n"
    assert file.read_text() == after
    (copy,) = file.parent.glob(f"{file.name}.polymem-backup-*")
    assert copy.read_text() == before
    assert file.stat().st_mode & 0o777 == 0o640
    assert install(client.id, "--project", "shop").returncode == 0
    assert servers(client, file.read_text())["polymem"]["args"] == ["mcp", "--project", "shop"]
    assert install(client.id, "--uninstall").stdout.startswith("Removed from ")
    assert file.read_text() == before
    assert install(client.id, "--uninstall").stdout == f"{file} needs no change\n"


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
def test_a_server_is_written_with_its_key(install: Install, tmp_path: Path, client: McpClient) -> None:
    url = "http://memory.example:8765"
    assert install(client.id, "--url", url, POLYMEM_API_KEY="k").returncode == 0
    entry = servers(client, file_of(client, tmp_path).read_text())["polymem"]
    assert entry["env"] == {"POLYMEM_URL": url, "POLYMEM_API_KEY": "k"}
    assert install(client.id, "--url", url, "--http", "--project", "a b", POLYMEM_API_KEY="k").returncode == 0
    entry = servers(client, file_of(client, tmp_path).read_text())["polymem"]
    match client.id:
        case "claude-desktop":
            assert entry["args"] == ["mcp", "--project", "a b"]
        case "codex":
            assert entry == {"url": f"{url}/mcp?project=a+b", "bearer_token_env_var": "POLYMEM_API_KEY"}
        case _:
            assert entry["url"] == f"{url}/mcp?project=a+b"
            assert entry["headers"] == {"Authorization": "Bearer k"}


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("vscode", '{\n  // mine\n  "servers": {}\n}\n'),
        ("cursor", "[]"),
        ("cursor", '{"mcpServers": []}'),
        ("codex", "model = "),
        ("codex", 'mcp_servers = { polymem = { command = "old" } }\n'),
        ("codex", 'mcp_servers = "none"\n'),
    ],
)
def test_a_file_that_cannot_be_changed_safely_stays(install: Install, tmp_path: Path, client: str, text: str) -> None:
    file = tmp_path / "settings"
    file.write_text(text)
    done = install(client, "--path", str(file))
    assert done.returncode == 2
    assert "nothing was changed" in done.stderr
    assert "polymem" in done.stderr
    assert file.read_text() == text


def test_an_unknown_client_is_refused_with_those_there_are(install: Install) -> None:
    done = install("emacs")
    assert done.returncode == 2
    assert all(client.id in done.stderr for client in CLIENTS)
    assert install("codex", "--http").returncode == 2


def test_printing_changes_nothing(install: Install, tmp_path: Path) -> None:
    done = install("vscode", "--print", "--url", "http://memory.example", "--http")
    assert json.loads(done.stdout) == {"servers": {"polymem": {"type": "http", "url": "http://memory.example/mcp"}}}
    assert list((tmp_path / "home").iterdir()) == []


def test_commands_are_quoted_for_a_shell() -> None:
    claude, codex = CLIENTS[0], CLIENTS[3]
    server = Stdio("/my programs/polymem", environment={"POLYMEM_API_KEY": "a'b"})
    command = command_of(claude, server)
    assert command is not None
    assert command.startswith("claude mcp add --scope user polymem --env ")
    assert command.endswith(" -- '/my programs/polymem' mcp")
    http = command_of(codex, Http("http://memory.example/mcp", "k"))
    assert http == "codex mcp add polymem --url http://memory.example/mcp --bearer-token-env-var POLYMEM_API_KEY"
    assert command_of(CLIENTS[2], server) is None


def test_toml_survives_every_character() -> None:
    server = Stdio('a"\\b\n\x7f é', environment={"K": "\t'"})
    entry = tomllib.loads(CLIENTS[3].text(server))["mcp_servers"]["polymem"]
    assert entry == {"command": server.command, "args": ["mcp"], "env": {"K": "\t'"}}
