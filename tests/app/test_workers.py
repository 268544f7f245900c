"""Several processes behind the same sockets."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from tests.processes import Process, process
from tests.serving import PATIENCE

WORKERS = 3


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    with process(tmp_path_factory.mktemp("crew"), workers=WORKERS, access_log="false") as server:
        api = server.wait_for("API").split()[1].removesuffix("/v1")
        server.wait_for("Stop")
        yield server, api


def ask(method: str, url: str, **given: Any) -> httpx2.Response:
    # Each on a connection of its own, so that every worker gets some.
    return httpx2.request(method, url, trust_env=False, timeout=PATIENCE, **given)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def workers(pid: int) -> list[int]:
    return [child for child in children(pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_what_one_worker_keeps_the_others_find(crew: tuple[Process, str]) -> None:
    _, api = crew
    for number in range(12):
        kept = ask("POST", f"{api}/v1/memories", json={"content": f"memory {number}"})
        assert kept.status_code == 201
        found = ask("POST", f"{api}/v1/recall", json={"query": f"memory {number}", "limit": 1}).json()["hits"]
        assert found[0]["memory"]["content"] == f"memory {number}"


def test_the_workers_count_requests_together(crew: tuple[Process, str]) -> None:
    _, api = crew
    for _ in range(20):
        assert ask("GET", f"{api}/v1/stats").status_code == 200
    counted = ask("GET", f"{api}/metrics").text
    (count,) = re.findall(r'polymem_requests_total\{.*route="/v1/stats",status="200"\} ([0-9.]+)', counted)
    assert float(count) == 20


def test_the_dashboard_is_the_same_through_every_worker(crew: tuple[Process, str]) -> None:
    _, api = crew
    pages = [ask("GET", f"{api}/") for _ in range(12)]
    assert {page.status_code for page in pages} == {200}
    assert {page.headers["x-frame-options"] for page in pages} == {"DENY"}
    assert ask("POST", f"{api}/sign-in", headers={"Origin": "http://evil.example"}).status_code == 403
    # A page holds a connection open, which is to reach the worker that drew the page. The first packet opens it.
    address = f"ws{api.removeprefix('http')}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    for _ in range(6):
        with connect(address, proxy=None) as connection:
            assert str(connection.recv(PATIENCE)).startswith('0{"sid"')


def test_it_is_told_that_each_worker_counts_calls_for_itself(crew: tuple[Process, str]) -> None:
    server, _ = crew
    told = "".join(server.log)
    assert "set POLYMEM_REDIS_URL" in told
    assert "share one SQLite file" in told


def test_a_worker_that_ends_is_replaced_while_the_others_answer(crew: tuple[Process, str]) -> None:
    server, api = crew
    (victim, *others) = workers(server.popen.pid)
    assert len(others) == WORKERS - 1
    os.kill(victim, signal.SIGKILL)
    assert "is started again" in server.wait_for("a worker has ended")
    pause, end = threading.Event(), time.monotonic() + PATIENCE
    while len(workers(server.popen.pid)) < WORKERS:
        assert time.monotonic() < end
        pause.wait(0.05)
    assert victim not in workers(server.popen.pid)
    assert {ask("GET", f"{api}/health/live").status_code for _ in range(10)} == {200}


def test_all_end_in_order_when_told_to(tmp_path: Path) -> None:
    with process(tmp_path, workers=2, log_format="json") as server:
        ready = json.loads(server.wait_for('"serving"'))
        started = workers(server.popen.pid)
        assert len(started) == 2
        assert ask("GET", f"{ready['urls']['gateway']}/health/ready").status_code == 200
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(PATIENCE) == 0
        log = server.rest()
        assert "all workers have stopped" in log
        assert "Traceback" not in log
        assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_workers_end_when_the_process_that_looks_after_them_is_killed(tmp_path: Path) -> None:
    with process(tmp_path, workers=2) as server:
        server.wait_for("Stop")
        started = workers(server.popen.pid)
        server.popen.kill()
        server.popen.wait(PATIENCE)
        pause, end = threading.Event(), time.monotonic() + PATIENCE
        while any(Path(f"/proc/{pid}").exists() for pid in started):
            assert time.monotonic() < end
            pause.wait(0.05)


def test_what_cannot_work_is_told_once_and_ends_the_start(tmp_path: Path) -> None:
    with process(tmp_path, workers=2, embedder="/no/such/folder") as server:
        assert server.popen.wait(PATIENCE) != 0
        assert server.rest().count("/no/such/folder") >= 1
        assert "a worker has ended" not in "".join(server.log)
