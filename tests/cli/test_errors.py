"""A user's mistakes end in one sentence on stderr and a code that says what kind of mistake it was."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from polymem.cli.exits import ExitCode
from tests.cli.conftest import PATIENCE, POLYMEM, MakePolymem, Polymem

ID = "019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b52"


@pytest.fixture(scope="module")
def polymem(make_polymem: MakePolymem) -> Polymem:
    polymem = make_polymem()
    polymem.remember("Ana prefers window seats.", "--project", "travel")
    return polymem


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["show", ID], ExitCode.NOT_FOUND, f"Memory {ID} not found"),
        (["edit", ID, "--kind", "x"], ExitCode.NOT_FOUND, f"Memory {ID} not found"),
        (["restore", ID], ExitCode.NOT_FOUND, f"Memory {ID} not found"),
        (["purge", ID, "--yes"], ExitCode.NOT_FOUND, f"Memory {ID} not found"),
        (["why-not", ID, "x"], ExitCode.NOT_FOUND, f"Memory {ID} not found"),
        (["recall", "x", "--project", "nowhere"], ExitCode.NOT_FOUND, "Project nowhere not found"),
        (["list", "--organization", "nobody"], ExitCode.NOT_FOUND, "Organization nobody not found"),
        (["key", "revoke", ID], ExitCode.NOT_FOUND, f"Key {ID} not found"),
        (["remember", "x", "--supersedes", ID], ExitCode.NOT_FOUND, f"Memory {ID} not found"),
        (["remember", " "], ExitCode.INVALID_INPUT, "content is required"),
        (["remember", "x", "--importance", "11"], ExitCode.INVALID_INPUT, "importance must be a whole number"),
        (["remember", "x", "--metadata", "{"], ExitCode.INVALID_INPUT, "--metadata is not valid JSON"),
        (["remember", "x", "--metadata", "[]"], ExitCode.INVALID_INPUT, "--metadata must be a JSON object"),
        (["remember", "x", "--occurred-at", "soon"], ExitCode.INVALID_INPUT, "--occurred-at must be a date"),
        (["remember", "x", "--ttl", "soon"], ExitCode.INVALID_INPUT, "--ttl must be a number and a unit"),
        (["remember", "x", "--ttl", "0d"], ExitCode.INVALID_INPUT, "--ttl must be a number and a unit"),
        (["remember", "x", "--ttl", "999999999y"], ExitCode.INVALID_INPUT, "beyond the year 9999"),
        (["remember", "x", "--ttl", "1d", "--expires-at", "2099-01-01"], ExitCode.INVALID_INPUT, "one of them"),
        (["recall", ""], ExitCode.INVALID_INPUT, "query is required"),
        (["recall", "x", "--limit", "0"], ExitCode.INVALID_INPUT, "limit must be between 1 and 1000"),
        (["recall", "x", "--min-score", "2"], ExitCode.INVALID_INPUT, "min_score must be between 0 and 1"),
        (["key", "create", "--permissions", "all"], ExitCode.INVALID_INPUT, "--permissions takes read, write"),
        (["key", "create", "--expires-in-days", "0"], ExitCode.INVALID_INPUT, "--expires-in-days must be"),
        (["import", "/no/such/file"], ExitCode.FAILED, "/no/such/file: No such file or directory"),
        (["export", "/no/such/folder/file"], ExitCode.FAILED, "/no/such/folder/file.part: No such file"),
        (["list", "--data-dir", "/proc/nowhere"], ExitCode.UNAVAILABLE, "/proc/nowhere"),
        (["list", "--database-url", "mysql://x"], ExitCode.INVALID_INPUT, "postgresql:// URL"),
        (["recall", "x", "--mode", "magic"], ExitCode.INVALID_INPUT, "'magic' is not one of 'hybrid'"),
        (["serve", "--host", "0.0.0.0"], ExitCode.INVALID_INPUT, "POLYMEM_AUTH=required"),
        (["serve", "--listen", "morse:x"], ExitCode.INVALID_INPUT, "DIALECT:PORT"),
        (["servw"], ExitCode.INVALID_INPUT, "Did you mean 'serve'"),
    ],
)
def test_a_mistake_has_its_sentence_and_its_code(
    polymem: Polymem, arguments: list[str], code: ExitCode, sentence: str
) -> None:
    outcome = polymem.called(*arguments, POLYMEM_PORT="0")
    assert outcome.code == code
    assert sentence in outcome.stderr
    assert outcome.stdout == ""
    assert "Traceback" not in outcome.stderr


def test_a_setting_that_cannot_work_is_named(polymem: Polymem) -> None:
    outcome = polymem.called("list", POLYMEM_PORT="eighty")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("Error: POLYMEM_PORT: ")


def test_bytes_that_are_no_text_are_refused(polymem: Polymem) -> None:
    assert "not UTF-8" in polymem.called("remember", "-", stdin=b"\xff").stderr
    started = subprocess.run(
        [POLYMEM.encode(), b"remember", b"caf\xe9"],
        env={os.fsencode(name): os.fsencode(value) for name, value in polymem.environment().items()},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert started.returncode == 2
    assert b"which is not text" in started.stderr
    assert b"Traceback" not in started.stderr


def test_a_reader_that_has_seen_enough_ends_the_command_in_silence(polymem: Polymem) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [POLYMEM, "list", "--json"],
            stdout=write,
            stderr=subprocess.PIPE,
            env=polymem.environment(),
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_port_in_use_is_told_with_the_way_out(polymem: Polymem, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = polymem.started("serve", "--port", port, "--data-dir", str(tmp_path / "data"))
    assert outcome.code == ExitCode.UNAVAILABLE
    assert f"Port {port} of 127.0.0.1 is in use" in outcome.stderr
