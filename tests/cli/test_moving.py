"""polymem migrate-store, from one data directory to another."""

from pathlib import Path

from polymem.cli.exits import ExitCode
from tests.cli.conftest import MakePolymem, Polymem


def test_a_moved_store_holds_what_the_old_one_holds(
    polymem: Polymem, make_polymem: MakePolymem, tmp_path: Path
) -> None:
    kept = polymem.remember("Ana flies from Lisbon.")
    moved = polymem.called(
        "migrate-store", "--from", f"sqlite:{polymem.data_dir}", "--to", f"sqlite:{tmp_path / 'new'}"
    )
    assert moved.code == 0, moved.stderr
    assert "both sides are equal" in moved.stdout
    new = make_polymem(tmp_path / "new")
    assert new.called("show", kept, "--json").json == polymem.called("show", kept, "--json").json
    assert [hit["memory"]["id"] for hit in new.called("recall", "Lisbon", "--json").json["hits"]] == [kept]


def test_a_moved_store_is_summed_up_for_programs(polymem: Polymem, tmp_path: Path) -> None:
    polymem.remember("Ana flies from Lisbon.")
    moved = polymem.called(
        "migrate-store", "--from", str(polymem.data_dir), "--to", str(tmp_path / "new"), "--json"
    ).json
    accounts, organization = moved["parts"]
    assert accounts["organization"] is None
    assert len(organization["checksum"]) == 32
    assert moved["rows"] == accounts["rows"] + organization["rows"]


def test_what_cannot_be_moved_is_told_by_a_sentence_and_a_code(polymem: Polymem, tmp_path: Path) -> None:
    nowhere = polymem.called("migrate-store", "--from", f"sqlite:{tmp_path / 'nowhere'}", "--to", str(tmp_path / "new"))
    assert (nowhere.code, "not found" in nowhere.stderr) == (ExitCode.NOT_FOUND, True)
    polymem.remember("Ana flies from Lisbon.")
    other = tmp_path / "other"
    first = polymem.called("migrate-store", "--from", str(polymem.data_dir), "--to", str(other))
    again = polymem.called("migrate-store", "--from", str(polymem.data_dir), "--to", str(other))
    assert (first.code, again.code) == (0, ExitCode.CONFLICT)
    assert "not empty" in again.stderr
