"""The OpenAPI document is true: what it allows is accepted, what it forbids is refused, and nothing breaks."""

from functools import cache

import pytest
import schemathesis
from schemathesis import GenerationMode

from tests.mememory.conftest import Mememory, Start
from tests.openapi import try_cases

OPERATIONS = [
    ("GET", "/api/stats"),
    ("GET", "/api/memories"),
    ("POST", "/api/memories"),
    ("DELETE", "/api/memories"),
    ("GET", "/api/memories/{memory_id}"),
    ("PUT", "/api/memories/{memory_id}"),
    ("DELETE", "/api/memories/{memory_id}"),
    ("POST", "/api/memories/search"),
    ("POST", "/api/memories/export"),
    ("POST", "/api/memories/import"),
    ("GET", "/api/pinned/preview"),
]
# Their bodies are refused for what is in them; where there is nothing but texts, nothing can be wrong.
REFUSABLE = [("POST", "/api/memories"), ("POST", "/api/memories/search"), ("PUT", "/api/memories/{memory_id}")]


@pytest.fixture(scope="module")
def described(start: Start) -> Mememory:
    """A server of its own, since anything may be kept, changed and deleted on it."""
    return start()


@cache
def document_of(url: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.mark.parametrize(
    ("mode", "method", "path"),
    [
        *((GenerationMode.POSITIVE, *operation) for operation in OPERATIONS),
        *((GenerationMode.NEGATIVE, *operation) for operation in REFUSABLE),
    ],
)
def test_no_request_breaks_the_server_or_the_document(
    described: Mememory, mode: GenerationMode, method: str, path: str
) -> None:
    operation = document_of(described.url)[path][method]

    try_cases(operation.as_strategy(generation_mode=mode), lambda case: case.call_and_validate())


def test_the_document_describes_every_endpoint_with_its_errors(described: Mememory) -> None:
    with described.open() as api:
        document = api.get("/openapi.json").json()
    operations = {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert operations.keys() == set(OPERATIONS)
    for operation in operations.values():
        assert operation["description"]
        assert operation["summary"]
        assert {"400", "401", "404"} <= operation["responses"].keys()
        assert "422" not in operation["responses"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_pages_come_with_their_scripts(described: Mememory, path: str) -> None:
    with described.open() as api:
        assert "openapi.json" in api.get(path).text
    with described.open() as api:
        assert api.get("/docs/assets/swagger-ui-bundle.js").status_code == 200


@pytest.mark.parametrize("path", ["/api/memories/a%0Ab", "/api/memories/%0A", "/api/memories/a%0D%0A", "/api/%0A"])
def test_a_path_with_a_line_end_is_answered_like_any_other(described: Mememory, path: str) -> None:
    with described.open() as api:
        answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert isinstance(answer.json()["error"], str)
