"""Every refusal is a problem document, and no bad input is ever a server error."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from polymem.core.errors import (
    Conflict,
    EmbeddingUnavailable,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PolymemError,
    TooLarge,
    Unavailable,
)
from polymem.dialects.kit import InternalError, MethodNotAllowed, MisdirectedRequest
from polymem.dialects.native.errors import PreconditionFailed, render
from tests.conftest import MakeSettings
from tests.serving import Server, serving


def problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == "about:blank"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("x"), 400),
        (NotAuthenticated("x"), 401),
        (Forbidden("x"), 403),
        (NotFound("Memory", "x"), 404),
        (MethodNotAllowed("PUT", "GET"), 405),
        (Conflict("x"), 409),
        (PreconditionFailed("x"), 412),
        (TooLarge("x"), 413),
        (MisdirectedRequest("x"), 421),
        (InternalError(), 500),
        (PolymemError("x"), 500),
        (Unavailable("x"), 503),
        (EmbeddingUnavailable("x"), 503),
    ],
)
def test_every_error_of_the_core_has_its_status(error: PolymemError, status: int) -> None:
    answer = render(error)
    assert answer.status_code == status
    document = json.loads(bytes(answer.body))
    assert (document["status"], document["detail"]) == (status, str(error))
    assert ("retry-after" in answer.headers) == (status == 503)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "A JSON body is required"),
        (b"{", "not valid JSON"),
        (b'{"content": "x",}', "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"content": "a", "content": "b"}', "'content' occurs twice"),
        (b'{"content": "a", "metadata": {"k": 1, "k": 2}}', "'k' occurs twice"),
        (b'{"content": "a", "metadata": {"k": NaN}}', "NaN is not JSON"),
        (b'{"content": "a", "metadata": {"k": -Infinity}}', "-Infinity is not JSON"),
        (b'{"content": "a", "metadata": {"k": 1e999}}', "too large for a number"),
        (b'{"content": "a", "metadata": {"k": 123456789012345678901234567890}}', "more than 64 bits"),
        (b'{"content": "\\ud800"}', "half of a surrogate pair"),
        (b'{"content": "a", "metadata": {"\\udfff": 1}}', "half of a surrogate pair"),
        (b'{"content": "\xff"}', "not UTF-8"),
        (b'{"content": "a\\u0000b"}', "NUL"),
        (b'{"content": "   "}', "content is required"),
        (b'{"content": null}', "content"),
        (b'{"content": 5}', "content"),
        (b'{"content": "x", "importance": true}', "importance"),
        (b'{"content": "x", "importance": "5"}', "importance"),
        (b'{"content": "x", "importance": 5.5}', "importance"),
        (b'{"content": "x", "importance": 11}', "importance must be a whole number from 1 to 10"),
        (b'{"content": "x", "weight": 0}', "weight must be a number from 0.1 to 1"),
        (b'{"content": "x", "confidence": 1.01}', "confidence must be a number from 0 to 1"),
        (b'{"content": "x", "tags": "a"}', "tags"),
        (b'{"content": "x", "tags": [""]}', "tag is required"),
        (b'{"content": "x", "metadata": []}', "metadata"),
        (b'{"content": "x", "occurred_at": 5}', "occurred_at must be a date and time"),
        (b'{"content": "x", "occurred_at": "soon"}', "occurred_at must be a date and time"),
        (b'{"content": "x", "occurred_at": "0001-01-01T00:00:00+14:00"}', "occurred_at"),
        (b'{"content": "x", "duplicates": "drop"}', "duplicates"),
        (b'{"content": "x", "colour": "red"}', "unknown field colour"),
        (b'{"content": "x", "id": "mine"}', "unknown field id"),
        (b'{"content": "x", "created_at": "2026-01-31T12:00:00Z"}', "unknown field created_at"),
        (b'{"content": "x", "metadata": ' + b'{"k": ' * 60 + b"1" + b"}" * 60 + b"}", "nested deeper than 50"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"content": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(api: httpx2.Client, body: bytes, sentence: str) -> None:
    answer = api.post("/v1/memories", content=body, headers={"content-type": "application/json"})
    assert sentence in problem(answer, 400)["detail"]
    assert api.get("/v1/memories").json()["total"] == 0


def test_a_body_is_read_as_json_whatever_it_says_it_is(api: httpx2.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
        answer = api.post("/v1/memories", content=b'{"content": "x"}', headers={"content-type": kind})
        assert answer.status_code == 201
    assert api.post("/v1/memories", content=b'{"content": "x"}').status_code == 201


def test_a_text_of_1_mib_is_kept_and_one_byte_more_is_too_large(api: httpx2.Client) -> None:
    longest = "é" * (512 * 1024)
    kept = api.post("/v1/memories", json={"content": longest})
    assert kept.status_code == 201
    assert api.get(f"/v1/memories/{kept.json()['id']}").json()["content"] == longest
    refused = problem(api.post("/v1/memories", json={"content": longest + "x"}), 413)
    assert refused["errors"] == [{"index": None, "field": "content", "detail": "content is larger than 1048576 bytes"}]
    batch = problem(api.post("/v1/memories/batch", json={"memories": [{"content": longest + "x"}]}), 413)
    assert batch["errors"][0]["index"] == 0


def test_a_batch_over_its_limit_is_too_large(api: httpx2.Client) -> None:
    problem(api.post("/v1/memories/batch", json={"memories": [{"content": "x"}] * 10_001}), 413)


@pytest.fixture(scope="module")
def small(make_settings: MakeSettings) -> Iterator[Server]:
    """A server that takes bodies of 1 KiB."""
    with serving(make_settings(embedder="none", max_body_mb=1 / 1024)) as server:
        yield server


def test_a_body_over_the_limit_is_refused_by_its_stated_length(small: Server) -> None:
    with small.client() as client:
        assert client.post("/v1/memories", json={"content": "x" * 900}).status_code == 201
        assert "1024 bytes" in problem(client.post("/v1/memories", json={"content": "x" * 1100}), 413)["detail"]


def test_a_body_over_the_limit_is_refused_as_it_arrives(small: Server) -> None:
    with small.client() as client:
        body = (part for part in [b'{"content": "', *[b"x" * 100] * 20, b'"}'])
        problem(client.post("/v1/memories", content=body), 413)


def test_an_import_may_be_longer_than_any_other_body(small: Server) -> None:
    with small.client() as client:
        lines = (json.dumps({"content": f"line {number}"}).encode() + b"\n" for number in range(200))
        assert client.post("/v1/import", content=lines).json()["imported"] == 200


def test_an_unknown_path_is_not_found(api: httpx2.Client) -> None:
    for path in ("/v1", "/v1/nothing", "/nothing", "/v1/memories/", "/v1/memories/x/nothing", "/%00"):
        problem(api.get(path), 404)


def test_a_method_that_is_not_possible_names_those_that_are(api: httpx2.Client) -> None:
    answer = api.put("/v1/recall", json={})
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("id", ["%00", "%ff", "x" * 3000, "' OR 1=1 --", "%F0%9F%9B%AB", "null"])
def test_a_strange_id_is_only_unknown(api: httpx2.Client, id: str) -> None:
    answer = api.get(f"/v1/memories/{id}")
    assert answer.status_code in (400, 404)
    problem(answer, answer.status_code)


def test_a_page_of_another_origin_changes_nothing_in_local_mode(server: Server) -> None:
    body = {"content": "from a page"}
    with server.client() as owner:
        before = owner.get("/v1/memories").json()["total"]
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"):
            problem(owner.post("/v1/memories", json=body, headers={"Origin": origin}), 403)
            problem(owner.post("/v1/import", content=b'{"content": "x"}', headers={"Origin": origin}), 403)
            assert owner.get("/v1/memories", headers={"Origin": origin}).json()["total"] == before
        assert owner.post("/v1/memories", json=body, headers={"Origin": server.url}).status_code == 201


def test_no_answer_allows_another_origin_to_read_it(server: Server) -> None:
    with server.client(Origin="https://evil.example") as client:
        for answer in (client.get("/v1/memories"), client.options("/v1/memories"), client.get("/nothing")):
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/health", "/v1/memories", "/docs", "/openapi.json", "/metrics", "/v1/no"])
def test_head_is_answered_like_get_without_the_body(server: Server, path: str) -> None:
    with server.client() as client:
        whole, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
        # On the same connection: nothing of a body may be left in it.
        assert client.get("/health/live").status_code == 200


def test_head_is_refused_where_get_is(server: Server) -> None:
    with server.client() as client:
        assert client.head("/v1/recall").status_code == 405


def test_vectors_cannot_be_searched_without_a_model(small: Server) -> None:
    with small.client() as client:
        answer = client.post("/v1/recall", json={"query": "x", "mode": "vector"})
        problem(answer, 503)
        # Waiting brings no model: the answer says what does, and nobody is told to come back.
        assert "retry-after" not in answer.headers
        assert "polymem[fastembed]" in answer.json()["detail"]
        assert client.post("/v1/recall", json={"query": "x"}).json()["mode"] == "keyword"


def test_a_connection_that_breaks_in_the_middle_of_a_body_harms_nothing(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    for path in ("/v1/memories", "/v1/import"):
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(head.encode() + b'{"content": "half')
    with server.client() as client:
        assert client.get("/health/live").status_code == 200
