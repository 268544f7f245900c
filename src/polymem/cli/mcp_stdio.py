"""`polymem mcp` without Typer, whose reading of the options would take longer than everything before the first answer.

Only what is plainly right is read here; anything else goes to the command in `mcp`, which explains itself.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from polymem.mcp import stdio, toolsets
from polymem.mcp.catalog import Toolset
from polymem.mcp.project import detect
from polymem.mcp.stdio import Handover, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class McpOptions:
    """The options of `polymem mcp`, by their names."""

    toolset: str = toolsets.DEFAULT
    project: str | None = None
    organization: str | None = None
    data_dir: str | None = None
    database_url: str | None = None
    url: str | None = None


def read_options(arguments: Sequence[str]) -> McpOptions | None:
    """The options these arguments are, None where they are anything else."""
    names = {"--" + one.name.replace("_", "-"): one.name for one in fields(McpOptions)}
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in names or names[name] in given or not (equals or rest):
            return None
        given[names[name]] = value if equals else rest.pop(0)
    options = McpOptions(**given)
    return options if options.toolset in toolsets.TOOLSETS else None


def serve(options: McpOptions) -> None:
    """Serve one client on stdin and stdout until it ends the conversation."""
    if hasattr(signal, "SIGINT"):
        # What was kept is on the disk; nothing else is worth a client's wait.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    wire = stdio.claim_standard_streams()
    place = detect(Path.cwd(), options.project)

    def carry_on(toolset: Toolset, wire: Wire, handover: Handover) -> None:
        from polymem.cli.mcp_memory import carry_on  # noqa: PLC0415 - slow

        carry_on(toolset, wire, handover, options, place)

    with suppress(BrokenPipeError):
        stdio.serve(toolsets.load(options.toolset), wire, carry_on)
    # A thread may still wait for input that nobody will send.
    sys.stderr.flush()
    os._exit(0)
