"""Commands for coding agents: tell them what to remember when a session starts and with every prompt.

`hook` is what an agent calls. It asks a running server, and whatever goes wrong it says nothing and succeeds: a memory
must never keep an agent from its work. `install-hooks` writes it into Claude Code's settings.
"""

import json
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from polymem.cli import commands
from polymem.cli.exits import ExitCode, fail
from polymem.cli.mcp_install import program, replace_file
from polymem.core.delivery import (
    BOOTSTRAP_BUDGET,
    PINNED_BUDGET,
    Deliverable,
    Document,
    bootstrap_document,
    pinned_document,
    recalled_document,
)
from polymem.mcp.project import detect

app = commands()

_PATIENCE = 3.0
"""Seconds to wait for each part of the server's answer: a prompt should not wait longer for its memories."""

_MOST = 100
"""Memories of one scope that are delivered unasked."""

_MOST_INPUT = 8 * 1024 * 1024


class Moment(StrEnum):
    """When an agent asks."""

    SESSION_START = "session-start"
    PROMPT = "prompt"


_EVENTS = {Moment.SESSION_START: "SessionStart", Moment.PROMPT: "UserPromptSubmit"}
_OURS = re.compile(r"polymem(?:\.exe)?['\"]?\s+hook\s+(?:session-start|prompt)\b")

UrlOption = Annotated[
    str | None,
    typer.Option(help="The server; else POLYMEM_URL, else this machine's.", metavar="URL", show_default=False),
]


@app.command()
def hook(
    moment: Annotated[Moment, typer.Argument(help="session-start or prompt.", metavar="MOMENT")],
    project: Annotated[str | None, typer.Option("--project", "-p", help="Instead of the directory's project.")] = None,
    budget: Annotated[int | None, typer.Option(help="Tokens above which the text warns.", show_default=False)] = None,
    recall: Annotated[int, typer.Option(help="With a prompt: also recall so many memories for it.")] = 0,
    url: UrlOption = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print the text alone, for other agents and for people.")
    ] = False,
) -> None:
    """Tell a coding agent what to remember now, in the form of Claude Code's hooks.

    At the start of a session these are the memories delivered as bootstrap, with every prompt those that are pinned:
    of no project, and of the project named by --project, a .polymem file, the git repository or the directory. When
    there is nothing to tell, or no server, nothing is printed. It never fails.
    """
    with suppress(Exception):
        given = _given()
        place = Path(given.get("cwd") or Path.cwd())
        text = _told(moment, given, project or project_of(place), budget, recall, url)
        if text:
            typer.echo(text if plain else json.dumps(_output(moment, text), ensure_ascii=False))


def _given() -> dict[str, Any]:
    # What the agent tells of itself through stdin; nothing when a person tries the command.
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    try:
        value = json.loads(sys.stdin.buffer.read(_MOST_INPUT))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _told(
    moment: Moment, given: dict[str, Any], project: str | None, budget: int | None, recall: int, url: str | None
) -> str:
    from polymem.client import Client  # noqa: PLC0415 - slow, and not needed for --help

    with Client(url, timeout=_PATIENCE, retries=0) as client:
        if moment is Moment.SESSION_START:
            everywhere, inside = _delivered(client, "bootstrap", project)
            return bootstrap_document(everywhere, inside, project, budget or BOOTSTRAP_BUDGET).markdown
        everywhere, inside = _delivered(client, "pinned", project)
        parts = [pinned_document(everywhere, inside, project, budget or PINNED_BUDGET)]
        if recall > 0 and str(given.get("prompt") or "").strip():
            known = {memory.id for memory in (*everywhere, *inside)}
            parts.append(_recalled(client, str(given["prompt"]), project, recall, known))
        return "\n".join(part.markdown for part in parts if part.markdown)


def _delivered(client: Any, delivery: str, project: str | None) -> tuple[list[Any], list[Any]]:
    query = {"deliveries": [delivery], "superseded": False, "sort": "updated_at", "limit": _MOST}
    everywhere = client.list(unassigned=True, **query).items
    inside: Sequence[Deliverable] = () if project is None else client.list(project=project, **query).items
    return list(everywhere), list(inside)


def _recalled(client: Any, prompt: str, project: str | None, limit: int, known: set[str]) -> Document:
    found = client.recall(prompt[:4000], project=project, unassigned=True, limit=limit + len(known))
    memories = [hit.memory for hit in found.hits if hit.memory.id not in known]
    return recalled_document(memories[:limit], project)


def _output(moment: Moment, text: str) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": _EVENTS[moment], "additionalContext": text}}


def project_of(directory: Path) -> str | None:
    """The project of a directory: what the nearest `.polymem` (or `.mememory`) file above says, else the name of the
    git repository, else that of the directory."""
    return detect(directory).key


# --- installing -----------------------------------------------------------------------------------


@app.command()
def install_hooks(
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take them out again.")] = False,
    path: Annotated[
        Path | None, typer.Option(help="The settings file; default ~/.claude/settings.json.", show_default=False)
    ] = None,
    url: UrlOption = None,
) -> None:
    """Have Claude Code ask polymem by itself, when a session starts and with every prompt.

    May be run as often as you like. Other hooks stay as they are, and the file is copied before it is changed.
    """
    file = path or Path.home() / ".claude" / "settings.json"
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        settings = json.loads(before) if before.strip() else {}
    except (OSError, ValueError) as error:
        raise fail(f"{file} cannot be read: {error}", ExitCode.INVALID_INPUT) from None
    if not _is_settings(settings):
        raise fail(f"{file} is not what Claude Code's settings look like; nothing was changed", ExitCode.INVALID_INPUT)
    after = _with_hooks(settings, {} if uninstall else _commands(url))
    if after == settings:
        typer.echo(f"{file} needs no change")
        return
    kept = replace_file(file, json.dumps(after, ensure_ascii=False, indent=2) + "\n")
    typer.echo(f"{'Removed from' if uninstall else 'Installed in'} {file}" + (f"; before: {kept}" if kept else ""))


def _is_settings(settings: Any) -> bool:
    if not isinstance(settings, dict) or not isinstance(hooks := settings.get("hooks", {}), dict):
        return False
    return all(isinstance(groups, list) for groups in hooks.values())


def _commands(url: str | None) -> dict[str, str]:
    server = [] if url is None else ["--url", url]
    return {event: shlex.join([program(), "hook", moment.value, *server]) for moment, event in _EVENTS.items()}


def _with_hooks(settings: dict[str, Any], wanted: dict[str, str]) -> dict[str, Any]:
    hooks = {}
    groups = settings.get("hooks", {})
    for event in dict.fromkeys((*groups, *wanted)):
        entry = {"hooks": [{"type": "command", "command": wanted[event], "timeout": 10}]} if event in wanted else None
        present = groups.get(event, [])
        kept = [one for group in present if (one := group if group == entry else _without_ours(group)) is not None]
        if entry is not None and entry not in kept:
            kept.append(entry)
        if kept or present == kept:
            hooks[event] = kept
    without = {name: value for name, value in settings.items() if name != "hooks"}
    return {**settings, "hooks": hooks} if hooks or settings.get("hooks") == {} else without


def _without_ours(group: Any) -> Any:
    # None for a group that held nothing else.
    if not isinstance(group, dict) or not isinstance(group.get("hooks"), list):
        return group
    kept = [one for one in group["hooks"] if not (isinstance(one, dict) and _OURS.search(str(one.get("command", ""))))]
    if len(kept) == len(group["hooks"]):
        return group
    return {**group, "hooks": kept} if kept else None
