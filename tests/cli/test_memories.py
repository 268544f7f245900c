"""Keeping, changing and forgetting memories from a terminal."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE, POLYMEM, MakePolymem, Polymem

TEXT = "Ana prefers window seats and flies from Lisbon."


def test_a_memory_is_kept_and_found_by_processes_that_know_nothing_of_each_other(polymem: Polymem) -> None:
    kept = polymem.started("remember", TEXT, "--project", "travel", "--tag", "people", "--tag", "flights")
    assert kept.code == 0, kept.stderr
    memory_id = kept.stdout.split()[-1]
    found = polymem.started("recall", "Where does Ana like to sit on a plane?", "--json")
    assert found.json["mode"] == "hybrid"
    (hit,) = found.json["hits"]
    assert (hit["memory"]["id"], hit["memory"]["content"]) == (memory_id, TEXT)
    assert hit["memory"]["tags"] == ["people", "flights"]
    assert oct(polymem.data_dir.stat().st_mode)[-3:] == "700"


def test_every_option_of_remember_is_kept(polymem: Polymem) -> None:
    old = polymem.remember("Ana prefers aisle seats.")
    kept = polymem.called(
        *["remember", TEXT, "--project", "travel", "--kind", "preference", "--tag", "a", "--importance", "8"],
        *["--container", "chat-1", "--title", "Seats", "--metadata", '{"speaker": "Ana"}'],
        *["--occurred-at", "2026-01-31", "--expires-at", "2099-01-31T12:00+01:00", "--supersedes", old, "--json"],
    ).json
    assert kept | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "content": TEXT,
        "kind": "preference",
        "delivery": "on_demand",
        "project": "travel",
        "tags": ["a"],
        "importance": 8,
        "weight": 1.0,
        "confidence": None,
        "provenance": None,
        "container": "chat-1",
        "context": None,
        "title": "Seats",
        "summary": None,
        "metadata": {"speaker": "Ana"},
        "occurred_at": "2026-01-31T00:00:00Z",
        "valid_from": None,
        "valid_to": None,
        "expires_at": "2099-01-31T11:00:00Z",
        "supersedes": old,
        "superseded_by": None,
        "validations": 0,
        "contradictions": 0,
        "validated_at": None,
        "contradicted_at": None,
        "access_count": 0,
        "last_accessed": None,
        "created_at": "",
        "updated_at": "",
        "version": 1,
    }


@pytest.mark.parametrize("text", ["two\r\nlines\n", "\N{SNOWMAN} \u2028 \x1b[31mred", "x" * 1_000_000])
def test_stdin_is_kept_byte_for_byte(polymem: Polymem, text: str) -> None:
    assert polymem.called("remember", "-", "--json", stdin=text.encode()).json["content"] == text


def test_a_unique_text_is_kept_once(polymem: Polymem) -> None:
    first = polymem.remember(TEXT, "--unique")
    again = polymem.called("remember", TEXT, "--unique")
    assert (again.code, again.stdout) == (0, f"Known already as {first}\n")


def test_a_time_to_live_becomes_an_expiry(polymem: Polymem) -> None:
    kept = polymem.called("remember", TEXT, "--ttl", "30d", "--json").json
    assert kept["expires_at"] > kept["created_at"]


def test_show_tells_all_and_lets_no_text_command_the_terminal(polymem: Polymem) -> None:
    memory_id = polymem.remember("\x1b]0;owned\x07 \x9b31m line\nnext", "--title", "\x1b[2J", "--tag", "a")
    shown = polymem.called("show", memory_id)
    assert not {"\x1b", "\x07", "\x9b"} & set(shown.stdout)
    assert "\N{SYMBOL FOR ESCAPE}]0;owned" in shown.stdout
    assert shown.stdout.endswith("line\nnext\n")
    listed = polymem.called("list")
    assert not {"\x1b", "\x07", "\x9b"} & set(listed.stdout)


def test_show_tells_when_a_memory_was_forgotten(polymem: Polymem) -> None:
    memory_id = polymem.remember("gone soon")
    polymem.called("forget", memory_id)
    (line,) = [line for line in polymem.called("show", memory_id).stdout.splitlines() if "forgotten_at" in line]
    assert re.fullmatch(r"forgotten_at +\d{4}-\d\d-\d\dT[\d:.]+Z \(just now\)", line.strip())


def test_options_change_fields_and_empty_ones_clear_them(polymem: Polymem) -> None:
    memory_id = polymem.remember(TEXT, "--project", "travel", "--title", "Seats", "--tag", "a", "--container", "c")
    changed = polymem.called(
        "edit", memory_id, "--content", "Ana likes trains.", "--tag", "x", "--tag", "y", "--json"
    ).json
    assert (changed["content"], changed["tags"], changed["title"]) == ("Ana likes trains.", ["x", "y"], "Seats")
    options = ["--title", "", "--tag", "", "--project", "", "--container", ""]
    cleared = polymem.called("edit", memory_id, *options, "--json").json
    assert [cleared[name] for name in ("title", "tags", "project", "container")] == [None, [], None, None]
    assert cleared["version"] == 3
    same = polymem.called("edit", memory_id, "--content", "Ana likes trains.")
    assert same.stdout == f"Nothing changed in {memory_id}\n"


def test_history_shows_what_each_change_did(polymem: Polymem) -> None:
    memory_id = polymem.remember("Ana likes planes.\nAnd trains.", "--tag", "a")
    polymem.called("edit", memory_id, "--content", "Ana likes ships.\nAnd trains.", "--importance", "9")
    polymem.called("forget", memory_id)
    shown = polymem.called("history", memory_id).stdout
    for line in ("version 2  revised", "importance: 5 → 9", "- Ana likes planes.", "+ Ana likes ships.", "by cli"):
        assert line in shown
    assert "version 3  forgotten" in shown
    entries = polymem.called("history", memory_id, "--json").json["items"]
    assert [(entry["version"], entry["change"], entry["actor"]) for entry in entries] == [
        (1, "created", "cli"),
        (2, "revised", "cli"),
        (3, "forgotten", "cli"),
    ]


def test_forgetting_several_does_what_it_can_and_names_what_it_cannot(polymem: Polymem) -> None:
    one, two = polymem.remember("One"), polymem.remember("Two")
    outcome = polymem.called("forget", one, "nonsense", two)
    assert outcome.code == 3
    assert outcome.stdout == f"Forgot {one}\nForgot {two}\n"
    assert outcome.stderr == "Error: Memory nonsense not found\n"
    assert polymem.called("list", "--json").json["total"] == 0
    assert polymem.called("list", "--trash", "--json").json["total"] == 2
    assert polymem.called("restore", one, two).code == 0
    assert polymem.called("list", "--json").json["total"] == 2


def test_purging_asks_first_and_leaves_nothing(polymem: Polymem) -> None:
    memory_id = polymem.remember(TEXT)
    refused = polymem.called("purge", memory_id)
    assert (refused.code, refused.stderr) == (2, "Error: This cannot be undone: say --yes\n")
    assert polymem.called("purge", memory_id, "--yes").stdout == f"Purged {memory_id}\n"
    assert polymem.called("history", memory_id).code == 3


class InTerminal:
    """A command whose stdin, stdout and stderr are a terminal."""

    def __init__(self, polymem: Polymem, *arguments: str, typed: bytes = b"", **settings: str) -> None:
        ours, theirs = pty.openpty()
        os.write(ours, typed)
        environment = polymem.environment(**settings)
        with subprocess.Popen(
            [POLYMEM, *arguments], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as process:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        os.close(ours)
        os.close(theirs)
        self.code, self.stdout, self.stderr = process.returncode, stdout.decode(), stderr.decode()


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """An editor that changes planes to ships, notes what it was given, and ends a file with a new line."""
    script = tmp_path / "editor"
    script.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "file = pathlib.Path(sys.argv[-1])\n"
        "text = file.read_text()\n"
        "pathlib.Path(__file__).with_name('seen').write_text(f'{file.stat().st_mode & 0o777:o} {sys.argv[1]} {text}')\n"
        "file.write_text(text.replace('planes', 'ships') + chr(10))\n"
    )
    script.chmod(0o700)
    return script


def test_edit_opens_the_users_editor_on_a_terminal(polymem: Polymem, editor: Path) -> None:
    memory_id = polymem.remember("Ana likes planes.")
    edited = InTerminal(polymem, "edit", memory_id, VISUAL="", EDITOR=f"'{editor}' --wait")
    assert (edited.code, edited.stdout) == (0, f"Changed {memory_id}, version 2\n"), edited.stderr
    assert editor.with_name("seen").read_text() == "600 --wait Ana likes planes."
    assert polymem.called("show", memory_id, "--json").json["content"] == "Ana likes ships."


def test_an_edit_that_cannot_be_kept_is_not_lost(make_polymem: MakePolymem, tmp_path: Path) -> None:
    polymem = make_polymem()
    memory_id = polymem.remember("Ana likes planes.")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'half\\000text' > \"$1\"\n")
    editor.chmod(0o700)
    refused = InTerminal(polymem, "edit", memory_id, EDITOR=str(editor), VISUAL="", TMPDIR=str(tmp_path))
    assert refused.code == 2
    assert "NUL character" in refused.stderr
    (left,) = tmp_path.glob("polymem-*")
    assert left.read_bytes() == b"half\0text"
    assert left.name in refused.stderr
    assert polymem.called("show", memory_id, "--json").json["version"] == 1


def test_an_editor_that_cannot_be_started_changes_nothing(polymem: Polymem) -> None:
    memory_id = polymem.remember("Ana likes planes.")
    failed = InTerminal(polymem, "edit", memory_id, EDITOR="/no/such/editor", VISUAL="")
    assert failed.code == 1
    assert "cannot be started" in failed.stderr
    assert polymem.called("show", memory_id, "--json").json["version"] == 1


def test_edit_without_a_terminal_asks_for_an_option(polymem: Polymem) -> None:
    memory_id = polymem.remember("Ana likes planes.")
    outcome = polymem.called("edit", memory_id)
    assert outcome.code == 2
    assert "give an option" in outcome.stderr


def test_json_is_one_value_and_nothing_else(polymem: Polymem) -> None:
    polymem.remember("Ana likes planes \N{AIRPLANE}.")
    for arguments in (["list"], ["recall", "planes"], ["projects"], ["stats"], ["verify"], ["key", "list"]):
        outcome = polymem.called(*arguments, "--json")
        assert isinstance(json.loads(outcome.stdout), dict), arguments
        assert outcome.stderr == "", arguments
