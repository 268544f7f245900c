"""The options of `polymem mcp` without Typer, whose reading of them would take longer than everything before the first
answer.

Only what is plainly right is read here; anything else goes to the command in `mcp`, which explains itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from polymem.mcp import toolsets


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
