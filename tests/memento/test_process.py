"""Memento as its user starts it: a process in a project's folder, with the variables of the reference."""

import os
import sys
from pathlib import Path

import httpx2

from tests.house.serving import free_port, serving

KEY = "secret-key-12345"


def test_the_command_serves_memento_on_its_own_port_for_the_project_it_is_started_in(
    tmp_path: Path, model_cache: Path
) -> None:
    folder = tmp_path / "myproject" / "src"
    folder.mkdir(parents=True)
    (tmp_path / "myproject" / ".git").mkdir()
    gateway, own = free_port(), free_port()
    command = [sys.executable, "-m", "polymem", "serve", "--port", str(gateway), "--listen", "memento"]
    settings = {
        "POLYMEM_DATA_DIR": str(tmp_path / "data"),
        "POLYMEM_CACHE_DIR": str(model_cache),
        "MEMENTO_PORT": str(own),
        "MEMENTO_API_KEY": KEY,
    }
    with (
        serving(command, own, os.environ | settings, cwd=str(folder)) as server,
        httpx2.Client(trust_env=False, timeout=60, headers={"x-api-key": KEY}) as client,
    ):
        saved = client.post(f"{server.url}/api/save", json={"content": "Started where the project is"})
        assert saved.json()["message"] == "Saved 1 memory entry"
        for root in (server.url, f"http://127.0.0.1:{gateway}/memento"):
            health = client.get(f"{root}/api/health").json()
            assert health["config"]["namespace"] == "myproject"
            assert health["stats"]["entriesInNamespace"] == 1
            assert httpx2.get(f"{root}/api/health", trust_env=False).status_code == 401
            assert httpx2.get(f"{root}/", trust_env=False).status_code == 200
    assert KEY not in "".join(server.log)
