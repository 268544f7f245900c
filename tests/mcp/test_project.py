from pathlib import Path

import pytest

from polymem.mcp.project import Place, detect


def test_what_is_given_wins(tmp_path: Path) -> None:
    (tmp_path / ".polymem").write_text('{"project": "file"}')
    assert detect(tmp_path, "mine") == Place("mine", "named when the server was started")
    assert detect(tmp_path, "").key is None


@pytest.mark.parametrize("name", [".polymem", ".mememory"])
def test_a_file_above_names_the_project(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"version": 1, "project": "named", "more": true}')
    (tmp_path / "a" / ".git").mkdir(parents=True)
    (tmp_path / "a" / "b").mkdir()
    assert detect(tmp_path / "a" / "b") == Place("named", f"from {tmp_path / name}")


def test_the_nearest_file_counts_and_ours_before_mememorys(tmp_path: Path) -> None:
    (tmp_path / ".polymem").write_text('{"project": "far"}')
    near = tmp_path / "near"
    near.mkdir()
    (near / ".mememory").write_text('{"project": "theirs"}')
    assert detect(near).key == "theirs"
    (near / ".polymem").write_text('{"project": "ours"}')
    assert detect(near).key == "ours"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"project": 3}', '{"project": " "}', "\x00"])
def test_a_file_that_names_nothing_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    (tmp_path / "work" / ".polymem").write_text(text)
    assert detect(tmp_path / "work").key == "work"


def test_the_repository_then_the_directory(tmp_path: Path) -> None:
    inside = tmp_path / "repository" / "src"
    inside.mkdir(parents=True)
    assert detect(inside) == Place("src", f"the name of the directory {inside}")
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere")
    assert detect(inside) == Place("repository", f"the name of the git repository {tmp_path / 'repository'}")
    assert detect(Path("/")).key is None
