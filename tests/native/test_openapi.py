"""The documentation tells the truth, completely, and needs no network."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import assume
from playwright.sync_api import Browser, Page, Route
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.openapi import try_cases
from tests.serving import Server

ROUTES = {
    "POST /v1/memories", "POST /v1/memories/batch", "GET /v1/memories", "GET /v1/memories/{memory_id}",
    "PATCH /v1/memories/{memory_id}", "DELETE /v1/memories/{memory_id}", "POST /v1/memories/{memory_id}/restore",
    "POST /v1/memories/{memory_id}/purge", "GET /v1/memories/{memory_id}/history", "GET /v1/trash", "POST /v1/recall",
    "POST /v1/recall/why-not", "GET /v1/projects", "POST /v1/projects", "GET /v1/projects/{project}",
    "PATCH /v1/projects/{project}", "POST /v1/export", "POST /v1/import", "GET /v1/keys", "POST /v1/keys",
    "DELETE /v1/keys/{key_id}", "GET /v1/stats", "GET /v1/stats/recalls", "GET /health",
    "GET /health/live", "GET /health/ready",
    "GET /v1/projects/{project}/context", "GET /v1/conflicts", "GET /v1/conflicts/{conflict_id}",
    "POST /v1/conflicts/detect", "POST /v1/conflicts/{conflict_id}/resolve", "GET /v1/memories/{memory_id}/chain",
    "POST /v1/memories/{memory_id}/unsupersede",
    "GET /v1/sessions", "POST /v1/sessions", "GET /v1/sessions/{id}", "PATCH /v1/sessions/{id}",
    "DELETE /v1/sessions/{id}", "GET /v1/tasks", "POST /v1/tasks", "GET /v1/tasks/{id}", "PATCH /v1/tasks/{id}",
    "DELETE /v1/tasks/{id}", "GET /v1/snippets", "POST /v1/snippets", "GET /v1/snippets/{id}",
    "PATCH /v1/snippets/{id}", "DELETE /v1/snippets/{id}",
    "POST /v1/answer", "POST /v1/summarize", "POST /v1/compress",
    "GET /v1/changes", "POST /v1/memories/{memory_id}/validate", "POST /v1/memories/{memory_id}/contradict",
    "POST /v1/memories/{memory_id}/supersede", "GET /v1/memories/{memory_id}/trust",
    "DELETE /v1/projects/{project}", "GET /v1/projects/{project}/members", "POST /v1/projects/{project}/members",
    "PATCH /v1/projects/{project}/members/{user_id}", "DELETE /v1/projects/{project}/members/{user_id}",
    "GET /v1/projects/{project}/invitations", "POST /v1/projects/{project}/invitations",
    "POST /v1/auth/register", "POST /v1/auth/login", "POST /v1/auth/logout", "POST /v1/auth/password",
    "POST /v1/auth/reset", "GET /v1/me", "PATCH /v1/me", "DELETE /v1/me", "GET /v1/me/tokens", "POST /v1/me/tokens",
    "DELETE /v1/me/tokens/{token_id}", "GET /v1/me/grants", "DELETE /v1/me/grants/{grant_id}",
    "GET /v1/notifications", "POST /v1/notifications/read-all",
    "POST /v1/notifications/{notification_id}/read", "GET /v1/organizations", "POST /v1/organizations",
    "GET /v1/organizations/{organization}", "PATCH /v1/organizations/{organization}",
    "DELETE /v1/organizations/{organization}",
    "POST /v1/organizations/{organization}/transfer", "GET /v1/organizations/{organization}/members",
    "PATCH /v1/organizations/{organization}/members/{user_id}",
    "DELETE /v1/organizations/{organization}/members/{user_id}",
    "GET /v1/organizations/{organization}/invitations", "POST /v1/organizations/{organization}/invitations",
    "DELETE /v1/organizations/{organization}/invitations/{invitation_id}", "GET /v1/audit", "GET /v1/invitations",
    "GET /v1/invitations/{token}", "POST /v1/invitations/{token}/accept", "POST /v1/invitations/{token}/register",
}  # fmt: skip

# Neither a body nor a parameter but an id, which may be any text.
NOTHING_TO_GET_WRONG = {
    "GET /v1/projects", "GET /v1/keys", "GET /v1/stats", "GET /health", "GET /health/live", "GET /health/ready",
    "GET /v1/memories/{memory_id}", "GET /v1/memories/{memory_id}/history", "POST /v1/memories/{memory_id}/purge",
    "POST /v1/memories/{memory_id}/restore", "GET /v1/projects/{project}", "DELETE /v1/keys/{key_id}",
    "GET /v1/conflicts/{conflict_id}", "GET /v1/memories/{memory_id}/chain",
    "POST /v1/memories/{memory_id}/unsupersede",
    "GET /v1/sessions/{id}", "DELETE /v1/sessions/{id}", "GET /v1/tasks/{id}", "DELETE /v1/tasks/{id}",
    "GET /v1/snippets/{id}", "DELETE /v1/snippets/{id}", "DELETE /v1/projects/{project}",
    "DELETE /v1/projects/{project}/members/{user_id}", "POST /v1/auth/logout", "GET /v1/me", "DELETE /v1/me",
    "DELETE /v1/me/tokens/{token_id}", "DELETE /v1/me/grants/{grant_id}", "GET /v1/notifications",
    "POST /v1/notifications/read-all",
    "POST /v1/notifications/{notification_id}/read", "GET /v1/organizations/{organization}",
    "DELETE /v1/organizations/{organization}", "DELETE /v1/organizations/{organization}/members/{user_id}",
    "DELETE /v1/organizations/{organization}/invitations/{invitation_id}", "GET /v1/invitations/{token}",
    "POST /v1/invitations/{token}/accept",
}  # fmt: skip
CASES = [
    pytest.param(route, mode, id=f"{route} {mode.value}")
    for route in sorted(ROUTES)
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or route not in NOTHING_TO_GET_WRONG
]

REFUSALS = {"checks": {"negative_data_rejection": {"expected-statuses": [400, 404, 409, 412, 413]}}}


# A schema cannot say that nothing inside metadata may hold a NUL, that valid_to comes after valid_from and line_end
# after line_start, nor that one of text, messages and memory_ids must be there and say something, nor which
# reset links there are; and in an address, or in a file of lines, everything is a text.
CHECKS_THAT_CANNOT_HOLD: dict[str, list[CheckFunction]] = {
    "POST /v1/auth/reset": [positive_data_acceptance],
    "POST /v1/memories": [positive_data_acceptance],
    "POST /v1/memories/batch": [positive_data_acceptance],
    "PATCH /v1/memories/{memory_id}": [positive_data_acceptance],
    "POST /v1/memories/{memory_id}/supersede": [positive_data_acceptance],
    "GET /v1/changes": [negative_data_rejection],
    "POST /v1/snippets": [positive_data_acceptance],
    "POST /v1/compress": [positive_data_acceptance],
    "PATCH /v1/snippets/{id}": [positive_data_acceptance],
    "GET /v1/memories": [negative_data_rejection],
    "POST /v1/import": [negative_data_rejection],
}


@schemathesis.serializer("application/x-ndjson")
def to_lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A body of several records; the document says no more of it than that it is text."""
    return str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    """The OpenAPI document."""
    with server.client() as client:
        described: dict[str, Any] = client.get("/openapi.json").json()
        return described


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert described == ROUTES
    assert document["openapi"].startswith("3.1")


def test_everything_has_a_description(document: dict[str, Any]) -> None:
    silent = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = f"{method} {path}"
            parts = [(name, operation), *((f"{name} {p['name']}", p) for p in operation.get("parameters", ()))]
            parts += [(f"{name} {status}", answer) for status, answer in operation["responses"].items()]
            silent += [where for where, part in parts if not part.get("description")]
    for name, schema in document["components"]["schemas"].items():
        silent += [name] if not schema.get("description") else []
        for field, value in schema.get("properties", {}).items():
            spoken = value.get("description") or "$ref" in value or "$ref" in value.get("items", {})
            spoken = spoken or any("$ref" in one or one.get("description") for one in value.get("anyOf", ()))
            silent += [] if spoken else [f"{name}.{field}"]
    assert silent == []


def test_every_refusal_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not path.startswith("/v1"):
                continue
            assert "422" not in operation["responses"], (method, path)
            for status, answer in operation["responses"].items():
                if status == "default" or int(status) >= 400:
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}


def test_operations_have_short_unique_names(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names)) == len(ROUTES)
    assert "memories-add" in names


@pytest.fixture(scope="module")
def native(server: Server) -> BaseSchema:
    """The API as its document describes it, with a key of an organization of its own."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=schemathesis.Config.from_dict(REFUSALS))
    schema.validate()
    return schema


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A key of an organization that may hold anything."""
    return server.new_key(server.new_organization())


@pytest.mark.parametrize(("route", "mode"), CASES)
def test_the_api_keeps_to_its_document(native: BaseSchema, key: str, route: str, mode: GenerationMode) -> None:
    method, path = route.split()
    cases = native[path][method].as_strategy(generation_mode=mode)

    def keeps_to_it(case: schemathesis.Case[Any]) -> None:
        # Beyond 64 KiB the HTTP parser itself refuses a request line, before any API sees it.
        assume(len(urlencode(case.query or {}, doseq=True)) < 32_000)
        case.call_and_validate(
            headers={"Authorization": f"Bearer {key}"}, excluded_checks=CHECKS_THAT_CANNOT_HOLD.get(route, [])
        )

    try_cases(cases, keeps_to_it, examples=20)


@pytest.fixture(scope="module")
def browser_page(chromium: Browser) -> Iterator[Page]:
    """A tab of a real browser."""
    with chromium.new_page() as page:
        yield page


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/memento/docs", "/memento/redoc"])
def test_documentation_pages_work_without_a_network(server: Server, browser_page: Page, path: str) -> None:
    asked: list[str] = []

    def only_here(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url.startswith((server.url, "data:", "blob:")):
            route.continue_()
        else:
            route.abort()

    browser_page.route("**/*", only_here)
    browser_page.goto(server.url + path)
    wanted = "Recall" if "memento" in path else "Keep a memory"
    browser_page.get_by_text(wanted).first.wait_for(state="attached", timeout=30_000)
    browser_page.unroute("**/*")
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []


def test_documentation_pages_name_no_other_host(server: Server) -> None:
    with server.client() as client:
        for path in ("/docs", "/redoc", "/memento/docs", "/memento/redoc"):
            page = client.get(path)
            assert page.status_code == 200
            assert "http://" not in page.text
            assert "https://" not in page.text
