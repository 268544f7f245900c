"""What the clients make of servers that refuse, break off, or are something else."""

import json
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from polymem.client import (
    ApiError,
    AsyncClient,
    Client,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ServerError,
    TimedOut,
    TooLarge,
    Unavailable,
    UnexpectedAnswer,
)
from tests.client.either import EitherClient, everything, result
from tests.client.scripted import Answer, Script, scripted

MEMORY = {
    "id": "m1",
    "content": "tea",
    "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:00:00.5Z",
}
BUSY = Answer.problem(503, "The embedding model does not answer", retry_after="0")


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture(params=["sync", "async"])
async def client(request: pytest.FixtureRequest, script: Script) -> AsyncIterator[EitherClient]:
    if request.param == "sync":
        with Client(script.url, timeout=5) as blocking:
            yield blocking
    else:
        async with AsyncClient(script.url, timeout=5) as asynchronous:
            yield asynchronous


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidInput),
        (401, NotAuthenticated),
        (403, Forbidden),
        (404, NotFound),
        (405, ApiError),
        (409, Conflict),
        (412, Conflict),
        (413, TooLarge),
        (422, InvalidInput),
        (429, RateLimited),
        (500, ServerError),
        (503, Unavailable),
    ],
)
async def test_every_status_is_an_error_of_its_own_with_the_servers_sentence(
    script: Script, client: EitherClient, status: int, kind: type[ApiError]
) -> None:
    script.answers.append(Answer.problem(status, "One sentence", retry_after="3600"))
    with pytest.raises(kind, match=r"^One sentence$") as caught:
        await result(client.get("m1"))
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.title, caught.value.retry_after) == (status, "A title", 3600)


async def test_an_error_names_all_that_is_wrong_with_a_request(script: Script, client: EitherClient) -> None:
    errors = [{"index": 1, "field": "importance", "detail": "importance must be a whole number from 1 to 10"}]
    script.answers.append(Answer(400, {"detail": "memory 1: …", "errors": errors}))
    with pytest.raises(InvalidInput) as caught:
        await result(client.add_many([{"content": "a"}, {"content": "b", "importance": 11}]))
    assert list(caught.value.errors) == errors


async def test_an_error_page_that_is_not_json_is_still_an_api_error(script: Script, client: EitherClient) -> None:
    script.answers.append(Answer(502, b"<html>bad gateway</html>"))
    with pytest.raises(ServerError, match="502 Bad Gateway"):
        await result(client.stats())


async def test_a_busy_server_is_asked_again(script: Script, client: EitherClient) -> None:
    script.answers.extend([BUSY, Answer.problem(429, "Too many requests", retry_after="0"), Answer(200, MEMORY)])
    assert (await result(client.get("m1"))).content == "tea"
    assert [request.path for request in script.seen] == ["/v1/memories/m1"] * 3


async def test_after_the_last_attempt_the_error_comes_through(script: Script, client: EitherClient) -> None:
    script.answers.extend([BUSY] * 3)
    with pytest.raises(Unavailable):
        await result(client.get("m1"))
    assert len(script.seen) == 3


async def test_a_wait_longer_than_anyone_would_like_is_left_to_the_caller(script: Script, client: EitherClient) -> None:
    script.answers.append(Answer.problem(429, "Too many requests", retry_after="Thu, 31 Dec 2099 23:59:59 GMT"))
    with pytest.raises(RateLimited) as caught:
        await result(client.get("m1"))
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 3600


async def test_adding_is_tried_again_under_the_same_idempotency_key(script: Script, client: EitherClient) -> None:
    script.answers.extend([BUSY, Answer(cut="before"), Answer(201, MEMORY), Answer(201, MEMORY)])
    await result(client.add("tea", tags=("drink",)))
    await result(client.add("tea"))
    first, second, third, other = (request.headers["idempotency-key"] for request in script.seen)
    assert first == second == third != other
    assert json.loads(script.seen[0].body) == {"content": "tea", "duplicates": "keep", "tags": ["drink"]}


async def test_a_callers_own_idempotency_key_is_sent(script: Script, client: EitherClient) -> None:
    script.answers.append(Answer(201, MEMORY))
    await result(client.add("tea", idempotency_key="mine"))
    assert script.seen[0].headers["idempotency-key"] == "mine"


async def test_a_broken_connection_is_tried_again_where_twice_does_no_harm(
    script: Script, client: EitherClient
) -> None:
    script.answers.extend([Answer(cut="before"), Answer(200, MEMORY)])
    assert (await result(client.get("m1"))).id == "m1"


async def test_what_must_not_happen_twice_is_not_repeated_once_it_was_sent(
    script: Script, client: EitherClient
) -> None:
    script.answers.extend([Answer(cut="before"), BUSY])
    with pytest.raises(ConnectionFailed):
        await result(client.forget("m1"))
    with pytest.raises(Unavailable):
        await result(client.purge("m1"))
    assert len(script.seen) == 2


async def test_nobody_listening_is_a_failed_connection() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with Client(url, retries=0) as client, pytest.raises(ConnectionFailed, match="GET /v1/stats"):
            client.stats()


async def test_no_answer_in_time_is_told_from_no_connection_and_not_repeated() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.05) as client, pytest.raises(TimedOut):
            client.stats()
        async with AsyncClient(url, timeout=0.05) as client:
            with pytest.raises(TimedOut):
                await client.stats()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>hello</html>"),
        Answer(200, {"hello": "world"}),
        Answer(200, ["m1"]),
        Answer(200, MEMORY | {"created_at": "yesterday"}),
        Answer(200, MEMORY | {"importance": "high"}),
        Answer(200, b""),
        Answer(307, b"", {"location": "/elsewhere"}),
    ],
)
async def test_another_programs_answer_is_recognised(script: Script, client: EitherClient, answer: Answer) -> None:
    script.answers.append(answer)
    with pytest.raises(UnexpectedAnswer):
        await result(client.get("m1"))


async def test_what_a_newer_server_adds_is_ignored(script: Script, client: EitherClient) -> None:
    script.answers.append(Answer(200, MEMORY | {"mood": "sunny"}))
    memory = await result(client.get("m1"))
    assert memory.updated_at.isoformat() == "2026-01-31T12:00:00.500000+00:00"
    assert memory.tags == ()


async def test_an_export_that_breaks_off_is_not_taken_for_whole(script: Script, client: EitherClient) -> None:
    script.answers.append(Answer(200, b'{"content":"a"}\n{"content":"b"}\n{"con', cut="amid"))
    with pytest.raises(ConnectionFailed, match="broke off"):
        await everything(client.export())


async def test_a_refused_export_says_why(script: Script, client: EitherClient) -> None:
    script.answers.append(Answer.problem(403, "This credential does not allow to read"))
    with pytest.raises(Forbidden, match="does not allow"):
        await everything(client.export())


async def test_an_export_is_read_line_by_line_whatever_the_texts_hold(script: Script, client: EitherClient) -> None:
    texts = ["a\u2028b", "c\x85d", "e\x1cf", "\N{GRINNING FACE}\r\n"]
    lines = "\n".join(json.dumps({"content": text}, ensure_ascii=False) for text in texts)
    script.answers.append(Answer(200, lines.encode()))
    assert [record["content"] for record in await everything(client.export(kinds=["note"]))] == texts
    assert json.loads(script.seen[0].body) == {"kinds": ["note"]}


async def test_an_import_sends_one_record_a_line(script: Script, client: EitherClient) -> None:
    report = {"imported": 1, "existing": 0, "skipped": [{"position": 2, "reason": "content is required"}]}
    script.answers.append(Answer(200, report))
    told = await result(client.import_(iter([{"content": "a\nb"}, {}]), project="p", keep_ids=False))
    assert (told.imported, told.skipped[0].reason) == (1, "content is required")
    assert script.seen[0].body == b'{"content":"a\\nb"}\n{}\n'
    assert script.seen[0].path == "/v1/import?project=p&keep_ids=false"


async def test_what_json_does_not_know_is_refused_before_anything_is_sent(script: Script, client: EitherClient) -> None:
    with pytest.raises(TypeError, match="cannot be sent as JSON"):
        await result(client.add("tea", metadata={"cup": object()}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        await result(client.add("tea", metadata={"heat": float("nan")}))
    assert script.seen == []


async def test_an_address_that_is_none_is_a_client_error() -> None:
    with pytest.raises(ClientError), Client("not an address", retries=0) as client:
        client.stats()


async def test_the_environment_names_the_server_and_the_key(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMEM_URL", script.url)
    monkeypatch.setenv("POLYMEM_API_KEY", "mk_secret")
    # A proxy has no business between a caller and its own machine.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    script.answers.append(Answer(200, {"items": []}))
    with Client() as client:
        assert client.projects() == ()
    assert script.seen[0].headers["authorization"] == "Bearer mk_secret"
    assert "mk_secret" not in repr(vars(client))
