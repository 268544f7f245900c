"""The doctor names what is wrong and the way out, and leaves nothing behind."""

import sqlite3
from pathlib import Path

from tests.cli.conftest import Polymem


def findings(polymem: Polymem, *arguments: str, embedder: str = "local") -> tuple[int, dict[str, tuple[str, str]]]:
    outcome = polymem.called("doctor", "--json", *arguments, POLYMEM_EMBEDDER=embedder)
    return outcome.code, {item["subject"]: (item["verdict"], item["sentence"]) for item in outcome.json["items"]}


def test_a_fresh_machine_is_healthy_and_stays_untouched(polymem: Polymem) -> None:
    outcome = polymem.called("doctor", POLYMEM_PORT="9")
    assert outcome.code == 0, outcome.stdout
    assert f"SQLite {sqlite3.sqlite_version}" in outcome.stdout
    assert "Data directory: ok" in outcome.stdout
    assert "Server: note" in outcome.stdout
    assert "polymem serve starts one" in outcome.stdout
    assert not polymem.data_dir.exists()


def test_every_problem_has_a_way_out(polymem: Polymem, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, found = findings(
        polymem,
        *["--data-dir", str(tmp_path / "file"), "--url", "http://127.0.0.1:9"],
        embedder=str(tmp_path / "no-model"),
    )
    assert code == 6
    assert found["Data directory"][0] == "problem"
    assert "POLYMEM_DATA_DIR" in found["Data directory"][1]
    assert found["Embedding model"][0] == "problem"
    assert found["Server"][0] == "problem"


def test_a_directory_open_to_others_and_texts_without_vectors_are_worth_a_note(polymem: Polymem) -> None:
    polymem.called("remember", "Ana prefers window seats.", POLYMEM_EMBEDDER="none")
    polymem.data_dir.chmod(0o755)
    code, found = findings(polymem)
    assert code == 0
    assert found["Data directory"] == (
        "note",
        f"Others on this machine can look into {polymem.data_dir}; chmod 700 {polymem.data_dir} keeps them out.",
    )
    assert found["Database"][0] == "note"
    assert "polymem reindex" in found["Database"][1]


def test_no_model_at_all_is_a_note_with_the_three_ways_to_get_one(polymem: Polymem) -> None:
    code, found = findings(polymem, embedder="none")
    assert code == 0
    assert found["Embedding model"][0] == "note"
    assert "polymem[fastembed]" in found["Embedding model"][1]
