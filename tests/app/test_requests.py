"""What every request gets, whatever it asks: an id, an answer in the right shape, and no leak when something breaks."""

import logging
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.responses import Response, StreamingResponse

from polymem.dialects import DialectOptions, kit
from polymem.dialects.native.errors import render
from tests.serving import Server


def test_a_request_keeps_the_id_it_came_with(server: Server) -> None:
    with server.client() as client:
        for path in ("/health", "/nothing", "/memento/api/health", "/metrics"):
            assert client.get(path, headers={"X-Request-ID": "trace-1:2.3"}).headers["x-request-id"] == "trace-1:2.3"


def test_a_request_without_a_usable_id_gets_one(server: Server) -> None:
    with server.client() as client:
        unusable = [{}, {}, {"X-Request-ID": ""}, {"X-Request-ID": "a b"}, {"X-Request-ID": "x" * 129}]
        given = [client.get("/health", headers=headers).headers["x-request-id"] for headers in unusable]
    assert len(set(given)) == 5
    assert all(len(id) == 16 for id in given)


def breaking() -> httpx2.AsyncClient:
    """A client of an API whose routes break in all ways."""
    api = kit.create_api(DialectOptions(version="1"), title="breaking", render=render)
    router = kit.router()

    @router.get("/before")
    async def before() -> Response:
        raise RuntimeError("the secret reason")

    @router.get("/during")
    async def during() -> Response:
        async def half() -> AsyncIterator[bytes]:
            yield b"half of "
            raise RuntimeError("the secret reason")

        return StreamingResponse(half())

    api.include_router(router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url="http://127.0.0.1")


async def test_what_breaks_unexpectedly_is_a_500_without_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    async with breaking() as client:
        answer = await client.get("/before")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "the secret reason" in str(record.exc_info[1])


async def test_an_answer_that_breaks_off_does_not_look_whole() -> None:
    async with breaking() as client:
        with pytest.raises(RuntimeError):
            await client.get("/during")
