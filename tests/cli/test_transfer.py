"""Moving memories out of and into files from a terminal."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import MakePolymem, Polymem

TEXTS = ["Ana prefers window seats.", "two\r\nlines\n", "\N{SNOWMAN}\u2028\x85 \x1b[1m", '{"content": 1}']


@pytest.fixture(scope="module")
def source(make_polymem: MakePolymem) -> Polymem:
    polymem = make_polymem()
    for text in TEXTS:
        polymem.remember(text, "-p", "travel", "-t", "a", "--metadata", '{"n": 1.5}', "--occurred-at", "2026-01-31")
    first = polymem.called("list", "--ascending", "--json").json["items"][0]["id"]
    polymem.remember("Ana prefers aisle seats.", "--supersedes", first)
    polymem.called("forget", polymem.remember("Forgotten"))
    return polymem


def exported(polymem: Polymem) -> list[dict[str, Any]]:
    outcome = polymem.called("export")
    assert outcome.code == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.split("\n") if line]


def test_an_export_imported_elsewhere_is_the_same_again(source: Polymem, polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "memories.ndjson"
    out = source.started("export", str(file))
    assert (out.code, out.stdout, out.stderr) == (0, "", f"Exported 5 memories to {file}\n")
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert list(tmp_path.iterdir()) == [file]
    into = polymem.started("import", str(file))
    assert (into.code, into.stdout) == (0, "Imported 5, there already 0, skipped 0\n"), into.stderr
    volatile = {"updated_at": "", "version": 0}
    before, after = ([record | volatile for record in exported(one)] for one in (source, polymem))
    assert before == after
    assert [record["content"] for record in after] == [*TEXTS, "Ana prefers aisle seats."]
    assert after[0]["superseded_by"] == after[4]["id"]
    again = polymem.called("import", str(file), "--json")
    assert again.json == {"imported": 0, "existing": 5, "skipped": []}


def test_a_pipe_carries_an_export_from_one_command_to_the_other(source: Polymem, polymem: Polymem) -> None:
    out = source.called("export", "-", "--project", "travel")
    into = polymem.called("import", "-", "--new-ids", "--project", "trips", stdin=out.stdout.encode())
    assert into.stdout == "Imported 4, there already 0, skipped 0\n"
    records = exported(polymem)
    assert {record["project"] for record in records} == {"trips"}
    assert {record["id"] for record in records}.isdisjoint(record["id"] for record in exported(source))


def test_one_json_array_is_another_form(source: Polymem, polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "memories.json"
    source.called("export", str(file), "--format", "json")
    assert len(json.loads(file.read_text())) == 5
    assert polymem.called("import", str(file), "--json").json["imported"] == 5


def test_an_export_of_nothing_is_empty(polymem: Polymem) -> None:
    assert polymem.called("export").stdout == ""
    assert json.loads(polymem.called("export", "--format", "json").stdout) == []


def test_what_cannot_be_kept_is_reported_and_the_rest_is_kept(polymem: Polymem) -> None:
    lines = b'{"content": "a"}\nnonsense\n{"content": ""}\n{"kind": "note"}\n{"content": "b", "importance": 99}\n'
    outcome = polymem.called("import", "-", "--format", "ndjson", stdin=lines + b'{"content": "c"}')
    assert outcome.code == 6
    assert outcome.stdout.startswith("Imported 2, there already 0, skipped 4\n")
    for part in (
        "2  it is not valid JSON",
        "3  content is required",
        "4  content is required",
        "5  importance must be",
    ):
        assert part in outcome.stdout
    assert [record["content"] for record in exported(polymem)] == ["a", "c"]


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"Dear diary,\ntoday"])
def test_a_file_of_something_else_is_refused_before_anything_is_kept(
    polymem: Polymem, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    outcome = polymem.called("import", str(file))
    assert outcome.code == 2
    assert "neither NDJSON nor JSON" in outcome.stderr
    assert exported(polymem) == []


def memento_entry(number: int, **metadata: Any) -> dict[str, Any]:
    return {
        "id": f"8b0f6c1e-3c55-4b52-9a53-2a1f6e0a4a{number:02}",
        "content": f"Decision {number}",
        "metadata": {
            "namespace": "shop",
            "tags": ["decision"],
            "timestamp": "2026-01-31T12:00:00.000Z",
            "summary": f"Decision {number}",
            "priority": "high",
            **metadata,
        },
    }


def test_a_memento_export_becomes_memories_of_projects(polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"entries": [memento_entry(1), memento_entry(2, namespace="__global__")]}, indent=2))
    assert polymem.called("import", str(file)).stdout == "Imported 2, there already 0, skipped 0\n"
    first, second = exported(polymem)
    assert (first["id"], first["project"], first["tags"]) == (memento_entry(1)["id"], "shop", ["decision"])
    assert (first["importance"], first["created_at"]) == (8, "2026-01-31T12:00:00Z")
    assert second["project"] is None


def test_a_folder_with_a_file_for_each_memento_entry_is_read_whole(polymem: Polymem, tmp_path: Path) -> None:
    for number in range(3):
        folder = tmp_path / "shop" / str(number)
        folder.mkdir(parents=True)
        (folder / "entry.json").write_text(json.dumps(memento_entry(number), indent=2))
    (tmp_path / "notes.txt").write_text("not one of them")
    outcome = polymem.called("import", str(tmp_path), "--format", "memento")
    assert outcome.stdout == "Imported 3, there already 0, skipped 0\n"
    (tmp_path / "broken.json").write_text("{")
    refused = polymem.called("import", str(tmp_path))
    assert refused.code == 2
    assert "broken.json: The file is neither" in refused.stderr
    shutil.rmtree(tmp_path / "shop")
    (tmp_path / "broken.json").unlink()
    assert "holds no .json" in polymem.called("import", str(tmp_path)).stderr


def test_a_backup_is_whole_and_private_and_never_writes_over_anything(
    source: Polymem, make_polymem: MakePolymem, tmp_path: Path
) -> None:
    restored = tmp_path / "restored"
    restored.mkdir()
    target = restored / "polymem.db"
    made = source.called("backup", str(target))
    assert made.code == 0, made.stderr
    assert made.stdout.startswith(f"Copied to {target} (")
    assert exported(make_polymem(restored)) == exported(source)
    assert source.called("backup", str(target)).code == 4
    into_folder = source.called("backup", str(tmp_path))
    assert into_folder.code == 0
    (copy,) = tmp_path.glob("polymem-*.db")
    assert oct(copy.stat().st_mode)[-3:] == "600"


def test_verify_finds_damage_and_repairs_it(polymem: Polymem) -> None:
    memory_id = polymem.remember("Ana prefers window seats.", "-t", "people")
    assert polymem.called("verify").stdout == "Checked 1 memories: all is well\n"
    with sqlite3.connect(polymem.data_dir / "polymem.db") as database:
        database.execute("DELETE FROM memory_tags")
    database.close()
    damaged = polymem.called("verify")
    assert damaged.code == 6
    assert memory_id in damaged.stdout
    assert "--repair" in damaged.stdout
    assert polymem.called("verify", "--json").json["repaired"] == 0
    repaired = polymem.called("verify", "--repair")
    assert (repaired.code, repaired.stdout.splitlines()[-1]) == (0, "Checked 1 memories: 1 problem, repaired")
    assert polymem.called("list", "-t", "people", "--json").json["total"] == 1
    assert polymem.called("verify").code == 0


def test_a_folder_of_notes_and_exports_is_read_file_by_file(polymem: Polymem, tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "porto.md").write_text("- We took the train.\n- It was late.\n")
    (tmp_path / "mem0.json").write_text('{"results": [{"id": "m", "memory": "Likes trains"}]}')
    (tmp_path / "ignored.txt").write_text("nothing")
    into = polymem.called("import", str(tmp_path))
    assert into.stdout == "Imported 3, there already 0, skipped 0\n"
    kept = {(record["title"], record["content"]) for record in exported(polymem)}
    assert kept == {("porto", "We took the train."), ("porto", "It was late."), (None, "Likes trains")}
    again = polymem.called("import", str(tmp_path))
    assert again.stdout == "Imported 0, there already 3, skipped 0\n"
    assert polymem.called("import", str(tmp_path), "--no-merge").stdout == "Imported 2, there already 1, skipped 0\n"


def test_an_import_says_what_is_not_of_the_named_system(polymem: Polymem, tmp_path: Path) -> None:
    file = tmp_path / "memories.json"
    file.write_text('[{"content": "x", "memory_type": "fact"}, {"content": "y"}]')
    into = polymem.called("import", str(file), "--format", "aimemory", "--json")
    assert into.code == 6
    assert into.json["skipped"] == [{"position": 2, "reason": "it is no entry of aimemory"}]
