"""How clients of the Model Context Protocol are told of a server: which file, which entry, which command.

Pure functions and plain data. The files and their forms are those the clients' own manuals name.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

NAME = "polymem"
"""What a client calls the server, if nobody says otherwise."""

KEY_VARIABLE = "POLYMEM_API_KEY"
URL_VARIABLE = "POLYMEM_URL"


@dataclass(frozen=True, slots=True)
class Stdio:
    """A server that the client starts, and speaks to on stdin and stdout."""

    command: str = "polymem"
    arguments: tuple[str, ...] = ("mcp",)
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Http:
    """A server that runs, at an address that ends in /mcp, and the key to send it."""

    url: str
    key: str | None = None


Server = Stdio | Http


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """A program that can be told of servers.

    `files` are where it looks, by platform (`sys.platform`: linux, darwin, win32); `~` is the user's home, and
    `%APPDATA%` that folder. `table` is the part of the file that holds its servers; a `typed` one wants to read of
    which type each is. One that does not speak HTTP starts our own program, which asks the server then.
    """

    id: str
    title: str
    files: Mapping[str, str]
    table: str
    form: Literal["json", "toml"] = "json"
    typed: bool = False
    speaks_http: bool = True

    def file(self, platform: str) -> str:
        """Where it looks on this platform; on an unknown one, where it does on Linux."""
        return self.files.get(platform, self.files["linux"])

    def entry(self, server: Server) -> Json:
        """What its file says of a server."""
        if isinstance(server, Stdio):
            entry: Json = {"type": "stdio"} if self.typed else {}
            entry |= {"command": server.command, "args": list(server.arguments)}
            return entry | ({"env": dict(server.environment)} if server.environment else {})
        if not self.speaks_http:
            address = {URL_VARIABLE: server.url.removesuffix("/").removesuffix("/mcp")}
            return self.entry(Stdio(environment=address | ({KEY_VARIABLE: server.key} if server.key else {})))
        entry = {"type": "http"} if self.typed else {}
        entry["url"] = server.url
        if server.key and self.form == "toml":
            # It reads keys from its environment only.
            return entry | {"bearer_token_env_var": KEY_VARIABLE}
        return entry | ({"headers": {"Authorization": f"Bearer {server.key}"}} if server.key else {})

    def text(self, server: Server, name: str = NAME) -> str:
        """The part of its file that tells of a server, to be pasted."""
        entry = self.entry(server)
        if self.form == "json":
            return json.dumps({self.table: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
        return to_toml(f"{self.table}.{name}", entry)


def _everywhere(file: str) -> dict[str, str]:
    return {"linux": file, "darwin": file, "win32": file}


CLIENTS = (
    McpClient(
        id="claude-code",
        title="Claude Code",
        files=_everywhere("~/.claude.json"),
        table="mcpServers",
        typed=True,
    ),
    McpClient(
        id="claude-desktop",
        title="Claude Desktop",
        files={
            "linux": "~/.config/Claude/claude_desktop_config.json",
            "darwin": "~/Library/Application Support/Claude/claude_desktop_config.json",
            "win32": "%APPDATA%/Claude/claude_desktop_config.json",
        },
        table="mcpServers",
        speaks_http=False,
    ),
    McpClient(id="cursor", title="Cursor", files=_everywhere("~/.cursor/mcp.json"), table="mcpServers"),
    McpClient(id="codex", title="Codex", files=_everywhere("~/.codex/config.toml"), table="mcp_servers", form="toml"),
    McpClient(
        id="vscode",
        title="VS Code",
        files={
            "linux": "~/.config/Code/User/mcp.json",
            "darwin": "~/Library/Application Support/Code/User/mcp.json",
            "win32": "%APPDATA%/Code/User/mcp.json",
        },
        table="servers",
        typed=True,
    ),
)


def command_of(client: McpClient, server: Server, name: str = NAME) -> str | None:
    """The command by which a client is told of a server; None for one that has no such command."""
    match client.id, server:
        case "claude-code", Stdio():
            set_to = [part for pair in (server.environment or {}).items() for part in ("--env", "=".join(pair))]
            parts = ["claude", "mcp", "add", "--scope", "user", name, *set_to, "--", server.command, *server.arguments]
        case "claude-code", Http():
            header = ["--header", f"Authorization: Bearer {server.key}"] if server.key else []
            parts = ["claude", "mcp", "add", "--scope", "user", "--transport", "http", name, server.url, *header]
        case "codex", Stdio():
            set_to = [part for pair in (server.environment or {}).items() for part in ("--env", "=".join(pair))]
            parts = ["codex", "mcp", "add", name, *set_to, "--", server.command, *server.arguments]
        case "codex", Http():
            key = ["--bearer-token-env-var", KEY_VARIABLE] if server.key else []
            parts = ["codex", "mcp", "add", name, "--url", server.url, *key]
        case _:
            return None
    return shlex.join(parts)


def to_toml(table: str, values: Mapping[str, Any]) -> str:
    """A table of strings, lists of strings, and tables of strings, as TOML."""
    lines = [f"[{table}]"]
    lines += [f"{name} = {_toml_value(value)}" for name, value in values.items() if not isinstance(value, Mapping)]
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += ["", to_toml(f"{table}.{name}", value).rstrip()]
    return "\n".join(lines) + "\n"


def _toml_value(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        # A JSON string is a TOML string too, but for the one character that TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(_toml_value(one) for one in value) + "]"
