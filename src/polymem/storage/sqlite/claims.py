"""Work that one process of several does: whoever has it holds a lock on a file beside the database."""

from pathlib import Path

from polymem.storage.sqlite.locks import FileLock


class FileClaim:
    """A job taken on; nobody else has it until it is released or this process ends."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    async def held(self) -> bool:
        """Whether it is still ours. A lock on a file is not lost while its process lives."""
        return True

    async def release(self) -> None:
        """Leave the job to whoever asks next."""
        self._lock.close()


def claim(database: Path, job: str) -> FileClaim | None:
    """The job, if no process has it. Raises OSError."""
    lock = FileLock(database.with_name(f"{database.name}.{job}"))
    if lock.try_exclusive():
        return FileClaim(lock)
    lock.close()
    return None
