"""Servers as processes of their own, watched by what they write."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2

from tests.serving import PATIENCE

COMMAND = [
    sys.executable,
    "-c",
    "from polymem.app import run; from polymem.settings import load_settings; run(load_settings())",
]


@dataclass
class Process:
    """A server process: what it wrote to stderr so far, and its end."""

    popen: subprocess.Popen[str]
    lines: Queue[str]
    log: list[str] = field(default_factory=list)

    def wait_for(self, text: str) -> str:
        """The next line that holds this text."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            self.log.append(line)
            if text in line:
                return line

    def rest(self) -> str:
        """All it wrote, once it has ended."""
        self.popen.wait(PATIENCE)
        while (line := self.lines.get(timeout=PATIENCE)) != "":
            self.log.append(line)
        return "".join(self.log)


@contextmanager
def process(tmp_path: Path, **settings: Any) -> Iterator[Process]:
    given = {"data_dir": tmp_path / "data", "embedder": "none", "port": 0} | settings
    env = os.environ | {f"POLYMEM_{name.upper()}": str(value) for name, value in given.items()}
    with subprocess.Popen(COMMAND, env=env, stderr=subprocess.PIPE, text=True) as popen:
        assert popen.stderr is not None
        lines: Queue[str] = Queue()

        def read(stream: Any) -> None:
            for line in stream:
                lines.put(line)
            lines.put("")

        reader = threading.Thread(target=read, args=[popen.stderr])
        reader.start()
        try:
            yield Process(popen, lines)
        finally:
            popen.kill()
            popen.wait()
            reader.join()


def get(url: str, **headers: str) -> httpx2.Response:
    return httpx2.get(url, headers=headers, trust_env=False, timeout=PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
