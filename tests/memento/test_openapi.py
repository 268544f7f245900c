"""The OpenAPI document is true: what it allows is accepted, what it forbids is refused, and nothing breaks."""

from functools import cache

import pytest
import schemathesis
from schemathesis import GenerationMode

from tests.memento.conftest import Memento, Start
from tests.openapi import try_cases

OPERATIONS = [
    ("POST", "/api/save"),
    ("POST", "/api/recall"),
    ("POST", "/api/search"),
    ("GET", "/api/list"),
    ("GET", "/api/health"),
    ("DELETE", "/api/{id}"),
    ("POST", "/api/save/batch"),
    ("GET", "/api/export"),
    ("POST", "/api/import"),
    ("GET", "/api/{id}"),
    ("PATCH", "/api/{id}"),
    ("POST", "/api/{id}/restore"),
]


@pytest.fixture(scope="module")
def described(start: Start) -> Memento:
    """A server of its own, since anything may be saved, changed and deleted on it."""
    return start(embedder="local")


@cache
def document_of(url: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


ALLOWED = [(GenerationMode.POSITIVE, *operation) for operation in OPERATIONS]
# Any text may be an id, so nothing can be wrong with a request that has nothing else.
FORBIDDEN = [
    (GenerationMode.NEGATIVE, method, path)
    for method, path in OPERATIONS
    if path not in ("/api/health", "/api/{id}", "/api/{id}/restore") or method == "PATCH"
]


@pytest.mark.parametrize(("mode", "method", "path"), ALLOWED + FORBIDDEN)
def test_no_request_breaks_the_server_or_the_document(
    described: Memento, mode: GenerationMode, method: str, path: str
) -> None:
    operation = document_of(described.url)[path][method]

    try_cases(operation.as_strategy(generation_mode=mode), lambda case: case.call_and_validate())


def test_the_document_describes_every_endpoint_with_its_errors(described: Memento) -> None:
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
        assert {"200", "400", "401", "404"} <= operation["responses"].keys()
        assert "422" not in operation["responses"]
    assert "securitySchemes" not in document["components"]


def test_the_document_asks_for_a_key_where_one_is_needed(start: Start) -> None:
    with start(memento_api_key="secret").open() as api:
        document = api.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"APIKeyHeader", "HTTPBearer"}
    assert document["paths"]["/api/health"]["get"]["security"] == [{"APIKeyHeader": []}, {"HTTPBearer": []}]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/memento/docs"])
def test_the_documentation_pages_come_with_their_scripts(described: Memento, path: str) -> None:
    with described.open() as api:
        assert "openapi.json" in api.get(path).text
        assert api.get(f"{path.replace('/redoc', '/docs')}/assets/swagger-ui-bundle.js").status_code == 200
