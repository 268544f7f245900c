"""A text in the user's own editor."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polymem.cli.exits import fail
from polymem.cli.output import remark
from polymem.core.errors import InvalidInput


@contextmanager
def edit_text(text: str) -> Iterator[str]:
    """The text as $VISUAL, $EDITOR or vi leaves it, without the line end that editors add.

    If the block fails, the edited text stays in a file whose name is told, so that no work is lost.
    Raises InvalidInput for what is not UTF-8 text; ends the command when the editor fails.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    handle, name = tempfile.mkstemp(prefix="polymem-", suffix=".md")
    file = Path(name)
    with open(handle, "wb") as opened:
        opened.write(text.encode())
    try:
        done = subprocess.run([*command, name], check=False)
    except OSError as error:
        file.unlink()
        raise fail(f"The editor {command[0]} cannot be started: {error.strerror}; set EDITOR") from None
    if done.returncode:
        raise fail(f"The editor ended with code {done.returncode}; nothing was changed, and your text is in {name}")
    try:
        edited = _read(file)
        yield edited if text.endswith("\n") else edited.removesuffix("\n")
    except BaseException:
        remark(f"Your text is in {name}")
        raise
    file.unlink()


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise InvalidInput("What the editor wrote is not UTF-8 text") from None
