"""The documentation's own commands, run as they stand: the same words, the same host, the same slashes.

Only what the documentation writes in capitals or calls "your" is filled in. curl is told where the host really is.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.aimemory.conftest import HOST, Account, new_account
from tests.serving import Server

LOGIN = r"""curl -X POST http://aimemory.com.br/api/auth/login/ \
-H "Content-Type: application/json" \
-d '{
"username": "your_username",
"password": "your_password"
}'"""
QUICK_START = r"""curl -X POST http://aimemory.com.br/api/memories/ \
-H "Authorization: Token YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{
"project": "your-project-slug",
"memory_type": "decision",
"content": "We chose PostgreSQL for better JSON support",
"importance": 8,
"tags": ["database", "architecture"]
}'"""
NEW_PROJECT = r"""curl -X POST http://aimemory.com.br/api/projects/ \
-H "Authorization: Token YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{
"name": "My New Project",
"description": "A cool project",
"stack": "Python, Django, React"
}'"""
NEW_MEMORY = r"""curl -X POST http://aimemory.com.br/api/memories/ \
-H "Authorization: Token YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{
"project": "my-project",
"memory_type": "decision",
"content": "We chose PostgreSQL for better JSON support",
"context": "Database selection meeting",
"importance": 8,
"tags": ["database", "architecture"]
}'"""
NEW_SESSION = r"""curl -X POST http://aimemory.com.br/api/sessions/ \
-H "Authorization: Token YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{
"project": "project-uuid",
"summary": "Implemented user authentication",
"accomplished": [
"Created login endpoint",
"Added JWT token validation"
],
"next_steps": [
"Add refresh token mechanism",
"Implement password reset"
],
"blockers": [
"Need Redis for token storage"
]
}'"""
COMPLETE_TASK = r"""curl -X PATCH http://aimemory.com.br/api/tasks/TASK_UUID/ \
-H "Authorization: Token YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{"status": "completed"}'"""
CONTEXT = r"""curl http://aimemory.com.br/api/projects/PROJECT_UUID/context/ \
 -H "Authorization: Token YOUR_TOKEN" """


class Shell:
    """Runs commands that take the server for the documented host."""

    def __init__(self, server: Server, home: Path) -> None:
        port = server.url.rpartition(":")[2]
        config = f'connect-to = "{HOST}:80:127.0.0.1:{port}"\nnoproxy = "*"\nsilent\nwrite-out = "\\n%{{http_code}}"\n'
        (home / ".curlrc").write_text(config)
        self._environment = {"CURL_HOME": str(home), "HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}

    def __call__(self, command: str, **filled_in: str) -> tuple[int, str]:
        """The status and the body of the answer."""
        for placeholder, value in filled_in.items():
            assert placeholder in command
            command = command.replace(placeholder, value)
        ran = subprocess.run(
            ["bash", "-c", command], env=self._environment, capture_output=True, text=True, check=True, timeout=60
        )
        body, _, status = ran.stdout.rpartition("\n")
        return int(status), body


@pytest.fixture
def shell(site: Server, tmp_path: Path) -> Shell:
    return Shell(site, tmp_path)


@pytest.fixture
def token(account: Account) -> str:
    return account.token


def run(shell: Shell, command: str, status: int, **filled_in: str) -> Any:
    answered, body = shell(command, **filled_in)
    assert answered == status, body
    return json.loads(body)


def test_the_login_as_documented(site: Server, shell: Shell) -> None:
    account = new_account(site, "your_username", "your_password")
    answer = run(shell, LOGIN, 200)
    assert set(answer) == {"token", "user_id", "username", "email", "tenant"}
    assert answer["token"]
    assert isinstance(answer["user_id"], int)
    assert (answer["username"], answer["email"]) == ("your_username", account.user.email)
    assert answer["tenant"] == {
        "id": account.organization.id,
        "name": account.organization.name,
        "slug": account.organization.slug,
        "plan": "self-hosted",
    }
    # The quick start's order: the token of the login opens everything else.
    project = run(shell, NEW_PROJECT, 201, YOUR_TOKEN=answer["token"])
    assert project["slug"] == "my-new-project"


def test_the_quick_start_as_documented(shell: Shell, token: str) -> None:
    project = run(shell, NEW_PROJECT, 201, YOUR_TOKEN=token)
    filled_in = {"YOUR_TOKEN": token, "your-project-slug": project["slug"]}
    memory = run(shell, QUICK_START, 201, **filled_in)
    assert memory["project"] == project["id"]
    assert (memory["memory_type"], memory["importance"]) == ("decision", 8)
    assert memory["context"] == ""
    assert memory["tags"] == ["database", "architecture"]
    assert memory["content"] == "We chose PostgreSQL for better JSON support"


def test_a_project_as_documented(shell: Shell, token: str) -> None:
    project = run(shell, NEW_PROJECT, 201, YOUR_TOKEN=token)
    assert list(project) == [
        "id", "name", "slug", "description", "stack", "is_active", "created_at", "updated_at",
    ]  # fmt: skip
    assert project["name"] == "My New Project"
    assert project["description"] == "A cool project"
    assert project["stack"] == "Python, Django, React"
    assert project["is_active"] is True
    assert project["created_at"].endswith("Z")


def test_a_memory_as_documented(shell: Shell, token: str) -> None:
    named = NEW_PROJECT.replace("My New Project", "My Project")
    project = run(shell, named, 201, YOUR_TOKEN=token)
    memory = run(shell, NEW_MEMORY, 201, YOUR_TOKEN=token)
    assert {key: memory[key] for key in memory if key not in ("id", "created_at", "updated_at")} == {
        "project": project["id"],
        "memory_type": "decision",
        "content": "We chose PostgreSQL for better JSON support",
        "context": "Database selection meeting",
        "importance": 8,
        "tags": ["database", "architecture"],
        "access_count": 0,
        "last_accessed": None,
    }


def test_a_session_a_task_and_the_context_as_documented(shell: Shell, token: str) -> None:
    project = run(shell, NEW_PROJECT, 201, YOUR_TOKEN=token)
    session = run(shell, NEW_SESSION, 201, **{"YOUR_TOKEN": token, "project-uuid": project["id"]})
    assert session["project"] == project["id"]
    assert session["accomplished"] == ["Created login endpoint", "Added JWT token validation"]
    assert session["next_steps"] == ["Add refresh token mechanism", "Implement password reset"]
    assert session["blockers"] == ["Need Redis for token storage"]
    new_task = NEW_SESSION.replace("/sessions/", "/tasks/").replace('"summary"', '"title"')
    task = run(shell, new_task, 201, **{"YOUR_TOKEN": token, "project-uuid": project["id"]})
    assert task["status"] == "pending"
    completed = run(shell, COMPLETE_TASK, 200, YOUR_TOKEN=token, TASK_UUID=task["id"])
    assert completed["status"] == "completed"
    assert completed["completed_at"]
    status, document = shell(CONTEXT, YOUR_TOKEN=token, PROJECT_UUID=project["id"])
    assert status == 200
    assert "My New Project" in document
    assert "Python, Django, React" in document
    assert "Created login endpoint" in document
    assert "Implemented user authentication" in document


def test_the_documented_error(shell: Shell) -> None:
    anonymous = CONTEXT.replace('-H "Authorization: Token YOUR_TOKEN"', "")
    status, body = shell(anonymous, PROJECT_UUID="x")
    assert (status, json.loads(body)) == (401, {"detail": "Authentication credentials were not provided."})
