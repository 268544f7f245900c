"""Consistent copies of a database that is in use."""

import os
import sqlite3
from pathlib import Path

from polymem.core.errors import Conflict, InvalidInput, Unavailable
from polymem.storage.sqlite.connection import to_core_error
from polymem.storage.sqlite.files import make_private_file, sync


def copy_database(file: Path, target: Path) -> None:
    """Copies `file`, as it stands at one moment, to the new private file `target`, in one piece or not at all.

    Raises Conflict (there is such a file), InvalidInput (no such directory), Unavailable (disk).
    """
    if target.exists():
        raise Conflict(f"{target} exists already")
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no directory {target.parent}")
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        make_private_file(partial)
        _copy(file, partial)
        sync(partial)
        # A hard link fails where the name has been taken meanwhile; a rename would replace that file.
        os.link(partial, target)
        sync(target)
    except FileExistsError:
        raise Conflict(f"{target} exists already") from None
    except sqlite3.Error as error:
        raise to_core_error(error) from error
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def _copy(file: Path, partial: Path) -> None:
    source = sqlite3.connect(file, isolation_level=None)
    copy = sqlite3.connect(partial, isolation_level=None)
    try:
        # All pages in one step: a reader's snapshot, which writers do not wait for.
        source.backup(copy)
        # The copy is one plain file, without a log of its own.
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
        source.close()
