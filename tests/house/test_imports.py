"""No two modules of the package import each other, by whatever detour, and be it inside a function."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            yield from executed(node)


def imported(path: Path, modules: set[str]) -> Iterator[str]:
    for node in executed(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from submodules & modules or {node.module}


def test_no_imports_go_in_a_circle() -> None:
    paths = {module_name(path): path for path in SOURCE.rglob("*.py")}
    modules = set(paths)
    graph = {name: (set(imported(path, modules)) & modules) - {name} for name, path in paths.items()}

    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
