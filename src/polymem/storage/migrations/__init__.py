"""The schema, as one tree of migrations that every database runs.

Revisions are numbers with leading zeros, each one more than the one before, so that an older program recognises a
newer schema. Importing this package does not import the migration tool.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Schema:
    """A state of the schema: its newest revision, and the directory of the migrations that lead there."""

    revision: str
    scripts: Path

    @property
    def format(self) -> int:
        """The revision's place in the order of revisions, from 1."""
        return number(self.revision)


def number(revision: str) -> int:
    """The place of a revision in the order of revisions; 0 for none."""
    return int(revision) if revision.isdecimal() else 0


CURRENT = Schema("0011", Path(__file__).parent)
"""The schema this program reads and writes."""
