"""Start a server as its user does, as a process of its own, and stop it again."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server: where it answers, and what it has written to stderr so far."""

    url: str
    log: list[str] = field(default_factory=list)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: Sequence[str], port: int, env: Mapping[str, str], cwd: str) -> Iterator[Serving]:
    """Run `command` until the block ends. It is ready once its log names the port it listens on.

    Raises AssertionError with the log if the process ends, or says nothing for START_SECONDS, before that; or if it has
    not ended STOP_SECONDS after it was asked to.
    """
    server = Serving(f"http://127.0.0.1:{port}")
    with subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        impatience = threading.Timer(START_SECONDS, os.killpg, [process.pid, signal.SIGKILL])
        impatience.start()
        try:
            for line in process.stderr:
                server.log.append(line)
                if f":{port}" in line:
                    break
            else:
                raise AssertionError(f"{command[0]} did not start:\n{''.join(server.log)}")
        finally:
            impatience.cancel()
            impatience.join()
        reader = threading.Thread(target=server.log.extend, args=[process.stderr])
        reader.start()
        try:
            yield server
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            reader.join(STOP_SECONDS)
            if reader.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
                reader.join()
                raise AssertionError(f"{command[0]} did not stop:\n{''.join(server.log)}")
