"""Which namespace a process works in, when nobody says: the name of the project it was started in."""

from pathlib import Path

UNNAMED = "default"
"""For a process started in the root folder, which has no name."""


def detect_namespace(folder: Path) -> str:
    """The base name of the nearest folder, `folder` or above, that holds `.git`; without one, that of `folder`."""
    folder = folder.resolve()
    repository = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)
    return repository.name or UNNAMED
