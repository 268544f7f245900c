"""Three servers, each a process of its own as on three machines, over one PostgreSQL: what one does, all know."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import psycopg
import pytest

from tests.databases import postgres
from tests.processes import process
from tests.serving import PATIENCE

SERVERS = 3


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    with postgres() as server:
        yield server.new_database()


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[list[str]]:
    with ExitStack() as servers:
        # All at once: they make the schema, and the local organization, together.
        started = [
            servers.enter_context(
                process(tmp_path_factory.mktemp("server"), database_url=database_url, access_log="false")
            )
            for _ in range(SERVERS)
        ]
        yield [server.wait_for("API").split()[1].removesuffix("/v1") for server in started]


@pytest.fixture
def ask(apis: list[str]) -> Iterator[Callable[..., httpx2.Response]]:
    """Asks the servers in turn, so that no two calls in a row go to the same one."""
    turns = itertools.cycle(apis)
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
        yield lambda method, path, **given: client.request(method, next(turns) + path, **given)


def through_all(
    apis: list[str], call: Callable[[httpx2.AsyncClient, int], Coroutine[Any, Any, httpx2.Response]], times: int
) -> list[httpx2.Response]:
    """Makes the call so often at once, through all servers alike."""

    async def run() -> list[httpx2.Response]:
        clients = [httpx2.AsyncClient(base_url=api, trust_env=False, timeout=PATIENCE) for api in apis]
        answers = await asyncio.gather(*[call(clients[n % len(clients)], n) for n in range(times)])
        for client in clients:
            await client.aclose()
        return answers

    return asyncio.run(run())


def test_many_writers_lose_nothing_and_every_server_finds_all(apis: list[str]) -> None:
    answers = through_all(
        apis, lambda api, n: api.post("/v1/memories", json={"content": f"Writer {n} was here", "project": "many"}), 90
    )
    assert Counter(answer.status_code for answer in answers) == {201: 90}
    for api in apis:
        listed = httpx2.get(f"{api}/v1/memories?project=many&limit=1", trust_env=False, timeout=PATIENCE).json()
        assert listed["total"] == 90
        recalled = httpx2.post(
            f"{api}/v1/recall", json={"query": "writer 57", "project": "many"}, trust_env=False, timeout=PATIENCE
        )
        assert recalled.json()["hits"][0]["memory"]["content"] == "Writer 57 was here"


def test_what_one_server_keeps_the_next_finds_at_once(ask: Callable[..., httpx2.Response]) -> None:
    for letter in "abcdefghijkl":
        word = f"zebra{letter}"
        kept = ask("POST", "/v1/memories", json={"content": f"The {word} sleeps"}).json()
        hits = ask("POST", "/v1/recall", json={"query": word}).json()["hits"]
        assert [hit["memory"]["id"] for hit in hits] == [kept["id"]]
        assert ask("DELETE", f"/v1/memories/{kept['id']}").is_success
        assert ask("POST", "/v1/recall", json={"query": word}).json()["hits"] == []


def test_of_many_changes_of_one_version_one_is_made(apis: list[str], ask: Callable[..., httpx2.Response]) -> None:
    kept = ask("POST", "/v1/memories", json={"content": "Version one"})
    path, tag = f"/v1/memories/{kept.json()['id']}", kept.headers["etag"]
    answers = through_all(
        apis, lambda api, n: api.patch(path, json={"title": f"by {n}"}, headers={"If-Match": tag}), 12
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 11}
    (made,) = [answer.json()["title"] for answer in answers if answer.status_code == 200]
    assert {ask("GET", path).json()["title"] for _ in range(SERVERS)} == {made}


def test_one_idempotency_key_sent_to_all_keeps_one_memory(apis: list[str], ask: Callable[..., httpx2.Response]) -> None:
    body = {"content": "Kept once, asked for often", "project": "once"}
    answers = through_all(
        apis, lambda api, _: api.post("/v1/memories", json=body, headers={"Idempotency-Key": "the-same"}), 12
    )
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert ask("GET", "/v1/memories?project=once").json()["total"] == 1


def test_a_project_made_by_all_at_once_is_one(apis: list[str], ask: Callable[..., httpx2.Response]) -> None:
    answers = through_all(
        apis, lambda api, n: api.post("/v1/memories", json={"content": f"Part {n}", "project": "shared"}), 12
    )
    assert {answer.status_code for answer in answers} == {201}
    projects = [one for one in ask("GET", "/v1/projects").json()["items"] if one["key"] == "shared"]
    assert len(projects) == 1


def test_a_key_that_is_revoked_through_one_server_is_refused_by_all(ask: Callable[..., httpx2.Response]) -> None:
    key = ask("POST", "/v1/keys", json={"name": "for a test"}).json()
    header = {"Authorization": f"Bearer {key['secret']}"}
    assert {ask("GET", "/v1/stats", headers=header).status_code for _ in range(SERVERS)} == {200}
    assert ask("DELETE", f"/v1/keys/{key['id']}").is_success
    assert {ask("GET", "/v1/stats", headers=header).status_code for _ in range(SERVERS)} == {401}


def test_an_agent_s_session_goes_on_at_every_server(ask: Callable[..., httpx2.Response]) -> None:
    key = ask("POST", "/v1/keys", json={"name": "for an agent"}).json()["secret"]
    header = {"Authorization": f"Bearer {key}"}
    made = ask("POST", "/memanto/api/v2/agents", headers=header, json={"agent_id": "traveller", "pattern": "support"})
    assert made.is_success, made.text
    session = ask("POST", "/memanto/api/v2/agents/traveller/activate", headers=header)
    header["X-Session-Token"] = session.json()["session_token"]
    for number in range(SERVERS):
        kept = ask(
            "POST", "/memanto/api/v2/agents/traveller/remember", headers=header, json={"content": f"Stop {number}"}
        )
        assert kept.is_success, kept.text
    recalled = ask("GET", "/memanto/api/v2/agents/traveller/recall", headers=header, params={"query": "stop"})
    assert len(recalled.json()["memories"]) == SERVERS


def test_one_of_them_does_the_background_work(apis: list[str], database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    assert rows == [(1,)]
    # They are all there: each has connections under a name of its own.
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT count(DISTINCT application_name) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'polymem %'"
        ).fetchall()
    assert rows == [(SERVERS,)]
