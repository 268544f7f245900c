"""What callers meet while the database is not there, and that all is well once it is there again."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import MakeSettings
from tests.databases import Postgres, postgres
from tests.processes import free_port, get, process
from tests.serving import PATIENCE, Server, serving

IN_EACH_DIALECT: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "native": ("/v1/memories", lambda body: body["status"] == 503 and body["title"] == "Service Unavailable"),
    "aimemory": ("/aimemory/api/projects/", lambda body: set(body) == {"detail"}),
    "selfmemory": ("/selfmemory/api/organizations", lambda body: set(body) == {"detail"}),
    "mememory": ("/mememory/api/memories", lambda body: set(body) == {"error"}),
    "memanto": ("/memanto/api/v2/agents", lambda body: body["error"]["code"] == "SERVICE_UNAVAILABLE"),
    "memento": ("/memento/api/list", lambda body: body["success"] is False and body["code"] == "INTERNAL_ERROR"),
}


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


def assert_refused_in_each_shape(url: str, key: str | None = None) -> None:
    for name, (path, fits) in IN_EACH_DIALECT.items():
        kind = "Token" if name == "aimemory" else "Bearer"
        answer = get(url + path, **({} if key is None else {"Authorization": f"{kind} {key}"}))
        assert answer.status_code == 503, (name, answer.text)
        assert int(answer.headers["retry-after"]) >= 1, name
        assert fits(answer.json()), (name, answer.text)
        assert "postgres" not in answer.text.lower(), name


def eventually(ask: Callable[[], httpx2.Response], status: int) -> httpx2.Response:
    # As a caller would that is told to come back later.
    pause, give_up = threading.Event(), time.monotonic() + PATIENCE
    while (answer := ask()).status_code != status:
        assert time.monotonic() < give_up, answer.text
        pause.wait(0.1)
    return answer


def test_a_server_started_before_its_database_waits_for_it(database: Postgres, tmp_path: Path) -> None:
    url, port = database.new_database(), free_port()
    database.stop()
    try:
        with process(tmp_path, database_url=url, port=port) as server:
            waiting = server.wait_for("there is no database yet")
            assert "cannot be reached" in waiting
            server.wait_for("waiting for the database")
            api = f"http://127.0.0.1:{port}"
            assert get(f"{api}/health/live").status_code == 200
            assert get(f"{api}/health").json()["status"] == "unavailable"
            ready = get(f"{api}/health/ready")
            assert (ready.status_code, ready.json()["storage"]) == (503, "unavailable")
            assert_refused_in_each_shape(api)
            database.start()
            server.wait_for("is ready")
            kept = httpx2.post(f"{api}/v1/memories", json={"content": "kept at last"}, trust_env=False)
            assert kept.status_code == 201
            assert get(f"{api}/health/ready").status_code == 200
            server.popen.terminate()
            assert server.popen.wait(PATIENCE) == 0
    finally:
        database.start()


def test_a_server_that_waits_for_its_database_stops_when_told_to(tmp_path: Path) -> None:
    with process(tmp_path, database_url="postgresql://127.0.0.1:1/none") as server:
        server.wait_for("waiting for the database")
        server.popen.terminate()
        assert server.popen.wait(PATIENCE) == 0
        assert "Traceback" not in server.rest()


def test_a_server_goes_on_after_its_database_was_away(database: Postgres, make_settings: MakeSettings) -> None:
    with serving(make_settings(database_url=database.new_database(), embedder="none")) as server:
        scope = server.new_organization()
        key = server.new_key(scope)
        with server.client(key) as api:
            assert api.post("/v1/memories", json={"content": "A cat sleeps"}).status_code == 201
            database.stop()
            try:
                assert_refused_in_each_shape(server.url, key)
                began = time.monotonic()
                assert api.post("/v1/memories", json={"content": "lost"}).status_code == 503
                assert api.post("/v1/recall", json={"query": "cat"}).status_code == 503
                assert api.get("/health/ready").status_code == 503
                assert api.get("/health/live").status_code == 200
                # Nobody waits for a server that is known to be away.
                assert time.monotonic() - began < 5
            finally:
                database.start()
            found = eventually(lambda: api.post("/v1/recall", json={"query": "cat"}), 200).json()
            assert [hit["memory"]["content"] for hit in found["hits"]] == ["A cat sleeps"]
            assert api.post("/v1/memories", json={"content": "Another cat"}).status_code == 201
            assert api.get("/v1/memories").json()["total"] == 2
            assert api.get("/health/ready").status_code == 200


def test_many_callers_during_a_restart_are_each_answered_or_told_to_come_back(
    database: Postgres, make_settings: MakeSettings
) -> None:
    with serving(make_settings(database_url=database.new_database(), embedder="none")) as server:
        key = server.new_key(server.new_organization())
        kept, told, others = run_writers(server, key, database)
        with server.client(key) as api:
            contents = {item["content"] for item in api.get("/v1/memories?limit=1000").json()["items"]}
        assert others == []
        assert told
        # What was acknowledged is there. What was not may be, where the answer was lost and not the memory.
        assert kept <= contents <= kept | told


def run_writers(server: Server, key: str, database: Postgres) -> tuple[set[str], set[str], list[str]]:
    kept, told, others = set[str](), set[str](), list[str]()
    restarted = threading.Event()

    def write(writer: int) -> None:
        with server.client(key) as api:
            number = after = 0
            while after < 5:
                number += 1
                text = f"memory {writer} {number}"
                answer = api.post("/v1/memories", json={"content": text})
                if answer.status_code == 201:
                    kept.add(text)
                    after += restarted.is_set()
                elif answer.status_code == 503:
                    told.add(text)
                    restarted.wait(0.05)
                else:
                    others.append(answer.text)

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(4)]
    for thread in threads:
        thread.start()
    database.stop()
    # Until somebody has met it.
    while not told:
        restarted.wait(0.05)
    database.start()
    restarted.set()
    for thread in threads:
        thread.join()
    return kept, told, others
