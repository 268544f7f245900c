"""Telling a client of MCP of this server, by its own file: what is there stays, and is copied before it is changed."""

import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from polymem.core.mcp_clients import McpClient, Server, to_toml

_TABLE = re.compile(r"^\s*\[")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class CannotInstall(Exception):
    """A client's file is not what it should be. `str(error)` is a sentence; nothing was changed."""


def file_of(client: McpClient) -> Path:
    """The client's file, on this machine and of this user."""
    named = client.file(sys.platform).replace("%APPDATA%", os.environ.get("APPDATA", "~/AppData/Roaming"))
    return Path(named).expanduser()


def program() -> str:
    """How a client starts us: by our path, since it may not know this shell's."""
    beside = Path(sys.executable).with_name("polymem")
    return str(beside) if beside.exists() else shutil.which("polymem") or "polymem"


def installed(client: McpClient, text: str, name: str, server: Server | None) -> str:
    """The text of the client's file with this server in it; without it, for None. Raises CannotInstall."""
    entry = None if server is None else client.entry(server)
    return _in_json(client, text, name, entry) if client.form == "json" else _in_toml(client, text, name, entry)


def replace_file(file: Path, text: str) -> Path | None:
    """Write the file whole, and return the copy made of the old one, None if there was none."""
    target = file.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    copy, mode = None, 0o600
    if target.exists():
        mode = target.stat().st_mode & 0o777
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        copy = target.with_name(f"{target.name}.polymem-backup-{stamp}")
        shutil.copy2(target, copy)
    part = target.with_name(f"{target.name}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as stream:
        stream.write(text)
    part.replace(target)
    return copy


def _in_json(client: McpClient, text: str, name: str, entry: Mapping[str, Any] | None) -> str:
    try:
        settings = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise CannotInstall("is not plain JSON (comments cannot be kept)") from None
    if not isinstance(settings, dict) or not isinstance(settings.get(client.table, {}), dict):
        raise CannotInstall(f"is not what the settings of {client.title} look like")
    servers = dict(settings.get(client.table, {}))
    before = dict(servers)
    if entry is None:
        servers.pop(name, None)
    else:
        servers[name] = entry
    if servers == before:
        return text
    return json.dumps({**settings, client.table: servers}, indent=2, ensure_ascii=False) + "\n"


def _in_toml(client: McpClient, text: str, name: str, entry: Mapping[str, Any] | None) -> str:
    present = _parsed(text)
    servers = present.get(client.table, {})
    if not isinstance(servers, dict):
        raise CannotInstall(f"is not what the settings of {client.title} look like")
    wanted = {one: value for one, value in servers.items() if one != name} | ({} if entry is None else {name: entry})
    if wanted == servers:
        return text
    # Only our own tables are touched, line by line, so that comments and order stay.
    ours = re.compile(rf"""^\s*\[\s*{re.escape(client.table)}\s*\.\s*["']?{re.escape(name)}["']?\s*[.\]]""")
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if _TABLE.match(line):
            inside = bool(ours.match(line))
        if not inside:
            kept.append(line)
    after = "".join(kept).rstrip("\n")
    if entry is not None:
        key = name if _BARE_KEY.fullmatch(name) else json.dumps(name)
        table = to_toml(f"{client.table}.{key}", entry)
        after = f"{after}\n\n{table}" if after else table
    after = after.rstrip("\n") + "\n" if after else ""
    expected = {**present, client.table: wanted} if wanted else {**present}
    if not wanted:
        expected.pop(client.table, None)
    if {one: value for one, value in _parsed(after).items() if one != client.table or value} != expected:
        raise CannotInstall("holds this server in a form that cannot be changed safely")
    return after


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotInstall(f"is not TOML: {error}") from None
