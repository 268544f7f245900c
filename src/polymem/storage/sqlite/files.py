"""Where the database lies, and who may read it: the directory is made 0700 and every file in it 0600."""

import os
from pathlib import Path

from polymem.core.errors import Unavailable

DATABASE_NAME = "polymem.db"


def database_file(location: Path) -> Path:
    """The database that `location` names: the file itself, or the one in that directory."""
    location = location.expanduser().absolute()
    if location.is_file() or (location.suffix == ".db" and not location.is_dir()):
        return location
    return location / DATABASE_NAME


def make_private(file: Path) -> None:
    """Make the directory and the empty file if they are not there. Raises Unavailable.

    Modes are set again after making, because the process's umask may have taken bits away; a directory that was
    there before keeps its own.
    """
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.parent.chmod(0o700)
        make_private_file(file)
    except OSError as error:
        raise Unavailable(f"The data directory {file.parent} cannot be used: {error.strerror}") from None


def make_private_file(file: Path) -> None:
    """Make an empty file that only its owner can read, unless there is one. SQLite's log takes over its mode."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def sync(file: Path) -> None:
    """Make a finished file, and its name in the directory, survive a power cut."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
