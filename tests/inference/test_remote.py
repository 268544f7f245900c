import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import EmbeddingModel
from polymem.inference import EmbedderSpec, open_embedder
from polymem.inference.remote import BATCH_TEXTS, Patience, RemoteEmbedder

from .conftest import Answer, EmbeddingServer

KEY = "sk-very-secret-0123456789"
HASTY = Patience(timeout=5.0, attempts=3, pause=0.0)


def vector_of(text: str) -> list[float]:
    """A vector, not of length 1, that tells its text."""
    return [float(len(text)), float(sum(text.encode()) % 97), 1.0]


def embeddings(request: Any) -> Answer:
    """The answer of a server that works, in an order of its own."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector_of(text)}
        for index, text in enumerate(request["input"])
    ]
    return 200, {}, json.dumps({"object": "list", "data": data[::-1], "model": request["model"]}).encode()


def unit(values: list[float]) -> bytes:
    row = np.array(values) / np.linalg.norm(values)
    return bytes(row.astype("<f4").tobytes())


Open = Callable[..., RemoteEmbedder]


@pytest.fixture
async def remote(server: EmbeddingServer, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens embedders over the server; all of them share a cache folder and are closed at the end."""
    opened = []

    def open_remote(*, patience: Patience = HASTY, key: str | None = KEY) -> RemoteEmbedder:
        embedder = RemoteEmbedder(server.url, "some-model", key, tmp_path, for_queries=patience, for_documents=patience)
        opened.append(embedder)
        return embedder

    yield open_remote
    for embedder in opened:
        await embedder.close()


async def test_texts_go_out_in_batches_and_come_back_in_order_at_length_1(
    server: EmbeddingServer, remote: Open
) -> None:
    server.answer = embeddings
    embedder = remote()
    texts = [f"text {'x' * (number % 7)} {number}" for number in range(150)]
    result = await embedder.embed_documents(texts)
    assert [embedding.vectors for embedding in result] == [unit(vector_of(text)) for text in texts]
    assert sorted(len(body["input"]) for _, _, body in server.requests) == [150 - 2 * BATCH_TEXTS, 64, 64]
    path, headers, body = server.requests[0]
    assert path == "/v1/embeddings"
    assert body["model"] == "some-model"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == f"Bearer {KEY}"


async def test_dimensions_are_learnt_from_the_first_answer_and_remembered_by_the_next_process(
    server: EmbeddingServer, remote: Open
) -> None:
    server.answer = embeddings
    embedder = remote()
    assert embedder.model == EmbeddingModel("some-model", 0)
    await embedder.warm()
    assert embedder.model == EmbeddingModel("some-model", 3)
    later = remote()
    assert later.model == EmbeddingModel("some-model", 3)


async def test_vectors_of_another_length_than_before_are_refused(server: EmbeddingServer, remote: Open) -> None:
    server.answer = embeddings
    embedder = remote()
    await embedder.embed_query("first")
    server.answer = lambda request: (200, {}, json.dumps({"data": [{"index": 0, "embedding": [1, 2]}]}).encode())
    with pytest.raises(EmbeddingUnavailable, match="vectors of 2 numbers, and of 3 before"):
        await embedder.embed_query("second")
    assert embedder.model.dimensions == 3


async def test_a_model_that_changed_while_the_process_was_away_is_another_model(
    server: EmbeddingServer, remote: Open
) -> None:
    server.answer = lambda request: (200, {}, json.dumps({"data": [{"index": 0, "embedding": [1, 2]}]}).encode())
    before = remote()
    await before.warm()
    server.answer = embeddings
    after = remote()
    await after.warm()
    assert after.model == EmbeddingModel("some-model", 3)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_is_busy_is_asked_again(server: EmbeddingServer, remote: Open, status: int) -> None:
    troubles = iter([(status, {"retry-after": "0"}, b"busy"), (status, {}, b"")])
    server.answer = lambda request: next(troubles, None) or embeddings(request)
    embedder = remote()
    assert await embedder.embed_query("hello") == unit(vector_of("hello"))
    assert len(server.requests) == 3


async def test_a_server_that_stays_busy_is_given_up_with_a_sentence(server: EmbeddingServer, remote: Open) -> None:
    server.answer = lambda request: (503, {}, b'{"error": {"message": "model is loading"}}')
    embedder = remote()
    with pytest.raises(EmbeddingUnavailable) as caught:
        await embedder.embed_documents(["a"])
    assert str(caught.value) == (
        f"The embedding server at {server.url}/embeddings answered 503 (model is loading) after 3 attempts."
    )


async def test_a_refusal_is_told_at_once_and_never_with_the_key(
    server: EmbeddingServer, remote: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = lambda request: (401, {}, json.dumps({"error": {"message": f"wrong key: {KEY}"}}).encode())
    embedder = remote()
    with pytest.raises(EmbeddingUnavailable, match=r"answered 401 \(wrong key: \*\*\*\)\.$") as caught:
        await embedder.embed_query("hello")
    assert len(server.requests) == 1
    assert KEY not in caplog.text
    assert KEY not in str(caught.value)
    assert KEY not in repr(EmbedderSpec(server.url, "m", KEY))


async def test_a_server_that_is_not_there_is_told_in_a_sentence(server: EmbeddingServer, remote: Open) -> None:
    embedder = remote()
    server.close()
    with pytest.raises(
        EmbeddingUnavailable, match=r"^The embedding server at .* cannot be reached \(.*after 3 attempts"
    ):
        await embedder.embed_query("hello")


async def test_a_server_that_hangs_is_given_up_after_the_timeout(server: EmbeddingServer, remote: Open) -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(request: Any) -> Answer:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()
        return embeddings(request)

    server.answer = hang
    embedder = remote(patience=Patience(timeout=0.2, attempts=1, pause=0.0))
    with pytest.raises(EmbeddingUnavailable, match=r"did not answer within 0\.2 seconds"):
        await embedder.embed_query("hello")
    released.set()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>login</html>", "Expecting value"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "no list of data"),
        (b'{"data": ["x"]}', "no list of data"),
        (b'{"data": []}', "0 vectors for 1 texts"),
        (b'{"data": [{"index": 1, "embedding": [1, 2]}]}', "indexes"),
        (b'{"data": [{"index": [0], "embedding": [1, 2]}]}', "indexes"),
        (b'{"data": [{"index": 0}]}', "lists of numbers"),
        (b'{"data": [{"index": 0, "embedding": []}]}', "lists of numbers"),
        (b'{"data": [{"index": 0, "embedding": "AAAA"}]}', "lists of numbers"),
        (b'{"data": [{"index": 0, "embedding": [[1], [2]]}]}', "lists of numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, {"a": 1}]}]}', "lists of numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, NaN]}]}', "not finite"),
        (b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}', "not finite"),
        (b'{"data": [{"index": 0, "embedding": [0, 0]}]}', "no direction"),
    ],
)
async def test_garbage_is_refused_with_a_reason(
    server: EmbeddingServer, remote: Open, content: bytes, reason: str
) -> None:
    server.answer = lambda request: (200, {}, content)
    embedder = remote()
    with pytest.raises(EmbeddingUnavailable, match=f"an answer that cannot be used: .*{reason}"):
        await embedder.embed_query("hello")
    assert embedder.model.dimensions == 0


async def test_an_answer_without_indexes_is_in_the_order_of_the_texts(server: EmbeddingServer, remote: Open) -> None:
    server.answer = lambda request: (
        200,
        {},
        json.dumps({"data": [{"embedding": vector_of(text)} for text in request["input"]]}).encode(),
    )
    embedder = remote()
    result = await embedder.embed_documents(["a", "bb"])
    assert [embedding.vectors for embedding in result] == [unit(vector_of("a")), unit(vector_of("bb"))]


async def test_a_long_text_has_a_row_for_each_passage_and_a_long_query_has_one(
    server: EmbeddingServer, remote: Open
) -> None:
    server.answer = embeddings
    embedder = remote()
    short, long = await embedder.embed_documents(["short", "long 漢字 " * 2000])
    query = await embedder.embed_query("long 漢字 " * 2000)
    assert short.count == 1
    assert long.count > 10
    assert len(long.vectors) == long.count * 3 * 4
    assert len(query) == 3 * 4
    assert all(len(text.encode()) <= 1500 for _, _, body in server.requests for text in body["input"])


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "🎉"])
async def test_odd_texts_are_sent_as_something_a_server_accepts(
    server: EmbeddingServer, remote: Open, text: str
) -> None:
    server.answer = embeddings
    embedder = remote()
    assert len(await embedder.embed_query(text)) == 3 * 4
    assert server.requests[0][2]["input"][0].strip()


async def test_no_key_sends_no_authorization(server: EmbeddingServer, remote: Open) -> None:
    server.answer = embeddings
    embedder = remote(key=None)
    await embedder.warm()
    assert "authorization" not in {name.lower() for name in server.requests[0][1]}


async def test_a_redirect_is_not_followed_with_the_key(server: EmbeddingServer, remote: Open) -> None:
    server.answer = lambda request: (307, {"location": server.url}, b"")
    embedder = remote()
    with pytest.raises(EmbeddingUnavailable, match="answered 307"):
        await embedder.warm()
    assert len(server.requests) == 1


@pytest.mark.parametrize("ending", ["", "/", "/embeddings"])
async def test_a_spec_with_a_url_opens_the_server_whether_or_not_the_call_is_named(
    server: EmbeddingServer, tmp_path: Path, ending: str
) -> None:
    server.answer = embeddings
    embedder = open_embedder(EmbedderSpec(server.url + ending, "some-model"), tmp_path)
    await embedder.warm()
    await embedder.close()
    assert server.requests[0][0] == "/v1/embeddings"


def test_a_url_without_a_model_or_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingUnavailable, match="needs a model's name"):
        open_embedder(EmbedderSpec("http://127.0.0.1:1/v1"), tmp_path)
    for url in ("http://h:x/v1", "http:///v1", "http://h:99999/v1"):
        with pytest.raises(EmbeddingUnavailable, match=r"^The URL of the embedding server"):
            open_embedder(EmbedderSpec(url, "m"), tmp_path)


async def test_tokens_are_estimated_and_a_closed_embedder_refuses(remote: Open) -> None:
    embedder = remote()
    assert embedder.count_tokens("twelve bytes") == 3
    await embedder.close()
    with pytest.raises(EmbeddingUnavailable, match="closed"):
        await embedder.embed_query("hello")
