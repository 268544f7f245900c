"""Every failure has one shape, a documented code and a sentence that names what is wrong."""

import socket
import sqlite3
from contextlib import closing
from typing import Any

import httpx2
import psycopg
import pytest

from polymem.core.errors import Conflict, Forbidden, PolymemError, Unavailable
from polymem.dialects.kit import MisdirectedRequest
from polymem.dialects.memento.errors import render
from tests.memento.conftest import Start


def refusal(answer: httpx2.Response, status: int, code: str) -> str:
    """The sentence of a failure that has the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"success", "error", "code"}
    assert body["success"] is False
    assert body["code"] == code
    assert body["error"]
    return str(body["error"])


@pytest.mark.parametrize("body", [{}, {"content": None}, {"content": ""}, {"content": " \n\t"}, {"tags": ["a"]}])
def test_a_save_without_content_says_so(api: httpx2.Client, body: dict[str, Any]) -> None:
    assert refusal(api.post("/api/save", json=body), 400, "INVALID_REQUEST") == "content is required"


@pytest.mark.parametrize("path", ["/api/recall", "/api/search"])
@pytest.mark.parametrize("body", [{}, {"query": None}, {"query": ""}, {"query": " \n\t"}, {"limit": 3}])
def test_a_search_without_a_query_says_so(api: httpx2.Client, path: str, body: dict[str, Any]) -> None:
    assert refusal(api.post(path, json=body), 400, "INVALID_REQUEST") == "query is required"


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("save", "content", 5),
        ("save", "content", ["x"]),
        ("save", "content", "nul \x00"),
        ("save", "tags", "a,b"),
        ("save", "tags", [1]),
        ("save", "tags", [None]),
        ("save", "tags", {"a": 1}),
        ("save", "tags", ["x" * 501]),
        ("save", "tags", ["nul \x00"]),
        ("save", "namespace", 5),
        ("save", "namespace", "  "),
        ("save", "namespace", "x" * 501),
        ("save", "namespace", "nul \x00"),
        ("save", "global", "true"),
        ("save", "global", 1),
        ("save", "container", ["x"]),
        ("save", "priority", "urgent"),
        ("save", "priority", "HIGH"),
        ("save", "priority", 5),
        ("recall", "query", 5),
        ("recall", "query", "nul \x00"),
        ("recall", "query", "ä" * 2049),
        ("recall", "namespace", 5),
        ("recall", "namespace", "nul \x00"),
        ("recall", "tags", "decision"),
        ("recall", "limit", "ten"),
        ("recall", "limit", "10"),
        ("recall", "limit", True),
        ("recall", "limit", [10]),
        ("recall", "container", 5),
        ("recall", "searchMode", "semantic"),
        ("recall", "searchMode", "Vector"),
        ("recall", "after", "yesterday"),
        ("search", "query", {}),
        ("search", "tags", [["a"]]),
        ("search", "searchMode", 1),
        ("search", "limit", {}),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    api: httpx2.Client, path: str, field: str, value: object
) -> None:
    body = {"content": "text"} if path == "save" else {"query": "text"}
    sentence = refusal(api.post(f"/api/{path}", json={**body, field: value}), 400, "INVALID_REQUEST")
    assert sentence.startswith(field)


@pytest.mark.parametrize(
    ("field", "value"), [("limit", "ten"), ("limit", "nan"), ("limit", "inf"), ("offset", "x"), ("before", "soon")]
)
def test_a_wrong_parameter_of_a_list_is_refused_by_its_name(api: httpx2.Client, field: str, value: str) -> None:
    sentence = refusal(api.get("/api/list", params={field: value}), 400, "INVALID_REQUEST")
    assert sentence.startswith(field)


@pytest.mark.parametrize("name", ["namespace", "tags", "container"])
def test_a_nul_in_a_filter_of_a_list_is_refused(api: httpx2.Client, name: str) -> None:
    assert name in refusal(api.get(f"/api/list?{name}=a%00b"), 400, "INVALID_REQUEST")


def test_a_query_of_four_kilobytes_is_just_allowed(api: httpx2.Client) -> None:
    assert api.post("/api/recall", json={"query": "x" * 4096}).status_code == 200
    sentence = refusal(api.post("/api/search", json={"query": "x" * 4097}), 400, "INVALID_REQUEST")
    assert sentence == "query is longer than 4 KB"


@pytest.mark.parametrize("path", ["/api/save", "/api/recall", "/api/search"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"content=x",
        b"[]",
        b'"text"',
        b"null",
        b"5",
        b'[{"content": "x", "query": "x"}]',
        b'{"content": "x", "query": "x",}',
        b'{"content": "\\ud800", "query": "\\ud800"}',
        b'{"content": "x", "query": "x", "limit": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"limit": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
def test_a_body_that_is_no_json_object_is_refused(api: httpx2.Client, path: str, body: bytes) -> None:
    answer = api.post(path, content=body, headers={"Content-Type": "application/json"})
    refusal(answer, 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense", ""]
)
def test_a_json_body_is_read_whatever_it_is_called(api: httpx2.Client, namespace: str, type: str) -> None:
    body = f'{{"content": "typed", "namespace": "{namespace}"}}'.encode()
    answer = api.post("/api/save", content=body, headers={"Content-Type": type} if type else {})
    assert answer.json()["success"] is True


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_ten_megabytes_is_refused(api: httpx2.Client, chunked: bool) -> None:
    body = b'{"content": "' + b"x" * (10 * 1024 * 1024) + b'"}'
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    refusal(api.post("/api/save", content=pieces if chunked else body), 413, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("GET", "/api"),
        ("POST", "/api/nope"),
        ("PUT", "/api/nope"),
        ("GET", "/api/a/b"),
        ("POST", "/"),
    ],
)
def test_an_unknown_address_is_not_found(api: httpx2.Client, method: str, path: str) -> None:
    answer = api.request(method, path)
    refusal(answer, 405 if path == "/" else 404, "INVALID_REQUEST" if path == "/" else "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/save", "POST"),
        ("GET", "/api/recall", "POST"),
        ("PUT", "/api/search", "POST"),
        ("POST", "/api/list", "GET"),
        ("POST", "/api/health", "GET"),
        ("PATCH", "/api/health", "GET"),
        ("PUT", "/api/save/batch", "POST"),
        ("GET", "/api/uuid-1234/restore", "POST"),
        ("PATCH", "/api/uuid-1234/restore", "POST"),
    ],
)
def test_a_wrong_method_is_told_which_one_is_right(api: httpx2.Client, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path)
    assert allowed in refusal(answer, 405, "INVALID_REQUEST")
    assert answer.headers["allow"] == allowed


def test_an_embedder_that_does_not_answer_costs_vectors_only_where_they_were_demanded(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    with start(embedder_url=nobody, embedder_model="away").open() as api:
        assert api.post("/api/save", json={"content": "The harbour opens at seven"}).json()["count"] == 1
        assert api.post("/api/recall", json={"query": "harbour"}).json()["searchMode"] == "keyword"
        refusal(api.post("/api/recall", json={"query": "harbour", "searchMode": "vector"}), 503, "INTERNAL_ERROR")


def test_a_failure_inside_the_server_tells_nothing_of_its_cause(start: Start) -> None:
    broken = start()
    if (url := broken.settings.database_url) is None:
        (database,) = list(broken.settings.data_dir.rglob("*.db"))
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("DROP TABLE projects")
    else:
        with psycopg.connect(url.get_secret_value()) as server:
            server.execute("DROP TABLE projects CASCADE")
    with broken.open() as api:
        sentence = refusal(api.get("/api/list"), 500, "INTERNAL_ERROR")
    assert "projects" not in sentence


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("changed meanwhile"), 409, "INVALID_REQUEST"),
        (Forbidden("no right"), 403, "UNAUTHORIZED"),
        (Unavailable("later"), 503, "INTERNAL_ERROR"),
        (MisdirectedRequest("evil.example"), 421, "INVALID_REQUEST"),
        (PolymemError("new kind"), 500, "INTERNAL_ERROR"),
    ],
)
def test_every_error_has_a_status_and_one_of_the_four_codes(error: PolymemError, status: int, code: str) -> None:
    answer = render(error)
    assert answer.status_code == status
    assert f'"code":"{code}"' in bytes(answer.body).decode()
