"""The house rules that no linter knows: names, module sizes, where database drivers may be imported."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "polymem"
MODULES = sorted(SOURCE.rglob("*.py"))

MAX_LINES = 400
VAGUE_WORDS = {"Manager", "Helper", "Helpers", "Util", "Utils", "Service", "Base"}
# Each driver belongs to the one folder that speaks its dialect of SQL.
DRIVERS = {"sqlite3": "storage/sqlite", "psycopg": "storage/postgres", "psycopg_pool": "storage/postgres"}


def words(name: str) -> list[str]:
    """Split a CamelCase name: `HTTPBaseError` is HTTP, Base, Error."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)


def imported(tree: ast.Module) -> Iterator[str]:
    """Top-level package of everything a module imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.fixture(params=MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def module(request: pytest.FixtureRequest) -> Path:
    """Every module of the package in turn."""
    path: Path = request.param
    return path


def test_a_class_name_says_what_the_thing_is(module: Path) -> None:
    classes = [node.name for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ClassDef)]
    assert [name for name in classes if VAGUE_WORDS & set(words(name))] == []


def test_a_module_is_short_enough_to_read(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= MAX_LINES


def test_a_database_driver_stays_in_its_own_folder(module: Path) -> None:
    folder = module.parent.relative_to(SOURCE).as_posix()
    drivers = DRIVERS.keys() & set(imported(ast.parse(module.read_text())))
    assert [driver for driver in drivers if not folder.startswith(DRIVERS[driver])] == []
