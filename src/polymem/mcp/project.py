"""Which project a coding agent works on, and what says so."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT_FILES = (".polymem", ".mememory")
"""JSON files that name the project of the directory they are in and of all below: `{"project": "name"}`."""


@dataclass(frozen=True, slots=True)
class Place:
    """The project that is meant where a call names none, None for none; and `source`, what said so."""

    key: str | None
    source: str

    @property
    def sentence(self) -> str:
        """Both, for a reader."""
        return f"no project ({self.source})" if self.key is None else f"project {self.key} ({self.source})"


EVERYWHERE = Place(None, "no project was named")


def detect(directory: Path, given: str | None = None) -> Place:
    """The project `given`; else what the nearest project file above says; else the name of the git repository; else
    that of the directory."""
    if given is not None:
        return Place(given or None, "named when the server was started")
    above = (directory, *directory.parents)
    for candidate in above:
        for name in PROJECT_FILES:
            if (key := _named(candidate / name)) is not None:
                return Place(key, f"from {candidate / name}")
    repository = next((one for one in above if (one / ".git").exists()), None)
    if repository is not None and repository.name:
        return Place(repository.name, f"the name of the git repository {repository}")
    if directory.name:
        return Place(directory.name, f"the name of the directory {directory}")
    return Place(None, f"the directory {directory} has no name")


def _named(file: Path) -> str | None:
    # A file that cannot be read names nothing: a broken one must not keep an agent from its work.
    with suppress(OSError, ValueError):
        value = json.loads(file.read_text("utf-8"))
        if isinstance(value, dict) and isinstance(value.get("project"), str) and value["project"].strip():
            return str(value["project"]).strip()
    return None
