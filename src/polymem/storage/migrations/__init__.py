"""The schema, as one tree of migrations that every database runs.

`HEAD` is the newest revision. Revisions are numbers with leading zeros, each one more than the one before, so that
an older program recognises a newer schema. Importing this package does not import the migration tool.
"""

HEAD = "0001"


def number(revision: str) -> int:
    """The place of a revision in the order of revisions; 0 for none."""
    return int(revision) if revision.isdecimal() else 0
