from pathlib import Path

import pytest

from polymem.app.options import directory_name


@pytest.mark.parametrize("start", ["project", "project/src", "project/src/deep"])
def test_a_folder_inside_a_repository_works_in_the_repositorys_namespace(tmp_path: Path, start: str) -> None:
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "src" / "deep").mkdir(parents=True)
    assert directory_name(tmp_path / start) == "project"


def test_the_nearest_repository_counts(tmp_path: Path) -> None:
    (tmp_path / "outer" / ".git").mkdir(parents=True)
    inner = tmp_path / "outer" / "inner"
    inner.mkdir()
    (inner / ".git").write_text("gitdir: elsewhere")  # a submodule or worktree has a file
    assert directory_name(inner) == "inner"


def test_outside_of_a_repository_the_folder_names_the_namespace(tmp_path: Path) -> None:
    (tmp_path / "loose").mkdir()
    assert directory_name(tmp_path / "loose") == "loose"


def test_the_root_folder_has_a_name_too() -> None:
    assert directory_name(Path("/")) == "default"
