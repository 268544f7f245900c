"""The servers polymem can be: its own tools, or the ones another memory's clients know."""

from importlib import import_module

from polymem.mcp.catalog import Toolset

DEFAULT = "polymem"

TOOLSETS = ("polymem", "selfmemory", "mememory", "memento")
"""Every name that `load` knows."""


def load(name: str) -> Toolset:
    """The toolset of this name. Raises LookupError with a sentence."""
    if name not in TOOLSETS:
        raise LookupError(f"There is no toolset {name!r}; there are {', '.join(TOOLSETS)}")
    toolset: Toolset = import_module(f"polymem.mcp.toolsets.{name}").TOOLSET
    return toolset
