"""A server in a process of its own, started as a user starts it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0
_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that has said that it is ready; `ready_seconds` after it was started."""

    port: int
    ready_seconds: float

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(data_dir: Path, models: Path, **settings: str) -> Iterator[Server]:
    """`polymem serve` on a data directory and a free port, until the block ends. `settings` are variables without
    their prefix, in small letters.

    Raises RuntimeError when it ends or is not ready within START_SECONDS.
    """
    port = _free_port()
    command = [sys.executable, "-m", "polymem", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    # Nobody's own settings: the figures are those of the defaults.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("POLYMEM_")}
    given = {f"POLYMEM_{name.upper()}": value for name, value in settings.items()}
    environment = inherited | {"POLYMEM_CACHE_DIR": str(models)} | given
    start = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        try:
            if not _is_ready(process, f"http://127.0.0.1:{port}/health/ready", start):
                log.seek(0)
                raise RuntimeError(f"The server did not become ready:\n{log.read().decode()}")
            yield Server(port, time.perf_counter() - start)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _is_ready(process: "subprocess.Popen[bytes]", url: str, start: float) -> bool:
    while process.poll() is None and time.perf_counter() - start < START_SECONDS:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.005)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
