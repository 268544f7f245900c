"""The reference's own examples, as published but for the port."""

import shlex

import httpx2
import pytest
from playwright.sync_api import Page

from tests.memento.conftest import Memento, Start

BASE = "http://localhost:7007"

JAVASCRIPT = """async () => {
// Save memory
const saveResponse = await fetch('http://localhost:7007/api/save', {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    'x-api-key': 'your-api-key'
  },
  body: JSON.stringify({
    content: 'Important decision',
    tags: ['decision', 'architecture'],
    namespace: 'myproject'
  })
});

const saved = await saveResponse.json();

// Recall memories
const recallResponse = await fetch('http://localhost:7007/api/recall', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    query: 'database architecture',
    limit: 10
  })
});

const results = await recallResponse.json();
const lines = [];
results.results.forEach(r => {
  lines.push([r.score, r.entry.content]);
});

// Batch Save
async function batchSave(memories) {
  const results = [];
  for (const memory of memories) {
    const res = await fetch('http://localhost:7007/api/save', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(memory)
    });
    results.push(await res.json());
  }
  return results;
}
const batch = await batchSave([{content: 'One'}, {content: 'Two', priority: 'low'}]);

// Delete, which a browser asks leave for beforehand
const deleted = await fetch('http://localhost:7007/api/' + saved.ids[0], {
  method: 'DELETE', headers: { 'x-api-key': 'your-api-key' }
});
const missing = await fetch('http://localhost:7007/api/uuid-1234', { method: 'DELETE' });
return { saved, lines, batch, deleted: await deleted.json(), missing: [missing.status, await missing.json()] };
}"""

CURL = [
    (
        """curl -X POST http://localhost:7007/api/save
          -H "Content-Type: application/json"
          -d '{
            "content": "Use PostgreSQL for production",
            "tags": ["decision", "architecture"],
            "namespace": "myproject",
            "priority": "high"
          }'""",
        '"message":"Saved 1 memory entry"',
    ),
    (
        """curl -X POST http://localhost:7007/api/recall
          -H "Content-Type: application/json"
          -d '{
            "query": "database architecture decisions",
            "namespace": "myproject",
            "limit": 5,
            "searchMode": "hybrid"
          }'""",
        '"content":"Use PostgreSQL for production"',
    ),
    (
        """curl -X POST http://localhost:7007/api/search
          -H "Content-Type: application/json"
          -d '{
            "query": "authentication OAuth",
            "limit": 10
          }'""",
        '"success":true',
    ),
    ('curl "http://localhost:7007/api/list?namespace=myproject&tags=decision&limit=20&offset=0"', '"offset":0'),
    ('curl "http://localhost:7007/api/list?namespace=myproject&limit=20&offset=20"', '"offset":20'),
    ('curl -X DELETE "http://localhost:7007/api/550e8400-e29b-41d4-a716-446655440000"', '"success":false'),
    (
        """curl -X POST http://localhost:7007/api/save
          -H "Content-Type: application/json"
          -H "x-api-key: secret-key"
          -d '{"content": "Test memory", "tags": ["test"]}'""",
        '"count":1',
    ),
    (
        """curl -X POST http://localhost:7007/api/recall
          -H "Content-Type: application/json"
          -d '{"query": "test", "limit": 5}'""",
        '"content":"Test memory"',
    ),
    ('curl "http://localhost:7007/api/list?limit=10&offset=0"', '"content":"Test memory"'),
    ("curl http://localhost:7007/api/health", '"status":"healthy"'),
    ("curl -X DELETE http://localhost:7007/api/uuid-1234", '"error":"Memory entry uuid-1234 not found"'),
    ('curl -H "x-api-key: secret-key" http://localhost:7007/api/health', '"success":true'),
]


def run_curl(command: str, url: str) -> httpx2.Response:
    """Does what curl would do with the few options that the examples use."""
    arguments = iter(shlex.split(command)[1:])
    method, headers, body, target = None, {}, None, ""
    for argument in arguments:
        match argument:
            case "-X":
                method = next(arguments)
            case "-H":
                name, _, value = next(arguments).partition(":")
                headers[name] = value.strip()
            case "-d":
                body = next(arguments).encode()
            case _:
                target = argument.replace(BASE, url)
    return httpx2.request(method or "GET", target, headers=headers, content=body, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def fresh(start: Start) -> Memento:
    """A server of its own, on which the examples happen in their order."""
    return start(embedder="local", namespace="myproject")


@pytest.mark.parametrize(("command", "expected"), CURL)
def test_the_curl_examples_are_answered_as_shown(fresh: Memento, command: str, expected: str) -> None:
    assert expected in run_curl(command, fresh.url).text


def test_the_python_example_runs(fresh: Memento) -> None:
    url = fresh.url
    headers = {"Content-Type": "application/json", "x-api-key": "secret-key"}
    with httpx2.Client(trust_env=False, timeout=60) as requests:
        response = requests.post(
            f"{url}/api/save",
            headers=headers,
            json={
                "content": "Decision: Use TypeScript",
                "tags": ["decision", "language"],
                "namespace": "myproject",
            },
        )
        saved = response.json()
        assert saved["success"] is True
        response = requests.post(
            f"{url}/api/recall", headers=headers, json={"query": "language decisions", "limit": 10}
        )
        lines = [
            f"Score: {result['score']}, Content: {result['entry']['content']}" for result in response.json()["results"]
        ]
        assert lines[0].endswith("Content: Decision: Use TypeScript")
        response = requests.get(f"{url}/api/list", headers=headers, params={"namespace": "myproject", "limit": 20})
        assert response.json()["entries"][0]["id"] == saved["ids"][0]
        assert requests.get(f"{url}/api/health", headers=headers).json()["config"]["namespace"] == "myproject"
        assert requests.delete(f"{url}/api/uuid-1234", headers=headers).status_code == 404


def test_the_javascript_examples_run_in_a_page_of_another_origin(fresh: Memento, local: Memento, page: Page) -> None:
    page.goto(f"{local.url}/api/health")
    done = page.evaluate(JAVASCRIPT.replace(BASE, fresh.url))
    assert done["saved"]["message"] == "Saved 1 memory entry"
    assert "Important decision" in [content for _, content in done["lines"]]
    assert [one["count"] for one in done["batch"]] == [1, 1]
    assert done["deleted"]["message"] == f"Memory entry {done['saved']['ids'][0]} deleted successfully"
    assert done["missing"] == [
        404,
        {"success": False, "error": "Memory entry uuid-1234 not found", "code": "NOT_FOUND"},
    ]
