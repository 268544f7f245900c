"""Serving a client of MCP on stdin and stdout: the first answers at once, the memory with the first call."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from polymem.cli.mcp_options import McpOptions
from polymem.mcp import stdio, toolsets
from polymem.mcp.catalog import Toolset
from polymem.mcp.project import detect
from polymem.mcp.stdio import Handover, Wire


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
