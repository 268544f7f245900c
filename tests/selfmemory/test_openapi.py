"""The OpenAPI document is true: answers are as it says, credentials are needed where it says, and nothing breaks."""

from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import MakeSettings
from tests.openapi import try_cases
from tests.selfmemory.people import Person, people
from tests.selfmemory.test_server import DOCUMENTED
from tests.serving import Server, serving

# Ids are mostly of nothing, and ending the account would end the test; what is refused and why is tested elsewhere.
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]
OPERATIONS = [
    (method.upper(), path, mode)
    for path, methods in DOCUMENTED.items()
    for method in sorted(methods)
    for mode in GenerationMode
    if (path, method) != ("/api/users/me", "delete")
    # Without a parameter, and with a path of any text, nothing can be wrong.
    and (mode is GenerationMode.POSITIVE or not (path.endswith("/{token}") or "health" in path))
]
UNLIMITED = ("memory_create", "memory_search", "organization_create", "project_create", "invitation_create")


@pytest.fixture(scope="module")
def described(make_settings: MakeSettings) -> Iterator[tuple[Server, Person, str]]:
    """A server of its own, since anything may be kept, changed and deleted on it; an account and a key."""
    settings = make_settings(embedder="none", **{f"rate_limit_{name}": 0 for name in UNLIMITED})
    with serving(settings) as server, people(server, 1) as (person,):
        yield server, person, person.new_key(person.new_project())


@pytest.fixture(scope="module")
def document(described: tuple[Server, Person, str]) -> schemathesis.BaseSchema:
    """The document."""
    server, _, _ = described
    return schemathesis.openapi.from_url(f"{server.url}/selfmemory/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
def test_no_request_breaks_the_server_or_the_document(
    described: tuple[Server, Person, str],
    document: schemathesis.BaseSchema,
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    _, person, key = described
    secret = key if path.startswith(("/api/memories", "/v1")) else person.token

    headers = {"Authorization": f"Bearer {secret}"}
    cases = document[path][method].as_strategy(generation_mode=mode)
    try_cases(cases, lambda case: case.call_and_validate(headers=headers, checks=CHECKS), examples=8)
