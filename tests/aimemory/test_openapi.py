"""The document of the API is valid, and whatever is sent after it is answered as it says."""

from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.openapi import try_cases
from tests.serving import Server

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
RESOURCES = ("projects", "memories", "sessions", "tasks", "snippets")
ROUTES = {
    "POST /api/auth/login/", "POST /api/auth/logout/", "GET /api/projects/{id}/context/",
    "GET /api/memories/search/", "POST /api/memories/search/", "GET /api/memories/trash/",
    "POST /api/memories/{id}/restore/",
    *(f"{method} /api/{resource}/" for resource in RESOURCES for method in ("GET", "POST")),
    *(f"{method} /api/{resource}/{{id}}/" for resource in RESOURCES for method in ("GET", "PUT", "PATCH", "DELETE")),
}  # fmt: skip


@pytest.fixture(scope="module")
def described(site: Server) -> BaseSchema:
    """The API as its document describes it."""
    schema = schemathesis.openapi.from_url(f"{site.url}/openapi.json")
    schema.validate()
    return schema


@pytest.fixture(scope="module")
def key(site: Server) -> str:
    """A key of an organization that may hold anything, with a project to begin with."""
    key = site.new_key(site.new_organization())
    headers = {"Authorization": f"Token {key}"}
    httpx2.post(f"{site.url}/api/projects/", json={"name": "My Project"}, headers=headers, trust_env=False)
    return key


def test_every_documented_route_is_there_and_no_alias(site: Server) -> None:
    document: dict[str, Any] = httpx2.get(f"{site.url}/openapi.json", trust_env=False).json()
    found = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert found == ROUTES
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
            assert "422" not in operation["responses"]
    for page in ("/docs", "/redoc"):
        assert httpx2.get(site.url + page, trust_env=False).status_code == 200


@pytest.mark.parametrize("route", sorted(ROUTES - {"POST /api/auth/logout/", "POST /api/auth/login/"}))
def test_nothing_that_is_sent_breaks_it(described: BaseSchema, key: str, route: str) -> None:
    method, path = route.split()
    # Where there is something to get wrong besides an id, which may be any text.
    mode = GenerationMode.POSITIVE if "{" in path or "trash" in path else GenerationMode.NEGATIVE
    cases = described[path][method].as_strategy(generation_mode=mode)

    headers = {"Authorization": f"Token {key}"}
    try_cases(cases, lambda case: case.call_and_validate(headers=headers, checks=CHECKS))
