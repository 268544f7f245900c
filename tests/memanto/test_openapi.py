"""The documentation tells the truth, completely, with examples, and needs no network."""

from typing import Any

import httpx2
import pytest

SEED = {
    "POST /api/v2/agents", "GET /api/v2/agents", "GET /api/v2/agents/{agent_id}", "DELETE /api/v2/agents/{agent_id}",
    "POST /api/v2/agents/{agent_id}/activate", "POST /api/v2/agents/{agent_id}/deactivate",
    "GET /api/v2/session/current", "POST /api/v2/session/extend", "POST /api/v2/agents/{agent_id}/remember",
    "POST /api/v2/agents/{agent_id}/batch-remember", "GET /api/v2/agents/{agent_id}/recall",
    "POST /api/v2/agents/{agent_id}/answer", "GET /api/v2/agents/{agent_id}/recall/as-of",
    "GET /api/v2/agents/{agent_id}/recall/changed-since", "GET /api/v2/agents/{agent_id}/recall/current",
    "POST /api/v2/agents/{agent_id}/validate/{memory_id}", "POST /api/v2/agents/{agent_id}/supersede/{memory_id}",
    "POST /api/v2/agents/{agent_id}/contradict/{memory_id}", "POST /api/v2/context/summarize",
    "POST /api/v2/context/summarize/custom", "POST /api/v2/context/compress",
}  # fmt: skip


@pytest.fixture
def document(server_root: httpx2.Client) -> dict[str, Any]:
    """The OpenAPI document."""
    described: dict[str, Any] = server_root.get("/openapi.json").json()
    return described


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_documented_endpoint_is_there(document: dict[str, Any]) -> None:
    assert operations(document).keys() >= SEED


def test_every_operation_and_parameter_is_described_with_an_example(document: dict[str, Any]) -> None:
    silent = []
    for name, operation in operations(document).items():
        silent += [name] if not operation.get("description") else []
        for parameter in operation.get("parameters", ()):
            told = {**parameter.get("schema", {}), **parameter}
            if not told.get("description") or not (told.get("examples") or told.get("example")):
                silent.append(f"{name} {parameter['name']}")
    assert silent == []


def test_every_member_of_a_body_is_described_with_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    bodies = set()
    for operation in operations(document).values():
        text = str(operation.get("requestBody", {}))
        bodies |= {name for name in schemas if f"/{name}'" in text}
    assert bodies
    silent = []
    for name in bodies:
        silent += [name] if not schemas[name].get("examples") else []
        for member, told in schemas[name]["properties"].items():
            if not told.get("description") or not told.get("examples"):
                silent.append(f"{name}.{member}")
    assert silent == []


def test_every_member_of_an_answer_has_an_example_or_a_shape(document: dict[str, Any]) -> None:
    silent = [
        f"{name}.{member}"
        for name, schema in document["components"]["schemas"].items()
        for member, told in schema.get("properties", {}).items()
        if not told.get("examples") and "$ref" not in str(told)
    ]
    assert silent == []


def test_keys_and_sessions_are_told(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"].keys() == {"bearer", "key", "session"}
    needs = operations(document)["GET /api/v2/agents/{agent_id}/recall"]["security"]
    assert {name for one in needs for name in one} == {"bearer", "key", "session"}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_fetch_nothing_from_elsewhere(server_root: httpx2.Client, page: str) -> None:
    answer = server_root.get(page)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "//cdn" not in answer.text
    for source in answer.text.split('src="')[1:]:
        address = source.partition('"')[0]
        assert address.startswith("/memanto/docs/assets/"), address
        assert server_root.get(address.removeprefix("/memanto")).status_code == 200
