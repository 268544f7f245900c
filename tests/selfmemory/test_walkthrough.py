"""The way from a new account to a shared project, as the documents write it, run as it stands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.serving import PATIENCE, serving

ROOT = Path(__file__).parents[2]
WAYS = [
    (name, block)
    for name in ("docs/accounts.md", "README.md")
    for block in re.findall(r"^```sh\n(.*?)^```", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)
    if "polymem user create" in block and "/api-keys" in block
]


@pytest.mark.parametrize("block", [block for _, block in WAYS], ids=[name for name, _ in WAYS])
def test_a_project_is_shared_as_the_documents_say(block: str, make_settings: MakeSettings) -> None:
    settings = make_settings(auth="required")
    url = settings.database_url
    with serving(settings) as server:
        # The server is there already, at another port.
        lines = [line for line in block.splitlines() if not line.startswith("POLYMEM_AUTH=")]
        script = "\n".join(lines).replace("http://127.0.0.1:8765", server.url).replace(".venv/bin/polymem", "polymem")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PASSWORD": "correct horse battery",
                "POLYMEM_DATA_DIR": str(settings.data_dir),
                "POLYMEM_CACHE_DIR": str(settings.cache_dir),
            }
            | ({} if url is None else {"POLYMEM_DATABASE_URL": url.get_secret_value()}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        # Answers end without a line end, and commands have something to say in between.
        accepted, created, found = (
            json.loads(text) for text in re.findall(r"\{.*?\}(?=\{|$)", done.stdout, re.MULTILINE)
        )
        assert (accepted["role"], accepted["projects_added"]) == ("member", 1)
        assert created["message"] == "Memory created successfully"
        assert [hit["content"] for hit in found["results"]] == ["The ferry to the island leaves at nine"]


def test_one_document_shows_the_way() -> None:
    assert WAYS
