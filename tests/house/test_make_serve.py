"""`make serve` adds nothing of its own: the environment decides."""

import os
import sys
from pathlib import Path

import httpx2

from tests.house.serving import free_port, serving

ROOT = Path(__file__).parents[2]


def test_make_serve_honours_the_environment(tmp_path: Path) -> None:
    port = free_port()
    # The environment that runs the tests serves too, and is left as it is.
    command = ["make", "serve", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.runtime-installed"]
    # Neither the settings of whoever runs the tests nor what the make that started them was told.
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("POLYMEM_", "MAKE", "MFLAGS"))
    }
    settings = {"POLYMEM_PORT": str(port), "POLYMEM_DATA_DIR": str(tmp_path / "data")}
    with serving(command, port, inherited | settings, cwd=str(ROOT)) as server:
        assert httpx2.get(f"{server.url}/health/live", trust_env=False, timeout=30).status_code == 200
    assert (tmp_path / "data").is_dir()
