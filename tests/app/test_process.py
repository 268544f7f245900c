"""A server as a process: how it starts, what it says, where it listens and how it ends."""

import json
import os
import signal
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
import pytest

from polymem.inference import NOTICE_NO_EMBEDDER
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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_says_where_it_is_and_ends_in_order_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    with process(tmp_path) as server:
        server.wait_for("is ready")
        api = server.wait_for("API").split()[1]
        assert get(api.removesuffix("/v1") + "/health/live").status_code == 200
        server.wait_for(str(tmp_path / "data"))
        server.wait_for(NOTICE_NO_EMBEDDER)
        server.popen.send_signal(how)
        assert server.popen.wait(PATIENCE) == 0
        log = server.rest()
        assert "stopped" in log
        assert "Traceback" not in log


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        api = server.wait_for("API").split()[1]
        server.wait_for("Stop")
        address = ("127.0.0.1", int(api.split(":")[2].removesuffix("/v1")))
        body = b'{"content": "kept at the last moment"}'
        with socket.create_connection(address) as connection:
            head = f"POST /v1/memories HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(head.encode() + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
            # The server asks for the body: the request is under way.
            assert b"100 Continue" in connection.recv(1000)
            server.popen.send_signal(signal.SIGTERM)
            connection.sendall(body)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201")
        assert server.popen.wait(PATIENCE) == 0


def test_a_dialect_is_served_at_the_root_of_its_own_port_too(tmp_path: Path) -> None:
    port = free_port()
    with process(tmp_path, listen=f"memento:{port}") as server:
        api = server.wait_for("API").split()[1].removesuffix("/v1")
        server.wait_for(f":{port}")
        saved = httpx2.post(
            f"http://127.0.0.1:{port}/api/save", json={"content": "shared", "namespace": "n"}, trust_env=False
        )
        assert saved.status_code == 200
        shared = get(f"{api}/v1/memories", Host="localhost").json()
        assert [memory["content"] for memory in shared["items"]] == ["shared"]
        assert get(f"{api}/memento/api/list?namespace=n").json()["total"] == 1
        assert get(f"http://127.0.0.1:{port}/docs").status_code == 200
        assert get(f"http://127.0.0.1:{port}/api/health", Host="evil.example").status_code in (403, 421)
        assert get(f"http://127.0.0.1:{port}/v1/memories").status_code == 404
        server.popen.terminate()
        assert server.popen.wait(PATIENCE) == 0


def test_mementos_port_can_be_set_for_all(tmp_path: Path) -> None:
    port = free_port()
    with process(tmp_path, listen="all", memento_port=port) as server:
        server.wait_for(f":{port}")
        assert get(f"http://127.0.0.1:{port}/api/health").status_code == 200


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"listen": "nonsense"}, "there is no dialect 'nonsense'; there are memento, "),
        ({"embedder": "/no/such/folder"}, "/no/such/folder"),
        ({"database_url": "mysql://localhost/x"}, "postgresql://"),
    ],
)
def test_what_cannot_work_ends_the_start_with_a_sentence(
    tmp_path: Path, settings: dict[str, Any], sentence: str
) -> None:
    with process(tmp_path, **settings) as server:
        assert server.popen.wait(PATIENCE) != 0
        assert sentence in server.rest()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(tmp_path, port=port) as server:
            assert server.popen.wait(PATIENCE) != 0
            assert f"Port {port} of 127.0.0.1 is in use by another program; set another" in server.rest()
        assert not (tmp_path / "data").exists()


def test_log_lines_as_json_say_who_asked_what_and_never_what_was_sent(tmp_path: Path) -> None:
    with process(tmp_path, log_format="json") as server:
        ready = json.loads(server.wait_for("serving"))
        url = ready["urls"]["gateway"]
        httpx2.post(
            f"{url}/v1/recall?token=querysecret",
            json={"query": "bodysecret"},
            headers={"Authorization": "Bearer mk_headersecret", "X-Request-ID": "trace-1"},
            trust_env=False,
        )
        line = json.loads(server.wait_for("/v1/recall"))
        assert line["request_id"] == "trace-1"
        assert (line["method"], line["path"], line["status"], line["level"]) == ("POST", "/v1/recall", 401, "info")
        server.popen.terminate()
        assert "secret" not in server.rest()


def test_requests_are_not_logged_when_that_is_not_wanted(tmp_path: Path) -> None:
    with process(tmp_path, access_log="false") as server:
        api = server.wait_for("API").split()[1]
        get(api.removesuffix("/v1") + "/health/live")
        server.popen.terminate()
        assert "/health/live" not in server.rest()
