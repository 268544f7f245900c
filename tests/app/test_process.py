"""A server as a process: how it starts, what it says, where it listens and how it ends."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest

from polymem.inference import NOTICE_NO_EMBEDDER
from tests.processes import free_port, get, process
from tests.serving import PATIENCE


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_says_where_it_is_and_ends_in_order_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    with process(tmp_path) as server:
        server.wait_for("is ready")
        api = server.wait_for("API").split()[1]
        assert get(api.removesuffix("/v1") + "/health/live").status_code == 200
        assert server.wait_for("Selfmemory").split() == ["Selfmemory", api.replace("/v1", "/selfmemory")]
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
