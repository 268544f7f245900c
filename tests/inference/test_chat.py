from collections.abc import AsyncIterator, Iterator

import pytest

from polymem.core.digest.ports import ChatMessage, ChatRequest, Speaker
from polymem.core.errors import ChatUnavailable
from polymem.inference.chat import RETRIES, ChatSpec, OpenAiChat
from tests.chatting import ChatServer, Reply, chatting, failing, garbage, said, streamed

KEY = "sk-very-secret-0123456789"
REQUEST = ChatRequest(
    messages=(ChatMessage(Speaker.SYSTEM, "Be brief."), ChatMessage(Speaker.USER, "Hello?")), max_tokens=50
)


@pytest.fixture(scope="module")
def running() -> Iterator[ChatServer]:
    with chatting() as server:
        yield server


@pytest.fixture
def server(running: ChatServer) -> ChatServer:
    running.requests.clear()
    return running


@pytest.fixture
async def chat(server: ChatServer) -> AsyncIterator[OpenAiChat]:
    chat = OpenAiChat(ChatSpec(server.url, "a-model", KEY, timeout=20.0))
    yield chat
    await chat.close()


@pytest.fixture
async def hasty(server: ChatServer) -> AsyncIterator[OpenAiChat]:
    chat = OpenAiChat(ChatSpec(server.url, "a-model", KEY, timeout=1.0))
    yield chat
    await chat.close()


async def parts(chat: OpenAiChat) -> list[str]:
    return [part async for part in chat.stream(REQUEST)]


async def test_a_request_goes_out_as_openai_documents_it(server: ChatServer, chat: OpenAiChat) -> None:
    server.says(said("  Hi.  "))
    assert await chat.complete(REQUEST) == "Hi."
    headers, body = server.requests[0]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body["model"] == "a-model"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]
    assert body["max_tokens"] == 50
    assert "temperature" not in body


async def test_an_answer_comes_in_parts(server: ChatServer, chat: OpenAiChat) -> None:
    server.says(streamed("Hel", "lo", " there"))
    assert "".join(await parts(chat)) == "Hello there"
    assert server.asked["stream"] is True


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_pass_is_tried_again(server: ChatServer, chat: OpenAiChat, status: int) -> None:
    server.says(failing(status), said("At last."))
    assert await chat.complete(REQUEST) == "At last."
    assert len(server.requests) == 2


async def test_it_gives_up_after_some_attempts(server: ChatServer, chat: OpenAiChat) -> None:
    server.says(failing(503, f"overloaded, {KEY}"))
    with pytest.raises(ChatUnavailable, match="answered 503") as caught:
        await chat.complete(REQUEST)
    assert len(server.requests) == RETRIES + 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_will_not_pass_is_not_tried_again(server: ChatServer, chat: OpenAiChat, status: int) -> None:
    server.says(failing(status, "no such model"))
    with pytest.raises(ChatUnavailable, match=rf"answered {status} \(no such model\)"):
        await chat.complete(REQUEST)
    with pytest.raises(ChatUnavailable):
        await parts(chat)
    assert len(server.requests) == 2


async def test_the_newer_name_of_the_limit_is_learnt(server: ChatServer, chat: OpenAiChat) -> None:
    def strict(body: dict[str, object]) -> Reply:
        if "max_tokens" in body:
            return failing(400, "Unsupported parameter: use 'max_completion_tokens' instead")
        return said("Fine.")

    server.behaviour = strict
    assert await chat.complete(REQUEST) == "Fine."
    assert await chat.complete(REQUEST) == "Fine."
    assert ["max_completion_tokens" in body for _, body in server.requests] == [False, True, True]


@pytest.mark.parametrize(
    "reply",
    [
        garbage(b"<html>Bad gateway</html>", "text/html"),
        garbage(b"not json"),
        garbage(b"null"),
        garbage(b"[]"),
        garbage(b"{}"),
        garbage(b'{"choices": []}'),
        garbage(b'{"choices": [{}]}'),
        garbage(b'{"choices": [{"message": {"content": null}}]}'),
        garbage(b'{"choices": [{"message": {"content": 7}}]}'),
        garbage(b'{"choices": 7}'),
        garbage(b"[" * 100_000),
        garbage(b"\xff\xfe\x00"),
        said(""),
        said("   \n"),
        said("<think>nothing comes of it</think>"),
        said("x" * 200_001),
    ],
    ids=range(16),
)
async def test_nonsense_is_no_answer(server: ChatServer, chat: OpenAiChat, reply: Reply) -> None:
    server.says(reply)
    with pytest.raises(ChatUnavailable):
        await chat.complete(REQUEST)


@pytest.mark.parametrize(
    "reply",
    [
        garbage(b"", "text/event-stream"),
        garbage(b"data: [DONE]\n\n", "text/event-stream"),
        garbage(b"data: {\n\n", "text/event-stream"),
        garbage(b"<html></html>", "text/html"),
        garbage(b'data: {"error": {"message": "broken"}}\n\n', "text/event-stream"),
        garbage(b'data: {"choices": [{"delta": {"content": 7}}]}\n\ndata: [DONE]\n\n', "text/event-stream"),
        failing(400),
    ],
    ids=range(7),
)
async def test_nonsense_in_parts_is_no_answer(server: ChatServer, chat: OpenAiChat, reply: Reply) -> None:
    server.says(reply)
    with pytest.raises(ChatUnavailable):
        await parts(chat)


async def test_a_slow_answer_is_not_waited_for_for_ever(server: ChatServer, hasty: OpenAiChat) -> None:
    server.says(Reply(headers={"Content-Type": "application/json"}, hangs=True))
    with pytest.raises(ChatUnavailable, match=r"did not answer within 1(\.0)? seconds?"):
        await hasty.complete(REQUEST)


async def test_a_stream_that_stops_is_told_after_what_came(server: ChatServer, hasty: OpenAiChat) -> None:
    for reply in (streamed("Hel", "lo", hangs=True), streamed("Hel", "lo", cut=True)):
        server.says(reply)
        stream = hasty.stream(REQUEST)
        assert await anext(stream) + await anext(stream) == "Hello"
        with pytest.raises(ChatUnavailable):
            await anext(stream)


async def test_a_server_that_is_not_there(chat: OpenAiChat) -> None:
    nowhere = OpenAiChat(ChatSpec("http://user:secret@127.0.0.1:9/v1?token=x", "m", timeout=5.0))
    with pytest.raises(ChatUnavailable) as caught:
        await nowhere.complete(REQUEST)
    assert "127.0.0.1:9" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)
    await nowhere.close()


async def test_what_a_model_thinks_aloud_is_left_out(server: ChatServer, chat: OpenAiChat) -> None:
    server.says(said("<think>\nwell…\n</think>\n\nParis."))
    assert await chat.complete(REQUEST) == "Paris."
    server.says(streamed("<thi", "nk>wel", "l</th", "ink>\n\nPar", "is."))
    assert "".join(await parts(chat)) == "Paris."
    server.says(streamed("<", "b>", "Paris"))
    assert "".join(await parts(chat)) == "<b>Paris"
