"""The lock files pin everything, agree with each other and name no place on the network."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)( ; .+?)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins(lock: str) -> set[tuple[str, str]]:
    """(name, version) of every requirement in a lock; a name may have two, told apart by markers."""
    matches = (PIN.match(line) for line in (ROOT / lock).read_text().splitlines())
    return {(match[1], match[2]) for match in matches if match}


def normalized(requirement: str) -> str:
    """The canonical project name of a requirement such as `psycopg[binary]>=3`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_only_exact_versions_and_hashes(lock: str) -> None:
    comment, *lines = (ROOT / lock).read_text().splitlines()
    assert comment.startswith("#")
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"\S*(?://|@|\.org|\.com|\.io)\S*", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_brings_torch(lock: str) -> None:
    assert {name for name, _ in pins(lock)}.isdisjoint({"torch", "sentence-transformers", "transformers"})


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_the_larger_locks_contain_the_runtime_lock(lock: str) -> None:
    assert pins("requirements.lock") <= pins(lock)


def test_the_runtime_lock_holds_every_declared_dependency_and_the_weights() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["postgres"],
        *project["dependency-groups"]["weights"],
        *project["dependency-groups"]["build"],
    ]
    assert {normalized(requirement) for requirement in declared} <= {name for name, _ in pins("requirements.lock")}
